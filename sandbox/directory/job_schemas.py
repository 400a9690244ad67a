"""The default schema of a synchronization job, which is data: sandbox/directory/schemas (entra.md 5.3)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "schemas" / "scim.json"


def default_schema(owner_id: str) -> dict[str, Any]:
    """Return the schema of a job, or of a template, of which nobody has put another."""
    content: dict[str, Any] = json.loads(_read_file())
    return {"id": owner_id, "version": "Date:2026-01-01T00:00:00.000Z", **content}


@cache
def _read_file() -> str:
    return _FILE.read_text(encoding="utf-8")
