"""Whether deleting the seats of a license takes them back, and what stands against it.

The stored `onDestroy` counts, and only in a `destroy`: an `up` that no longer declares seats has shown nobody whom it
would take them from, since the engine asks no provider to preview a delete.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qlik_provider.brake import describe_breach
from qlik_provider.changes import name_some
from qlik_provider.documents import Document, read_document
from qlik_provider.entitlements import fold
from qlik_provider.errors import Unfinished, UnsafePlan
from qlik_provider.ledger import Bag, rules_of
from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan
from qlik_provider.plurals import count_of

_WAY_OUT = "set licenses.onDestroy to keep and run up"


def reason_to_keep(outputs: Bag, *, has_program: bool) -> str | None:
    """Return why nobody loses a license by this delete (empty: the stored rule says so); None where all are revoked.

    Raises UnsafePlan where the declaration says otherwise than the state, or cannot be read.
    """
    rules = outputs.get("rules", {})
    declared = _read_licenses(rules.get("approvals"))
    if rules.get("onDestroy") != "revoke":
        is_edited = isinstance(declared, Mapping) and declared.get("onDestroy") == "revoke"
        return "access.yaml says onDestroy: revoke, which no up has applied" if is_edited else ""
    if has_program:
        return "only destroy revokes, and this is an up without them"
    if declared is None:
        return None
    if isinstance(declared, str):
        raise UnsafePlan(f"onDestroy is revoke, and the declaration cannot be read: {declared}; nothing was revoked")
    if not declared:
        return "access.yaml has no licenses block any more"
    if declared.get("ownedBy"):
        return f"access.yaml says that {declared['ownedBy']} owns them"
    if declared.get("onDestroy") != "revoke":
        reason = "onDestroy is revoke in the state and keep in access.yaml"
        raise UnsafePlan(f"{reason}; run up first, so that both say the same; nothing was revoked")
    return None


def without_releases(outputs: Bag) -> dict[str, Any]:
    """Return a bag in which no group keeps seats of the absent: a destroy waits for nobody's return."""
    rules = {name: rule for name, rule in outputs.get("rules", {}).items() if not name.startswith("release.")}
    return {**outputs, "rules": rules}


def _read_licenses(approvals: str | None) -> Mapping[str, Any] | str | None:
    """Return the licenses block beside a folder of approvals, the fault of its file, or None without such a file."""
    path = Path(approvals).parent / "access.yaml" if approvals else None
    if path is None or not path.is_file():
        return None
    document = read_document(path)
    if not isinstance(document, Document):
        return document
    licenses = document.data.get("licenses") if isinstance(document.data, Mapping) else None
    return licenses if isinstance(licenses, Mapping) else {}


def refuse_unsafe(name: str, outputs: Bag, plan: Plan) -> None:
    """Raise UnsafePlan, with the numbers and the way out, if anybody but protected people would keep a license of ours.

    The state would forget them, so either all go or nobody does.
    """
    rules = rules_of(outputs)
    if plan.held:
        breached = describe_breach(plan.readings) or "held before"
        mails = name_some([change.mail for change in plan.held])
        licenses = count_of(len(plan.held) + len(plan.changes), "license")
        raise UnsafePlan(
            f"{name}: destroying would revoke {licenses}, and the brake holds "
            f"{len(plan.held)} of them ({mails}): {breached}; {rules.brake}; nothing was revoked; "
            f"approve them in a file under approvals/, or {_WAY_OUT}, and destroy again"
        )
    left: dict[str, list[str]] = {}
    for subject, deviation in plan.deviations.items():
        if fold(subject) not in rules.protected:
            entry = plan.ledger.get(subject)
            left.setdefault(deviation.why, []).append(entry.mail if entry else subject)
    if left:
        texts = "; ".join(f"{why}: {name_some(sorted(mails))}" for why, mails in sorted(left.items()))
        doubt = "".join(f" ({key}: {reason})" for key, reason in sorted(rules.doubt.items()))
        raise UnsafePlan(
            f"{name}: destroying may not revoke every license: {texts}{doubt}; nothing was revoked; "
            f"run up until nobody is, or {_WAY_OUT}, and destroy again"
        )


def describe_protected(name: str, plan: Plan) -> str:
    """Return who keeps a license although all others lose theirs; empty for nobody."""
    mails = sorted(entry.mail for subject, entry in plan.ledger.items() if subject in plan.deviations)
    return f"{name}: protected, so they keep what they hold: {name_some(mails)}" if mails else ""


def refuse_rest(name: str, outcomes: tuple[Outcome, ...]) -> None:
    """Raise Unfinished if anything was not done, with who is left."""
    left = [outcome for outcome in outcomes if outcome.state != "done"]
    if left:
        texts = name_some([f"{outcome.change.mail}: {outcome.reason}" for outcome in left])
        raise Unfinished(
            f"{name}: revoked {len(outcomes) - len(left)} of {len(outcomes)}, and the state stays for the rest; "
            f"destroy again ({texts})"
        )
