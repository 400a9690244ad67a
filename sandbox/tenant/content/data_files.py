"""Data files, and the call that moves one to somebody else's personal space (qlik-api.md 9)."""

import json
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import read_body
from sandbox.documents import Document, field_of, find_document, list_documents
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.bodies import NewOwner
from sandbox.tenant.content.errors import files_refusal
from sandbox.tenant.content.pages import NAME, TIMES, of_collection, one_cursor_links, read_page
from sandbox.tenant.content.places import owned_by, put_content, seen_by, sees
from sandbox.tenant.listing import Collection, page_url
from sandbox.tenant.owners import UNKNOWN_OWNER, accept_owner

PATH = "/api/v1/data-files"
ALIAS = "/api/core/data-files"
ADMIN = "admin.apps"

_SPACE, _FOLDER = field_of("spaceId"), field_of("folderId")


def _refuse_list(status: int, title: str) -> Refusal:
    """Return the refusal of a list, which has codes of its own for cursors and sort orders."""
    codes = {"Invalid page": "DF-001", "Invalid sort": "DF-002"}
    return files_refusal(status, title, codes.get(title.partition(":")[0]))


_FILES = Collection(
    columns="*",
    source="documents",
    sorts={
        "name": NAME,
        "baseName": NAME,
        "size": field_of("size"),
        "modifiedDate": TIMES["updatedAt"],
        "folder": field_of("folder"),
    },
    attributes={},
    refuse=_refuse_list,
    default_limit=20,
    max_limit=1000,
)


async def list_files(request: Request) -> JSONResponse:
    """Return one page of files: of the caller's personal space, or of whatever space they are owned in."""
    caller = identify(request, files_refusal)
    listing = _FILES.listing(request, of_collection("dataFiles"), *_conditions(request, caller))
    page = read_page(request, _FILES, listing, "page")
    return JSONResponse(
        {
            "data": [_show(request, caller, row) for row in page.rows],
            "links": {"self": {"href": page_url(request, None)}} | one_cursor_links(request, page, "page"),
        }
    )


async def change_owner(request: Request) -> Response:
    """Return 204 after the file, or the folder with all that is in it, belongs to somebody else."""
    caller = identify(request, files_refusal)
    sandbox = sandbox_of(request)
    found = find_document(sandbox, "dataFiles", request.path_params["id"])
    if found is None or not sees(sandbox, caller, found, ADMIN):
        raise files_refusal(404, "The specified source file or folder could not be found.", "DF-017")
    asked: NewOwner = await read_body(request, NewOwner, files_refusal)
    if not caller.may(ADMIN):
        raise files_refusal(403, "Forbidden")
    accept_owner(sandbox, asked.owner_id, _refuse_owner)
    _require_movable(sandbox, found, asked.owner_id)
    _give(sandbox, found, asked.owner_id)
    return Response(status_code=204)


def _require_movable(sandbox: Sandbox, found: Document, owner_id: str) -> None:
    """Raise what keeps a file from a new owner: a lock, its folder, or a file of its name in the personal space."""
    if found["locked"]:
        raise files_refusal(423, "The specified source file or folder is already locked.", "DF-021")
    if found["spaceId"] or found["ownerId"] == owner_id:
        return
    if found["folderId"]:
        # The folder stays with the former owner; the new one has none of that name.
        raise files_refusal(400, "The specified folder does not exist in the specified space.", "DF-020")
    for other in list_documents(sandbox, "dataFiles", ""):
        if (other["ownerId"], other["name"], other["folderId"]) == (owner_id, found["name"], ""):
            raise files_refusal(409, "A file or folder of that name already exists in the target space.")


def _give(sandbox: Sandbox, found: Document, owner_id: str) -> None:
    put_content(sandbox, "dataFiles", found | {"ownerId": owner_id})
    if found["folder"]:
        for other in list_documents(sandbox, "dataFiles", found["spaceId"]):
            if other["folderId"] == found["id"] and other["ownerId"] != owner_id:
                _give(sandbox, other, owner_id)


def _refuse_owner(status: int, title: str) -> Refusal:
    # The code says that there is none; other refusals of an owner have no finer code.
    return files_refusal(status, title, "DF-006" if title == UNKNOWN_OWNER else None)


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    """Return the conditions of the query; without a connection it is about personal files."""
    query = request.query_params
    owner, connection = query.get("ownerId"), query.get("connectionId")
    if owner and owner != caller.user_id and not caller.may(f"{ADMIN}:read"):
        raise files_refusal(403, "Forbidden")
    conditions = [*seen_by(caller, ADMIN), *_name_conditions(request), *_folder_conditions(request)]
    if connection:
        conditions.append(Clause(f"{_SPACE} = ?", (connection.removeprefix("datafiles-"),)))
    elif not owner and query.get("includeAllSpaces") != "true":
        conditions += [Clause(f"{_SPACE} = ''"), owned_by(caller.user_id)]
    if owner:
        conditions.append(owned_by(owner))
    if other := query.get("notOwnerId"):
        conditions.append(Clause(f"{field_of('ownerId')} <> ?", (other,)))
    app = query.get("appId")
    if app != "*":
        conditions.append(Clause(f"{field_of('appId')} = ?", (app or "",)))
    return conditions


def _name_conditions(request: Request) -> list[Clause]:
    query, conditions = request.query_params, []
    if name := query.get("name"):
        conditions.append(Clause(f"{field_of('name')} = ?", (name,)))
    if pattern := query.get("baseNameWildcard"):
        conditions.append(Clause(f"{field_of('name')} GLOB ?", (pattern.replace("[", "[[]"),)))
    return conditions


def _folder_conditions(request: Request) -> list[Clause]:
    """Return the conditions of where in the hierarchy, and of files and folders."""
    query, conditions = request.query_params, []
    folder, path = query.get("folderId"), query.get("folderPath")
    if folder and path:
        raise files_refusal(400, "FolderPath and FolderId are mutually exclusive.", "DF-003")
    if folder or path:
        folders = (folder,) if folder else _folders_at(sandbox_of(request), str(path))
        conditions.append(Clause(f"{_FOLDER} IN ({', '.join('?' * len(folders))})", folders))
    elif query.get("excludeSubFolders") == "true":
        conditions.append(Clause(f"{_FOLDER} = ''"))
    is_folder = field_of("folder")
    if request.query_params.get("excludeFiles") == "true":
        conditions.append(Clause(is_folder))
    elif request.query_params.get("includeFolders") != "true":
        conditions.append(Clause(f"NOT {is_folder}"))
    return conditions


def _show(request: Request, caller: Caller, row: sqlite3.Row) -> dict[str, Any]:
    """Return a file as the service writes it, with its path in front of its name."""
    body = json.loads(row["body"])
    path = _path_of(sandbox_of(request), body)
    is_manager = body["ownerId"] == caller.user_id or caller.may(ADMIN)
    return {
        "id": body["id"],
        "name": f"{path}/{body['name']}" if path else body["name"],
        "baseName": body["name"],
        "createdDate": body["createdAt"],
        "modifiedDate": body["updatedAt"],
        "contentUpdatedDate": body["updatedAt"],
        "size": body["size"],
        "ownerId": body["ownerId"],
        "spaceId": body["spaceId"] or None,
        "appId": body["appId"] or None,
        "folder": body["folder"],
        "folderId": body["folderId"] or None,
        "folderPath": path or None,
        "qri": f"qdf:qix-datafiles:{body['id']}",
        "actions": ["read", "update", "delete", "list", "change_owner", "change_space"] if is_manager else ["read"],
    }


def _folders_at(sandbox: Sandbox, path: str) -> tuple[str, ...]:
    """Return the ids of the folders with this path, of which every space may have one."""
    folders = (found for found in list_documents(sandbox, "dataFiles") if found["folder"])
    return tuple(found["id"] for found in folders if f"{_path_of(sandbox, found)}/{found['name']}".lstrip("/") == path)


def _path_of(sandbox: Sandbox, body: Document) -> str:
    """Return the names of the folders above a file, each followed by what is in it."""
    names: list[str] = []
    seen: set[str] = set()
    folder_id = body["folderId"]
    while folder_id and folder_id not in seen:
        seen.add(folder_id)
        folder = find_document(sandbox, "dataFiles", folder_id)
        if folder is None:
            break
        names.insert(0, folder["name"])
        folder_id = folder["folderId"]
    return "/".join(names)


_QUERY = (
    "allowInternalFiles,appId,baseNameWildcard,connectionId,excludeFiles,excludeSubFolders,folderId,folderPath,"
    "includeAllSpaces,includeFolderStats,includeFolders,limit,name,notOwnerId,ownerId,page,sort"
)
_GIVE = "{id}/actions/change-owner"

ROUTES = [
    endpoint("GET", PATH, list_files, query=_QUERY),
    endpoint("POST", f"{PATH}/{_GIVE}", change_owner, body=NewOwner, status=204),
    # The new namespace has no list of its own beside this path, only the calls on one file.
    endpoint("POST", f"{ALIAS}/{_GIVE}", change_owner, body=NewOwner, status=204),
]
