"""OAuth clients as they are kept: their secrets and what tells them apart (qlik-api.md 8)."""

import hmac
import json
from typing import Any

from sandbox.clock import stamp
from sandbox.documents import Document
from sandbox.sections import DAWN
from sandbox.state import Sandbox
from sandbox.tenant.client_sections import TenantClient

MAX_SECRETS = 5
_HINT = 5  # characters of a secret that may be shown


def place_clients(sandbox: Sandbox, clients: list[TenantClient]) -> None:
    """Put the clients of a world where nothing is yet."""
    for client in clients:
        put_client(sandbox, client.model_dump(mode="json", by_alias=True, exclude_none=True))


def put_client(sandbox: Sandbox, client: Document) -> None:
    """Keep a client under its id, in the place of the one that has it."""
    statement = "INSERT INTO clients VALUES ('qlik', ?, ?) ON CONFLICT (service, id) DO UPDATE SET body = excluded.body"
    sandbox.db.execute(statement, (client["id"], json.dumps(client)))


def find_client(sandbox: Sandbox, id: str) -> Document | None:
    """Return the client with this id, or None."""
    row = sandbox.db.execute("SELECT body FROM clients WHERE service = 'qlik' AND id = ?", (id,)).fetchone()
    return None if row is None else json.loads(row["body"])


def delete_client(sandbox: Sandbox, id: str) -> None:
    """Forget a client and the tokens it has; its bot stays a user."""
    sandbox.db.execute("DELETE FROM clients WHERE service = 'qlik' AND id = ?", (id,))
    sandbox.db.execute("DELETE FROM tokens WHERE service = 'qlik' AND client = ?", (id,))


def name_of(client: Document) -> str:
    """Return the name of a client, which is its id where a world gives none."""
    return str(client.get("name") or client["id"])


def secrets_of(client: Document) -> list[dict[str, Any]]:
    """Return every secret of a client with its hint, the oldest first."""
    first = {"secret": client["secret"], "createdAt": client.get("createdAt", stamp(DAWN)), "createdBy": ""}
    found = [first, *client["secrets"]] if client["secret"] else client["secrets"]
    return [secret | {"hint": secret["secret"][:_HINT]} for secret in found]


def drop_secret(client: Document, hint: str) -> bool:
    """Take the secret with a hint from the client, and say whether it was there."""
    kept = [secret for secret in secrets_of(client) if secret["hint"] != hint]
    if len(kept) == len(secrets_of(client)):
        return False
    if client["secret"][:_HINT] == hint:
        client["secret"] = ""
    client["secrets"] = [secret for secret in client["secrets"] if secret["secret"][:_HINT] != hint]
    return True


def is_secret(client: Document, secret: str) -> bool:
    """Say whether the secret is one of the client's."""
    return any(hmac.compare_digest(known["secret"].encode(), secret.encode()) for known in secrets_of(client))
