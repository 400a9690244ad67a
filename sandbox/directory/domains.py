"""The domain names of the directory."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_DOMAINS, require
from sandbox.directory.errors import not_found
from sandbox.directory.queries import ITEM_OPTIONS, context, read_select, refuse_unknown_options
from sandbox.documents import Document, find_document, list_documents
from sandbox.routing import endpoint
from sandbox.state import Sandbox

_DEFAULTS: Document = {
    "authenticationType": "Managed",
    "availabilityStatus": None,
    "isAdminManaged": True,
    "isDefault": False,
    "isInitial": False,
    "isRoot": True,
    "isVerified": True,
    "manufacturer": None,
    "model": None,
    "passwordNotificationWindowInDays": None,
    "passwordValidityPeriodInDays": None,
    "state": None,
    "supportedServices": [],
}
_PROPERTIES = frozenset(_DEFAULTS) | {"id"}
FALLBACK = "contoso.test"  # where a world has neither domains nor users


async def list_domains(request: Request) -> JSONResponse:
    """Return every domain name; Graph does not page them."""
    require(request, READ_DOMAINS)
    refuse_unknown_options(request)
    names = read_select(request, _PROPERTIES)
    found = [_show(domain, names) for domain in list_documents(sandbox_of(request), "domains")]
    return JSONResponse(context(request, "domains") | {"value": found})


async def get_domain(request: Request) -> JSONResponse:
    """Return one domain name."""
    require(request, READ_DOMAINS)
    refuse_unknown_options(request)
    names = read_select(request, _PROPERTIES)
    domain = find_document(sandbox_of(request), "domains", request.path_params["id"].lower())
    if domain is None:
        raise not_found(request.path_params["id"])
    return JSONResponse(context(request, "domains/$entity") | _show(domain, names))


def default_domain(sandbox: Sandbox) -> str:
    """Return the name that new addresses end in."""
    domains = list_documents(sandbox, "domains")
    defaults = [domain["id"] for domain in domains if domain["isDefault"]]
    names: list[str] = [*defaults, *(domain["id"] for domain in domains), FALLBACK]
    return names[0]


def is_verified(sandbox: Sandbox, name: str) -> bool:
    """Say whether addresses of users may end in the name."""
    domain = find_document(sandbox, "domains", name.lower())
    return domain is not None and domain["isVerified"]


def _show(domain: Document, names: list[str] | None) -> Document:
    whole = {"id": domain["id"]} | _DEFAULTS | domain
    return whole if names is None else {name: whole[name] for name in names}


ROUTES = [
    endpoint("GET", "/domains", list_domains, query=ITEM_OPTIONS),
    endpoint("GET", "/domains/{id}", get_domain, query=ITEM_OPTIONS),
]
