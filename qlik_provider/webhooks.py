"""What tells a pipeline of new users, and what a declaration makes of it; performs no I/O.

A stack has one webhook of its tenant. It puts all that is declared of it, adopts one that is there already, and
deletes it when it is no longer declared. https://qlik.dev/apis/rest/core/webhooks
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qlik_provider.entitlements import HAND, NONE, put_back_declared

Bag = Mapping[str, Any]

CREATED = "user.created"
EVENT_TYPES = ("com.qlik.core.user.created", "com.qlik.v1.user.created")
"""What tenants call that, the one that stays first."""
LEVEL = "tenant"
PROPERTIES = ("enabled", "eventTypes", "level", "name", "signed", "url")

_ECHOED = ("tenant", "tenantId", "retry")
_BY_HAND = f" via {HAND}"
_ADDRESS = re.compile(r"https?://[^\s/@?#;]+([/?#][^\s;]*)?")
_FIXED = {"eventTypes": CREATED, "level": LEVEL, "signed": "true"}

REFUSED, UNSENT = "refused", "unsent"
NOT_OFFERED = "refused, the tenant does not offer it"
NAME_TAKEN = "refused, another webhook has the name"


@dataclass(frozen=True)
class TenantWebhook:
    """A webhook as the tenant shows it."""

    id: str
    name: str
    url: str
    level: str
    event_types: tuple[str, ...]
    filter: str
    is_enabled: bool
    is_signed: bool

    def texts(self) -> dict[str, str]:
        """Return its properties as the bag holds them."""
        is_of_users = len(self.event_types) == 1 and self.event_types[0] in EVENT_TYPES
        types = CREATED if is_of_users else ", ".join(self.event_types) or "nothing"
        return {
            "enabled": _write(self.is_enabled),
            "eventTypes": f"{types} where {self.filter}" if self.filter else types,
            "level": self.level,
            "name": self.name,
            "signed": _write(self.is_signed),
            "url": self.url,
        }


@dataclass(frozen=True)
class ObservedWebhooks:
    """What was just read: the webhooks, the events they may ask for, or why that is not known."""

    webhooks: tuple[TenantWebhook, ...] = ()
    offered: frozenset[str] = frozenset()
    unread: str = ""

    @property
    def event_type(self) -> str:
        """What the tenant calls a new user; empty where it tells nobody of that."""
        return next((type for type in EVENT_TYPES if type in self.offered), "")

    def find(self, id: str) -> TenantWebhook | None:
        """Return the webhook of an id."""
        return next((webhook for webhook in self.webhooks if webhook.id == id), None)


@dataclass(frozen=True)
class RecordedWebhook:
    """What this stack stored last time; `settled` tells that the declaration has not changed since."""

    id: str = ""
    webhook: Mapping[str, str] = field(default_factory=dict)
    deviations: Mapping[str, str] = field(default_factory=dict)
    retry: str = ""
    settled: bool = False


@dataclass(frozen=True)
class WebhookChange:
    """One property to put; `held` is None where the webhook is to be created."""

    name: str
    held: str | None
    declared: str

    def __str__(self) -> str:
        if self.name == "signed":
            return "secret put"
        return f"{self.name} {NONE if self.held is None else self.held} → {self.declared}"


@dataclass(frozen=True)
class WebhookOutcome:
    """What became of one change."""

    change: WebhookChange
    state: Literal["done", "refused", "unsent"]
    reason: str = ""

    def __str__(self) -> str:
        return str(self.change) if self.state == "done" else f"{self.change}: {self.reason}"


@dataclass(frozen=True)
class WebhookPlan:
    """What to put, and what the record will say when all of it is done."""

    id: str
    """Of the webhook that is there; empty where there is none."""
    event_type: str
    changes: tuple[WebhookChange, ...]
    webhook: Mapping[str, str]
    deviations: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def is_creation(self) -> bool:
        """Whether there is no webhook yet, and one is to be."""
        return not self.id and bool(self.changes)

    @property
    def needs_secret(self) -> bool:
        """Whether the secret is put."""
        return any(change.name == "signed" for change in self.changes)

    def differs_from(self, recorded: RecordedWebhook) -> bool:
        """Tell whether applying would write, or change the record."""
        planned = (self.id, dict(self.webhook), dict(self.deviations))
        return bool(self.changes) or planned != (recorded.id, dict(recorded.webhook), dict(recorded.deviations))


def plan_webhook(
    desired: Mapping[str, str], observed: ObservedWebhooks, recorded: RecordedWebhook, *, retry: str = ""
) -> WebhookPlan:
    """Return what turns what the tenant has into the one declared webhook; others are left alone."""
    if observed.unread:
        return _keep_unread(desired, observed, recorded, retry)
    found = observed.find(recorded.id) or _find_equal(desired, observed)
    taken = [webhook for webhook in observed.webhooks if webhook.name == desired["name"] and webhook != found]
    notes = tuple(_describe_others(taken, desired))
    if not observed.event_type:
        notes = (*notes, f"the tenant tells webhooks of neither {' nor '.join(EVENT_TYPES)}")
    if found is None and (taken or not observed.event_type):
        left = dict.fromkeys(desired, NAME_TAKEN if taken else NOT_OFFERED)
    else:
        left = {} if observed.event_type else {"eventTypes": NOT_OFFERED}
    wanted = list(_find_changes(desired, found, observed.event_type, recorded, retry))
    left |= {change.name: REFUSED for change in wanted if change.name not in left and _was_refused(change, recorded)}
    return WebhookPlan(
        id=found.id if found else "",
        event_type=observed.event_type,
        changes=tuple(change for change in wanted if change.name not in left),
        webhook=_leave(desired, left, recorded) if found or not left else {},
        deviations={name: f"{desired[name]}; {why}" for name, why in sorted(left.items())},
        notes=notes,
    )


def _keep_unread(
    desired: Mapping[str, str], observed: ObservedWebhooks, recorded: RecordedWebhook, retry: str
) -> WebhookPlan:
    """Return a plan that leaves all as it is; what is wanted and cannot be seen to be so is tried by every run."""
    left = {
        name: f"{value}; {UNSENT}"
        for name, value in desired.items()
        if recorded.webhook.get(name) != value
        or name in recorded.deviations
        or (name == "signed" and recorded.retry != retry)
    }
    notes = (f"the tenant's webhooks are not known: {observed.unread}",)
    return WebhookPlan(recorded.id, "", (), recorded.webhook, left, notes)


def _find_equal(desired: Mapping[str, str], observed: ObservedWebhooks) -> TenantWebhook | None:
    """Return a webhook that is the declared one, though nobody recorded it."""
    return next(
        (
            webhook
            for webhook in observed.webhooks
            if (webhook.name, webhook.url, webhook.level) == (desired["name"], desired["url"], LEVEL)
        ),
        None,
    )


def _find_changes(
    desired: Mapping[str, str], found: TenantWebhook | None, event_type: str, recorded: RecordedWebhook, retry: str
) -> Iterable[WebhookChange]:
    """Yield each property that differs, and the secret where nobody knows which one the tenant has."""
    if found is None:
        yield from (WebhookChange(name, None, value) for name, value in sorted(desired.items()))
        return
    shown = found.texts()
    is_ours = found.id == recorded.id and recorded.retry == retry and "signed" not in recorded.deviations
    for name, value in sorted(desired.items()):
        is_unknown = name == "signed" and not is_ours
        if is_unknown or shown[name] != value:
            yield WebhookChange(name, shown[name], value)
        elif name == "eventTypes" and found.event_types != (event_type,):
            yield WebhookChange(name, ", ".join(found.event_types), value)


def _describe_others(taken: Sequence[TenantWebhook], desired: Mapping[str, str]) -> Iterable[str]:
    for webhook in taken:
        what = "is told of every event too" if webhook.url == desired["url"] else f"tells {webhook.url}"
        yield (
            f"another webhook {webhook.name!r}, id {webhook.id}, {what}; "
            "it is left alone: delete it, or give this one another name"
        )


def _was_refused(change: WebhookChange, recorded: RecordedWebhook) -> bool:
    return recorded.settled and recorded.deviations.get(change.name) == f"{change.declared}; {REFUSED}"


def _leave(desired: Mapping[str, str], left: Iterable[str], recorded: RecordedWebhook) -> dict[str, str]:
    """Return the record of what is declared, where some of it is as it was before."""
    kept = {name: recorded.webhook[name] for name in left if name in recorded.webhook}
    return {**{name: value for name, value in desired.items() if name not in set(left)}, **kept}


def settle_webhook(
    inputs: Bag, recorded: RecordedWebhook, plan: WebhookPlan, id: str, outcomes: Sequence[WebhookOutcome]
) -> dict[str, Any]:
    """Return the outputs after an apply: what this stack holds, and what was not done."""
    undone = {outcome.change.name: outcome for outcome in outcomes if outcome.state != "done"}
    deviations = {name: f"{outcome.change.declared}; {outcome.state}" for name, outcome in undone.items()}
    return {
        **{name: inputs[name] for name in _ECHOED if name in inputs},
        "webhook": dict(sorted(_leave(plan.webhook, undone, recorded).items())) if id else {},
        "webhookId": id,
        "deviations": dict(sorted({**plan.deviations, **deviations}.items())),
    }


def write_webhook(*, name: str, url: str, enabled: bool) -> dict[str, str]:
    """Return a declared webhook as the bag holds it."""
    return {**_FIXED, "enabled": _write(enabled), "name": name, "url": url}


def desired_webhook(inputs: Bag) -> dict[str, str]:
    """Return what the inputs declare; raises ValueError with every property that cannot be so."""
    told = {name: str(value) for name, value in inputs.get("webhook", {}).items()}
    faults = [f"{name} is missing" for name in PROPERTIES if name not in told]
    faults += [f"{name} is not known" for name in told if name not in PROPERTIES]
    others = {name: value for name, value in _FIXED.items() if told.get(name, value) != value}
    faults += [f"{name}: {told[name]!r} is not {value!r}" for name, value in others.items()]
    if told.get("enabled", "true") not in {"true", "false"}:
        faults.append(f"enabled: {told['enabled']!r} is not 'true' or 'false'")
    if not told.get("name", "-").strip() or ";" in told.get("name", "") or told.get("name") == NONE:
        faults.append(f"name: {told['name']!r} is empty, holds a semicolon, or is {NONE!r}")
    if not _ADDRESS.fullmatch(told.get("url", "https://-")):
        faults.append("url: is no address of the web, or holds credentials, a blank or a semicolon")
    if faults:
        raise ValueError("; ".join(f"webhook: {fault}" for fault in faults))
    return told


def recorded_webhook(outputs: Bag, *, settled: bool) -> RecordedWebhook:
    """Return what the outputs record."""
    return RecordedWebhook(
        id=outputs.get("webhookId", ""),
        webhook=dict(outputs.get("webhook", {})),
        deviations=dict(outputs.get("deviations", {})),
        retry=outputs.get("retry", ""),
        settled=settled,
    )


def inputs_of_webhook(outputs: Bag) -> dict[str, Any]:
    """Return the inputs of the last apply: the webhook with the declared values of the deviations put back."""
    webhook = put_back_declared(outputs.get("webhook", {}), outputs.get("deviations", {}))
    return {**{name: outputs[name] for name in _ECHOED if name in outputs}, "webhook": webhook}


def correct_webhook(outputs: Bag, found: TenantWebhook) -> dict[str, Any]:
    """Return `outputs` as far as the webhook bears them out; the deviation beside a corrected entry goes."""
    webhook, deviations = dict(outputs["webhook"]), dict(outputs["deviations"])
    for name, shown in found.texts().items():
        if name in webhook and webhook[name].removesuffix(_BY_HAND) != shown:
            webhook[name] = f"{shown}{_BY_HAND}"
            deviations.pop(name, None)
    return {**outputs, "webhook": webhook, "deviations": deviations}


def _write(value: bool) -> str:  # noqa: FBT001 - what is written is a boolean
    return "true" if value else "false"
