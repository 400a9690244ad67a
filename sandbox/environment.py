"""The file a shell can source to talk to this sandbox."""

import json
import shlex
from pathlib import Path
from typing import Any

from sandbox.state import Sandbox


def write_environment(path: Path, sandbox: Sandbox, port: int, ca: Path) -> None:
    """Write the variables that the provider, azuread and the HTTP libraries read."""
    qlik, graph = _first_client(sandbox, "qlik"), _first_client(sandbox, "graph")
    values = {
        "QLIK_TENANT": f"https://{sandbox.names[0]}:{port}",
        "QLIK_CLIENT_ID": qlik["id"],
        "QLIK_CLIENT_SECRET": qlik["secret"],
        "ARM_TENANT_ID": sandbox.setting("directoryTenantId"),
        "ARM_CLIENT_ID": graph["id"],
        "ARM_CLIENT_SECRET": graph["secret"],
        "ARM_METADATA_HOSTNAME": f"{sandbox.names[0]}:{port}",
        "ARM_USE_CLI": "false",
        "SSL_CERT_FILE": str(ca),
        "REQUESTS_CA_BUNDLE": str(ca),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"export {name}={_quote(value)}\n" for name, value in values.items()))


def _first_client(sandbox: Sandbox, service: str) -> dict[str, Any]:
    """Return the client the world names first; a world without one leaves the variables empty."""
    statement = "SELECT body FROM clients WHERE service = ? ORDER BY rowid LIMIT 1"
    row = sandbox.db.execute(statement, (service,)).fetchone()
    client: dict[str, Any] = {"id": "", "secret": ""} if row is None else json.loads(row["body"])
    return client


def _quote(value: str) -> str:
    """Return the value in single quotes, whatever it holds."""
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
