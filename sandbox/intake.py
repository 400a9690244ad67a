"""What comes in: a request read whole, or refused before any handler sees it."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope

from sandbox.services import Service

MEGABYTE = 1_000_000
# Graph documents 4 MB; the tenant's services document limits of their own below this one. A world may be large.
_MAX_BODY: Mapping[Service, int] = {
    "qlik": 4 * MEGABYTE,
    "graph": 4 * MEGABYTE,
    "identity": MEGABYTE,
    "control": 512 * MEGABYTE,
}
_MAX_QUERY = 32_000
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Unreadable(Exception):
    """A request that no service would read, with the status it gets."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status


async def read_request(scope: Scope, receive: Receive, service: Service) -> bytes | None:
    """Return the body of a request, or None where the caller left before it was whole, or raise Unreadable."""
    parts: list[bytes] = []
    size, has_more = 0, True
    while has_more:
        message: Mapping[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        # All of it is read, so that the caller has ears for the answer, but no more is kept than fits.
        if size <= _MAX_BODY[service]:
            parts.append(part)
        has_more = message.get("more_body", False)
    if size > _MAX_BODY[service]:
        raise Unreadable(413, "Payload too large")
    _check_address(scope)
    return b"".join(parts)


def _check_address(scope: Scope) -> None:
    """Raise Unreadable for an address that is not percent-encoded UTF-8, or holds a NUL."""
    if len(scope["query_string"]) > _MAX_QUERY:
        raise Unreadable(414, "URI too long")
    for part in (scope["raw_path"], scope["query_string"]):
        if b"%" not in part and part.isascii():
            continue
        if _BAD_PERCENT.search(part):
            raise Unreadable(400, "Malformed percent-encoding")
        try:
            text = unquote_to_bytes(part).decode()
        except UnicodeDecodeError as error:
            raise Unreadable(400, "Malformed percent-encoding") from error
        if "\0" in text:
            raise Unreadable(400, "Malformed address")
