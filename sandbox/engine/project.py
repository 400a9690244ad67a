"""The project and the stack's configuration, as `Pulumi.yaml` and `Pulumi.<stack>.yaml` declare them."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox.engine.refusals import Refusal

_KNOWN = {"name", "description", "runtime", "stackConfigDir", "author", "website", "license", "template"}


@dataclass(frozen=True)
class Project:
    """One program: where it is and which Python runs it."""

    name: str
    root: Path
    python: Path
    virtualenv: str
    config_folder: Path
    backend: Path

    def read_config(self, stack: str, file: str) -> dict[str, str]:
        """Return the stack's configuration as the program gets it: `namespace:key` to text.

        Structured values are JSON text. A stack without a file has none.
        """
        path = Path(file) if file else self.config_folder / f"Pulumi.{stack}.yaml"
        if not path.exists() and not file:
            return {}
        document = _read_yaml(path)
        if "environment" in document:
            raise Refusal(f"{path.name}: environment: is not rehearsed")
        entries: dict[str, Any] = document.get("config") or {}
        return {key if ":" in key else f"{self.name}:{key}": _text(path, key, value) for key, value in entries.items()}


def read_project(cwd: Path) -> Project:
    """Return the project of a folder or of the nearest folder above it."""
    start = cwd.resolve()
    root = next((folder for folder in (start, *start.parents) if (folder / "Pulumi.yaml").exists()), None)
    if root is None:
        raise Refusal(
            "no Pulumi.yaml project file found (searching upwards from "
            f"{start}). If you have not created a project yet, use `pulumi new` to do so"
        )
    document = _read_yaml(root / "Pulumi.yaml")
    for key in document:
        if key not in _KNOWN:
            raise Refusal(f"Pulumi.yaml: {key}: is not rehearsed")
    runtime = document.get("runtime")
    runtime = {"name": runtime} if isinstance(runtime, str) else runtime or {}
    if runtime.get("name") != "python":
        raise Refusal("Pulumi.yaml: the rehearsal runs the python runtime only")
    options = runtime.get("options") or {}
    for option in options:
        if option not in {"toolchain", "virtualenv"}:
            raise Refusal(f"Pulumi.yaml: runtime option {option} is not rehearsed")
    virtualenv = str(options.get("virtualenv") or "")
    return Project(
        name=str(document.get("name") or ""),
        root=root,
        python=_find_python(root, virtualenv),
        virtualenv=virtualenv,
        config_folder=root / str(document.get("stackConfigDir") or ""),
        backend=_find_backend(),
    )


def _find_python(root: Path, virtualenv: str) -> Path:
    if not virtualenv:
        return Path(sys.executable)
    python = root / virtualenv / "bin" / "python"
    if not python.exists():
        raise Refusal(f"The 'virtualenv' option in Pulumi.yaml is set to \"{virtualenv}\", which has no bin/python")
    return python


def _find_backend() -> Path:
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    parts = urlsplit(url)
    if parts.scheme != "file" or not parts.path:
        raise Refusal(f"PULUMI_BACKEND_URL must be file://<folder> for a rehearsal, not {url!r}")
    relative = parts.netloc in {"~", "."}
    return Path(f"{parts.netloc}{parts.path}").expanduser() if relative else Path(parts.path)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(path)
    except (OSError, YAMLError) as error:
        raise Refusal(f"could not read {path}: {error}") from error
    if not isinstance(document or {}, dict):
        raise Refusal(f"{path} is not a map")
    return document or {}


def _text(path: Path, key: str, value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"secure"}:
        raise Refusal(f"{path.name}: {key} is a secret; the rehearsal keeps none")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), sort_keys=True)
    return str(value)
