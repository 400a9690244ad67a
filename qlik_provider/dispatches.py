"""Starts a pipeline by one POST whose address, body and credential are fixed; performs nothing else.

https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event,
https://learn.microsoft.com/rest/api/azure/devops/pipelines/runs/run-pipeline,
https://docs.gitlab.com/api/pipelines/#create-a-new-pipeline
"""

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx

from qlik_provider.errors import CredentialsError
from qlik_provider.transport import refuse_bad_url

ADDRESS, BODY, TOKEN = "QLIK_DISPATCH_URL", "QLIK_DISPATCH_BODY", "QLIK_DISPATCH_TOKEN"
TIMEOUT = 10.0  # seconds; who tells of an event waits for this

Scheme = Literal["bearer", "basic"]


@dataclass(frozen=True)
class Pipeline:
    """What is posted, and where."""

    url: str
    body: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def host(self) -> str:
        """Whom it is posted to."""
        return httpx.URL(self.url).host


def read_pipeline(url: str, body: str, scheme: Scheme, environment: Mapping[str, str] = os.environ) -> Pipeline:
    """Return what starts the pipeline, with the token of the environment; raises CredentialsError.

    By `basic` the token is the password of nobody by name, as personal tokens of Azure DevOps are sent.
    """
    refuse_bad_url(ADDRESS, url)
    if httpx.URL(url).userinfo:
        raise CredentialsError(ADDRESS, f"holds credentials; they belong into {TOKEN}")
    try:
        json.loads(body)
    except ValueError as error:
        raise CredentialsError(BODY, f"is no JSON: {error}") from None
    token = environment.get(TOKEN, "")
    if not token:
        raise CredentialsError(TOKEN, "is not set; it is what may start the pipeline, and nothing else")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise CredentialsError(TOKEN, "holds a blank, a line break or a letter that no token has")
    sent = base64.b64encode(f":{token}".encode()).decode() if scheme == "basic" else token
    headers = {"Authorization": f"{scheme.capitalize()} {sent}", "Content-Type": "application/json"}
    return Pipeline(url, body, headers)


class Dispatcher:
    """Starts the pipeline, one POST at a time and no sooner than `pause` seconds after the last one.

    A thousand people are so no thousand pipelines: whoever asks before a POST has begun shares it, and whoever asks
    afterwards gets the next one, since that pipeline may have looked already.
    """

    def __init__(self, pipeline: Pipeline, pause: float) -> None:
        self.pipeline = pipeline
        self._pause = pause
        self._ready = 0.0
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[str] | None = None

    async def dispatch(self) -> str:
        """Return why the pipeline was not started; nothing where it was."""
        if self._next is None:
            self._next = asyncio.create_task(self._take_turn())
        return await asyncio.shield(self._next)

    async def _take_turn(self) -> str:
        async with self._turn:
            clock = asyncio.get_running_loop()
            await asyncio.sleep(self._ready - clock.time())
            self._next = None
            try:
                return await self._post()
            finally:
                self._ready = clock.time() + self._pause

    async def _post(self) -> str:
        pipeline = self.pipeline
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as http:
                answer = await http.post(pipeline.url, content=pipeline.body, headers=dict(pipeline.headers))
        except (httpx.HTTPError, OSError) as error:
            return f"no answer from {pipeline.host}: {type(error).__name__}"
        return "" if answer.is_success else f"{pipeline.host} answered {answer.status_code}"
