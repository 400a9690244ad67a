"""directoryObjects/getByIds: up to a thousand objects in one call."""

import re
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_ANYTHING, require
from sandbox.directory.entities import Entity, read_entity
from sandbox.directory.errors import bad_request
from sandbox.directory.objects import find_object
from sandbox.directory.queries import context, read_select, refuse_unknown_options
from sandbox.directory.relations import KNOWN
from sandbox.directory.shapes import show_member
from sandbox.routing import endpoint

MAX_IDS = 1000

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Lookup(Entity):
    """The ids to look up, and the types of objects wanted."""

    ids: Annotated[list[str], Field(max_length=MAX_IDS)]
    types: tuple[str, ...] | list[str] = ()


async def get_by_ids(request: Request) -> JSONResponse:
    """Return the objects that are there, in the order asked for; ids of nothing are passed over."""
    caller = require(request, READ_ANYTHING)
    refuse_unknown_options(request)
    names = read_select(request, KNOWN)
    content = await read_entity(request, Lookup, "DirectoryObject", ("ids",))
    ids, types = content["ids"], {name.lower() for name in content.get("types", [])}
    for object_id in ids:
        if _GUID.fullmatch(object_id) is None:
            raise bad_request(f"Invalid GUID:{object_id}")
    sandbox = sandbox_of(request)
    found = [find_object(sandbox, object_id) for object_id in dict.fromkeys(ids)]
    shown = [
        show_member(item.kind, item.body, names, shows_people=caller.reads_users)
        for item in found
        if item is not None and (not types or item.kind.lower() in types or "directoryobject" in types)
    ]
    return JSONResponse(context(request, "directoryObjects") | {"value": shown})


ROUTES = [endpoint("POST", "/directoryObjects/getByIds", get_by_ids, query="$select", body=Lookup)]
