"""The directory's part of a snapshot."""

import json
from typing import Any

from sandbox.directory.dynamic_groups import process_rules
from sandbox.directory.placing import principal_of
from sandbox.directory.sections import COLLECTIONS, RELATIONS
from sandbox.directory.settings import take_timing
from sandbox.documents import Document, take_clients, take_documents, without_nulls
from sandbox.state import Sandbox

_RELATIONS = ("members", "owners")
_Links = dict[tuple[str, str], list[str]]  # object ids by relation and by the object that refers


def take_directory(sandbox: Sandbox) -> dict[str, Any]:
    """Return the directory's part of a world that would restore this state."""
    process_rules(sandbox)
    people = [
        (row["is_deleted"], json.loads(row["body"]))
        for row in sandbox.db.execute("SELECT is_deleted, body FROM people ORDER BY id")
    ]
    links: _Links = {}
    for link in sandbox.db.execute("SELECT * FROM links ORDER BY object_id"):
        links.setdefault((link["relation"], link["group_id"]), []).append(link["object_id"])
    groups = [json.loads(row["body"]) for row in sandbox.db.execute("SELECT body FROM groups ORDER BY id")]
    return {
        "tenantId": sandbox.setting("directoryTenantId"),
        "timing": take_timing(sandbox),
        "clients": take_clients(sandbox, "graph"),
        "users": [without_nulls(body) | _manager(links, body["id"]) for is_deleted, body in people if not is_deleted],
        "deleted": [without_nulls(body) for is_deleted, body in people if is_deleted],
        "groups": [
            without_nulls(body) | {relation: links.get((relation, body["id"]), []) for relation in _RELATIONS}
            for body in groups
        ],
        **_take_documents(sandbox, links),
    }


def _take_documents(sandbox: Sandbox, links: _Links) -> dict[str, list[Document]]:
    """Return the documents with their references; the service principal a client implies is left out."""
    taken = take_documents(sandbox, COLLECTIONS)
    for collection, relations in RELATIONS.items():
        for document in taken[collection]:
            document.update({relation: links.get((relation, document["id"]), []) for relation in relations})
    implied = [principal_of(client["oid"], client["id"]) | {"owners": []} for client in take_clients(sandbox, "graph")]
    principals = [document for document in taken["servicePrincipals"] if document not in implied]
    return taken | {"servicePrincipals": principals}


def _manager(links: _Links, person_id: str) -> dict[str, str]:
    """Return the manager of a person, who has one or none."""
    return {"manager": links["manager", person_id][0]} if ("manager", person_id) in links else {}
