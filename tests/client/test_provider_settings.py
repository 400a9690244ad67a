"""What the tenant hands out by itself, put and given back by the provider in its own process."""

import json

import pytest
from client.worlds import API_KEY, CLIENT_ID, TENANT_ID, make_world

from qlik_provider.journal import JournalRecord
from qlik_provider.license_settings import ROLES, SEATS

PRO, ANALYZER = SEATS["professional"], SEATS["analyzer"]
STEWARDS = ROLES["DataServicesContributor"]
PUT, PATCH = "PUT /api/v1/licenses/settings", f"PATCH /api/v1/tenants/{TENANT_ID}"


@pytest.fixture
def settings(sandbox):
    """Write the inputs of LicenseSettings."""

    def settings(declared: dict[str, str], **others) -> dict:
        return {"tenant": sandbox.url, "tenantId": TENANT_ID, "settings": declared, "retry": "", **others}

    return settings


@pytest.fixture
def shown(sandbox):
    """Return what is on in the tenant."""

    def shown() -> set[str]:
        tenant = sandbox.snapshot()["tenant"]
        flags = {name for name in ROLES.values() if tenant.get(name)}
        return flags | {name for name, value in tenant.get("settings", {}).items() if value}

    return shown


@pytest.fixture
def messy(sandbox):
    """A tenant that hands out everything."""
    on = dict.fromkeys(ROLES.values(), True)
    sandbox.load(make_world(tenant={**on, "settings": dict.fromkeys(SEATS.values(), True)}))


@pytest.fixture
def by_hand(sandbox, open_client):
    """Put switches of the license as an administrator would."""

    def by_hand(**values: bool) -> None:
        with open_client(QLIK_API_KEY=API_KEY).writing() as writer:
            writer.put_license_settings(values)
        sandbox.forget()

    return by_hand


@pytest.mark.usefixtures("messy")
def test_settings_live_from_create_to_delete(start, settings, shown, asked):
    provider = start("LicenseSettings")
    inputs = settings({PRO: "false", STEWARDS: "false"})

    assert provider.check({}, inputs) == (inputs, [])
    assert provider.engine.heard("→") == [f"INFO license-settings: {STEWARDS} true → false, {PRO} true → false"]
    assert asked(writes=True) == []
    id, outputs = provider.create(inputs)
    assert id == TENANT_ID
    assert outputs == {**inputs, "found": {PRO: "true", STEWARDS: "true"}, "deviations": {}}
    assert shown() == {ANALYZER, *ROLES.values()} - {STEWARDS}
    assert asked(writes=True) == [PUT, PATCH]
    assert provider.read(outputs) == ("1", outputs, inputs)

    fewer = settings({PRO: "false"})
    outputs = provider.update(outputs, fewer)
    assert outputs == {**fewer, "found": {PRO: "true"}, "deviations": {}}
    assert shown() == {ANALYZER, *ROLES.values()}

    provider.delete(outputs)
    assert shown() == {*SEATS.values(), *ROLES.values()}
    assert provider.engine.heard(f"done: {PRO} false → true (as it was found)")


@pytest.mark.usefixtures("messy")
def test_each_plan_is_a_document_and_each_apply_a_record(start, settings, expect, tmp_path):
    journal = tmp_path / "journal.jsonl"
    provider = start("LicenseSettings", QLIK_JOURNAL=str(journal))
    inputs = settings({PRO: "false", STEWARDS: "false"})
    expect("/tenants/[^m]", method="PATCH", status=403)

    provider.check({}, inputs)
    document = json.loads((provider.plans / "license-settings.json").read_text())
    _, outputs = provider.create(inputs)
    provider.update(outputs, settings({}))

    assert (document["kind"], document["identity"]) == ("LicenseSettings", {"tenantId": TENANT_ID})
    assert [(c["verb"], c["subject"], c["held"], c["declared"], c["isRemoval"]) for c in document["changes"]] == [
        ("put", STEWARDS, "true", "false", False),
        ("put", PRO, "true", "false", False),
    ]
    created, given_back = map(JournalRecord.model_validate_json, journal.read_text().splitlines())
    assert {entry.subject: entry.outcome for entry in created.changes} == {STEWARDS: "refused", PRO: "done"}
    assert (created.counts.done, created.counts.refused, created.client) == ({"put": 1}, {"put": 1}, CLIENT_ID)
    assert [(entry.verb, entry.held, entry.declared) for entry in given_back.changes] == [
        ("give back", "false", "true")
    ]


@pytest.mark.parametrize("omitted", ["keep", "false"])
def test_both_switches_are_sent_whatever_leaving_one_out_means(sandbox, start, settings, shown, omitted):
    sandbox.load(make_world(tenant={"settings": {ANALYZER: True}}, settings_omitted=omitted))

    start("LicenseSettings").create(settings({PRO: "true"}))

    assert shown() == {PRO, ANALYZER}


def test_a_switch_that_others_put_between_plan_and_apply_is_not_undone(start, settings, shown, by_hand):
    provider = start("LicenseSettings")
    provider.check({}, settings({PRO: "true"}))  # reads, and keeps what it read
    by_hand(**{PRO: False, ANALYZER: True})

    provider.create(settings({PRO: "true"}))

    assert shown() == {PRO, ANALYZER}


def test_check_and_diff_read_once_and_never_write(start, settings, asked):
    provider = start("LicenseSettings")
    inputs = settings({PRO: "true"})
    outputs = {**inputs, "found": {PRO: "false"}, "deviations": {}}

    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_SOME"
    provider.check(inputs, inputs)
    assert provider.diff(outputs, settings({PRO: "false"})) == "DIFF_UNKNOWN"

    assert sorted(asked()) == [
        "GET /api/v1/licenses/settings",
        f"GET /api/v1/tenants/{TENANT_ID}",
        "GET /api/v1/tenants/me",
        "POST /oauth/token",
    ]


def test_a_diff_without_a_check_is_silent_and_asks_nothing(provider, settings, sandbox):
    provider.kind = "LicenseSettings"
    inputs = settings({PRO: "true"})
    outputs = {**inputs, "found": {PRO: "false"}, "deviations": {}}

    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.diff({**outputs, "settings": {PRO: "false via hand"}}, inputs) == "DIFF_UNKNOWN"
    assert provider.engine.told == []
    assert sandbox.requests() == []


def test_drift_is_read_silently_and_repaired(start, settings, shown, by_hand):
    inputs = settings({PRO: "false"})
    _, outputs = start("LicenseSettings").create(inputs)
    by_hand(**{PRO: True, ANALYZER: False})
    provider = start("LicenseSettings")

    _, outputs, read_inputs = provider.read(outputs)

    assert outputs["settings"] == read_inputs["settings"] == {PRO: "true via hand"}
    assert provider.engine.told == []
    provider.check(read_inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_UNKNOWN"
    assert provider.update(outputs, inputs)["settings"] == {PRO: "false"}
    assert shown() == set()


@pytest.mark.usefixtures("messy")
@pytest.mark.parametrize("status", [403, 404])
def test_a_refresh_that_cannot_read_what_is_on_record_stops_in_one_line(start, settings, expect, by_hand, status):
    """Neither answer proves that others changed nothing."""
    _, outputs = start("LicenseSettings").create(settings({PRO: "false", STEWARDS: "false"}))
    by_hand(**{PRO: True, ANALYZER: True})
    expect("/licenses/settings$", method="GET", status=status)

    failure = start("LicenseSettings").fail("read", outputs)

    assert f"license-settings: nobody knows whether others changed {PRO}: " in failure
    assert start("LicenseSettings").read(outputs)[1]["settings"] == {PRO: "true via hand", STEWARDS: "false"}


def test_what_others_changed_is_not_given_back(start, settings, shown, by_hand, asked):
    provider = start("LicenseSettings")
    _, outputs = provider.create(settings({PRO: "true", ANALYZER: "true"}))
    by_hand(**{PRO: True, ANALYZER: False})

    provider = start("LicenseSettings")
    provider.delete(outputs)

    assert shown() == set()
    assert provider.engine.heard("changed by others") == [
        f"WARNING license-settings: {ANALYZER} was changed by others and stays false"
    ]
    assert asked(writes=True) == [PUT]


# Somebody without the right.


@pytest.mark.usefixtures("messy")
def test_who_may_not_put_a_setting_is_told_and_stops_nothing(start, settings, shown, expect):
    provider = start("LicenseSettings")
    inputs = settings({PRO: "false", STEWARDS: "false"})
    expect("/licenses/settings", method="PUT", status=403)

    _, outputs = provider.create(inputs)

    assert outputs["settings"] == {STEWARDS: "false"}
    assert outputs["found"] == {STEWARDS: "true"}
    assert outputs["deviations"] == {PRO: "false; refused"}
    (warning,) = provider.engine.heard("refused: ")
    assert warning == (
        f"WARNING license-settings: refused: {PRO} true → false: this caller may not; "
        "give the client the scope admin_classic, or the user TenantAdmin"
    )
    assert shown() == {*SEATS.values(), *ROLES.values()} - {STEWARDS}
    assert provider.check(inputs, inputs) == (inputs, [])
    assert provider.diff(outputs, inputs) == "DIFF_NONE"  # not sent again without a reason
    again = {**inputs, "retry": "again"}
    assert provider.diff(outputs, again) == "DIFF_UNKNOWN"
    assert provider.update(outputs, again)["deviations"] == {}


@pytest.mark.usefixtures("messy")
@pytest.mark.parametrize(
    ("path", "hidden", "other"), [("/licenses/settings$", PRO, STEWARDS), ("/tenants/k", STEWARDS, PRO)]
)
def test_who_may_not_read_a_setting_is_told_and_the_others_are_put(start, settings, expect, path, hidden, other):
    provider = start("LicenseSettings")
    inputs = settings({PRO: "false", STEWARDS: "false"})
    expect(path, method="GET", status=403, count=99, id="hidden")

    assert provider.check({}, inputs) == (inputs, [])
    assert provider.engine.heard(f"{hidden} is not known: this caller may not")
    _, outputs = provider.create(inputs)

    assert outputs["settings"] == {other: "false"}
    assert outputs["deviations"] == {hidden: "false; unsent"}
    assert provider.read(outputs) == ("1", outputs, inputs)


@pytest.mark.usefixtures("messy")
def test_what_may_not_be_given_back_keeps_the_state_until_it_is(start, settings, shown, expect):
    _, outputs = start("LicenseSettings").create(settings({PRO: "false", STEWARDS: "false"}))
    expect("/tenants/k", method="PATCH", status=403)
    provider = start("LicenseSettings")

    failure = provider.fail("delete", outputs)

    assert "license-settings: not given back: " in failure
    assert f"{STEWARDS} false → true (as it was found): this caller may not" in failure
    assert "destroy again" in failure
    assert PRO in shown()
    provider.delete(outputs)
    assert shown() == {*SEATS.values(), *ROLES.values()}


# What goes wrong on the way.


@pytest.mark.usefixtures("messy")
@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
@pytest.mark.parametrize(("name", "path"), [(PRO, "/licenses/settings$"), (STEWARDS, "/tenants/k")])
def test_a_lost_answer_is_looked_up_and_repeated_only_if_nothing_happened(
    start, settings, shown, expect, asked, kind, name, path
):
    expect(path, method="PUT" if name == PRO else "PATCH", kind=kind)

    _, outputs = start("LicenseSettings").create(settings({name: "false"}))

    assert outputs["settings"] == {name: "false"}
    assert outputs["deviations"] == {}
    assert name not in shown()
    assert len(asked(writes=True)) == (2 if kind == "reset-before" else 1)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"status": 500}, "true; unsent"),
        ({"status": 400}, "true; refused"),
        ({"status": 200, "body": []}, "true; unsent"),
        ({"status": 200, "body": {PRO: False, ANALYZER: False}}, "true; refused"),
        ({"status": 401}, "true; unsent"),
    ],
)
def test_what_is_not_confirmed_is_not_recorded(start, settings, expect, fault, text):
    expect("/licenses/settings$", method="PUT", count=99, **fault)

    _, outputs = start("LicenseSettings").create(settings({PRO: "true"}))

    assert outputs["settings"] == {}
    # What may be put by an answer that was lost can still be given back.
    assert outputs["found"] == ({PRO: "false"} if text == "true; unsent" else {})
    assert outputs["deviations"] == {PRO: text}


@pytest.mark.parametrize(("name", "path"), [(PRO, "/licenses/settings$"), (STEWARDS, "/tenants/[^m]")])
@pytest.mark.parametrize("fault", [{"status": 200, "body": {}}, {"status": 204}], ids=str)
def test_an_answer_alone_proves_nothing(start, settings, shown, expect, name, path, fault):
    expect(path, method="PUT" if name == PRO else "PATCH", **fault)

    _, outputs = start("LicenseSettings").create(settings({name: "true"}))

    assert outputs["settings"] == {name: "true"}
    assert shown() == {name}


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize(("name", "path", "reads"), [(PRO, "/licenses/settings$", 2), (STEWARDS, "/tenants/[^m]", 1)])
def test_what_is_put_and_cannot_be_read_again_has_a_way_back(start, settings, shown, expect, name, path, reads, status):
    expect(path, method="GET", status=status, after=reads)
    provider = start("LicenseSettings")

    _, outputs = provider.create(settings({name: "true"}))
    assert shown() == {name}
    assert (outputs["settings"], outputs["found"]) == ({}, {name: "false"})
    assert outputs["deviations"] == {name: "true; unsent"}

    outputs = provider.update(outputs, settings({name: "true"}, retry="again"))
    assert (outputs["settings"], outputs["found"]) == ({name: "true"}, {name: "false"})


@pytest.mark.parametrize("call", ["check", "create", "read", "delete"])
def test_settings_that_cannot_be_read_for_another_reason_are_one_line(start, settings, expect, call):
    expect("/licenses/settings$", method="GET", status=400, count=99)
    provider = start("LicenseSettings")
    inputs = settings({PRO: "true"})
    outputs = {**inputs, "found": {PRO: "false"}, "deviations": {}}

    if call == "check":
        _, (failure,) = provider.check({}, inputs)
    else:
        failure = provider.fail(call, inputs if call == "create" else outputs)

    assert "GET /api/v1/licenses/settings: 400" in failure


def test_a_put_whose_answer_was_lost_and_that_cannot_be_read_is_no_refusal(start, settings, expect):
    expect("/licenses/settings$", method="PUT", kind="reset-after")
    # One read for the plan, one before the put.
    expect("/licenses/settings$", method="GET", status=404, after=2, count=99)

    _, outputs = start("LicenseSettings").create(settings({PRO: "true"}))

    assert (outputs["settings"], outputs["deviations"]) == ({}, {PRO: "true; unsent"})
    assert outputs["found"] == {PRO: "false"}


@pytest.mark.parametrize("path", ["/licenses/settings$", "/tenants/[^m]"])
@pytest.mark.usefixtures("messy")
def test_an_answer_that_says_nothing_switches_nothing_off(start, settings, expect, path):
    expect(path, method="GET", status=200, body={})
    provider = start("LicenseSettings")

    if path.startswith("/licenses"):
        _, outputs = provider.create(settings({PRO: "false", STEWARDS: "false"}))
        assert outputs["found"] == {PRO: "true", STEWARDS: "true"}
    else:
        assert "GET /api/v1/tenants/" in provider.fail("create", settings({PRO: "false", STEWARDS: "false"}))


def test_a_tenant_without_a_license_has_no_switches_and_has_flags(sandbox, start, settings, expect, shown):
    expect("/licenses/settings$", method="GET", status=404, count=99)
    provider = start("LicenseSettings")

    _, outputs = provider.create(settings({PRO: "false", STEWARDS: "true"}))

    assert outputs["deviations"] == {PRO: "false; unsent"}
    assert provider.engine.heard(f"{PRO} is not known: the tenant has no license")
    assert shown() == {STEWARDS}


# Another tenant.


def test_settings_stay_with_their_tenant(start, settings, sandbox, asked):
    provider = start("LicenseSettings")
    inputs = settings({PRO: "true"})

    _, (failure,) = provider.check(inputs, {**inputs, "tenantId": "another"})
    assert f"tenantId {TENANT_ID} became another, and a stack stays with one" in failure
    assert sandbox.requests() == []

    moved = {**inputs, "tenantId": "another", "found": {PRO: "false"}, "deviations": {}}
    for call, bags in {"create": [moved], "update": [moved, moved], "read": [moved], "delete": [moved]}.items():
        assert "the stack belongs to tenant another" in provider.fail(call, *bags)
    assert asked(writes=True) == []


def test_a_value_that_is_none_is_refused(start, settings, sandbox):
    _, (failure,) = start("LicenseSettings").check({}, settings({PRO: "on", "autoAssignBasic": "true"}))

    assert f"settings['{PRO}']: 'on' is not 'true' or 'false'" in failure
    assert "autoAssignBasic" in failure
    assert sandbox.requests() == []
