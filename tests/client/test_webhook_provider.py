"""What tells a pipeline of new users, created, kept and deleted by the provider in its own process."""

import json

import pytest
from client.worlds import API_KEY, CLIENT_ID, TENANT_ID, WEBHOOK_SECRET, make_world

from qlik_provider.journal import JournalRecord
from qlik_provider.webhooks import EVENT_TYPES, write_webhook

CORE, FORMER = EVENT_TYPES
PATH, FORMER_PATH = "/api/core/webhooks", "/api/v1/webhooks"
ID = "65f0c1d2e3a4b5c6d7e8f901"
URL, OTHER_URL = "https://hooks.contoso.test/qlik", "https://hooks.fabrikam.test/qlik"
NAME = "qlik-provider dev"


@pytest.fixture
def webhook(sandbox):
    """Write the inputs of Webhook."""

    def webhook(*, url=URL, name=NAME, enabled=True, **others) -> dict:
        told = write_webhook(name=name, url=url, enabled=enabled)
        return {"tenant": sandbox.url, "tenantId": TENANT_ID, "webhook": told, "retry": "", **others}

    return webhook


@pytest.fixture
def shown(sandbox):
    """Return the webhooks of the tenant, with the secrets that it never tells."""
    return lambda: sandbox.snapshot()["tenant"].get("webhooks", [])


@pytest.fixture
def place(sandbox):
    """Start from a world with one webhook, which somebody made by hand."""

    def place(**others) -> dict:
        hook = {
            "id": ID, "name": NAME, "url": URL, "level": "tenant", "eventTypes": [CORE], "enabled": True,
            "secret": "of-somebody-else", "ownerId": "another", **others,
        }  # fmt: skip
        sandbox.load(make_world(tenant={"webhooks": [hook]}))
        return hook

    return place


@pytest.fixture
def by_hand(sandbox):
    """Change a webhook as an administrator would."""

    def by_hand(id: str, **values) -> None:
        operations = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]
        headers = {"Authorization": f"Bearer {API_KEY}"}
        url = f"{sandbox.url}{PATH}/{id}"
        sandbox.control.request("PATCH", url, json=operations, headers=headers).raise_for_status()
        sandbox.forget()

    return by_hand


def test_a_webhook_lives_from_create_to_delete(start, webhook, shown, asked):
    provider = start("Webhook")
    inputs = webhook()

    assert provider.check({}, inputs) == (inputs, [])
    assert provider.engine.heard("to create") == [f"INFO webhook: to create: {NAME}, which tells {URL}"]
    assert asked(writes=True) == []
    id, outputs = provider.create(inputs)
    (made,) = shown()
    assert id == TENANT_ID
    assert outputs == {**inputs, "webhookId": made["id"], "deviations": {}}
    assert (made["url"], made["level"], made["eventTypes"], made["enabled"]) == (URL, "tenant", [CORE], True)
    assert made["secret"] == WEBHOOK_SECRET
    assert provider.engine.heard("done") == [f"INFO webhook: done: created, id {made['id']}"]
    assert asked(writes=True) == [f"POST {PATH}"]
    assert provider.read(outputs) == ("1", outputs, inputs)

    elsewhere = webhook(url=OTHER_URL, enabled=False)
    outputs = provider.update(outputs, elsewhere)
    assert outputs == {**elsewhere, "webhookId": made["id"], "deviations": {}}
    assert [(hook["url"], hook["enabled"], hook["secret"]) for hook in shown()] == [(OTHER_URL, False, WEBHOOK_SECRET)]
    assert provider.engine.heard(f"done: enabled true → false, url {URL} → {OTHER_URL}")

    provider.delete(outputs)
    provider.delete(outputs)  # it is gone, which is all that is wanted
    assert shown() == []
    assert provider.engine.heard(f"done: deleted, id {made['id']}")


def test_check_and_diff_read_once_and_never_write(start, webhook, asked):
    inputs = webhook()
    _, outputs = start("Webhook").create(inputs)
    asked_before = len(asked())
    provider = start("Webhook")

    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    provider.check(inputs, inputs)
    assert provider.diff(outputs, webhook(enabled=False)) == "DIFF_UNKNOWN"

    assert sorted(asked()[asked_before:]) == [
        f"GET {PATH}",
        f"GET {PATH}/event-types",
        "GET /api/v1/tenants/me",
        "POST /oauth/token",
    ]


def test_a_diff_without_a_check_is_silent_and_asks_nothing(provider, webhook, sandbox):
    provider.kind = "Webhook"
    inputs = webhook()
    outputs = {**inputs, "webhookId": ID, "deviations": {}}

    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.diff(outputs, webhook(enabled=False)) == "DIFF_UNKNOWN"
    assert provider.engine.told == []
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("change", "name", "text"),
    [
        ({"url": OTHER_URL}, "url", f"{OTHER_URL} via hand"),
        ({"enabled": False}, "enabled", "false via hand"),
        ({"eventTypes": ["com.qlik.v1.app.created"]}, "eventTypes", "com.qlik.v1.app.created via hand"),
        ({"filter": 'id eq "x"'}, "eventTypes", 'user.created where id eq "x" via hand'),
        ({"secret": ""}, "signed", "false via hand"),
    ],
    ids=str,
)
def test_drift_is_read_silently_and_repaired(start, webhook, shown, by_hand, change, name, text):
    inputs = webhook()
    _, outputs = start("Webhook").create(inputs)
    before = shown()
    by_hand(outputs["webhookId"], **change)
    provider = start("Webhook")

    _, outputs, read_inputs = provider.read(outputs)

    assert outputs["webhook"][name] == read_inputs["webhook"][name] == text
    assert provider.engine.told == []
    provider.check(read_inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_UNKNOWN"
    assert provider.update(outputs, inputs)["webhook"] == inputs["webhook"]
    assert [{**hook, "updatedAt": ""} for hook in shown()] == [{**hook, "updatedAt": ""} for hook in before]


def test_one_that_is_gone_is_created_anew(start, sandbox, webhook, shown):
    inputs = webhook()
    _, outputs = start("Webhook").create(inputs)
    sandbox.load(make_world())
    provider = start("Webhook")

    assert provider.read(outputs)[0] == ""
    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_SOME"
    again = provider.update(outputs, inputs)
    assert [hook["id"] for hook in shown()] == [again["webhookId"]] != [outputs["webhookId"]]


def test_a_list_that_does_not_show_it_proves_nothing(start, webhook, expect, asked):
    inputs = webhook()
    _, outputs = start("Webhook").create(inputs)
    empty = {"status": 200, "body": {"data": [], "links": {}}}
    expect(f"{PATH}$", method="GET", count=9, **empty)
    provider = start("Webhook")

    assert provider.read(outputs) == ("1", outputs, inputs)
    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert asked(writes=True) == [f"POST {PATH}"]


# One that is there already.


def test_an_equal_one_is_adopted_by_name_and_gets_the_secret(start, webhook, place, shown, asked):
    place(enabled=False)
    provider = start("Webhook")

    _, outputs = provider.create(webhook())

    (hook,) = shown()
    assert (outputs["webhookId"], outputs["deviations"]) == (ID, {})
    assert (hook["id"], hook["enabled"], hook["secret"]) == (ID, True, WEBHOOK_SECRET)
    assert asked(writes=True) == [f"PATCH {PATH}/{ID}"]
    assert provider.engine.heard("done: enabled false → true, secret put")


def test_one_of_the_name_that_tells_somebody_else_is_left_alone(start, webhook, place, shown, asked):
    before = place(url=OTHER_URL)
    provider = start("Webhook")

    _, outputs = provider.create(webhook())

    assert asked(writes=True) == []
    assert shown()[0]["url"] == before["url"]
    assert outputs["webhookId"] == ""
    assert outputs["deviations"]["url"] == f"{URL}; refused, another webhook has the name"
    assert provider.engine.heard(f"id {ID}, tells {OTHER_URL}; it is left alone")
    assert provider.read(outputs)[2] == webhook()
    provider.delete(outputs)
    assert asked(writes=True) == []


# The path and the name of the event are those of the tenant.


def test_a_tenant_without_the_new_path_is_asked_at_the_former_one(start, webhook, shown, expect, asked):
    expect(PATH, status=404, count=99)
    provider = start("Webhook")
    inputs = webhook()

    _, outputs = provider.create(inputs)
    outputs = provider.update(outputs, webhook(enabled=False))
    assert [hook["enabled"] for hook in shown()] == [False]
    provider.delete(outputs)

    id = outputs["webhookId"]
    assert asked(writes=True) == [f"POST {FORMER_PATH}", f"PATCH {FORMER_PATH}/{id}", f"DELETE {FORMER_PATH}/{id}"]
    assert shown() == []


def test_a_tenant_with_neither_path_is_told_and_stops_nothing(start, webhook, expect):
    expect("/webhooks", status=404, count=99)
    provider = start("Webhook")
    inputs = webhook()

    assert provider.check({}, inputs) == (inputs, [])
    _, outputs = provider.create(inputs)

    assert outputs["deviations"]["url"] == f"{URL}; unsent"
    assert provider.engine.heard(f"the tenant has none at {PATH} or {FORMER_PATH}")


def test_the_former_name_of_the_event_is_asked_for_where_there_is_no_other(start, webhook, shown, expect):
    expect("/event-types", method="GET", count=9, status=200, body={"data": [{"name": FORMER}]})

    _, outputs = start("Webhook").create(webhook())

    assert shown()[0]["eventTypes"] == [FORMER]
    assert outputs["deviations"] == {}


# The secret.


def test_another_text_under_retry_puts_the_secret_of_the_environment(start, webhook, shown, asked):
    _, outputs = start("Webhook").create(webhook())
    provider = start("Webhook", QLIK_WEBHOOK_SECRET=f"{WEBHOOK_SECRET}-of-november")
    inputs = webhook(retry="2026-11")

    provider.check(webhook(), inputs)
    assert provider.diff(outputs, inputs) == "DIFF_UNKNOWN"
    outputs = provider.update(outputs, inputs)

    assert outputs == {**inputs, "webhookId": shown()[0]["id"], "deviations": {}}
    assert shown()[0]["secret"] == f"{WEBHOOK_SECRET}-of-november"
    assert provider.engine.heard("webhook: secret put")
    assert len(asked(writes=True)) == 2


@pytest.mark.parametrize(("secret", "why"), [("", "is not set"), ("short", "needs 16 characters")])
def test_nothing_is_created_without_a_secret(start, webhook, shown, secret, why):
    provider = start("Webhook", QLIK_WEBHOOK_SECRET=secret)
    inputs = webhook()

    _, (failure,) = provider.check({}, inputs)
    assert failure.startswith(f"QLIK_WEBHOOK_SECRET: {why}")
    _, outputs = provider.create(inputs)

    assert shown() == []
    assert outputs["deviations"]["signed"] == "true; unsent"
    assert (outputs["webhookId"], outputs["webhook"]) == ("", {})


def test_what_needs_no_secret_is_put_without_one(start, webhook, shown, by_hand):
    _, outputs = start("Webhook").create(webhook())
    by_hand(outputs["webhookId"], enabled=False, secret="")
    provider = start("Webhook", QLIK_WEBHOOK_SECRET="")

    provider.check(webhook(), webhook())
    assert provider.diff(outputs, webhook()) == "DIFF_SOME"
    assert provider.engine.heard("QLIK_WEBHOOK_SECRET: is not set")[0].startswith("WARNING webhook: ")
    outputs = provider.update(outputs, webhook())

    assert shown()[0]["enabled"] is True
    assert outputs["deviations"] == {"signed": "true; unsent"}


@pytest.mark.parametrize("verb", ["POST", "PATCH"])
def test_a_tenant_that_repeats_the_secret_does_not_have_it_told(start, webhook, place, expect, verb):
    if verb == "PATCH":
        place()
    body = {"errors": [{"code": "W-1", "title": f"secret: {WEBHOOK_SECRET!r} is too weak"}]}
    expect("/webhooks", method=verb, status=400, body=body)
    provider = start("Webhook")

    _, outputs = provider.create(webhook())

    assert outputs["deviations"]["signed"] == "true; refused"
    assert provider.engine.heard("secret: '(concealed)' is too weak")


# Somebody without the right, and what goes wrong on the way.


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"status": 400}, {"kind": "empty-200"}], ids=str)
def test_webhooks_that_cannot_be_read_are_told_and_stop_nothing(start, webhook, expect, asked, fault):
    inputs = webhook()
    _, outputs = start("Webhook").create(inputs)
    expect("/webhooks", method="GET", count=99, **fault)
    provider = start("Webhook")

    assert provider.check(inputs, inputs) == (inputs, [])
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.engine.heard("the tenant's webhooks are not known: ")
    assert provider.read(outputs) == ("1", outputs, inputs)
    elsewhere = provider.update(outputs, webhook(url=OTHER_URL))
    assert elsewhere["deviations"] == {"url": f"{OTHER_URL}; unsent"}
    assert elsewhere["webhook"] == outputs["webhook"]
    assert asked(writes=True) == [f"POST {PATH}"]


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_refusal_is_recorded_and_not_sent_again_without_a_reason(start, webhook, expect, shown, asked, status):
    expect("/webhooks", method="POST", status=status)
    provider = start("Webhook")
    inputs = webhook()

    _, outputs = provider.create(inputs)

    assert set(outputs["deviations"].values()) >= {f"{URL}; refused"}
    assert (outputs["webhookId"], outputs["webhook"]) == ("", {})
    assert provider.check(inputs, inputs) == (inputs, [])
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    again = webhook(retry="again")
    assert provider.update(outputs, again)["deviations"] == {}
    assert len(shown()) == 1
    assert len(asked(writes=True)) == 2


@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "empty-200", "invalid-json"])
def test_a_lost_answer_to_a_creation_makes_no_second_one(start, webhook, shown, expect, kind):
    expect("/webhooks", method="POST", kind=kind)

    _, outputs = start("Webhook").create(webhook())

    assert outputs["deviations"] == {}
    assert [(hook["id"], hook["secret"]) for hook in shown()] == [(outputs["webhookId"], WEBHOOK_SECRET)]


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_lost_answer_to_a_change_is_sent_again(start, webhook, place, shown, expect, kind):
    place(enabled=False)
    expect("/webhooks", method="PATCH", kind=kind)

    _, outputs = start("Webhook").create(webhook())

    assert outputs["deviations"] == {}
    assert [(hook["enabled"], hook["secret"]) for hook in shown()] == [(True, WEBHOOK_SECRET)]


@pytest.mark.parametrize("fault", [{"status": 500}, {"kind": "reset-before"}, {"status": 401}], ids=str)
def test_what_is_not_confirmed_is_not_recorded(start, webhook, place, expect, fault):
    place()
    expect("/webhooks", method="PATCH", count=99, **fault)

    _, outputs = start("Webhook").create(webhook())

    assert outputs["webhookId"] == ID
    assert outputs["deviations"] == {"signed": "true; unsent"}
    assert "signed" not in outputs["webhook"]


def test_an_answer_alone_proves_nothing(start, webhook, place, expect, shown):
    place(enabled=False)
    expect("/webhooks", method="PATCH", status=204)
    provider = start("Webhook")

    _, outputs = provider.create(webhook())

    assert outputs["deviations"]["enabled"] == "true; refused"
    assert provider.engine.heard("enabled false → true: the tenant left it as it was")
    assert shown()[0]["enabled"] is False


def test_what_was_created_and_cannot_be_read_is_known_by_its_id(start, webhook, shown, expect):
    expect(f"{PATH}/[0-9a-f]{{24}}$", method="GET", status=403)
    provider = start("Webhook")

    _, outputs = provider.create(webhook())

    assert outputs["webhookId"] == shown()[0]["id"]
    assert set(outputs["deviations"]) == set(webhook()["webhook"])
    assert provider.update(outputs, webhook())["deviations"] == {}
    assert len(shown()) == 1


@pytest.mark.parametrize("fault", [{"status": 403}, {"kind": "reset-before"}, {"status": 500}], ids=str)
def test_what_may_not_be_deleted_keeps_the_state_until_it_is(start, sandbox, webhook, shown, expect, fault):
    _, outputs = start("Webhook").create(webhook())
    expect("/webhooks", method="DELETE", count=2, **fault)
    provider = start("Webhook")

    failure = provider.fail("delete", outputs)

    assert f"webhook: not deleted, id {outputs['webhookId']}: " in failure
    assert "run again" in failure
    assert len(shown()) == 1
    sandbox.control.delete("/faults").raise_for_status()
    expect("/webhooks", method="DELETE", kind="reset-after")
    start("Webhook").delete(outputs)
    assert shown() == []


# Another tenant, another bag.


def test_a_webhook_stays_with_its_tenant(start, webhook, sandbox, asked):
    provider = start("Webhook")
    inputs = webhook()

    _, (failure,) = provider.check(inputs, {**inputs, "tenantId": "another"})
    assert f"tenantId {TENANT_ID} became another, and a stack stays with one" in failure
    _, (failure,) = provider.check({}, {**inputs, "tenantId": "another"})
    assert f"the stack belongs to tenant another, and {sandbox.url} is {TENANT_ID}" in failure
    assert asked(writes=True) == []


def test_a_bag_that_cannot_be_is_refused_without_asking(provider, webhook, sandbox):
    provider.kind = "Webhook"

    _, (failure,) = provider.check({}, webhook(url="hooks.contoso.test"))

    assert failure == "webhook: url: is no address of the web, or holds credentials, a blank or a semicolon"
    assert sandbox.requests() == []


def test_a_frozen_webhook_stays_as_it_is(provider, webhook, sandbox):
    provider.kind = "Webhook"

    assert provider.check(webhook(), {"frozen": True}) == (webhook(), [])
    assert sandbox.requests() == []


# What a run leaves behind.


def test_each_plan_is_a_document_and_each_apply_a_record(start, webhook, tmp_path):
    journal = tmp_path / "journal.jsonl"
    provider = start("Webhook", QLIK_JOURNAL=str(journal))
    inputs = webhook()

    provider.check({}, inputs)
    document = json.loads((provider.plans / "webhook.json").read_text())
    _, outputs = provider.create(inputs)
    provider.delete(outputs)

    assert (document["kind"], document["identity"]) == ("Webhook", {"tenantId": TENANT_ID})
    assert {(c["verb"], c["held"], c["isRemoval"]) for c in document["changes"]} == {("put", None, False)}
    assert {c["subject"]: c["declared"] for c in document["changes"]} == inputs["webhook"]
    created, deleted = map(JournalRecord.model_validate_json, journal.read_text().splitlines())
    assert (created.counts.done, created.client) == ({"put": 6}, CLIENT_ID)
    assert [(e.verb, e.subject, e.outcome) for e in deleted.changes] == [("remove", outputs["webhookId"], "done")]
    assert WEBHOOK_SECRET not in journal.read_text() + json.dumps(document) + json.dumps(outputs)
