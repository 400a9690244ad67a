"""The directory's part of a world, placed into an empty state."""

import json
from typing import Any

from pydantic.alias_generators import to_snake

from sandbox.clock import stamp
from sandbox.directory.application_sections import Domain, ServicePrincipal
from sandbox.directory.catalog import TEMPLATES
from sandbox.directory.dynamic_groups import begin_rules
from sandbox.directory.sections import COLLECTIONS, RELATIONS, Directory, Group, Person, parent_of
from sandbox.directory.settings import place_timing
from sandbox.documents import Document, find_document, put_document
from sandbox.sections import Section
from sandbox.state import Sandbox, fold, insert


def place_directory(sandbox: Sandbox, directory: Directory) -> None:
    """Put what the world says of the directory where nothing is yet."""
    sandbox.put_setting("directoryTenantId", directory.tenant_id)
    insert(sandbox, "clients", (("graph", c.id, c.model_dump_json(by_alias=True)) for c in directory.clients))
    now = sandbox.clock.stamp()
    insert(sandbox, "people", (person_row(person) for person in directory.users))
    insert(sandbox, "people", (person_row(person, deleted=now) for person in directory.deleted))
    for group in directory.groups:
        _place_group(sandbox, group)
    insert(sandbox, "links", ((None, "manager", u.id, u.manager) for u in directory.users if u.manager))
    for name in COLLECTIONS:
        for section in getattr(directory, to_snake(name)):
            _place_document(sandbox, name, section)
    for client in directory.clients:
        if find_document(sandbox, "servicePrincipals", client.oid) is None:
            put_document(sandbox, "servicePrincipals", principal_of(client.oid, client.id))
    for template in TEMPLATES:
        put_document(sandbox, "applicationTemplates", template)
    if not directory.domains:
        _place_domains(sandbox, directory.users)
    place_timing(sandbox, directory.timing)
    begin_rules(sandbox)


def principal_of(oid: str, app_id: str) -> Document:
    """Return the service principal of a client of which the world says nothing more."""
    principal = ServicePrincipal.model_validate({"id": oid, "appId": app_id, "displayName": app_id})
    return principal.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"owners"})


def _place_document(sandbox: Sandbox, name: str, section: Section) -> None:
    document = section.model_dump(mode="json", by_alias=True, exclude_none=True)
    for relation in RELATIONS.get(name, ()):
        references = document.pop(relation)
        insert(sandbox, "links", ((None, relation, document["id"], object_id) for object_id in references))
    put_document(sandbox, name, document, parent_of(name, document))


def _place_domains(sandbox: Sandbox, users: list[Person]) -> None:
    """Put the domain names that the users' names end in; the first one is the default."""
    names = dict.fromkeys(user.user_principal_name.rpartition("@")[2].casefold() for user in users)
    for number, name in enumerate(filter(None, names)):
        domain = Domain.model_validate({"id": name, "isDefault": number == 0, "isInitial": number == 0})
        put_document(sandbox, "domains", domain.model_dump(mode="json", by_alias=True))


def _place_group(sandbox: Sandbox, group: Group) -> None:
    body = group.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"members", "owners"})
    row = (None, group.id, fold(group.display_name), fold(group.mail_nickname), json.dumps(body))
    insert(sandbox, "groups", [row])
    insert(sandbox, "links", ((None, "members", group.id, member) for member in group.members))
    insert(sandbox, "links", ((None, "owners", group.id, owner) for owner in group.owners))


def person_row(person: Person, *, deleted: str = "") -> tuple[Any, ...]:
    """Return the row of a person; one who is deleted without a date was deleted just now."""
    body = person.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"manager", "deleted_date_time"})
    if deleted:
        body["deletedDateTime"] = stamp(person.deleted_date_time) if person.deleted_date_time else deleted
        body |= {"manager": person.manager} if person.manager else {}
    keys = (fold(person.user_principal_name), fold(person.mail), fold(person.display_name))
    return (None, person.id, *keys, bool(deleted), json.dumps(body))
