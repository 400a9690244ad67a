"""API keys of users, and those of identity providers for SCIM (qlik-api.md 7.1 and 7.2, Appendix B6)."""

import secrets
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.clock import stamp
from sandbox.documents import find_document
from sandbox.durations import read_duration
from sandbox.paging import Clause, Cursor, Listing
from sandbox.routing import endpoint
from sandbox.state import Sandbox, insert
from sandbox.tenant.access import Caller, identify, require
from sandbox.tenant.errors import keys_refusal
from sandbox.tenant.events import API_KEYS, publish
from sandbox.tenant.key_configs import read_config
from sandbox.tenant.listing import Collection, links, page_url

PATH = "/api/v1/api-keys"
_SCIM = "SCIM\\"

# Expiry is no state of a key but of the clock.
_STATUS = "CASE WHEN status = 'active' AND expires <= ? THEN 'expired' ELSE status END"
_SORTS = {"createdByUser": "created_by", "sub": "sub", "status": "told_status", "description": "description"}
_KEYS = Collection(
    columns="*",
    source="",
    sorts=_SORTS | {"created": "created"},
    attributes={},
    refuse=keys_refusal,
    default_sort="-created",
)
_CURSORS = {"next": "startingAfter", "prev": "endingBefore"}


class NewKey(Body):
    """A key to create; `sub` and `subType` are for those of an identity provider."""

    description: str = Field(min_length=1)
    expiry: str | None = None
    sub: str | None = None
    sub_type: Literal["user", "externalClient"] = Field(default="user", alias="subType")


class _KeyChange(BaseModel):
    """One change of a key."""

    op: Literal["replace"]
    path: Literal["/description"]
    value: str = Field(min_length=1)


KeyChanges = list[_KeyChange]


async def list_keys(request: Request) -> JSONResponse:
    """Return one page of keys: the caller's own, and for an administrator everybody's."""
    caller = identify(request, keys_refusal)
    query = request.query_params
    conditions = [
        Clause(f"{column} = ?", (query[name],))
        for name, column in (("createdByUser", "created_by"), ("sub", "sub"), ("status", "told_status"))
        if query.get(name)
    ]
    if not caller.is_admin:
        conditions.append(Clause("sub = ?", (caller.user_id,)))
    listing = _KEYS.listing(request, *conditions, source=_source(sandbox_of(request)))
    page = _KEYS.read(request, listing, _start(request, listing))
    own = {"self": {"href": page_url(request, None)}}
    return JSONResponse(
        {
            "data": [_show(request, row) for row in page.rows],
            "links": own | links(request, page, lambda cursor: {_CURSORS[cursor.direction]: cursor.tie}),
        }
    )


async def get_key(request: Request) -> JSONResponse:
    """Return one key without its token."""
    return JSONResponse(_show(request, _find_key(request, identify(request, keys_refusal))))


async def create_key(request: Request) -> JSONResponse:
    """Return the new key with its token, which is shown this once."""
    caller = require(request, keys_refusal, "api-keys")
    sandbox = sandbox_of(request)
    body: NewKey = await read_body(request, NewKey, keys_refusal)
    if body.sub_type == "externalClient":
        sub = _check_provider(sandbox, caller, body.sub or "")
    else:
        sub = _check_user(sandbox, caller, body.sub or caller.user_id)
    now = sandbox.clock.now()
    lifetime = _read_lifetime(sandbox, body)
    expires = (now + lifetime).timestamp()
    id, created = str(uuid4()), stamp(now)
    # Three parts, as the tenant's JWT has; their content is nobody's business but the tenant's.
    token = f"eyJhbGciOiJFUzM4NCJ9.{secrets.token_urlsafe(96)}.{secrets.token_urlsafe(72)}"
    key = (id, token, sub, body.sub_type, "active", body.description, expires, created, created, caller.user_id)
    insert(sandbox, "api_keys", [key])
    shown = _show(request, _find_key(request, caller, id))
    _tell(sandbox, "created", shown, caller)
    return JSONResponse(shown | {"token": token}, status_code=201)


async def update_key(request: Request) -> Response:
    """Return 204 after the description was replaced."""
    caller = identify(request, keys_refusal)
    row = _find_key(request, caller)
    sandbox = sandbox_of(request)
    changes: KeyChanges = await read_body(request, KeyChanges, keys_refusal)
    for change in changes:
        statement = "UPDATE api_keys SET description = ?, updated = ? WHERE id = ?"
        sandbox.db.execute(statement, (change.value, sandbox.clock.stamp(), row["id"]))
    _tell(sandbox, "updated", _show(request, _find_key(request, caller)), caller)
    return Response(status_code=204)


async def delete_key(request: Request) -> Response:
    """Return 204 after the owner's key is gone, or somebody else's is revoked."""
    caller = identify(request, keys_refusal)
    row = _find_key(request, caller)
    sandbox = sandbox_of(request)
    # A key of an identity provider has no owner but who created it.
    owner = row["created_by"] if row["sub_type"] == "externalClient" else row["sub"]
    is_own = caller.user_id == owner
    if is_own:
        sandbox.db.execute("DELETE FROM api_keys WHERE id = ?", (row["id"],))
    else:
        statement = "UPDATE api_keys SET status = 'revoked', updated = ? WHERE id = ?"
        sandbox.db.execute(statement, (sandbox.clock.stamp(), row["id"]))
    _tell(sandbox, "deleted", _show(request, row), caller, status="deleted" if is_own else "revoked")
    return Response(status_code=204)


def _start(request: Request, listing: Listing) -> Cursor | None:
    """Return where the page starts, after or before the key with an id, or raise 400 for one that is not there."""
    found = {way: request.query_params[name] for way, name in _CURSORS.items() if request.query_params.get(name)}
    if not found:
        return None
    way, id = next(iter(found.items()))
    statement = f"SELECT {listing.order.expression} FROM {listing.source.sql} WHERE id = ?"  # noqa: S608  # constants
    row = sandbox_of(request).db.execute(statement, (*listing.source.params, id)).fetchone()
    if len(found) > 1 or row is None:
        raise keys_refusal(400, "Invalid cursor")
    return Cursor("next" if way == "next" else "prev", row[0], id)


def _source(sandbox: Sandbox) -> Clause:
    """Return the keys with the status they have now."""
    return Clause(f"(SELECT *, {_STATUS} AS told_status FROM api_keys)", (sandbox.clock.seconds(),))  # noqa: S608


def _find_key(request: Request, caller: Caller, id: str | None = None) -> sqlite3.Row:
    """Return the key of the path, or raise 404 for one that is not there, and 403 for one of somebody else."""
    sandbox = sandbox_of(request)
    source = _source(sandbox)
    statement = f"SELECT * FROM {source.sql} WHERE id = ?"  # noqa: S608  # the source is a constant
    wanted = id or request.path_params["id"]
    row: sqlite3.Row | None = sandbox.db.execute(statement, (*source.params, wanted)).fetchone()
    if row is None:
        raise keys_refusal(404, "Not found")
    if not caller.is_admin and caller.user_id not in {row["sub"], row["created_by"]}:
        raise keys_refusal(403, "Forbidden")
    return row


def _check_user(sandbox: Sandbox, caller: Caller, user_id: str) -> str:
    """Return whose key it is to be, or raise the refusal of one too many or of somebody else's."""
    if user_id != caller.user_id and not caller.is_admin:
        raise keys_refusal(403, "Forbidden")
    if sandbox.db.execute("SELECT 1 FROM users WHERE id = ? AND status = 'active'", (user_id,)).fetchone() is None:
        raise keys_refusal(400, f"sub: {user_id} is no active user")
    _check_number(sandbox, _count_active(sandbox, "sub", user_id))
    return user_id


def _check_provider(sandbox: Sandbox, caller: Caller, sub: str) -> str:
    """Return the subject of a SCIM key as it is kept, or raise the refusal of one that may not be."""
    if not caller.is_admin:
        raise keys_refusal(403, "Forbidden")
    prefix = _prefix_of(sandbox, sub)
    provider = sub.removeprefix(prefix)
    if not prefix or find_document(sandbox, "identityProviders", provider) is None:
        raise keys_refusal(400, f"sub: {sub} names no identity provider")
    live = sum(_count_active(sandbox, "sub", f"{form}{provider}") for form in (_SCIM, f"{_SCIM}\\"))
    if live and sandbox.switch("scim-keys") == "one":
        raise keys_refusal(400, "The identity provider has an active key")
    if sandbox.switch("scim-key-limit") == "counted":
        _check_number(sandbox, _count_active(sandbox, "created_by", caller.user_id))
    return sub


def _check_number(sandbox: Sandbox, count: int) -> None:
    if count >= read_config(sandbox)["max_keys_per_user"]:
        raise keys_refusal(403, "The maximum number of API keys is reached")


def _prefix_of(sandbox: Sandbox, sub: str) -> str:
    """Return `SCIM` with one or two backslashes, as the subject has it and the switch allows, or nothing."""
    found = f"{_SCIM}\\" if sub.startswith(f"{_SCIM}\\") else _SCIM if sub.startswith(_SCIM) else ""
    allowed = {"one": {_SCIM}, "two": {f"{_SCIM}\\"}, "both": {_SCIM, f"{_SCIM}\\"}}
    return found if found in allowed[sandbox.switch("scim-backslashes")] else ""


def _count_active(sandbox: Sandbox, column: Literal["sub", "created_by"], value: str) -> int:
    source = _source(sandbox)
    # The source and the column are constants.
    statement = f"SELECT count(*) FROM {source.sql} WHERE {column} = ? AND told_status = 'active'"  # noqa: S608
    count: int = sandbox.db.execute(statement, (*source.params, value)).fetchone()[0]
    return count


def _read_lifetime(sandbox: Sandbox, body: NewKey) -> timedelta:
    """Return how long the key is to live, at most as long as the tenant allows."""
    name = "scim_externalClient_expiry" if body.sub_type == "externalClient" else "max_api_key_expiry"
    longest = read_duration(read_config(sandbox)[name]) or timedelta()
    if body.expiry is None:
        return longest
    lifetime = read_duration(body.expiry)
    if not lifetime:
        raise keys_refusal(400, f"expiry: {body.expiry} is no duration")
    if lifetime > longest:
        raise keys_refusal(400, f"expiry: {body.expiry} is longer than {read_config(sandbox)[name]}")
    return lifetime


def _tell(sandbox: Sandbox, what: str, key: dict[str, Any], caller: Caller, **more: str) -> None:
    data = {name: key[name] for name in ("id", "description", "sub", "subType", "expiry")}
    publish(sandbox, f"com.qlik.api-key.{what}", API_KEYS, data | more, by=caller.user_id)


def _show(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return a key as the service writes it; one that never expires, which only a world has, says so far away."""
    expires = row["expires"]
    return {
        "id": row["id"],
        "tenantId": sandbox_of(request).setting("tenant")["id"],
        "sub": row["sub"],
        "subType": row["sub_type"],
        "status": row["told_status"],
        "description": row["description"],
        "expiry": "9999-12-31T23:59:59.999Z" if expires is None else stamp(datetime.fromtimestamp(expires, UTC)),
        "created": row["created"],
        "lastUpdated": row["updated"],
        "createdByUser": row["created_by"],
    }


ROUTES = [
    endpoint("GET", PATH, list_keys, query="createdByUser,endingBefore,limit,sort,startingAfter,status,sub"),
    endpoint("POST", PATH, create_key, body=NewKey, status=201),
    endpoint("GET", f"{PATH}/{{id}}", get_key),
    endpoint("PATCH", f"{PATH}/{{id}}", update_key, body=KeyChanges, status=204),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_key, status=204),
]
