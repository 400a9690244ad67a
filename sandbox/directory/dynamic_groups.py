"""Dynamic groups: their members are whom the rule takes, as of the delay ago; processed when somebody asks."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import stamp
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.journal import changed_since, last_before, latest, rewound, unrecorded
from sandbox.directory.membership_rules import Rule, read_rule
from sandbox.directory.rule_properties import Subject
from sandbox.directory.rule_tokens import RuleError
from sandbox.directory.settings import read_timing
from sandbox.state import Sandbox, insert

DYNAMIC = "DynamicMembership"
STATES = ("On", "Paused")

_NAME = "dynamicGroups"
_GROUPS = "SELECT id, body FROM groups WHERE json_extract(body, '$.membershipRule') IS NOT NULL"


@dataclass(frozen=True)
class _Verdict:
    """What the processing of one group found: whom the rule takes among those it looked at."""

    group: dict[str, Any]
    is_whole: bool
    seen: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    error: str | None = None


def check_rule(group: dict[str, Any]) -> None:
    """Raise the 400 of Graph for a dynamic group whose rule or state it would not take."""
    if DYNAMIC not in group.get("groupTypes", []):
        return
    if group.get("membershipRuleProcessingState") not in STATES:
        raise bad_request("Invalid value specified for property 'membershipRuleProcessingState' of resource 'Group'.")
    try:
        read_rule(str(group.get("membershipRule") or ""))
    except RuleError as error:
        if str(error) == "No object type":
            raise graph_refusal(400, "InvalidObjectTypeException", str(error)) from error
        raise bad_request(f"Dynamic membership rule validation error: {error}.") from error


def begin_rules(sandbox: Sandbox) -> None:
    """Let every dynamic group of a world that has just been placed await its processing."""
    sandbox.put_setting(_NAME, {"since": sandbox.clock.seconds(), "seq": latest(sandbox), "groups": {}})


def process_rules(sandbox: Sandbox) -> None:
    """Bring the members of dynamic groups to what is due at this moment of the clock."""
    memory = sandbox.setting(_NAME)
    if memory is None:
        return
    delay = read_timing(sandbox).dynamic_delay
    moment = sandbox.clock.seconds() - delay
    due = latest(sandbox) if not delay else max(last_before(sandbox, moment), memory["seq"])
    is_first = memory["since"] is not None
    if moment < (memory["since"] or 0) or (due == memory["seq"] and not is_first):
        return
    with rewound(sandbox, due) if due < latest(sandbox) else nullcontext():
        verdicts = list(_judge(sandbox, memory, due))
    at = _moment_of(sandbox, due, memory["since"]) + delay
    known = {verdict.group["id"]: verdict for verdict in verdicts}
    # What a world begins with is no change.
    with unrecorded(sandbox) if is_first and not delay else nullcontext():
        changed = {group_id for group_id, verdict in known.items() if _apply(sandbox, verdict)}
    # A group that is paused is forgotten: once it is on again, it is about everybody.
    kept = {}
    for group_id, verdict in known.items():
        before = memory["groups"].get(group_id, {})
        is_new = _fingerprint(verdict.group) != before.get("rule")
        kept[group_id] = {
            "rule": _fingerprint(verdict.group),
            "updated": at if is_new or group_id in changed else before.get("updated"),
            "error": verdict.error,
        }
    sandbox.put_setting(_NAME, {"since": None, "seq": due, "groups": kept})


def processing_status(sandbox: Sandbox, group: dict[str, Any]) -> dict[str, Any] | None:
    """Return the membershipRuleProcessingStatus of a group; it is null for static and paused ones."""
    if DYNAMIC not in group.get("groupTypes", []) or group.get("membershipRuleProcessingState") != "On":
        return None
    memory = sandbox.setting(_NAME) or {"since": None, "seq": 0, "groups": {}}
    known = memory["groups"].get(group["id"])
    updated = known["updated"] if known else None
    if known is None or known["rule"] != _fingerprint(group):
        return _status(_pending(sandbox, group["id"], memory), updated)
    return _status("Failed" if known["error"] else "Succeeded", updated, known["error"])


def _status(status: str, updated: float | None, error: str | None = None) -> dict[str, Any]:
    moment = None if updated is None else stamp(datetime.fromtimestamp(updated, UTC))
    return {"status": status, "lastMembershipUpdated": moment, "errorMessage": error}


def _pending(sandbox: Sandbox, group_id: str, memory: dict[str, Any]) -> str:
    """Return how far the processing is: for the first half of the delay it has not started."""
    statement = "SELECT min(at) AS at FROM changes WHERE seq > ? AND source = 'groups' AND key = ?"
    since = sandbox.db.execute(statement, (memory["seq"], group_id)).fetchone()["at"] or memory["since"]
    half = read_timing(sandbox).dynamic_delay / 2
    return "NotStarted" if since is None or sandbox.clock.seconds() < since + half else "Running"


def _judge(sandbox: Sandbox, memory: dict[str, Any], due: int) -> Iterator[_Verdict]:
    """Yield a verdict for each dynamic group that is on, about everybody or about whom a change concerns."""
    touched = frozenset(changed_since(sandbox, memory["seq"], "people", due))
    links = changed_since(sandbox, memory["seq"], "links", due)
    moment = sandbox.clock.seconds()
    everybody: list[Subject] = []
    for row in sandbox.db.execute(_GROUPS).fetchall():
        group = json.loads(row["body"])
        if DYNAMIC not in group.get("groupTypes", []) or group.get("membershipRuleProcessingState") != "On":
            continue
        known = memory["groups"].get(group["id"])
        is_whole = known is None or known["rule"] != _fingerprint(group)
        try:
            rule = read_rule(group["membershipRule"])
        except RuleError as error:
            yield _Verdict(group, is_whole=False, error=f"Dynamic membership rule validation error: {error}.")
            continue
        if is_whole:
            everybody = everybody or [Subject(body, moment=moment) for body in _everybody(sandbox)]
            yield _verdict(sandbox, group, rule, everybody, None)
        else:
            concerned = touched | _concerned(rule, links)
            few = [Subject(body, moment=moment) for body in _people(sandbox, concerned)]
            yield _verdict(sandbox, group, rule, few, concerned)


def _concerned(rule: Rule, links: dict[str, set[str]]) -> frozenset[str]:
    """Return the people whose changed references matter to a rule."""
    parts = {part.partition(" ")[2] for group in rule.groups for part in links.get(group, ())}
    if rule.manager:
        parts |= {key for key, found in links.items() if any(part.startswith("manager ") for part in found)}
    return frozenset(parts)


def _verdict(
    sandbox: Sandbox, group: dict[str, Any], rule: Rule, people: list[Subject], seen: frozenset[str] | None
) -> _Verdict:
    """Return whom a rule takes; `seen` are those it is about, None is everybody."""
    if rule.groups or rule.manager:
        people = [
            replace(person, groups=_groups_of(sandbox, person.id), manager=_manager_of(sandbox, person.id))
            for person in people
        ]
    taken = {person.id for person in people if rule.test(person)}
    return _Verdict(group, seen is None, seen or frozenset(), frozenset(taken))


def _everybody(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    for row in sandbox.db.execute("SELECT body FROM people WHERE NOT is_deleted ORDER BY seq"):
        yield json.loads(row["body"])


def _people(sandbox: Sandbox, ids: frozenset[str]) -> Iterator[dict[str, Any]]:
    for person_id in sorted(ids):
        row = sandbox.db.execute("SELECT body FROM people WHERE NOT is_deleted AND id = ?", (person_id,)).fetchone()
        if row is not None:
            yield json.loads(row["body"])


def _groups_of(sandbox: Sandbox, person_id: str) -> frozenset[str]:
    """Return the groups a person is a direct member of; groups in groups do not count."""
    statement = "SELECT group_id FROM links WHERE relation = 'members' AND object_id = ?"
    return frozenset(row["group_id"] for row in sandbox.db.execute(statement, (person_id,)))


def _manager_of(sandbox: Sandbox, person_id: str) -> str:
    statement = "SELECT object_id FROM links WHERE relation = 'manager' AND group_id = ?"
    row = sandbox.db.execute(statement, (person_id,)).fetchone()
    return "" if row is None else str(row["object_id"])


def _apply(sandbox: Sandbox, verdict: _Verdict) -> bool:
    """Write the members down; say whether anything changed. What has changed since is left to its own turn."""
    group_id = verdict.group["id"]
    row = sandbox.db.execute("SELECT body FROM groups WHERE id = ?", (group_id,)).fetchone()
    if verdict.error or row is None or _fingerprint(json.loads(row["body"])) != _fingerprint(verdict.group):
        return False
    statement = "SELECT object_id FROM links WHERE relation = 'members' AND group_id = ?"
    current = {found["object_id"] for found in sandbox.db.execute(statement, (group_id,))}
    gone = (current if verdict.is_whole else current & verdict.seen) - verdict.taken
    new = _present(sandbox, verdict.taken - current)
    delete = "DELETE FROM links WHERE relation = 'members' AND group_id = ? AND object_id = ?"
    sandbox.db.executemany(delete, ((group_id, object_id) for object_id in gone))
    insert(sandbox, "links", ((None, "members", group_id, person_id) for person_id in new))
    return bool(gone or new)


def _present(sandbox: Sandbox, ids: frozenset[str]) -> list[str]:
    """Return those who are still there, in the order the directory has them."""
    statement = (
        "SELECT people.id FROM json_each(?) AS wanted JOIN people ON people.id = wanted.value"
        " WHERE NOT people.is_deleted ORDER BY people.seq"
    )
    return [row["id"] for row in sandbox.db.execute(statement, (json.dumps(sorted(ids)),))]


def _moment_of(sandbox: Sandbox, seq: int, since: float | None) -> float:
    """Return when a change was made; before the first one, when the world was placed."""
    row = sandbox.db.execute("SELECT at FROM changes WHERE seq = ?", (seq,)).fetchone()
    if row is not None:
        return float(row["at"])
    return sandbox.clock.seconds() if since is None else since


def _fingerprint(group: dict[str, Any]) -> str:
    """Return what a group's members follow from; a change of it starts the processing anew."""
    is_on = DYNAMIC in group.get("groupTypes", []) and group.get("membershipRuleProcessingState") == "On"
    return f"{is_on} {group.get('membershipRule')}"
