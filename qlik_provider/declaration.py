"""What one stack declares: its files read whole, and all their faults at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from qlik_provider.claims import dispute_claims, dispute_owner
from qlik_provider.documents import Document, parse_document, read_document
from qlik_provider.entitlements import CAPACITY, KEY_PATTERN, NONE, PEOPLE, RESERVED_KEYS
from qlik_provider.errors import DeclarationError
from qlik_provider.shapes import SHAPES, Access, Approval, Group, Licenses, Person, hours_of

UNSUPPORTED = "is not carried out by this release; take it out"


@dataclass(frozen=True)
class Declaration:
    """The files of one stack, and where each of their parts stands."""

    folder: Path
    access: Access
    groups: Mapping[str, Group] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)

    def fault(self, file: str, *location: str | int, reason: str) -> str:
        """Return `file:line path: reason` for a part of one of the files (`access`, `people`, `groups/<key>`)."""
        return self.documents[file].fault(location, reason)


def load_declaration(folder: Path) -> Declaration:
    """Return what the files of a stack declare; raises DeclarationError with every fault of every file."""
    faults = [*_unread_files(folder)]
    if not (folder / "access.yaml").is_file():
        missing = f"{folder / 'access.yaml'}:1 is missing: a stack begins with its access.yaml"
        raise DeclarationError([missing, *faults])
    documents: dict[str, Document] = {}
    parsed: dict[str, Any] = {}
    for file, path, shape in _files(folder):
        document = read_document(path)
        if isinstance(document, str):
            faults.append(document)
            continue
        documents[file] = document
        value = parse_document(document, SHAPES[shape])
        if isinstance(value, list):
            faults += value
        else:
            parsed[file] = value
        if file == "access":
            faults += _two_creators(document)
    if "access" not in parsed:
        raise DeclarationError(faults)
    declaration = Declaration(
        folder=folder,
        access=parsed["access"],
        groups={file.removeprefix("groups/"): value for file, value in parsed.items() if file.startswith("groups/")},
        people=parsed.get("people", {}),
        approvals={name: value for name, value in parsed.items() if name.startswith("approvals/")},
        documents=documents,
    )
    faults += [*_contradictions(declaration), *_disputes(declaration), *_unsupported(declaration)]
    if faults:
        raise DeclarationError(faults)
    return declaration


def _files(folder: Path) -> Iterator[tuple[str, Path, str]]:
    yield "access", folder / "access.yaml", "access"
    if (folder / "people.yaml").exists():
        yield "people", folder / "people.yaml", "people"
    for directory, shape in (("groups", "group"), ("approvals", "approval")):
        for path in sorted((folder / directory).glob("*.yaml")):
            yield f"{directory}/{path.stem}", path, shape


def _unread_files(folder: Path) -> Iterator[str]:
    """Yield a fault for each YAML file that would silently declare nothing."""
    for path in sorted(folder.rglob("*.yml")):
        yield f"{path}:1 is not read; rename it to {path.stem}.yaml"
    for path in sorted(folder.glob("*.yaml")):
        if path.name not in {"access.yaml", "people.yaml"}:
            yield f"{path}:1 is not known here; a stack has access.yaml, people.yaml, groups/ and approvals/"


def _contradictions(declaration: Declaration) -> Iterator[str]:
    licenses = declaration.access.licenses
    order = licenses.order if licenses else ()
    names: dict[str, str] = {}
    for key, group in declaration.groups.items():
        file = f"groups/{key}"
        if key in RESERVED_KEYS or not re.fullmatch(KEY_PATTERN, key):
            allowed = "a key is small letters, digits and hyphens, and not 'people', 'hand' or 'baseline'"
            yield declaration.fault(file, reason=f"the file name {key!r} is no key: {allowed}")
        if group.license and group.license not in (*order, *((CAPACITY,) if order else ())):
            yield declaration.fault(file, "license", reason=_not_ordered(group.license, order))
        if licenses and _is_below_baseline(group.license, licenses):
            reason = f"{group.license} is less than the baseline {licenses.baseline}, which everybody holds"
            yield declaration.fault(file, "license", reason=reason)
        if group.name and names.setdefault(group.name.casefold(), key) != key:
            other = names[group.name.casefold()]
            yield declaration.fault(file, "name", reason=f"{group.name!r} is also the name of groups/{other}")
        for index in _repeated(group.members or ()):
            yield declaration.fault(file, "members", index, reason=f"{(group.members or ())[index]} is named twice")
        for part, reason in _misplaced(group):
            yield declaration.fault(file, part, reason=reason)
    yield from _lasting_contradictions(declaration)
    yield from _renaming_contradictions(declaration)
    yield from _joiner_contradictions(declaration)
    yield from _pilot_contradictions(declaration)
    yield from _people_contradictions(declaration, order)
    yield from _leaver_contradictions(declaration)
    if licenses:
        yield from _license_contradictions(declaration, licenses)


def _lasting_contradictions(declaration: Declaration) -> Iterator[str]:
    order = declaration.access.licenses.order if declaration.access.licenses else ()
    for key, group in declaration.groups.items():
        if group.release_after and group.license not in order:
            reason = f"keeps seats, and this group gives none; declare a license, one of {', '.join(order) or 'none'}"
            yield declaration.fault(f"groups/{key}", "releaseAfter", reason=reason)


def _joiner_contradictions(declaration: Declaration) -> Iterator[str]:
    if declaration.access.provision and declaration.access.subject.newcomers == "skip":
        reason = "creates users, and newcomers: skip gives them no subject; say newcomers: objectId, or take it out"
        yield declaration.fault("access", "provision", reason=reason)


def _two_creators(document: Document) -> Iterator[str]:
    """Yield a fault where people would be created by this stack and by SCIM as well."""
    data = document.data if isinstance(document.data, Mapping) else {}
    if data.get("provision") is True and data.get("scim"):
        yield document.fault(("provision",), "scim creates users too, and they have one creator; take one of both out")


def _renaming_contradictions(declaration: Declaration) -> Iterator[str]:
    claims: dict[str, str] = {}
    for key, group in declaration.groups.items():
        former, reason = group.previously, ""
        if former is None:
            continue
        if former == key:
            reason = "is the key of this file itself; take the line out"
        elif former in RESERVED_KEYS:
            reason = f"{former!r} was never the key of a group"
        elif former in declaration.groups:
            reason = f"groups/{former}.yaml is there, so this is no other name of it; take the line or that file out"
        elif claims.setdefault(former, key) != key:
            reason = f"groups/{claims[former]} was {former!r} too, and one key becomes one key"
        if reason:
            yield declaration.fault(f"groups/{key}", "previously", reason=reason)


def _pilot_contradictions(declaration: Declaration) -> Iterator[str]:
    only = declaration.access.only or ()
    for index, key in enumerate(only):
        if key not in {*declaration.groups, PEOPLE}:
            yield declaration.fault("access", "only", index, reason=f"{key!r} is no group of this stack")
    for index in _repeated(only):
        yield declaration.fault("access", "only", index, reason="is named twice")


def _leaver_contradictions(declaration: Declaration) -> Iterator[str]:
    leavers = declaration.access.leavers
    if leavers is None:
        return
    disable, delete = leavers.disable_after, leavers.delete_after
    if delete and disable is None:
        reason = "nobody is deleted who was not disabled before; say disableAfter too"
        yield declaration.fault("access", "leavers", "deleteAfter", reason=reason)
    elif delete and disable and hours_of(delete) <= hours_of(disable):
        reason = (
            f"{delete} is not later than disableAfter: {disable}; people are disabled first, and deleted after that"
        )
        yield declaration.fault("access", "leavers", "deleteAfter", reason=reason)
    if leavers.transfer_to and delete is None:
        reason = (
            "what people own is handed over before they are deleted, and nobody is; say deleteAfter, or take it out"
        )
        yield declaration.fault("access", "leavers", "transferTo", reason=reason)


def _misplaced(group: Group) -> Iterator[tuple[str, str]]:
    """Yield each part that means nothing beside the source of people, and why."""
    if group.is_listed() and group.include:
        yield "include", "members are as declared, whoever they are; take it out"
    for index in _repeated(group.include):
        yield "include", f"{group.include[index]} is named twice"
    if group.is_selection():
        nobody = f"is of a group, and {group.source} has none"
        for part in ("nested",) if group.is_custom() else ("name", "nested", "roles", "spaces"):
            if part in group.model_fields_set:
                yield part, f"{nobody}; take it out, or declare members, rule or existing"
        if group.license is None and not group.is_custom():
            yield group.source, "gives nothing: say which license its people get"


def _people_contradictions(declaration: Declaration, order: tuple[str, ...]) -> Iterator[str]:
    people = list(declaration.people)
    for index in _repeated(people):
        yield declaration.fault("people", people[index], reason="is named twice")
    for name, person in declaration.people.items():
        if person.license and person.license not in (*order, NONE, *((CAPACITY,) if order else ())):
            known = (*order, NONE) if order else ()
            yield declaration.fault("people", name, "license", reason=_not_ordered(person.license, known))


def _license_contradictions(declaration: Declaration, licenses: Licenses) -> Iterator[str]:
    for part, named in (("reserve", licenses.reserve), ("overage", licenses.overage)):
        for type in named:
            if type not in licenses.order:
                reason = _not_ordered(type, licenses.order)
                yield declaration.fault("access", "licenses", part, type, reason=reason)
    if licenses.baseline != NONE and licenses.baseline not in licenses.order:
        reason = _not_ordered(licenses.baseline, (*licenses.order, NONE))
        yield declaration.fault("access", "licenses", "baseline", reason=reason)
    for index, key in enumerate(licenses.priority):
        if key not in declaration.groups:
            reason = f"{key!r} is no group of this stack"
            yield declaration.fault("access", "licenses", "priority", index, reason=reason)
    for index in _repeated(licenses.priority):
        yield declaration.fault("access", "licenses", "priority", index, reason="is named twice")
    if licenses.priority and licenses.shortage != "waitlist":
        reason = "counts only among people who wait; say shortage: waitlist"
        yield declaration.fault("access", "licenses", "priority", reason=reason)


def _is_below_baseline(type: str | None, licenses: Licenses) -> bool:
    order = licenses.order
    return type in order and licenses.baseline in order and order.index(type) > order.index(licenses.baseline)


def _disputes(declaration: Declaration) -> Iterator[str]:
    """Yield a fault for each thing about the owner of the seats, or about what the tenant hands out, that cannot be."""
    licenses = declaration.access.licenses
    if licenses is None:
        return
    if licenses.owned_by:
        reason = dispute_owner(declaration.folder, licenses.owned_by)
        if reason:
            yield declaration.fault("access", "licenses", "ownedBy", reason=reason)
        for part, declared in (("autoAssign", licenses.auto_assign), ("autoAssignRoles", licenses.auto_assign_roles)):
            if declared.model_fields_set:
                reason = f"is for the owner of the seats to declare, {licenses.owned_by}"
                yield declaration.fault("access", "licenses", part, reason=reason)
    else:
        for reason in dispute_claims(declaration.folder):
            yield declaration.fault("access", "licenses", reason=reason)
    given = licenses.auto_assign.model_dump(by_alias=True, exclude_none=True)
    if given.get(licenses.baseline) is False:
        reason = f"contradicts baseline: {licenses.baseline}, which people get by this; write true, or take one out"
        yield declaration.fault("access", "licenses", "autoAssign", licenses.baseline, reason=reason)
    if licenses.baseline == "analyzer" and given.get("professional"):
        reason = "contradicts baseline: analyzer, since the tenant gives professional first; write false"
        yield declaration.fault("access", "licenses", "autoAssign", "professional", reason=reason)


def _not_ordered(type: str, order: tuple[str, ...]) -> str:
    if not order:
        return f"{type!r} needs a licenses block in access.yaml"
    return f"{type!r} is not one of {', '.join(order)} (licenses.order in access.yaml)"


def _repeated(names: tuple[str, ...] | list[str]) -> Iterator[int]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name.casefold() in seen:
            yield index
        seen.add(name.casefold())


def _unsupported(declaration: Declaration) -> Iterator[str]:
    """Yield a fault for each part that the format knows and this release does not carry out yet."""
    asked: list[tuple[str, tuple[str, ...], bool]] = []
    for key, group in declaration.groups.items():
        parts = {
            "nested": group.nested and group.existing is None and not group.is_selection(),
            "allowEmpty": group.allow_empty and group.is_listed(),
        }
        asked += [(f"groups/{key}", (name,), used) for name, used in parts.items()]
    for file, location, used in asked:
        if used:
            yield declaration.fault(file, *location, reason=UNSUPPORTED)


def approved_subjects(folder: Path, today: date) -> frozenset[str]:
    """Return the subjects whose removal a folder approves on a day; raises DeclarationError for bad files."""
    subjects: set[str] = set()
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        document = read_document(path)
        approval = parse_document(document, SHAPES["approval"]) if isinstance(document, Document) else [document]
        if isinstance(approval, list):
            faults += approval
        elif approval.expires >= today:
            subjects.update(approval.subjects)
    if faults:
        raise DeclarationError(faults)
    return frozenset(subjects)
