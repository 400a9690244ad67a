"""Business glossaries, whose owner is in the schema and not in the patch (qlik-api.md 9)."""

import json
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.documents import Document, field_of, find_document
from sandbox.routing import endpoint
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.errors import glossaries_refusal
from sandbox.tenant.content.pages import NAME, of_collection
from sandbox.tenant.content.places import put_content, seen_by, sees
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.owners import accept_owner

PATH = "/api/v1/glossaries"
ADMIN = "admin.apps"

_GLOSSARIES = Collection(
    columns="*",
    source="documents",
    sorts={"name": NAME, "description": f"fold({field_of('description')})"},
    attributes={},
    refuse=glossaries_refusal,
    default_sort="name",
    default_limit=20,
)
_VALUES: dict[str, type] = {"/name": str, "/description": str, "/overview": str, "/tags": list, "/ownerId": str}


class GlossaryOp(Body):
    """One operation of a patch."""

    op: Literal["add", "replace", "remove"]
    path: str
    value: Any = None


async def list_glossaries(request: Request) -> JSONResponse:
    """Return one page of the glossaries the caller can access."""
    caller = identify(request, glossaries_refusal)
    listing = _GLOSSARIES.listing(request, of_collection("glossaries"), *seen_by(caller, ADMIN))
    page = _GLOSSARIES.read(request, listing)
    body: dict[str, Any] = {
        "data": [_show(json.loads(row["body"])) for row in page.rows],
        "links": identity_links(request, page),
    }
    if request.query_params.get("countTotal") == "true":
        body["meta"] = {"countTotal": listing.count(sandbox_of(request).db)}
    return JSONResponse(body)


async def get_glossary(request: Request) -> JSONResponse:
    """Return one glossary."""
    caller = identify(request, glossaries_refusal)
    return JSONResponse(_show(_find(request, caller)))


async def patch_glossary(request: Request) -> Response:
    """Return 204 after the changes; whether the owner is among what can be changed is a switch."""
    caller = identify(request, glossaries_refusal)
    sandbox = sandbox_of(request)
    found = _find(request, caller)
    ops: list[GlossaryOp] = await read_body(request, list[GlossaryOp], glossaries_refusal)
    if found["ownerId"] != caller.user_id and not caller.may(ADMIN):
        raise glossaries_refusal(403, "Forbidden")
    refuses_owner = sandbox.switch("glossary-owner-patch") == "refused400"
    for op in ops:
        kind = _VALUES.get(op.path)
        if kind is None or op.op == "remove" or (op.path == "/ownerId" and refuses_owner):
            raise glossaries_refusal(400, f"Invalid operation: {op.op} {op.path}")
        if not _fits(op.value, kind):
            raise glossaries_refusal(400, f"Invalid value of {op.path}")
        if op.path == "/name" and not op.value:
            raise glossaries_refusal(400, "Invalid value of /name")
        if op.path == "/ownerId":
            accept_owner(sandbox, op.value, glossaries_refusal, ("Steward",))
        found[op.path.removeprefix("/")] = op.value
    put_content(sandbox, "glossaries", found | {"updatedAt": sandbox.clock.stamp()})
    return Response(status_code=204)


def _fits(value: Any, kind: type) -> bool:
    """Say whether a value is of the kind its path has; a list is one of texts."""
    if isinstance(value, list):
        return kind is list and all(isinstance(item, str) for item in value)
    return isinstance(value, kind)


def _find(request: Request, caller: Caller) -> Document:
    sandbox = sandbox_of(request)
    found = find_document(sandbox, "glossaries", request.path_params["id"])
    if found is None or not sees(sandbox, caller, found, ADMIN):
        raise glossaries_refusal(404, "Not found")
    return found


def _show(body: Document) -> dict[str, Any]:
    """Return a glossary as the service writes it."""
    return {
        "id": body["id"],
        "name": body["name"],
        "description": body["description"],
        "overview": body["overview"],
        "tags": body["tags"],
        "ownerId": body["ownerId"],
        "spaceId": body["spaceId"],
        "createdAt": body["createdAt"],
        "createdBy": body["ownerId"],
        "updatedAt": body["updatedAt"],
        "updatedBy": body["ownerId"],
    }


ROUTES = [
    endpoint("GET", PATH, list_glossaries, query="countTotal,limit,next,prev,sort"),
    endpoint("GET", f"{PATH}/{{id}}", get_glossary),
    endpoint("PATCH", f"{PATH}/{{id}}", patch_glossary, body=list[GlossaryOp], status=204),
]
