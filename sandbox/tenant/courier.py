"""Deliveries to webhooks on this machine: posted in the background, signed, and kept with what came back."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx

from sandbox.documents import Document, find_document, put_document
from sandbox.state import Sandbox
from sandbox.tenant.deliveries import DELIVERIES, WEBHOOKS

SIGNATURE = "Qlik-Signature"
TIMEOUT = 10.0  # seconds
_OK = 200
_REFUSED = 300

# The loop itself keeps only weak references to its tasks.
_UNDER_WAY: set[asyncio.Task[None]] = set()


def post_deliveries(sandbox: Sandbox) -> None:
    """Start posting what waits, and do not wait for it; a delivery whose request was refused is no more there."""
    waiting, sandbox.outbox[:] = list(sandbox.outbox), []
    for id in waiting:
        delivery = find_document(sandbox, DELIVERIES, id)
        webhook = delivery and find_document(sandbox, WEBHOOKS, delivery["webhookId"])
        if delivery and webhook:
            task = asyncio.get_running_loop().create_task(_post(sandbox, delivery, webhook))
            _UNDER_WAY.add(task)
            task.add_done_callback(_UNDER_WAY.discard)


async def _post(sandbox: Sandbox, delivery: Document, webhook: Document) -> None:
    """Post one delivery and keep what became of it, unless the world was replaced meanwhile."""
    found = await _send(delivery, webhook)
    if find_document(sandbox, DELIVERIES, delivery["id"]) is not None:
        put_document(sandbox, DELIVERIES, delivery | found, webhook["id"])
        sandbox.db.commit()


async def _send(delivery: Document, webhook: Document) -> dict[str, Any]:
    """Return the outcome of one POST, in members of a delivery."""
    content = json.dumps(delivery["request"]["body"]).encode()
    headers = {"Content-Type": "application/json", **webhook["headers"], **webhook["encryptedHeaders"]}
    if webhook["secret"]:
        headers[SIGNATURE] = hmac.new(webhook["secret"].encode(), content, hashlib.sha256).hexdigest()
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as http:
            answer = await http.post(delivery["request"]["url"], content=content, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return {"status": "fail", "statusMessage": f"{type(error).__name__}: {error}"}
    is_taken = _OK <= answer.status_code < _REFUSED
    return {
        "status": "success" if is_taken else "fail",
        "statusMessage": f"{answer.status_code} {answer.reason_phrase}",
        "response": {
            "statusCode": answer.status_code,
            "headers": dict(answer.headers),
            "body": answer.text,
        },
    }
