"""A run as an engine tells it: operations, detailed differences, exit code, and the state afterwards."""

import json
import re
from typing import Any

from harness import Project, Result

RECORDED = ("life", "raised-by-hand", "doubt")
"""The scenarios that were played on Pulumi's own engine and written down."""

_TIMES = {"created", "modified", "startTime", "endTime"}
_PLUGINS_OWN = {"__meta", "__defaults", "__internal", "__pulumi_raw_state_delta"}
_ENGINES_OWN = {
    "sourcePosition",
    "stackTrace",
    "propertyDependencies",
    "dependencies",
    "provider",
    "parent",
    "refreshBeforeUpdate",
}


def record_preview(result: Result) -> dict[str, Any]:
    """Return what a `--json` preview says, without what differs from run to run."""
    digest = json.loads(result.text[result.text.index("{") :])
    steps = [
        {
            "op": step["op"],
            "urn": step["urn"],
            "detailedDiff": {path: diff["kind"] for path, diff in sorted((step.get("detailedDiff") or {}).items())},
        }
        for step in digest["steps"]
        if "::pulumi:providers:" not in step["urn"]
    ]
    return {
        "exit": result.exit,
        "steps": sorted(steps, key=lambda step: step["urn"]),
        "changes": digest["changeSummary"],
    }


def record_state(project: Project) -> list[dict[str, Any]]:
    """Return the resources of the state, in words that are the same on every machine."""
    state = project.export()
    text = json.dumps(state["deployment"].get("resources", []))
    text = text.replace(project.sandbox.url, "https://tenant.test")
    for number, id in enumerate(_group_ids(state)):
        text = text.replace(id, f"group-{number}")
    kept = [
        {name: _without_noise(value) for name, value in resource.items() if name not in _TIMES | _ENGINES_OWN}
        for resource in json.loads(text)
        if not resource["type"].startswith("pulumi:providers:")
    ]
    return sorted(kept, key=lambda resource: resource["urn"])


def _group_ids(state: Any) -> list[str]:
    groups = [r for r in state["deployment"].get("resources", []) if r["type"].endswith("GroupWithoutMembers")]
    return [re.sub(r"^/groups/", "", group["id"]) for group in sorted(groups, key=lambda group: group["urn"])]


def _without_noise(value: Any) -> Any:
    """Return a property without what the plugin notes for itself, and removals without their minutes."""
    if not isinstance(value, dict):
        return value
    kept = {name: _without_noise(part) for name, part in sorted(value.items()) if name not in _PLUGINS_OWN}
    if isinstance(kept.get("removed"), dict):
        kept["removed"] = {"people": sum(int(str(text).partition(";")[0]) for text in kept["removed"].values())}
    if isinstance(kept.get("reverts"), dict):
        kept["reverts"] = {subject: str(text).rpartition(" ")[0] for subject, text in kept["reverts"].items()}
    return kept
