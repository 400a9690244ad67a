"""Declarations as files in a folder, written whole."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from textwrap import dedent

from qlik_provider.declaration import Declaration, load_declaration
from qlik_provider.errors import DeclarationError

TODAY = date(2026, 11, 2)

ACCESS = """\
licenses:
  order: [professional, analyzer]
subject: {from: objectId}
"""

FINANCE = """\
name: BI Finance
license: professional
members: [ana@contoso.test]
"""


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `access`, `people`, `groups/<key>`, `approvals/<name>`; without an access file, the smallest one."""
    for name, text in {"access": ACCESS, **files}.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder


def load(folder: Path, files: Mapping[str, str]) -> Declaration:
    return load_declaration(write_files(folder, files))


def faults_of(folder: Path, error: DeclarationError) -> list[str]:
    """Return the faults without the folder before them."""
    return [fault.removeprefix(f"{folder}/") for fault in error.faults]
