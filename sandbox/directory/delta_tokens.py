"""The tokens of delta queries: where a round stands and what it was asked for, opaque to the caller."""

import base64
import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any, Self

from starlette.requests import Request

from sandbox.answers import Refusal, base_url, sandbox_of
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.journal import latest
from sandbox.state import Sandbox

DAYS = 7
SECONDS = DAYS * 86_400

_EPOCH = "deltaEpoch"
_MOST = 2**62  # more than a change or a row can be numbered
_IDS = re.compile(r"\s*id\s+eq\s+'([0-9a-fA-F-]{36})'\s*(?:or\b|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Round:
    """One round of a delta query: the changes after `since` (-1: everything) up to `until`, read up to `place`."""

    epoch: str
    at: float
    since: int
    until: int
    place: tuple[int, int] = (0, 0)
    select: str | None = None
    ids: tuple[str, ...] = ()

    def encode(self) -> str:
        """Return the token."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the round of a token, or raise 400 for text that never was one."""
        try:
            content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            place, ids = (int(content["place"][0]), int(content["place"][1])), tuple(map(str, content["ids"]))
            numbers = float(content["at"]), int(content["since"]), int(content["until"])
            select = content["select"]
            found = cls(str(content["epoch"]), *numbers, place, None if select is None else str(select), ids)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
            raise bad_request("Badly formed token.") from error
        # A token can be made up; SQLite takes no larger number.
        if max(map(abs, (*place, *numbers[1:]))) >= _MOST:
            raise bad_request("Badly formed token.")
        return found


def read_round(request: Request) -> Round:
    """Return the round a request begins or goes on with, or raise 410 for a token of too long ago."""
    sandbox = sandbox_of(request)
    options = request.query_params
    token = options.get("$skiptoken") or options.get("$deltatoken")
    if token and token.lower() != "latest":
        found = Round.decode(token)
        if found.epoch != _epoch(sandbox) or sandbox.clock.seconds() - found.at > SECONDS:
            raise _expired(request)
        if options.get("$deltatoken"):
            return _begin(sandbox, found.until, found.select, found.ids)
        return found
    since = latest(sandbox) if token else -1
    return _begin(sandbox, since, options.get("$select"), _read_ids(options.get("$filter", "").strip()))


def link_of(request: Request, found: Round, name: str) -> str:
    """Return the address that goes on with a round; what was asked for is in its token."""
    return f"{base_url(request)}{request.url.path}?{name}={found.encode()}"


def _begin(sandbox: Sandbox, since: int, select: str | None, ids: tuple[str, ...]) -> Round:
    return Round(_epoch(sandbox), sandbox.clock.seconds(), since, latest(sandbox), (0, 0), select, ids)


def _read_ids(text: str) -> tuple[str, ...]:
    """Return the object ids of a filter; delta queries take no other."""
    found, place = [], 0
    while place < len(text):
        match = _IDS.match(text, place)
        if match is None:
            raise bad_request("Delta query supports $filter on id only.", "Request_UnsupportedQuery")
        found.append(match.group(1).lower())
        place = match.end()
    return tuple(found)


def _epoch(sandbox: Sandbox) -> str:
    """Return what tells this world from the one before: its tokens mean nothing in another."""
    known = sandbox.setting(_EPOCH)
    if known is None:
        known = secrets.token_hex(8)
        sandbox.put_setting(_EPOCH, known)
    return str(known)


def _expired(request: Request) -> Refusal:
    refusal = graph_refusal(410, "syncStateNotFound", "The sync state generation is not found; a full sync is needed.")
    refusal.response.headers["Location"] = f"{base_url(request)}{request.url.path}?$deltatoken="
    return refusal
