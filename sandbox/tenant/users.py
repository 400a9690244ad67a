"""Users of the tenant, read (qlik-api.md 3, Appendix B2)."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.paging import Clause, Cursor, Direction, Listing
from sandbox.routing import endpoint
from sandbox.state import fold
from sandbox.tenant.access import Caller, identify, require
from sandbox.tenant.errors import users_refusal
from sandbox.tenant.filters import Attribute, Chain, Comparison
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.user_shapes import PATH, sees_roles, show_users

MAX_IDS = 100
# Parameters of an older specification; none of them goes with a filter.
DEPRECATED = (
    "status", "subject", "email", "role", "startingAfter", "endingBefore", "sortBy", "sortOrder", "tenantId",
)  # fmt: skip

_USERS = Collection(
    columns="*",
    source="users",
    sorts={
        "name": "name_key",
        "_id": "id",
        "id": "id",
        "tenantId": "id",  # all users are of one tenant
        "clientId": "coalesce(client_id, '')",
        "status": "status",
        "subject": "subject_key",
        "email": "email_key",
        "inviteExpiry": "coalesce(invite_expiry, 0)",
        "createdAt": "created_at",
    },
    attributes={
        "id": Attribute("fold(id) = ?"),
        "subject": Attribute("subject_key = ?", "instr(subject_key, ?) > 0"),
        "name": Attribute("name_key = ?", "instr(name_key, ?) > 0"),
        "email": Attribute("email_key = ?", "instr(email_key, ?) > 0"),
        # The sign keeps SQLite from choosing its way by the status, which nearly all users share.
        "status": Attribute("+status = ?"),
        "clientId": Attribute("client_id IS NOT NULL AND fold(client_id) = ?"),
        # Most have no roles, and a comparison of text is cheaper than a look into it.
        "assignedRoles.name": Attribute(
            "users.roles <> '[]' AND EXISTS (SELECT 1 FROM json_each(users.roles) WHERE fold(value) = ?)"
        ),
        "assignedRoles.id": Attribute(
            "users.roles <> '[]' AND EXISTS (SELECT 1 FROM json_each(users.roles) AS own"
            " JOIN roles AS role ON role.name = own.value WHERE fold(role.id) = ?)"
        ),
        "assignedGroups.id": Attribute(
            "id IN (SELECT user_id FROM memberships WHERE group_id IN"
            " (SELECT id FROM tenant_groups WHERE fold(id) = ?))"
        ),
        "assignedGroups.name": Attribute(
            "id IN (SELECT user_id FROM memberships WHERE group_id IN"
            " (SELECT id FROM tenant_groups WHERE name_key = ?))"
        ),
        "assignedGroupsAssignedRoles.name": Attribute(
            "id IN (SELECT user_id FROM memberships WHERE group_id IN (SELECT held.id FROM tenant_groups AS held"
            " WHERE held.roles <> '[]' AND EXISTS (SELECT 1 FROM json_each(held.roles) WHERE fold(value) = ?)))"
        ),
        "assignedScopes": Attribute(
            "users.roles <> '[]' AND EXISTS (SELECT 1 FROM json_each(users.roles) AS own"
            " JOIN roles AS role ON role.name = own.value, json_each(role.scopes) AS scope"
            " WHERE fold(scope.value) = ?)"
        ),
    },
    refuse=users_refusal,
    grouped="status",
)
_ACTIVE = Clause("+status = 'active'")
_BY_NAME = replace(_USERS, sorts={"name": _USERS.sorts["name"]})


class Filter(Body):
    """The body of the filter calls."""

    filter: str = ""


async def list_users(request: Request) -> JSONResponse:
    """Return one page of users; without filter and status only the active ones."""
    caller = identify(request, users_refusal)
    text = request.query_params.get("filter")
    _refuse_mixed(request, text)
    conditions = _default_status(request, text) if text else _deprecated_conditions(request)
    listing = _USERS.listing(request, *conditions, sort=_deprecated_sort(request))
    return _answer(request, caller, listing, _deprecated_cursor(request, listing))


async def filter_users(request: Request) -> JSONResponse:
    """Return one page of the users that the filter of the body fits: by a hundred ids at most, sorted by name only."""
    caller = identify(request, users_refusal)
    body: Filter = await read_body(request, Filter, users_refusal)
    listing = _BY_NAME.listing(request)
    if body.filter:
        condition = _USERS.filter(body.filter)
        refuse_many_ids(condition)
        listing = listing.where(condition.clause)
    return _answer(request, caller, listing.where(*_default_status(request, body.filter)))


async def count_users(request: Request) -> JSONResponse:
    """Return how many users there are who are not deleted."""
    require(request, users_refusal, "admin.users:read")
    statement = "SELECT count(*) FROM users WHERE status <> 'deleted'"
    return JSONResponse({"total": sandbox_of(request).db.execute(statement).fetchone()[0]})


async def get_user(request: Request) -> JSONResponse:
    """Return one user by id; whether a deleted one is still shown is a switch."""
    caller = identify(request, users_refusal)
    sandbox, id = sandbox_of(request), request.path_params["id"]
    row = sandbox.db.execute("SELECT * FROM users WHERE id = ?", (id,)).fetchone()
    if row is None or (row["status"] == "deleted" and sandbox.switch("deleted-user") == "notFound404"):
        raise users_refusal(404, "Not found", "USERS-7")
    is_own = caller.user_id == row["id"]
    return JSONResponse(show_users(request, [row], sees_roles=is_own or sees_roles(caller))[0])


async def find_me(request: Request) -> HTMLResponse:
    """Return the redirect to the caller's own user."""
    caller = identify(request, users_refusal)
    query = f"?{request.url.query}" if request.url.query else ""
    location = f"{PATH}/{caller.user_id}{query}"
    return HTMLResponse(f'<a href="{location}">Moved Permanently</a>.', status_code=301, headers={"location": location})


def refuse_many_ids(condition: Comparison | Chain) -> None:
    """Raise 400 for a filter that names more than a hundred ids."""
    if sum(comparison.name == "id" for comparison in condition.comparisons) > MAX_IDS:
        raise users_refusal(400, f"The filter is too complex: more than {MAX_IDS} ids")


def _answer(request: Request, caller: Caller, listing: Listing, cursor: Cursor | None = None) -> JSONResponse:
    """Return a page of users, with the number of all where it was asked for."""
    page = _USERS.read(request, listing, cursor)
    body: dict[str, Any] = {
        "data": show_users(request, page.rows, sees_roles=sees_roles(caller)),
        "links": identity_links(request, page),
    }
    if request.query_params.get("totalResults") == "true":
        body["totalResults"] = listing.count(sandbox_of(request).db)
    return JSONResponse(body)


def _refuse_mixed(request: Request, text: str | None) -> None:
    """Raise 400 for parameters that do not go together."""
    given = [name for name in DEPRECATED if request.query_params.get(name)]
    if text and given:
        raise users_refusal(400, f"{given[0]} cannot be combined with filter")
    if len({"startingAfter", "endingBefore", "next", "prev"} & set(request.query_params)) > 1:
        raise users_refusal(400, "Only one cursor can be given")


def _default_status(request: Request, text: str) -> tuple[Clause, ...]:
    """Return the condition of a filter that says nothing of the status, where the switch adds one."""
    is_silent = not text or all(test.name != "status" for test in _USERS.filter(text).comparisons)
    is_narrow = sandbox_of(request).switch("filter-default-status") == "active"
    return (_ACTIVE,) if is_silent and is_narrow else ()


def _deprecated_conditions(request: Request) -> tuple[Clause, ...]:
    """Return the conditions of the older parameters; without `status` only the active ones are meant."""
    asked = request.query_params
    conditions = []
    if status := asked.get("status"):
        wanted = status.split(",")
        conditions.append(Clause(f"+status IN ({', '.join('?' * len(wanted))})", tuple(map(fold, wanted))))
    elif sandbox_of(request).switch("users-default-status") == "active":
        conditions.append(_ACTIVE)
    for name, attribute in (("subject", "subject"), ("email", "email"), ("role", "assignedRoles.name")):
        if value := asked.get(name):
            conditions.append(Clause(_USERS.attributes[attribute].equals, (fold(value),)))
    if tenant := asked.get("tenantId"):
        conditions.append(Clause("? = ?", (tenant, sandbox_of(request).setting("tenant")["id"])))
    return tuple(conditions)


def _deprecated_sort(request: Request) -> str:
    """Return the sort of `sortBy` and `sortOrder`, or nothing."""
    name, order = request.query_params.get("sortBy", ""), request.query_params.get("sortOrder", "asc").lower()
    if order not in {"asc", "desc", "1", "-1"}:
        raise users_refusal(400, f"Invalid sortOrder: {order}")
    return f"{'-' if order in {'desc', '-1'} else '+'}{name}" if name else ""


def _deprecated_cursor(request: Request, listing: Listing) -> Cursor | None:
    """Return the place after or before a user, which the older parameters name by id."""
    ways: tuple[tuple[str, Direction], ...] = (("startingAfter", "next"), ("endingBefore", "prev"))
    for name, direction in ways:
        if id := request.query_params.get(name):
            expression = listing.order.expression
            statement = f"SELECT {expression} AS place FROM users WHERE id = ?"  # noqa: S608  # a constant of the module
            row = sandbox_of(request).db.execute(statement, (id,)).fetchone()
            if row is None:
                raise users_refusal(400, f"Invalid {name}: {id}")
            return Cursor(direction, row["place"], id)
    return None


ROUTES = [
    endpoint("GET", PATH, list_users, query="fields,filter,limit,next,prev,sort,totalResults"),
    endpoint(
        "POST", f"{PATH}/actions/filter", filter_users, query="fields,limit,next,prev,sort", body=Filter, tier="S200"
    ),
    endpoint("GET", f"{PATH}/actions/count", count_users),
    endpoint("GET", f"{PATH}/me", find_me, status=301),
    endpoint("GET", f"{PATH}/{{id}}", get_user, query="fields"),
]
