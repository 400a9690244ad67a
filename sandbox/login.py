"""Logins of people, simulated: what a browser and an identity provider do to a tenant."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import read_body
from sandbox.routing import endpoint
from sandbox.tenant.sessions import Identity, RefusedLogin, Session, log_in

PATH = "/_sandbox/login"


class Login(BaseModel):
    """Who logs in, as the claims of the identity provider say it."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(min_length=1)
    email: str | None = None
    name: str | None = None
    groups: list[Annotated[str, Field(min_length=1)]] | None = None
    email_verified: bool = Field(default=True, alias="emailVerified")


async def post_login(request: Request) -> JSONResponse:
    """Log somebody in, and return what that did to the tenant; a refusal is an answer like any other."""
    login: Login = await read_body(request, Login, _refuse)
    identity = Identity(login.subject, login.email or None, login.name or None, login.groups, login.email_verified)
    try:
        session = log_in(sandbox_of(request), identity)
    except RefusedLogin as refused:
        return JSONResponse({"status": "refused", "reason": refused.reason, "userId": refused.user_id})
    return JSONResponse(_show(session))


def _show(session: Session) -> dict[str, Any]:
    return {
        "status": "loggedIn",
        "userId": session.user_id,
        "created": session.is_created,
        "relinkedFrom": session.relinked_from,
        "formerStatus": session.former_status,
        "groups": session.groups.names,
        "createdGroups": session.groups.created,
        "ignoredGroups": session.groups.ignored,
        "seat": session.seat,
        "grantedRoles": session.roles,
    }


def _refuse(status: int, text: str) -> Refusal:
    return Refusal(status, {"faults": [text]})


ROUTES = [endpoint("POST", PATH, post_login, body=Login, tier="")]
