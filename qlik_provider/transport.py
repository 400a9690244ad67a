"""The last step before the socket: who may send what, and what is tried again."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import stamina

from qlik_provider.errors import AnswerLost, ApiError, CredentialsError, ServiceBroken, WriteRefused
from qlik_provider.wire import TRANSIENT, decipher

# A retry is told by what it leads to; without a handler Python prints every one to the engine's display.
logging.getLogger("stamina").addHandler(logging.NullHandler())

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
ATTEMPTS = 6
LOOKS = 8  # at what was just written, until it shows
LONGEST_WAIT = 90.0  # seconds; a service that asks for more is given up on

# Requests that change nothing although they are no GET.
_READS = re.compile(
    r"/oauth/token"
    r"|/[^/]+/oauth2/v2\.0/token"
    r"|/.+/_apis/distributedtask/hubs/[^/]+/plans/[^/]+/jobs/[^/]+/oidctoken"
    r"|/api/v1/(users|groups)/actions/filter"
)
_BATCH = re.compile(r"/(v1\.0|beta)/\$batch")


def refuse_write(request: httpx.Request) -> None:
    """Raise WriteRefused for anything but a read, before a connection is opened."""
    if not is_read(request):
        raise WriteRefused(request.method, request.url.path)


def is_read(request: httpx.Request) -> bool:
    """Tell whether a request can change nothing: by verb, by path, and for a batch by what is in it."""
    if request.method in {"GET", "HEAD"}:
        return True
    if request.method != "POST":
        return False
    if _BATCH.fullmatch(request.url.path):
        return _reads_only(request.content)
    return _READS.fullmatch(request.url.path) is not None


def _reads_only(batch: bytes) -> bool:
    """Tell whether a batch holds nothing but GETs; one that cannot be understood counts as a write."""
    try:
        return all(item["method"] == "GET" for item in json.loads(batch)["requests"])
    except (ValueError, KeyError, TypeError):
        return False


def refuse_bad_url(variable: str, url: str) -> None:
    """Raise CredentialsError, naming the variable, for a text that is no https URL."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CredentialsError(variable, f"{url!r} is no URL: {error}") from None
    if parsed.scheme != "https" or not parsed.host:
        raise CredentialsError(variable, f"{url!r} is no URL; write https:// and the hostname")


def open_http(
    base_url: str, auth: httpx.Auth | None, *, may_write: bool = False, is_proxied: bool = True
) -> httpx.Client:
    """Return a client of one service; without `may_write` it cannot send a write.

    TLS trusts the authorities of certifi, or of SSL_CERT_FILE; proxies are those of HTTPS_PROXY and NO_PROXY, where
    the service `is_proxied`.
    """
    return httpx.Client(
        base_url=base_url,
        auth=auth,
        timeout=TIMEOUT,
        limits=httpx.Limits(max_connections=8),
        follow_redirects=False,
        event_hooks={"request": [] if may_write else [refuse_write]},
        mounts=None if is_proxied else {"http://": None, "https://": None},
    )


def attempts() -> Iterator[stamina.Attempt]:
    """Yield the attempts at one request: another one after each ServiceBroken, as late as the service asks for."""
    yield from stamina.retry_context(on=_wait_for, attempts=ATTEMPTS, timeout=LONGEST_WAIT)


def send(
    service: str,
    http: httpx.Client,
    request: httpx.Request,
    *,
    look: Callable[[httpx.Response], None] = lambda _: None,
) -> Any:
    """Return the JSON answered to a request; raises ApiError.

    Reads are tried again after a broken connection or a transient status, writes only after a 429 or 503 with
    Retry-After, which say that nothing was done. A write whose answer was lost raises AnswerLost: read, then repeat.
    """
    for attempt in attempts():
        with attempt:
            response = _send_once(service, http, request)
            look(response)
            try:
                return decipher(service, request, response)
            except ServiceBroken as error:
                error.wait = asked_wait(response)
                if is_read(request) or _was_not_begun(error):
                    raise
                raise AnswerLost(service, error.method, error.path, error.reason, status=error.status) from error
    raise AssertionError("unreachable")


class _NotShownError(Exception):
    """What was looked for does not show yet."""


def wait_until(is_shown: Callable[[], bool]) -> bool:
    """Return whether something shows, looked at again and again with the waits between retries, a few times."""

    @stamina.retry(on=_NotShownError, attempts=LOOKS, timeout=LONGEST_WAIT)
    def look() -> None:
        if not is_shown():
            raise _NotShownError

    try:
        look()
    except _NotShownError:
        return False
    return True


@dataclass(frozen=True)
class Answer:
    """An answer as it came; a refusal tells as much as a success."""

    status: int
    headers: Mapping[str, str]
    body: Any
    """The JSON, or None where there is none."""


def ask(service: str, http: httpx.Client, request: httpx.Request) -> Answer:
    """Return the answer to a request, also a refusal; raises ApiError for a service that is down and a lost write."""
    answers: list[httpx.Response] = []
    try:
        send(service, http, request, look=answers.append)
    except ApiError as error:
        is_down = error.status in TRANSIENT - {httpx.codes.INTERNAL_SERVER_ERROR}
        if not answers or is_down or isinstance(error, AnswerLost):
            raise
    last = answers[-1]
    try:
        body = last.json()
    except ValueError:
        body = None
    return Answer(last.status_code, last.headers, body)


def _send_once(service: str, http: httpx.Client, request: httpx.Request) -> httpx.Response:
    try:
        return http.send(request)
    except httpx.TransportError as error:
        reason = f"no answer from {request.url.host}: {error or type(error).__name__}"
        lost = not is_read(request) and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        kind = AnswerLost if lost else ServiceBroken
        raise kind(service, request.method, request.url.path, reason) from error


def read_date(response: httpx.Response) -> datetime:
    """Return the time the service gives with an answer; ours where it gives none."""
    date = response.headers.get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)


def _was_not_begun(error: ServiceBroken) -> bool:
    """Tell whether a service said that it turned a write away before doing anything."""
    return error.status == httpx.codes.TOO_MANY_REQUESTS or (
        error.status == httpx.codes.SERVICE_UNAVAILABLE and error.wait is not None
    )


def asked_wait(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After (https://qlik.dev/apis/rest/rate-limiting)."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None


def _wait_for(error: Exception) -> bool | float:
    if not isinstance(error, ServiceBroken):
        return False
    if error.wait is None:
        return True
    return error.wait if error.wait <= LONGEST_WAIT else False
