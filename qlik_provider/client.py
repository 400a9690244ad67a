"""Qlik Cloud, endpoint by endpoint (https://qlik.dev/apis/rest)."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from qlik_provider.credentials import BearerAuth, TokenSource
from qlik_provider.entitlements import Assignment
from qlik_provider.errors import CredentialsError, Forbidden, NoEvidence, Unauthorized
from qlik_provider.people import TenantUser
from qlik_provider.transport import Answer, ask, open_http, read_date, refuse_bad_url, send
from qlik_provider.wire import AssignmentRow, Batch, BatchItem, Links, Named, Overview, TenantBody, UserRow, parse_body

T = TypeVar("T")

SERVICE = "qlik"
PAGE = 100  # the largest page the identity and license services give


class QlikClient:
    """One tenant, spoken to as one caller; what it opens by itself cannot write."""

    def __init__(self, tenant: str, tokens: TokenSource) -> None:
        refuse_bad_url("qlik:tenant", tenant)
        self.tenant = tenant.rstrip("/")
        self._auth = BearerAuth(tokens)
        self._http = open_http(self.tenant, self._auth)
        self._lock = threading.Lock()
        self._now: datetime | None = None

    def __repr__(self) -> str:
        return f"QlikClient({self.tenant!r})"

    @property
    def now(self) -> datetime:
        """The time of the tenant at its first answer; the whole process lives in it."""
        if self._now is None:
            self.read_tenant()
        return self._now or datetime.now(UTC)

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Yield what can write, for as long as it is held."""
        with open_http(self.tenant, self._auth, may_write=True) as http:
            yield Writer(http)

    def read_tenant(self) -> TenantBody:
        """Return the tenant (https://qlik.dev/apis/rest/tenants)."""
        return self._get("/api/v1/tenants/me", TenantBody)

    def read_overview(self) -> Overview:
        """Return license and seats (https://qlik.dev/apis/rest/licenses)."""
        return self._get("/api/v1/licenses/overview", Overview)

    def read_assignments(self) -> tuple[Assignment, ...]:
        """Return every row of the license, of whatever tenant; raises NoEvidence for a list that may be short."""
        rows = self._list("/api/v1/licenses/assignments", AssignmentRow, cursor="page")
        return tuple(row.value() for row in rows)

    def read_users(self) -> tuple[TenantUser, ...]:
        """Return the users of the tenant, whatever their status (https://qlik.dev/apis/rest/users)."""
        states = " or ".join(f'status eq "{state}"' for state in ("active", "invited", "provisioned", "disabled"))
        rows = self._list("/api/v1/users", UserRow, cursor="next", filter=f"({states})", totalResults="true")
        return tuple(row.value() for row in rows)

    def read_roles(self) -> tuple[str, ...]:
        """Return the names of the roles (https://qlik.dev/apis/rest/roles)."""
        return tuple(role.name for role in self._list("/api/v1/roles", Named, cursor="next", totalResults="true"))

    def read_spaces(self) -> tuple[str, ...]:
        """Return the names of the spaces the caller can see (https://qlik.dev/apis/rest/spaces)."""
        return tuple(space.name for space in self._list("/api/v1/spaces", Named, cursor="next"))

    def ask(self, path: str, params: Mapping[str, str] | None = None, *, is_signed: bool = True) -> Answer:
        """Return the answer to a GET as it came, also a refusal; unsigned, as somebody without a token gets it."""
        if is_signed:
            return ask(SERVICE, self._http, self._http.build_request("GET", path, params=params))
        with open_http(self.tenant, None) as http:
            return ask(SERVICE, http, http.build_request("GET", path, params=params))

    def _get(self, path: str, shape: type[T], **params: str) -> T:
        return parse_body(SERVICE, "GET", path, self._read(path, params), shape)

    def _list(self, path: str, shape: type[T], *, cursor: str, **params: str) -> list[T]:
        """Return a whole collection: every page, until one says that it is the last.

        Only the query of a link is used, on our own host: the license service has shown internal host names there.
        """
        items: list[T] = []
        query: Mapping[str, str] = {**params, "limit": str(PAGE)}
        seen: set[str] = set()
        while True:
            body = self._read(path, query)
            if not isinstance(body, Mapping) or not isinstance(body.get("data"), list):
                raise NoEvidence(SERVICE, "GET", path, "a page without data")
            items += parse_body(SERVICE, "GET", path, body["data"], list[shape])  # type: ignore[valid-type]
            following = _next_query(path, body)
            if following is None:
                _check_total(path, body, len(items))
                return items
            if following.get(cursor, "") in seen or not following.get(cursor):
                raise NoEvidence(SERVICE, "GET", path, "a cursor came twice, so the list may be short")
            seen.add(following[cursor])
            query = following

    def _read(self, path: str, params: Mapping[str, str]) -> Any:
        request = self._http.build_request("GET", path, params=params)
        with _naming_variables(path):
            return send(SERVICE, self._http, request, look=self._note_time)

    def _note_time(self, response: httpx.Response) -> None:
        with self._lock:
            if self._now is None:
                self._now = read_date(response)


class Writer:
    """The three writes of the license service; each answers with one item per change, in any order."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def add(self, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        """Give {subject, type} each."""
        return self._write("add", items)

    def update(self, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        """Change {subject, sourceType, type} each."""
        return self._write("update", items)

    def delete(self, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        """Take {subject, type} each."""
        return self._write("delete", items)

    def ask(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Answer:
        """Return the answer to a write of whatever kind as it came, also a refusal; without a body for None."""
        headers = {} if body is None else {"Content-Type": content_type}
        content = None if body is None else json.dumps(body)
        request = self._http.build_request(method, path, content=content, headers=headers)
        return ask(SERVICE, self._http, request)

    def _write(self, action: str, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        path = f"/api/v1/licenses/assignments/actions/{action}"
        request = self._http.build_request("POST", path, json={action: list(items)})
        with _naming_variables(path):
            return parse_body(SERVICE, "POST", path, send(SERVICE, self._http, request), Batch).data


@contextmanager
def _naming_variables(path: str) -> Iterator[None]:
    """Turn a refused caller into the variables to set."""
    try:
        yield
    except Unauthorized as error:
        reason = f"the tenant refused the token ({error.reason}); it may have ended or been revoked"
        raise CredentialsError("QLIK_API_KEY or QLIK_CLIENT_SECRET", reason) from error
    except Forbidden as error:
        reason = f"{path} is forbidden to this caller; give the client the scope admin_classic, or the user TenantAdmin"
        raise CredentialsError("QLIK_CLIENT_ID or QLIK_API_KEY", reason) from error


def _next_query(path: str, body: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the query of the next page; None on the last one, whose link is absent or empty."""
    links = parse_body(SERVICE, "GET", path, body.get("links") or {}, Links)
    return dict(httpx.URL(links.next.href).params) if links.next and links.next.href else None


def _check_total(path: str, body: Mapping[str, Any], count: int) -> None:
    total = body.get("totalResults", (body.get("meta") or {}).get("count"))
    if isinstance(total, int) and total > count:
        raise NoEvidence(SERVICE, "GET", path, f"{count} of {total} items came, so the list is short")
