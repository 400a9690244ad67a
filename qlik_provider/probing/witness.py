"""A tenant under questioning: what several questions need is read once."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from qlik_provider.client import QlikClient
from qlik_provider.entitlements import Assignment
from qlik_provider.people import TenantUser
from qlik_provider.probing.findings import Found
from qlik_provider.transport import Answer
from qlik_provider.wire import Overview, TenantBody

STATUSES = ("active", "invited", "provisioned", "disabled", "deleted")
OK = 200


class Untold(Exception):  # an answer to the question, not a failure
    """A question that this tenant, as it is now, cannot answer; the text says why."""


class Witness:
    """The tenant, spoken to as a caller who cannot write."""

    def __init__(self, client: QlikClient) -> None:
        self.client = client

    def ask(self, path: str, **params: str) -> Answer:
        """Return the answer to a GET under /api/v1 as it came."""
        return self.client.ask(f"/api/v1/{path}", params)

    def body(self, path: str, **params: str) -> Any:
        """Return the object of an answer; raises Untold for a refusal."""
        answer = self.ask(path, **params)
        if answer.status != OK or not isinstance(answer.body, dict):
            raise Untold(f"GET {path} answers {describe(answer)}")
        return answer.body

    @cached_property
    def tenant(self) -> TenantBody:
        """The tenant itself."""
        return self.client.read_tenant()

    @cached_property
    def overview(self) -> Overview:
        """License and seats, before anything is tried."""
        return self.client.read_overview()

    @cached_property
    def rows(self) -> tuple[Assignment, ...]:
        """Every row of the license, before anything is tried."""
        return self.client.read_assignments()

    @cached_property
    def users(self) -> tuple[TenantUser, ...]:
        """Every user that is not deleted."""
        return self.client.read_users()

    @cached_property
    def me(self) -> Answer:
        """What `users/me` answers."""
        return self.ask("users/me")

    @cached_property
    def my_id(self) -> str:
        """The id of the caller's own user."""
        return str(self.me.headers.get("location", "")).partition("?")[0].rpartition("/")[2]

    def pages(self, path: str, cursor: str, **params: str) -> Iterator[dict[str, Any]]:
        """Yield every page of a list as it came."""
        query: dict[str, str] = {**params, "limit": "100"}
        seen: set[str] = set()
        while True:
            page = self.body(path, **query)
            yield page
            href = href_of(page)
            query = dict(parse_qsl(urlsplit(href).query))
            if not href or query.get(cursor, "") in seen:
                return
            seen.add(query.get(cursor, ""))


Question = Callable[[Witness], Found]


def members_of(answer: Answer) -> dict[str, Any]:
    """Return the members of an answer; none for one that is no object."""
    return answer.body if isinstance(answer.body, dict) else {}


def href_of(page: dict[str, Any], link: str = "next") -> str:
    """Return the address of a link, or nothing where it is absent or null."""
    return str(((page.get("links") or {}).get(link) or {}).get("href") or "")


def describe(answer: Answer) -> str:
    """Return status, code and the members of a refusal: `404 USERS-7 errors traceId`."""
    body = members_of(answer)
    items = body.get("errors")
    code = items[0].get("code", "") if isinstance(items, list) and items and isinstance(items[0], dict) else ""
    return " ".join([str(answer.status), *([str(code)] if code else []), *sorted(body)])


def code_of(item: dict[str, Any]) -> str:
    """Return status and code of an item of a batch: `403 LICENSES-011`."""
    return f"{item.get('status')} {item.get('code') or ''}".strip()
