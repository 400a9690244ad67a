"""Bodies of Graph: read as an entity's model, refused in Graph's words, and put over what is stored."""

from collections.abc import Iterable
from typing import Any

from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from sandbox.answers import Refusal
from sandbox.bodies import Body, adapter_of, parse_json
from sandbox.directory.errors import bad_request

Properties = dict[str, Any]


class Entity(Body):
    """The properties of an entity that can be written; the services of the directory refuse every other."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class Reference(Body):
    """A reference to an object, by its address."""

    model_config = ConfigDict(alias_generator=lambda name: "@odata.id" if name == "address" else name)

    address: str


async def read_content(request: Request) -> Properties:
    """Return the JSON object of a body, or raise the 400 of Graph."""
    content = parse_json(await request.body(), lambda _status, _title: _unreadable())
    if not isinstance(content, dict):
        raise _unreadable()
    return content


async def read_entity(request: Request, model: type[Entity], kind: str, required: Iterable[str] = ()) -> Properties:
    """Return the properties of the body, as they were sent, or raise the 400 that names the first fault."""
    content = await read_content(request)
    properties = {name: value for name, value in content.items() if not _is_annotation(name)}
    # azuread sends the id of what it changes; one that says nothing new is passed over.
    if "id" in properties and properties["id"] == request.path_params.get("id"):
        del properties["id"]
    for name in required:
        if properties.get(name) is None:
            raise bad_request(f"A value is required for property '{name}' of resource '{kind}'.")
    try:
        adapter_of(model).validate_python(properties)
    except ValidationError as error:
        raise _refuse(error, kind) from error
    return properties


async def read_reference(request: Request) -> str:
    """Return the object id of a `$ref` body, or raise 400."""
    content = await read_content(request)
    address = content.get("@odata.id")
    if not isinstance(address, str) or not address:
        raise bad_request("Invalid URL format specified in @odata.id.", "Request_BadRequest")
    return id_of(address)


def id_of(address: str) -> str:
    """Return the object id that ends an address."""
    return address.rstrip("/").rpartition("/")[2].lower()


def merged(stored: Properties, change: Properties) -> Properties:
    """Return what is stored under the change: members of a complex property are changed one by one."""
    result = dict(stored)
    for name, value in change.items():
        before = stored.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def without_bindings(properties: Properties) -> Properties:
    """Return what is kept of the properties: references to other objects are links."""
    return {name: value for name, value in properties.items() if not name.endswith("@odata.bind")}


def _is_annotation(name: str) -> bool:
    """Say whether a member annotates others, such as `@odata.type`; a binding is no annotation."""
    return "@odata." in name and not name.endswith("@odata.bind")


def _refuse(error: ValidationError, kind: str) -> Refusal:
    fault = error.errors()[0]
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        resource = f"{kind[:1].lower()}{kind[1:]}"
        return bad_request(
            f"The property '{name}' does not exist on type 'microsoft.graph.{resource}' or is read-only."
        )
    return bad_request(f"Invalid value specified for property '{name}' of resource '{kind}'.")


def _unreadable() -> Refusal:
    return bad_request("Unable to read JSON request payload.", "BadRequest")
