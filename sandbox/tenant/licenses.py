"""The license of the tenant: overview, status, settings and what was consumed (qlik-api.md 2.3 to 2.5)."""

from typing import Any

from pydantic import Field, StrictBool
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.documents import field_of, source_of
from sandbox.paging import Cursor, Listing, Order
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import require_admin
from sandbox.tenant.entitlement import BASIC
from sandbox.tenant.errors import licenses_refusal
from sandbox.tenant.filters import Attribute, FilterError, read_filter
from sandbox.tenant.listing import links, read_count
from sandbox.tenant.seats import Allotment, read_allotments, told_units_used

PATH = "/api/v1/licenses"
CONSUMPTION_LIMIT = 200
_SETTINGS = ("autoAssignAnalyzer", "autoAssignProfessional")
# Members of the overview that a license may have.
_OPTIONAL = (
    "changeTime", "customerId", "latestValidTime", "licenseType", "capabilityBankId", "parentLicenseNumber",
)  # fmt: skip
_CONSUMED = (
    "id", "appId", "userId", "endTime", "duration", "sessionId", "allotmentId", "minutesUsed", "capacityUsed",
    "licenseUsage",
)  # fmt: skip
_END = field_of("endTime")
# As numbers of days, moments compare whatever their form.
_END_TIME = Attribute(
    f"julianday({_END}) = julianday(upper(?))", ordered=f"julianday({_END}) {{sign}} julianday(upper(?))"
)
# What the status tells of a tenant without a license.
_ABSENT = {
    "type": "Signed",
    "origin": "External",
    "product": "",
    "status": "Missing",
    "trial": False,
    "valid": "",
    "extensionStatus": "Unavailable",
    "deactivated": False,
}


class LicenseSettings(Body):
    """Which types the tenant hands out by itself; what a member left out means is a switch."""

    auto_assign_analyzer: StrictBool | None = Field(default=None, alias="autoAssignAnalyzer")
    auto_assign_professional: StrictBool | None = Field(default=None, alias="autoAssignProfessional")


async def get_overview(request: Request) -> JSONResponse:
    """Return the license with its allotments and the seats in use."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    known = _read_license(sandbox)
    return JSONResponse(
        {
            "allotments": [_show(sandbox, allotment) for allotment in _listed_allotments(sandbox)],
            "licenseKey": known["key"],
            "licenseNumber": known["number"],
            "origin": known["origin"],
            "parameters": known["parameters"],
            "product": known["product"],
            "secondaryNumber": known["secondaryNumber"],
            "status": known["status"],
            "trial": known["trial"],
            "updated": known["updated"],
            "valid": known["valid"],
            "version": known["version"],
            **{name: known[name] for name in _OPTIONAL if name in known},
        }
    )


async def get_status(request: Request) -> JSONResponse:
    """Return the status of the license; only Ok grants access."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    known = sandbox.setting("license")
    if known is None:
        if sandbox.switch("license-absent-status") == "notFound404":
            raise licenses_refusal(404, "License not found")
        return JSONResponse(_ABSENT)
    return JSONResponse({name: known[name] for name in _ABSENT})


async def get_settings(request: Request) -> JSONResponse:
    """Return which types the tenant hands out by itself."""
    require_admin(request, licenses_refusal)
    return JSONResponse(sandbox_of(request).setting("licenseSettings"))


async def put_settings(request: Request) -> JSONResponse:
    """Return the settings after putting them; what a field left out means is a switch."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    body: LicenseSettings = await read_body(request, LicenseSettings, refuse_body)
    given = body.model_dump(by_alias=True, exclude_none=True)
    kept = sandbox.setting("licenseSettings")
    if sandbox.switch("settings-omitted") == "false":
        kept = dict.fromkeys(_SETTINGS, False)
    sandbox.put_setting("licenseSettings", kept | given)
    return JSONResponse(kept | given)


async def list_consumption(request: Request) -> JSONResponse:
    """Return one page of what sessions took of the license, the oldest entry first."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    limit = read_count(request, "limit", CONSUMPTION_LIMIT, range(1, CONSUMPTION_LIMIT + 1), licenses_refusal)
    page = _consumption(request).read(sandbox.db, limit, read_page_cursor(request))
    return JSONResponse(
        {
            "data": [{name: row[name] for name in _CONSUMED} for row in page.rows],
            "links": links(request, page, lambda cursor: {"page": cursor.encode()}),
        }
    )


def refuse_body(status: int, _reason: str) -> Refusal:
    """Return the licenses service's refusal of a body, which names no reason."""
    return licenses_refusal(status, "Body is invalid or missing")


def read_page_cursor(request: Request) -> Cursor | None:
    """Return the cursor of `page`, or raise 400 for text that never was one."""
    text = request.query_params.get("page")
    cursor = Cursor.decode(text) if text else None
    if text and cursor is None:
        raise licenses_refusal(400, "Invalid page")
    return cursor


def _consumption(request: Request) -> Listing:
    """Return the entries a request asks for; only `endTime` filters and sorts them."""
    sort = request.query_params.get("sort", "").replace(" ", "+")
    if sort.lstrip("+-") not in {"", "endTime"}:
        raise licenses_refusal(400, f"Invalid sort: {sort}")
    order = Order(_END, "seq", is_descending=sort.startswith("-")) if sort else Order("seq", "seq")
    columns = ", ".join(f"{field_of(name)} AS {name}" for name in _CONSUMED)
    listing = Listing(columns, source_of("consumption"), order)
    text = request.query_params.get("filter")
    if not text:
        return listing
    try:
        return listing.where(read_filter(text, {"endTime": _END_TIME}))
    except FilterError as error:
        raise licenses_refusal(400, f"Invalid filter: {error}") from error


def _listed_allotments(sandbox: Sandbox) -> list[Allotment]:
    """Return the allotments that the overview lists; whether Basic Users are counted is a switch."""
    hides_basic = sandbox.switch("capacity-allotments") == "fullUserOnly"
    return [found for found in read_allotments(sandbox) if not (hides_basic and found.name == BASIC)]


def _show(sandbox: Sandbox, allotment: Allotment) -> dict[str, Any]:
    return {
        "name": allotment.name,
        "usageClass": allotment.usage_class,
        "units": allotment.units,
        "unitsUsed": told_units_used(sandbox, allotment),
        "overage": allotment.overage,
    }


def _read_license(sandbox: Sandbox) -> dict[str, Any]:
    known: dict[str, Any] | None = sandbox.setting("license")
    if known is None:
        raise licenses_refusal(404, "License not found")
    return known


ROUTES = [
    endpoint("GET", f"{PATH}/overview", get_overview),
    endpoint("GET", f"{PATH}/status", get_status),
    endpoint("GET", f"{PATH}/settings", get_settings),
    endpoint("PUT", f"{PATH}/settings", put_settings, body=LicenseSettings),
    endpoint("GET", f"{PATH}/consumption", list_consumption, query="filter,limit,page,sort"),
]
