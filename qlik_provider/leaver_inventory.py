"""Who is on the ladder by the state of a stack, and what the tenant shows of each of them."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from qlik_provider.belongings import Inventory
from qlik_provider.client import QlikClient
from qlik_provider.entitlements import BySubject, parse_entitlement
from qlik_provider.errors import UnusableState
from qlik_provider.leaver_report import GONE, Leaver, LeaverReport
from qlik_provider.owned import Belongings
from qlik_provider.people import TenantUser
from qlik_provider.rungs import RUNGS, Standing, Terms, next_step, parse_standing
from qlik_provider.state_export import find_outputs

KIND = "Leavers"
AT_ONCE = 6  # people; the client has eight connections


def read_ladder(text: str) -> dict[str, Any]:
    """Return the outputs of `Leavers` in the export of a stack; raises UnusableState where there are none."""
    outputs = find_outputs(text, KIND)
    if outputs is None:
        raise UnusableState("the stack has no ladder: declare `leavers:` in access.yaml, and run `pulumi up` once")
    return outputs


def read_leavers(outputs: Mapping[str, Any], client: QlikClient, progress: Callable[[int, int], None]) -> LeaverReport:
    """Return everybody on the ladder with what they own now; raises UnusableState and CredentialsError.

    The tenant has to be that of the state; it is only read.
    """
    standings = dict(_parse_standings(outputs))
    own, stored = client.read_tenant().id, outputs.get("tenantId")
    if own != stored:
        raise UnusableState(f"the state is of tenant {stored}, and {client.tenant} is {own}")
    users = BySubject((user.subject, user) for user in client.read_users()) if standings else BySubject[TenantUser]()
    inventory = Inventory(client)
    told: list[str] = []

    def describe(subject: str, standing: Standing) -> Leaver:
        leaver = _describe(subject, standing, outputs, users.get(subject), inventory)
        told.append(subject)
        progress(len(told), len(standings))
        return leaver

    with ThreadPoolExecutor(AT_ONCE) as pool:
        leavers = list(pool.map(describe, standings, standings.values()))
    order = {rung: place for place, rung in enumerate(RUNGS)}
    leavers.sort(key=lambda leaver: (order[leaver.standing.rung], leaver.mail.casefold(), leaver.subject))
    return LeaverReport(client.tenant, client.now, tuple(leavers))


def _parse_standings(outputs: Mapping[str, Any]) -> Iterator[tuple[str, Standing]]:
    for subject, text in outputs.get("leaving", {}).items():
        standing = parse_standing(text)
        if standing is None:
            raise UnusableState(f"the state says {text!r} of {subject}, which is no rung; `pulumi up` begins anew")
        yield subject, standing


def _describe(
    subject: str,
    standing: Standing,
    outputs: Mapping[str, Any],
    user: TenantUser | None,
    inventory: Inventory,
) -> Leaver:
    step = next_step(standing, _terms(outputs.get("rules", {})))
    why = str(outputs.get("deviations", {}).get(subject, "")).partition("; ")[2]
    return Leaver(
        subject,
        _mail_of(subject, outputs),
        user.id if user else "",
        user.status if user else GONE,
        standing,
        step[0] if step else "",
        step[1] if step else None,
        why,
        inventory.read(user.id) if user else Belongings(),
    )


def _mail_of(subject: str, outputs: Mapping[str, Any]) -> str:
    try:
        return parse_entitlement(outputs["people"][subject]).mail
    except (KeyError, ValueError):
        return subject


def _terms(rules: Mapping[str, Any]) -> Terms:
    def after(name: str) -> timedelta | None:
        return timedelta(hours=int(rules[name])) if name in rules else None

    return Terms(after("disableAfter"), after("deleteAfter"))
