"""Qlik Cloud, endpoint by endpoint (https://qlik.dev/apis/rest)."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import httpx

from qlik_provider.credentials import BearerAuth, TokenSource
from qlik_provider.entitlements import Assignment
from qlik_provider.errors import CredentialsError, Forbidden, NoEvidence, NotPermitted, Unauthorized
from qlik_provider.people import (
    Administrator,
    GroupedUser,
    IdentityProvider,
    InvitedUser,
    SpaceAssignment,
    TenantGroup,
    TenantRole,
    TenantSpace,
    TenantUser,
)
from qlik_provider.transport import Answer, ask, open_http, read_date, refuse_bad_url, send
from qlik_provider.webhooks import TenantWebhook
from qlik_provider.wire import (
    AdministratorRow,
    AssignmentRow,
    Batch,
    BatchItem,
    GivenEvent,
    GroupedUserRow,
    GroupRow,
    IdentityProviderRow,
    InvitedUserRow,
    LicenseSettings,
    Links,
    Overview,
    RoleRow,
    SpaceAssignmentRow,
    SpaceRow,
    TenantBody,
    TenantFlags,
    UserRow,
    WebhookEvents,
    WebhookRow,
    parse_body,
)

T = TypeVar("T")

SERVICE = "qlik"
PAGE = 100  # the largest page the identity and license services give
STATES = " or ".join(f'status eq "{state}"' for state in ("active", "invited", "provisioned", "disabled"))
_SETTINGS = "/api/v1/licenses/settings"


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

    def close(self) -> None:
        """Give up the connections; a process that ends needs none of it."""
        self._http.close()

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

    def read_assignments(self, *, orphans: bool = False) -> tuple[Assignment, ...]:
        """Return every row of the license, of whatever tenant; raises NoEvidence for a list that may be short.

        `orphans` are those of nobody who is a user of this tenant.
        """
        params = {"orphans": "true"} if orphans else {}
        rows = self._list("/api/v1/licenses/assignments", AssignmentRow, cursor="page", **params)
        return tuple(row.value() for row in rows)

    def read_license_settings(self) -> dict[str, bool]:
        """Return which types the tenant hands out by itself (https://qlik.dev/apis/rest/licenses).

        What is off may be left out, so an answer that says nothing at all is asked for once more.
        """
        settings = self._get(_SETTINGS, LicenseSettings)
        if not settings.model_fields_set:
            settings = self._get(_SETTINGS, LicenseSettings)
        return settings.model_dump(by_alias=True)

    def read_tenant_flags(self, id: str) -> dict[str, bool]:
        """Return which roles the tenant hands out by itself (https://qlik.dev/apis/rest/tenants)."""
        return self._get(f"/api/v1/tenants/{id}", TenantFlags).model_dump(by_alias=True, exclude={"id"})

    def read_caller(self) -> str:
        """Return the id of the user this client acts as; the tenant answers with a redirect to it.

        https://qlik.dev/apis/rest/users
        """
        path = "/api/v1/users/me"
        answer = self.ask(path)
        found = httpx.URL(answer.headers.get("location", "")).path.rpartition("/")[2]
        if not found:
            raise NoEvidence(SERVICE, "GET", path, f"{answer.status} without a user", status=answer.status)
        return found

    def read_given(self, user: str, since: datetime, until: datetime) -> tuple[GivenEvent, ...]:
        """Return what the audits tell of license rows that a user gave or switched in a time.

        https://qlik.dev/apis/rest/audits
        """
        between = "/".join(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (since, until))
        wanted = {"eventType": "com.qlik.license.assignment.updated", "userId": user, "eventTime": between}
        events = self._list("/api/v1/audits", GivenEvent, cursor="next", **wanted)
        return tuple(event for event in events if event.user_id == user)

    def read_users(self) -> tuple[TenantUser, ...]:
        """Return the users of the tenant, whatever their status (https://qlik.dev/apis/rest/users)."""
        rows = self._list("/api/v1/users", UserRow, cursor="next", filter=f"({STATES})", totalResults="true")
        return tuple(row.value() for row in rows)

    def read_invited_users(self) -> tuple[InvitedUser, ...]:
        """Return the users who have never logged in, whoever created them."""
        filter = '(status eq "invited" or status eq "provisioned")'
        rows = self._list("/api/v1/users", InvitedUserRow, cursor="next", filter=filter, totalResults="true")
        return tuple(row.invited() for row in rows)

    def find_users(self, attribute: Literal["subject", "email"], value: str) -> tuple[TenantUser, ...]:
        """Return the users, whatever their status, of whom the tenant says that an attribute has a value."""
        filter = f"({STATES}) and {attribute} eq {json.dumps(value, ensure_ascii=False)}"
        rows = self._list("/api/v1/users", UserRow, cursor="next", filter=filter, totalResults="true")
        return tuple(row.value() for row in rows)

    def read_grouped_users(self, group: str | None = None) -> tuple[GroupedUser, ...]:
        """Return the users of the tenant, whatever their status, with their groups; or only those in one group."""
        filter = f"({STATES})" if group is None else f'({STATES}) and assignedGroups.id eq "{group}"'
        rows = self._list("/api/v1/users", GroupedUserRow, cursor="next", filter=filter, totalResults="true")
        return tuple(row.value() for row in rows)

    def read_grouped_user(self, id: str) -> GroupedUser:
        """Return one user with their groups; raises NotFound where they are gone."""
        return self._get(f"/api/v1/users/{id}", GroupedUserRow).value()

    def read_user(self, id: str) -> TenantUser:
        """Return one user; raises NotFound where they are gone."""
        return self._get(f"/api/v1/users/{id}", UserRow).value()

    def read_roles(self) -> tuple[TenantRole, ...]:
        """Return the roles (https://qlik.dev/apis/rest/roles)."""
        return tuple(row.value() for row in self._list("/api/v1/roles", RoleRow, cursor="next", totalResults="true"))

    def read_identity_providers(self) -> tuple[IdentityProvider, ...]:
        """Return what people log in by (https://qlik.dev/apis/rest/identity-providers)."""
        rows = self._list("/api/v1/identity-providers", IdentityProviderRow, cursor="next")
        return tuple(row.value() for row in rows)

    def read_spaces(self) -> tuple[TenantSpace, ...]:
        """Return the spaces the caller can see (https://qlik.dev/apis/rest/spaces)."""
        return tuple(row.value() for row in self._list("/api/v1/spaces", SpaceRow, cursor="next"))

    def read_space_assignments(self, space: str) -> tuple[SpaceAssignment, ...]:
        """Return who has roles in a space; raises NotFound for one that is gone or not shown to the caller."""
        rows = self._list(f"/api/v1/spaces/{space}/assignments", SpaceAssignmentRow, cursor="next")
        return tuple(row.value() for row in rows)

    def read_groups(self) -> tuple[TenantGroup, ...]:
        """Return the groups but those of the system (https://qlik.dev/apis/rest/groups)."""
        return tuple(row.value() for row in self._list("/api/v1/groups", GroupRow, cursor="next", totalResults="true"))

    def read_group(self, id: str) -> TenantGroup:
        """Return one group; raises NotFound where it is gone."""
        return self._get(f"/api/v1/groups/{id}", GroupRow).value()

    def count_users_in(self, group: str) -> int:
        """Return how many users of the tenant are in a group, whatever their status."""
        path, params = "/api/v1/users", {"filter": f'({STATES}) and assignedGroups.id eq "{group}"'}
        body = self._read(path, {**params, "limit": "1", "totalResults": "true"})
        total = body.get("totalResults") if isinstance(body, Mapping) else None
        if not isinstance(total, int):
            raise NoEvidence(SERVICE, "GET", path, "a count was asked for and none came")
        return total

    def read_webhooks(self, path: str) -> tuple[TenantWebhook, ...]:
        """Return the webhooks the caller can see, at the path where this tenant has them.

        https://qlik.dev/apis/rest/core/webhooks
        """
        return tuple(row.value() for row in self._list(path, WebhookRow, cursor="next"))

    def read_webhook(self, path: str, id: str) -> TenantWebhook:
        """Return one webhook; raises NotFound where it is gone."""
        return self._get(f"{path}/{id}", WebhookRow).value()

    def read_webhook_events(self, path: str) -> frozenset[str]:
        """Return the events that webhooks may ask for."""
        return frozenset(event.name for event in self._get(f"{path}/event-types", WebhookEvents).data)

    def read_administrators(self, role: str) -> tuple[Administrator, ...]:
        """Return the active users with a role, assigned to them or to a group of theirs."""
        given = f'assignedRoles.name eq "{role}" or assignedGroupsAssignedRoles.name eq "{role}"'
        filter = f'(status eq "active") and ({given})'
        rows = self._list("/api/v1/users", AdministratorRow, cursor="next", filter=filter, totalResults="true")
        return tuple(row.value(role) for row in rows)

    def ask(self, path: str, params: Mapping[str, str] | None = None, *, is_signed: bool = True) -> Answer:
        """Return the answer to a GET as it came, also a refusal; unsigned, as somebody without a token gets it."""
        if is_signed:
            return ask(SERVICE, self._http, self._http.build_request("GET", path, params=params))
        with open_http(self.tenant, None) as http:
            return ask(SERVICE, http, http.build_request("GET", path, params=params))

    def read_collection(
        self, path: str, shape: type[T], *, cursor: str, member: str, limit: int, params: Mapping[str, str]
    ) -> list[T]:
        """Return a whole collection of whatever service, whose rows stand in `member`, in pages of `limit`."""
        return self._list(path, shape, cursor=cursor, member=member, **{**params, "limit": str(limit)})

    def _get(self, path: str, shape: type[T], **params: str) -> T:
        return parse_body(SERVICE, "GET", path, self._read(path, params), shape)

    def _list(self, path: str, shape: type[T], *, cursor: str, member: str = "data", **params: str) -> list[T]:
        """Return a whole collection: every page, until one says that it is the last.

        Only the query of a link is used, on our own host: the license service has shown internal host names there.
        """
        items: list[T] = []
        query: Mapping[str, str] = {"limit": str(PAGE), **params}
        seen: set[str] = set()
        while True:
            body = self._read(path, query)
            if not isinstance(body, Mapping) or not isinstance(body.get(member), list):
                raise NoEvidence(SERVICE, "GET", path, "a page without data")
            items += parse_body(SERVICE, "GET", path, body[member], list[shape])  # type: ignore[valid-type]
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
    """The writes of a tenant; those of assignments answer with one item per change, in any order."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def add(self, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        """Give {subject, type} each."""
        return self._write("add", items)

    def update(self, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        """Change {subject, sourceType, type} each, with sourceSubject where the row is another subject's so far."""
        return self._write("update", items)

    def delete(self, items: Sequence[Mapping[str, str]]) -> tuple[BatchItem, ...]:
        """Take {subject, type} each."""
        return self._write("delete", items)

    def put_license_settings(self, settings: Mapping[str, bool]) -> dict[str, bool]:
        """Return the settings after putting them, all of them: what leaving one out means is nowhere written."""
        request = self._http.build_request("PUT", _SETTINGS, json=dict(settings))
        with _naming_variables(_SETTINGS):
            body = send(SERVICE, self._http, request)
        return parse_body(SERVICE, "PUT", _SETTINGS, body, LicenseSettings).model_dump(by_alias=True)

    def patch_tenant_flags(self, id: str, flags: Mapping[str, bool]) -> None:
        """Replace flags of the tenant."""
        path = f"/api/v1/tenants/{id}"
        operations = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in flags.items()]
        with _naming_variables(path):
            send(SERVICE, self._http, self._http.build_request("PATCH", path, json=operations))

    def create_webhook(self, path: str, webhook: Mapping[str, Any]) -> str:
        """Return the id of a new webhook."""
        with _naming_variables(path):
            body = send(SERVICE, self._http, self._http.build_request("POST", path, json=dict(webhook)))
        return parse_body(SERVICE, "POST", path, body, WebhookRow).id

    def patch_webhook(self, path: str, operations: Sequence[Mapping[str, Any]]) -> None:
        """Change properties of a webhook, all or none."""
        with _naming_variables(path):
            send(SERVICE, self._http, self._http.build_request("PATCH", path, json=list(operations)))

    def delete_webhook(self, path: str) -> None:
        """Delete a webhook; raises NotFound where it is gone."""
        with _naming_variables(path):
            send(SERVICE, self._http, self._http.build_request("DELETE", path))

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
        raise NotPermitted("QLIK_CLIENT_ID or QLIK_API_KEY", reason) from error


def _next_query(path: str, body: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the query of the next page; None on the last one, whose link is absent or empty."""
    links = parse_body(SERVICE, "GET", path, body.get("links") or {}, Links)
    return dict(httpx.URL(links.next.href).params) if links.next and links.next.href else None


def _check_total(path: str, body: Mapping[str, Any], count: int) -> None:
    total = body.get("totalResults", body.get("totalCount", (body.get("meta") or {}).get("count")))
    if isinstance(total, int) and total > count:
        raise NoEvidence(SERVICE, "GET", path, f"{count} of {total} items came, so the list is short")
