import itertools

import pytest

from qlik_provider.errors import CredentialsError
from qlik_provider.signatures import is_signed, read_secret, sign
from qlik_provider.webhooks import (
    CREATED,
    EVENT_TYPES,
    NAME_TAKEN,
    NOT_OFFERED,
    PROPERTIES,
    ObservedWebhooks,
    RecordedWebhook,
    TenantWebhook,
    WebhookOutcome,
    WebhookPlan,
    correct_webhook,
    desired_webhook,
    inputs_of_webhook,
    plan_webhook,
    recorded_webhook,
    settle_webhook,
    write_webhook,
)

CORE, FORMER = EVENT_TYPES
URL, OTHER_URL = "https://hooks.contoso.test/qlik", "https://hooks.fabrikam.test/qlik"
NAME = "qlik-provider prod"
SECRET = "0123456789abcdef"


def hook(id: str = "w1", **others) -> TenantWebhook:
    told = {"name": NAME, "url": URL, "level": "tenant", "event_types": (CORE,), "filter": ""}
    return TenantWebhook(id, **{**told, "is_enabled": True, "is_signed": True, **others})


class Life:
    """One resource from run to run: `shown` is what the tenant has, `outputs` what the engine stores."""

    def __init__(self, *shown: TenantWebhook, offered=EVENT_TYPES) -> None:
        self.shown = {webhook.id: webhook for webhook in shown}
        self.offered = frozenset(offered)
        self.unread = ""
        self.outputs: dict = {}

    def observe(self) -> ObservedWebhooks:
        if self.unread:
            return ObservedWebhooks(unread=self.unread)
        return ObservedWebhooks(tuple(self.shown.values()), self.offered)

    def plan(self, *, url=URL, name=NAME, enabled=True, retry="") -> WebhookPlan:
        webhook = write_webhook(name=name, url=url, enabled=enabled)
        self.inputs = {"tenant": "t", "tenantId": "id", "webhook": webhook, "retry": retry}
        is_same = inputs_of_webhook(self.outputs) == self.inputs
        self.recorded = recorded_webhook(self.outputs, settled=is_same)
        return plan_webhook(desired_webhook(self.inputs), self.observe(), self.recorded, retry=retry)

    def up(self, state: str = "done", **declared) -> list[str]:
        """Apply and return what was to be put."""
        plan = self.plan(**declared)
        id = plan.id
        if state == "done" and plan.changes:
            id = id or "new"
            self.shown[id] = self._put(self.shown.get(id, hook(id, is_signed=False)), plan)
        outcomes = [WebhookOutcome(change, state, "why") for change in plan.changes]
        self.outputs = settle_webhook(self.inputs, self.recorded, plan, id, outcomes)
        return [str(change) for change in plan.changes]

    def _put(self, webhook: TenantWebhook, plan: WebhookPlan) -> TenantWebhook:
        told = {change.name: change.declared for change in plan.changes}
        return hook(
            webhook.id,
            name=told.get("name", webhook.name),
            url=told.get("url", webhook.url),
            level=told.get("level", webhook.level),
            event_types=(plan.event_type,) if "eventTypes" in told else webhook.event_types,
            filter="" if "eventTypes" in told else webhook.filter,
            is_enabled=told["enabled"] == "true" if "enabled" in told else webhook.is_enabled,
            is_signed="signed" in told or webhook.is_signed,
        )

    def refresh(self) -> None:
        found = self.observe().find(self.outputs["webhookId"])
        self.outputs = correct_webhook(self.outputs, found)


def settled(life: Life, **declared) -> bool:
    plan = life.plan(**declared)
    return not plan.differs_from(life.recorded) and inputs_of_webhook(life.outputs) == life.inputs


# A webhook from its creation to its end.


def test_a_webhook_is_created_whole_and_then_left_alone():
    life = Life()

    assert life.plan().is_creation
    assert len(life.up()) == len(PROPERTIES)
    assert life.outputs == {
        "tenant": "t", "tenantId": "id", "retry": "", "webhookId": "new", "deviations": {},
        "webhook": {
            "enabled": "true", "eventTypes": CREATED, "level": "tenant", "name": NAME, "signed": "true", "url": URL,
        },
    }  # fmt: skip
    assert settled(life)


@pytest.mark.parametrize(
    ("declared", "put"),
    [
        ({"url": OTHER_URL}, f"url {URL} → {OTHER_URL}"),
        ({"name": "joiners"}, f"name {NAME} → joiners"),
        ({"enabled": False}, "enabled true → false"),
        ({"retry": "2026-11"}, "secret put"),
    ],
)
def test_only_what_is_declared_anew_is_put(declared, put):
    life = Life()
    life.up()

    assert life.up(**declared) == [put]
    assert settled(life, **declared)
    assert list(life.shown) == ["new"]


@pytest.mark.parametrize(
    ("by_hand", "name", "text"),
    [
        ({"url": OTHER_URL}, "url", f"{OTHER_URL} via hand"),
        ({"name": "mine"}, "name", "mine via hand"),
        ({"is_enabled": False}, "enabled", "false via hand"),
        ({"is_signed": False}, "signed", "false via hand"),
        ({"level": "user"}, "level", "user via hand"),
        ({"event_types": ()}, "eventTypes", "nothing via hand"),
        ({"event_types": (CORE, "com.qlik.v1.app.created")}, "eventTypes", f"{CORE}, com.qlik.v1.app.created via hand"),
        ({"filter": 'id eq "x"'}, "eventTypes", f'{CREATED} where id eq "x" via hand'),
    ],
)
@pytest.mark.parametrize("is_refreshed", [False, True])
def test_what_others_changed_is_seen_and_repaired(by_hand, name, text, is_refreshed):
    life = Life()
    life.up()
    life.shown["new"] = hook("new", **by_hand)

    if is_refreshed:
        life.refresh()
        assert life.outputs["webhook"][name] == text
        assert inputs_of_webhook(life.outputs) != life.inputs
    assert len(life.up()) == 1
    assert life.shown == {"new": hook("new")}
    assert settled(life)


def test_a_refresh_of_what_is_as_recorded_changes_nothing_whatever_the_tenant_calls_a_new_user():
    life = Life()
    life.up()
    before = dict(life.outputs)
    life.shown["new"] = hook("new", event_types=(FORMER,))

    life.refresh()

    assert life.outputs == before


def test_what_became_right_again_after_a_refresh_is_recorded_so_without_a_write():
    life = Life()
    life.up()
    life.shown["new"] = hook("new", is_enabled=False)
    life.refresh()
    life.shown["new"] = hook("new")

    assert life.plan().differs_from(life.recorded)
    assert life.up() == []
    assert settled(life)


# One that is there already.


def test_an_equal_one_is_adopted_and_gets_the_secret_since_nobody_knows_its():
    life = Life(hook())

    assert life.up() == ["secret put"]
    assert life.outputs["webhookId"] == "w1"
    assert settled(life)


def test_an_equal_one_that_was_switched_off_is_adopted_and_switched_on():
    life = Life(hook(is_enabled=False, event_types=(FORMER,)))

    assert life.up() == ["enabled false → true", f"eventTypes {FORMER} → {CREATED}", "secret put"]


@pytest.mark.parametrize("other", [{"url": OTHER_URL}, {"level": "user"}])
def test_another_one_of_the_name_is_neither_taken_nor_doubled(other):
    life = Life(hook(**other))

    assert life.up() == []
    assert life.outputs["webhookId"] == ""
    assert life.outputs["webhook"] == {}
    assert life.outputs["deviations"]["url"] == f"{URL}; {NAME_TAKEN}"
    assert "id w1" in life.plan().notes[0]
    assert settled(life)
    del life.shown["w1"]
    assert len(life.up()) == len(PROPERTIES)


def test_one_that_tells_the_same_twice_is_named_and_left_alone():
    life = Life()
    life.up()
    life.shown["w2"] = hook("w2")

    (note,) = life.plan().notes

    assert "id w2, is told of every event too" in note
    assert settled(life)


def test_a_webhook_of_another_name_is_nobodys_business():
    life = Life(hook("w2", name="alerts", url=OTHER_URL))

    assert life.plan().notes == ()
    assert life.plan().is_creation


# What the tenant calls a new user.


@pytest.mark.parametrize(("offered", "type"), [((CORE, FORMER), CORE), ((CORE,), CORE), ((FORMER,), FORMER)])
def test_the_name_that_stays_is_asked_for_where_the_tenant_has_it(offered, type):
    life = Life(offered=offered)
    life.up()

    assert life.shown["new"].event_types == (type,)
    assert settled(life)


def test_a_tenant_that_gets_the_new_name_is_asked_by_that():
    life = Life(offered=(FORMER,))
    life.up()
    life.offered = frozenset(EVENT_TYPES)

    assert life.up() == [f"eventTypes {FORMER} → {CREATED}"]
    assert life.shown["new"].event_types == (CORE,)
    assert settled(life)


def test_nothing_is_created_where_the_tenant_tells_webhooks_of_no_user():
    life = Life(offered=())

    assert life.up() == []
    assert life.outputs["deviations"]["eventTypes"] == f"{CREATED}; {NOT_OFFERED}"
    assert set(life.outputs["deviations"]) == set(PROPERTIES)
    assert FORMER in life.plan().notes[0]
    assert settled(life)


def test_what_else_is_declared_is_put_where_the_event_is_offered_no_more():
    life = Life()
    life.up()
    life.offered = frozenset()

    assert life.up(enabled=False) == ["enabled true → false"]
    assert life.outputs["deviations"] == {"eventTypes": f"{CREATED}; {NOT_OFFERED}"}
    assert settled(life, enabled=False)


# What was not done.


@pytest.mark.parametrize("is_there", [False, True])
def test_a_refused_change_is_not_sent_again_until_there_is_a_reason(is_there):
    life = Life()
    declared = {}
    if is_there:
        life.up()
        declared = {"url": OTHER_URL}
    sent = life.up("refused", **declared)

    assert sent
    assert life.up(**declared) == []
    assert settled(life, **declared)
    again = life.up(**declared, retry="again")
    assert set(sent) <= set(again)
    assert settled(life, **declared, retry="again")


@pytest.mark.parametrize("declared", [{"url": OTHER_URL}, {"retry": "2026-11"}])
def test_an_unsent_change_is_sent_by_the_next_run(declared):
    life = Life()
    life.up()
    sent = life.up("unsent", **declared)

    assert life.outputs["webhook"] == write_webhook(name=NAME, url=URL, enabled=True)
    assert life.up(**declared) == sent
    assert settled(life, **declared)


def test_what_cannot_be_read_stays_as_it_is_recorded():
    life = Life()
    life.up()
    before = dict(life.outputs)
    life.unread = "may not"

    assert life.up() == []
    assert life.outputs == before
    assert life.plan().notes == ("the tenant's webhooks are not known: may not",)


@pytest.mark.parametrize("declared", [{"enabled": False}, {"retry": "2026-11"}])
def test_what_is_declared_and_cannot_be_read_is_put_by_the_run_that_can(declared):
    life = Life()
    life.up()
    life.unread = "may not"

    assert life.up(**declared) == []
    assert life.up(**declared) == []
    assert next(iter(life.outputs["deviations"].values())).endswith("; unsent")
    life.unread = ""
    assert len(life.up(**declared)) == 1
    assert settled(life, **declared)


def test_whatever_happens_the_inputs_of_the_last_apply_are_known_and_planning_again_is_empty():
    declarations = [{}, {"url": OTHER_URL}, {"enabled": False, "retry": "again"}]
    for states in itertools.product(["done", "refused", "unsent"], repeat=3):
        life = Life()
        for state, declared in zip(states, declarations, strict=True):
            life.up(state, **declared)
            assert inputs_of_webhook(life.outputs) == life.inputs, states
        life.up(**declarations[-1])
        assert settled(life, **declarations[-1]), states


# The bag.


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ({"url": "hooks.contoso.test"}, "url: is no address"),
        ({"url": "https://key@hooks.contoso.test"}, "url: is no address of the web, or holds credentials"),
        ({"url": "https://key:key@hooks.contoso.test/qlik"}, "url: is no address of the web, or holds credentials"),
        ({"url": "https://hooks.contoso.test/a b"}, "url: is no address"),
        ({"name": " "}, "name: ' ' is empty"),
        ({"name": "a; b"}, "name: 'a; b' is empty, holds a semicolon"),
        ({"name": "none"}, "name: 'none' is empty"),
        ({"enabled": "yes"}, "enabled: 'yes' is not 'true' or 'false'"),
        ({"eventTypes": "user.deleted"}, "eventTypes: 'user.deleted' is not 'user.created'"),
        ({"signed": "false"}, "signed: 'false' is not 'true'"),
        ({"level": "user"}, "level: 'user' is not 'tenant'"),
        ({"secret": SECRET}, "webhook: secret is not known"),
    ],
)
def test_a_property_that_cannot_be_so_is_named(part, fault):
    webhook = {**write_webhook(name=NAME, url=URL, enabled=True), **part}

    with pytest.raises(ValueError, match="webhook: ") as refusal:
        desired_webhook({"webhook": webhook})

    assert fault in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_every_property_is_needed():
    with pytest.raises(ValueError, match="webhook: ") as refusal:
        desired_webhook({})

    assert all(f"{name} is missing" in str(refusal.value) for name in PROPERTIES)


def test_a_first_record_is_empty():
    assert recorded_webhook({}, settled=False) == RecordedWebhook()


# What tenant and listener share.


def test_a_signature_fits_its_body_and_its_secret_only():
    signature = sign(SECRET, b'{"id": "1"}')

    # printf '{"id": "1"}' | openssl dgst -sha256 -hmac 0123456789abcdef
    assert signature == "95c8899c7cebb2143b592d0bc7e1839ee3be6d6fd8dd90bf83b7737f54514517"
    assert is_signed(SECRET, b'{"id": "1"}', signature)
    assert is_signed(SECRET, b'{"id": "1"}', signature.upper())
    assert not is_signed(SECRET, b'{"id": "2"}', signature)
    assert not is_signed("another-secret-of-16", b'{"id": "1"}', signature)
    for other in ("", "é", signature[:-1], f"sha256={signature}"):
        assert not is_signed(SECRET, b'{"id": "1"}', other)


@pytest.mark.parametrize("secret", ["", "too-short", "sixteen letters and blanks", 'quotes"are-not-fit', "é" * 16])
def test_a_secret_that_is_missing_or_unfit_is_refused_and_not_repeated(secret):
    with pytest.raises(CredentialsError) as refusal:
        read_secret({"QLIK_WEBHOOK_SECRET": secret})

    assert str(refusal.value).startswith("QLIK_WEBHOOK_SECRET: ")
    assert "openssl rand -hex 32" in str(refusal.value)
    assert not secret or secret not in str(refusal.value)
