"""The license of the tenant: overview, status and settings (qlik-api.md 2.3 to 2.5)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.clock import stamp
from sandbox.state import Sandbox
from sandbox.tenant.access import require_admin
from sandbox.tenant.errors import licenses_refusal
from sandbox.tenant.seats import read_allotments
from sandbox.world import DAWN

_SETTINGS = ("autoAssignAnalyzer", "autoAssignProfessional")


async def get_overview(request: Request) -> JSONResponse:
    """Return the license with its allotments and the seats in use now."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    known = _read_license(sandbox)
    return JSONResponse(
        {
            "allotments": [
                {
                    "name": allotment.name,
                    "usageClass": "assigned",
                    "units": allotment.units,
                    "unitsUsed": allotment.units_used,
                    "overage": allotment.overage,
                }
                for allotment in read_allotments(sandbox)
            ],
            "licenseKey": known["key"],
            "licenseNumber": known["number"],
            "origin": "External",
            "parameters": [],
            "product": known["product"],
            "secondaryNumber": "",
            "status": known["status"],
            "trial": False,
            "updated": stamp(DAWN),
            "valid": known["valid"],
            "version": "",
        }
    )


async def get_status(request: Request) -> JSONResponse:
    """Return the status of the license; only Ok grants access."""
    require_admin(request, licenses_refusal)
    known = _read_license(sandbox_of(request))
    return JSONResponse(
        {
            "type": "Signed",
            "origin": "External",
            "product": known["product"],
            "status": known["status"],
            "trial": False,
            "valid": known["valid"],
            "extensionStatus": "Unavailable",
            "deactivated": False,
        }
    )


async def get_settings(request: Request) -> JSONResponse:
    """Return which types the tenant hands out by itself."""
    require_admin(request, licenses_refusal)
    return JSONResponse(sandbox_of(request).setting("licenseSettings"))


async def put_settings(request: Request) -> JSONResponse:
    """Return the settings after putting them; what a field left out means is a switch."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    given = await read_body(request)
    if not all(name in _SETTINGS and isinstance(value, bool) for name, value in given.items()):
        raise licenses_refusal(400, "Body is invalid or missing")
    kept = sandbox.setting("licenseSettings")
    if sandbox.switch("settings-omitted") == "false":
        kept = dict.fromkeys(_SETTINGS, False)
    sandbox.put_setting("licenseSettings", kept | given)
    return JSONResponse(kept | given)


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a body, or raise the 400 of the licenses service."""
    try:
        content = await request.json()
    except ValueError as error:
        raise licenses_refusal(400, "Body is invalid or missing") from error
    if not isinstance(content, dict):
        raise licenses_refusal(400, "Body is invalid or missing")
    return content


def _read_license(sandbox: Sandbox) -> dict[str, Any]:
    known: dict[str, Any] | None = sandbox.setting("license")
    if known is None:
        raise licenses_refusal(404, "License not found")
    return known
