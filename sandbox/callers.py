"""Who calls, told from the token alone: for what is decided before a service has looked at a request."""

from starlette.types import Scope

from sandbox.state import Sandbox

_CLIENT = "SELECT client AS name FROM tokens WHERE token = ?"
_OWNER = (
    "SELECT coalesce(users.subject, sub) AS name FROM api_keys LEFT JOIN users ON users.id = api_keys.sub"
    " WHERE token = ?"
)


def find_caller(sandbox: Sandbox, scope: Scope) -> str:
    """Return the name under which a caller stands in the request log, or nothing for a token nobody knows."""
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    token = header.partition(" ")[2]
    row = sandbox.db.execute(_CLIENT, (token,)).fetchone() or sandbox.db.execute(_OWNER, (token,)).fetchone()
    return "" if row is None else str(row["name"])
