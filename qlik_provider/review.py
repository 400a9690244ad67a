"""Plan documents that somebody reviewed: read strictly, since what stands in them may be sent."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from qlik_provider.entitlements import fold
from qlik_provider.errors import UnusablePlans
from qlik_provider.premises import Removal
from qlik_provider.report import PlanDocument

REVIEWED = "QLIK_REVIEWED"


def read_plans(paths: Iterable[Path]) -> dict[Path, PlanDocument]:
    """Return the plan documents of files and folders; raises UnusablePlans with every one that cannot be read."""
    documents: dict[Path, PlanDocument] = {}
    faults: list[str] = []
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            faults.append(f"{path}: holds no plan document; a preview with QLIK_PLAN_DIR writes them")
        for file in files:
            document = _read_plan(file)
            if isinstance(document, str):
                faults.append(f"{file}: {document}")
            else:
                documents[file] = document
    if faults:
        raise UnusablePlans("; ".join(faults))
    return documents


def _read_plan(file: Path) -> PlanDocument | str:
    """Return the plan document in a file, or why there is none."""
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    except json.JSONDecodeError as error:
        return f"is no JSON, or was cut short in line {error.lineno}; plan again"
    known = PlanDocument.model_fields["version"].default
    version = data.get("version") if isinstance(data, dict) else None
    if version != known:
        return (
            f"is no plan document of version {known}, but {version or 'something else'}; plan again with this release"
        )
    try:
        return PlanDocument.model_validate_json(text, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in fault["loc"])
        return f"is no plan document of this release: {place}: {fault['msg']}; plan again"


def read_reviewed(environment: Mapping[str, str] = os.environ) -> tuple[PlanDocument, ...] | None:
    """Return the plan documents that `QLIK_REVIEWED` names, files and folders; None where it is not set.

    Raises UnusablePlans if any of them cannot be read, or would be written over by the run itself.
    """
    text = environment.get(REVIEWED)
    if text is None:
        return None
    names = text.split(os.pathsep)
    if not all(names):
        raise UnusablePlans(f"{REVIEWED}: {text!r} names no plan document; name the reviewed ones, or unset it")
    try:
        documents = read_plans(Path(name) for name in names)
    except UnusablePlans as error:
        raise UnusablePlans(f"{REVIEWED}: {error}") from None
    written = environment.get("QLIK_PLAN_DIR")
    if written and any(file.resolve().parent == Path(written).resolve() for file in documents):
        raise UnusablePlans(f"{REVIEWED}: {written} is also QLIK_PLAN_DIR, where this run writes; name another folder")
    return tuple(documents.values())


def find_reviewed(documents: Iterable[PlanDocument], resource: str, identity: Mapping[str, str]) -> frozenset[Removal]:
    """Return the removals of one resource in the documents; none where no document is of that resource.

    Raises UnusablePlans for a document of that name which belongs to something else.
    """
    return frozenset(_removals(documents, resource, identity))


def _removals(documents: Iterable[PlanDocument], resource: str, identity: Mapping[str, str]) -> Iterator[Removal]:
    for document in documents:
        if document.resource != resource:
            continue
        for name, value in document.identity.items():
            if identity.get(name, value) != value:
                raise UnusablePlans(
                    f"{REVIEWED}: the reviewed plan of {resource} is of {name} {value}, and this is {identity[name]}; "
                    "name the plans of this stack"
                )
        yield from (
            (fold(change.subject), change.held, change.declared) for change in document.changes if change.is_removal
        )
