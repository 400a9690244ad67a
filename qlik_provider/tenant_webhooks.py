"""The webhooks of a tenant: read whole, and the plan for one carried out.

Tenants have them at one of two paths, and the former one goes: https://qlik.dev/changelog/263-webhooks-api-deprecation-core-webhooks-apimdx
"""

import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from qlik_provider.client import QlikClient, Writer
from qlik_provider.errors import (
    AnswerLost,
    ApiError,
    NoEvidence,
    NotFound,
    NotPermitted,
    QlikProviderError,
    Unfinished,
    UnsafePlan,
)
from qlik_provider.tenant import Tenant
from qlik_provider.webhooks import (
    LEVEL,
    ObservedWebhooks,
    TenantWebhook,
    WebhookChange,
    WebhookOutcome,
    WebhookPlan,
)
from qlik_provider.wire import is_refusal

PATHS = ("/api/core/webhooks", "/api/v1/webhooks")
ATTEMPTS = 2  # once more after an answer that was lost

_FORBIDDEN = "this caller may not; give the client the scope admin_classic, or the user TenantAdmin"
_DESCRIPTION = "Tells a pipeline of new users; declared as code, so changes by hand are undone"


@dataclass(frozen=True)
class _Found:
    """What was read, and where."""

    path: str
    observed: ObservedWebhooks


class TenantWebhooks:
    """The webhooks of one tenant as this process sees them: read once, until something is written."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._client: QlikClient = tenant.client
        self._lock = threading.RLock()
        self._found: _Found | None = None

    @property
    def now(self) -> datetime:
        """The time of the tenant."""
        return self._client.now

    def observe(self, tenant_id: str, id: str = "") -> ObservedWebhooks:
        """Return the webhooks; where they cannot be read the reason is in it, since nothing else needs them.

        The webhook of `id` is missing only where the tenant says that it is gone. Raises UnsafePlan if this is another
        tenant than the stack belongs to, and CredentialsError for a caller whom it does not know.
        """
        with self._lock:
            if self._tenant.id != tenant_id:
                raise UnsafePlan(
                    f"the stack belongs to tenant {tenant_id}, and {self._client.tenant} is {self._tenant.id}"
                )
            if self._found is None:
                self._found = self._read()
            observed = self._found.observed
            if observed.unread or not id or observed.find(id):
                return observed
            try:
                listed = (*observed.webhooks, self._client.read_webhook(self._found.path, id))
            except NotFound:
                return observed
            except (NotPermitted, ApiError) as error:
                return ObservedWebhooks(unread=str(error))
            return replace(observed, webhooks=listed)

    def apply(self, plan: WebhookPlan, secret: str) -> tuple[str, tuple[WebhookOutcome, ...]]:
        """Return the id of the webhook after creating or changing it, and what became of each change."""
        with self._lock:
            path, self._found = self._path(), None
            work = _Apply(self._client, path, plan, secret)
            try:
                with self._client.writing() as writer:
                    work.run(writer)
            except NotPermitted:
                work.fail("refused", _FORBIDDEN)
            except ApiError as error:
                work.fail("refused" if is_refusal(error) else "unsent", error.reason)
            except QlikProviderError as error:
                work.fail("unsent", str(error))
            else:
                work.look()
            return work.id, tuple(work.outcomes)

    def delete(self, id: str) -> None:
        """Guarantee that a webhook is gone; raises Unfinished where that is not known."""
        with self._lock:
            path, self._found = f"{self._path()}/{id}", None
            failure: QlikProviderError | None = None
            for _ in range(ATTEMPTS):
                try:
                    with self._client.writing() as writer:
                        writer.delete_webhook(path)
                except NotFound:
                    return
                except AnswerLost as error:
                    failure = error
                except QlikProviderError as error:
                    raise Unfinished(str(error)) from error
                else:
                    return
            raise Unfinished(str(failure))

    def _path(self) -> str:
        return (self._found or self._read()).path

    def _read(self) -> _Found:
        for path in PATHS:
            try:
                return _Found(
                    path,
                    ObservedWebhooks(self._client.read_webhooks(path), self._client.read_webhook_events(path)),
                )
            except NotFound:
                continue
            except NotPermitted:
                return _Found(path, ObservedWebhooks(unread=_FORBIDDEN))
            except ApiError as error:
                return _Found(path, ObservedWebhooks(unread=str(error)))
        return _Found(PATHS[0], ObservedWebhooks(unread=f"the tenant has none at {' or '.join(PATHS)}"))


class _Apply:
    """One plan on its way to the tenant."""

    def __init__(self, client: QlikClient, path: str, plan: WebhookPlan, secret: str) -> None:
        self._client = client
        self._path = path
        self._plan = plan
        self._secret = secret
        self.id = plan.id
        self.outcomes: list[WebhookOutcome] = []

    def run(self, writer: Writer) -> None:
        """Create or change the webhook; an answer that was lost is looked up, and repeated if nothing happened."""
        lost: ApiError | None = None
        for _ in range(ATTEMPTS):
            try:
                if self._plan.id:
                    # Whatever became of the first one, the same operations again change nothing more.
                    writer.patch_webhook(f"{self._path}/{self.id}", self._operations())
                else:
                    self.id = writer.create_webhook(self._path, self._body())
            except (AnswerLost, NoEvidence) as error:
                lost = error
                if self._plan.id:
                    continue
                self.id = self._find_created()
                if self.id:
                    return
            else:
                return
        if lost:
            raise lost

    def fail(self, state: Any, reason: str) -> None:
        """Note that nothing was done, as far as anybody knows."""
        self.outcomes = [WebhookOutcome(change, state, reason) for change in self._plan.changes]

    def look(self) -> None:
        """Note what the webhook shows: an answer alone proves nothing."""
        try:
            shown = self._client.read_webhook(self._path, self.id)
        except QlikProviderError as error:
            self.fail("unsent", f"whether it was put is not known: {error}")
            return
        self.outcomes = [self._judge(change, shown) for change in self._plan.changes]

    def _judge(self, change: WebhookChange, shown: TenantWebhook) -> WebhookOutcome:
        is_put = shown.texts()[change.name] == change.declared
        if change.name == "eventTypes":
            is_put = is_put and shown.event_types == (self._plan.event_type,)
        if is_put:
            return WebhookOutcome(change, "done")
        return WebhookOutcome(change, "refused", "the tenant left it as it was")

    def _find_created(self) -> str:
        """Return the id of the webhook that an answer told nobody of; empty where there is none."""
        wanted = self._plan.webhook
        with suppress(NotFound):
            for webhook in self._client.read_webhooks(self._path):
                if (webhook.name, webhook.url, webhook.level) == (wanted["name"], wanted["url"], LEVEL):
                    return webhook.id
        return ""

    def _body(self) -> dict[str, Any]:
        wanted = self._plan.webhook
        return {
            "name": wanted["name"],
            "description": _DESCRIPTION,
            "url": wanted["url"],
            "level": LEVEL,
            "eventTypes": [self._plan.event_type],
            "enabled": wanted["enabled"] == "true",
            "secret": self._secret,
        }

    def _operations(self) -> list[dict[str, Any]]:
        values: dict[str, Any] = {}
        for change in self._plan.changes:
            if change.name == "enabled":
                values["enabled"] = change.declared == "true"
            elif change.name == "eventTypes":
                values |= {"eventTypes": [self._plan.event_type], **({"filter": ""} if _has_filter(change) else {})}
            elif change.name == "signed":
                values["secret"] = self._secret
            else:
                values[change.name] = change.declared
        return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]


def _has_filter(change: WebhookChange) -> bool:
    return " where " in (change.held or "")
