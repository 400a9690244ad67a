"""Deleting seats: nobody loses a license by it but in a destroy, by the stored rule, and under the brake."""

import json

import pytest
from client.worlds import ANA, BO, CY, DELETE, LICENSE, TENANT_ID, make_world, outputs_of, people

REVOKE = {"onDestroy": "revoke"}
OPEN = {**REVOKE, "brake.max": 10_000, "brake.percent": 100}
ACCESS = "licenses:\n  order: [professional, analyzer]\n  onDestroy: {}\nsubject: {{from: objectId}}\n"


@pytest.fixture
def held(sandbox, seats):
    """Let so many people hold analyzer by this stack, and return its outputs."""

    def held(count: int = 3, rules=None, **others) -> dict:
        holders = people(count)
        sandbox.load(make_world({**dict.fromkeys(holders, "analyzer"), "fabrikam\\joe": "professional"}))
        return outputs_of(seats(dict.fromkeys(holders, "analyzer via finance"), rules or OPEN, **others))

    return held


@pytest.fixture
def declare(tmp_path):
    """Write the stack's access.yaml, and return the rules that lead to it."""

    def declare(text: str, **rules) -> dict:
        (tmp_path / "access.yaml").write_text(text, encoding="utf-8")
        return {**OPEN, **rules, "approvals": str(tmp_path / "approvals")}

    return declare


def approve(tmp_path, *subjects: str) -> None:
    folder = tmp_path / "approvals"
    folder.mkdir(exist_ok=True)
    text = f"subjects: [{', '.join(subjects)}]\nreason: the end\nexpires: 2026-12-01\n"
    (folder / "end.yaml").write_text(text, encoding="utf-8")


# Whether.


def test_a_destroy_that_revokes_takes_the_ledger_and_nothing_else(sandbox, start, held, asked):
    outputs = held()
    provider = start()

    provider.delete(outputs)

    assert sandbox.rows() == {"fabrikam\\joe": "professional"}
    assert asked(writes=True) == [f"POST {DELETE}"]
    assert provider.engine.heard("done") == ["INFO license-assignments: done: revoke 3"]


def test_all_of_a_large_ledger_goes_in_batches(sandbox, start, held, asked):
    provider = start()

    provider.delete(held(250))

    assert sandbox.rows() == {"fabrikam\\joe": "professional"}
    assert asked(writes=True) == [f"POST {DELETE}"] * 3
    assert len(provider.engine.progress) == 3


@pytest.mark.parametrize(("count", "rules"), [(2, {}), (3, {"onDestroy": "keep"}), (4, {"onDestroy": "Revoke"})])
def test_any_other_stored_rule_writes_and_asks_nothing(shared, held, asked, count, rules):
    shared.delete(held(count, rules={"brake.max": 10_000, **rules}))

    assert asked() == []
    assert shared.engine.heard("keep") == [
        f"INFO license-assignments: {count} people keep what they hold; nothing was taken back"
    ]


@pytest.mark.parametrize("call", ["check", "create", "update"])
def test_a_delete_beside_a_program_revokes_nothing(sandbox, start, held, asked, call):
    """An `up` previews no delete; so it takes from nobody, least of all what its own create has just adopted."""
    outputs = held()
    inputs = {name: outputs[name] for name in ("tenant", "tenantId", "license", "assignments", "rules")}
    provider = start()
    {
        "check": lambda: provider.check({}, inputs),
        "create": lambda: provider.create(inputs),
        "update": lambda: provider.update(outputs, inputs),
    }[call]()

    provider.delete(outputs)

    assert set(people(3)) < set(sandbox.rows())
    assert asked(writes=True) == []
    assert provider.engine.heard("only destroy revokes, and this is an up without them")


def test_a_program_that_declares_other_resources_is_one(start, held, asked):
    outputs = held()
    provider = start()
    settings = {"tenant": outputs["tenant"], "tenantId": TENANT_ID, "settings": {}, "retry": ""}
    provider.kind = "LicenseSettings"
    provider.check({}, settings)
    provider.kind = "LicenseAssignments"

    provider.delete(outputs)

    assert asked(writes=True) == []


def test_a_read_or_a_diff_of_a_refresh_is_no_program(sandbox, start, held):
    outputs = held()
    provider = start()
    _, outputs, inputs = provider.read(outputs)
    provider.diff(outputs, inputs)

    provider.delete(outputs)

    assert sandbox.rows() == {"fabrikam\\joe": "professional"}


@pytest.mark.parametrize(
    ("count", "text", "because"),
    [
        (2, "subject: {from: objectId}\n", "access.yaml has no licenses block any more"),
        (3, "licenses:\n", "access.yaml has no licenses block any more"),
        (4, "licenses: {order: [analyzer], ownedBy: prod}\n", "access.yaml says that prod owns them"),
        (
            5,
            "licenses: {order: [analyzer], ownedBy: prod, onDestroy: revoke}\n",
            "access.yaml says that prod owns them",
        ),
    ],
)
def test_what_the_declaration_no_longer_gives_is_not_revoked(shared, held, declare, asked, count, text, because):
    shared.delete(held(count, rules=declare(text)))

    assert asked() == []
    assert shared.engine.heard(f"{count} people keep what they hold; nothing was taken back: {because}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ACCESS.format("keep"), "onDestroy is revoke in the state and keep in access.yaml; run up first"),
        ("licenses: {order: [analyzer]}\n", "onDestroy is revoke in the state and keep in access.yaml; run up first"),
        ("licenses: [\n", "onDestroy is revoke, and the declaration cannot be read: "),
    ],
)
def test_a_declaration_that_says_otherwise_than_the_state_stops_a_revoke(shared, held, declare, asked, text, reason):
    failure = shared.fail("delete", held(rules=declare(text)))

    assert reason in failure
    assert "nothing was revoked" in failure
    assert asked() == []


def test_a_revoke_that_no_up_has_applied_is_none_and_told(shared, held, declare, asked):
    shared.delete(held(rules=declare(ACCESS.format("revoke"), onDestroy="keep")))

    assert asked() == []
    assert shared.engine.heard("access.yaml says onDestroy: revoke, which no up has applied")


def test_a_declaration_that_agrees_or_is_not_there_lets_the_stored_rule_count(sandbox, start, held, declare, tmp_path):
    for outputs in (
        held(rules=declare(ACCESS.format("revoke"))),
        held(rules={**OPEN, "approvals": str(tmp_path / "gone" / "approvals")}),
    ):
        start().delete(outputs)
        assert sandbox.rows() == {"fabrikam\\joe": "professional"}
        held()


# Who.


def test_protected_people_keep_their_license_and_the_rest_goes(sandbox, start, held):
    outputs = held(rules={**OPEN, f"protect.{BO.upper()}": "bo@contoso.test"})
    provider = start()

    provider.delete(outputs)

    assert sandbox.rows() == {BO: "analyzer", "fabrikam\\joe": "professional"}
    assert provider.engine.heard("protected, so they keep what they hold: 000001@contoso.test")


def test_what_others_took_or_raised_is_no_obstacle(sandbox, start, held):
    outputs = held()
    for act in (
        {"do": "revoke", "subject": ANA, "type": "analyzer"},
        {"do": "switch", "subject": BO, "from": "analyzer", "type": "professional"},
    ):
        sandbox.control.post("/tamper", json=act).raise_for_status()

    start().delete(outputs)

    assert sandbox.rows() == {"fabrikam\\joe": "professional"}


def test_a_brake_that_would_hold_anybody_stops_it_before_any_write(sandbox, start, held, asked):
    outputs = held(26, rules=REVOKE)
    provider = start()

    failure = provider.fail("delete", outputs)

    assert "destroying would revoke 26 licenses, and the brake holds 26 of them (000000@contoso.test, " in failure
    assert "26 removals in 24 hours (26 now, 0 before) among 26 people" in failure
    assert "the brake allows 25, and 10 % from 20 people on; nothing was revoked" in failure
    assert "approve them in a file under approvals/, or set licenses.onDestroy to keep and run up" in failure
    assert asked(writes=True) == []
    document = json.loads((provider.plans / "license-assignments.json").read_text())
    assert len(document["held"]) == 26  # from which an approval is written


@pytest.mark.parametrize("on_breach", ["hold", "fail"])
@pytest.mark.parametrize(("count", "is_breached"), [(3, False), (4, True)])
def test_the_limit_itself_passes_and_one_more_does_not(sandbox, start, held, count, is_breached, on_breach):
    outputs = held(count, rules={**REVOKE, "brake.max": 3, "brake.percent": 100, "brake.onBreach": on_breach})

    if is_breached:
        assert "the brake holds 4 of them" in start().fail("delete", outputs)
        assert len(sandbox.rows()) == 5
    else:
        start().delete(outputs)
        assert len(sandbox.rows()) == 1


def test_removals_of_the_last_day_count(sandbox, start, held):
    outputs = {**held(2, rules={**REVOKE, "brake.max": 3, "brake.percent": 100}), "removed": {"2026-11-02T07:00Z": "2"}}

    assert "4 removals in 24 hours (2 now, 2 before)" in start().fail("delete", outputs)
    assert len(sandbox.rows()) == 3


def test_approved_people_pass_the_brake_and_one_that_is_not_stops_all(sandbox, start, held, declare, tmp_path):
    rules = {**declare(ACCESS.format("revoke")), "brake.max": 1, "brake.percent": 1, "brake.minimum": 1}
    outputs = held(rules=rules)
    approve(tmp_path, ANA, BO)

    assert "the brake holds 1 of them (000002@contoso.test)" in start().fail("delete", outputs)
    assert len(sandbox.rows()) == 4
    approve(tmp_path, ANA, BO, CY)
    start().delete(outputs)
    assert sandbox.rows() == {"fabrikam\\joe": "professional"}


def test_who_is_held_since_before_is_not_revoked_by_destroying(sandbox, start, held):
    outputs = {**held(), "deviations": {ANA: "none; held"}}

    failure = start().fail("delete", outputs)

    assert (
        "destroying would revoke 3 licenses, and the brake holds 1 of them (000000@contoso.test): held before"
        in failure
    )
    assert len(sandbox.rows()) == 4


def test_who_rests_on_a_group_in_doubt_is_not_revoked_by_destroying(sandbox, start, held):
    outputs = held(doubt={"finance": "empty"})

    failure = start().fail("delete", outputs)

    assert "may not revoke every license: frozen: 000000@contoso.test, " in failure
    assert "(finance: empty); nothing was revoked" in failure
    assert len(sandbox.rows()) == 4


# What goes wrong on the way.


def test_a_delete_that_fails_half_way_keeps_the_state_and_the_next_one_finishes(sandbox, start, held, expect, asked):
    outputs = held(250)
    expect(DELETE, method="POST", after=1, status=500, count=99, id="down")
    provider = start()

    failure = provider.fail("delete", outputs)

    assert (
        failure.count("license-assignments: revoked 100 of 250, and the state stays for the rest; destroy again") == 1
    )
    assert len(sandbox.rows()) == 151
    sandbox.control.delete("/faults").raise_for_status()
    sandbox.forget()
    start().delete(outputs)
    assert sandbox.rows() == {"fabrikam\\joe": "professional"}
    assert asked(writes=True) == [f"POST {DELETE}"] * 2


def test_an_item_that_is_refused_keeps_the_state_and_the_others_go(sandbox, start, held, expect):
    outputs = held()
    expect(DELETE, item={"subject": BO, "status": 403, "code": "LICENSES-99", "title": "No"})

    failure = start().fail("delete", outputs)

    assert "revoked 2 of 3" in failure
    assert "(000001@contoso.test: 403 LICENSES-99 No)" in failure
    assert set(sandbox.rows()) == {BO, "fabrikam\\joe"}


def test_who_is_not_assigned_any_more_is_done(sandbox, start, held, expect):
    outputs = held()
    expect(DELETE, item={"subject": ANA, "status": 404, "code": "LICENSES-016", "title": "Assignment not found."})
    sandbox.control.post("/tamper", json={"do": "revoke", "subject": BO, "type": "analyzer"}).raise_for_status()

    assert "revoked 1 of 2" in start().fail("delete", outputs)  # the answer says gone, the list says it is not
    start().delete(outputs)

    assert sandbox.rows() == {"fabrikam\\joe": "professional"}


@pytest.mark.parametrize(("kind", "writes"), [("reset-before", 2), ("reset-after", 1)])
def test_a_lost_answer_is_read_again(sandbox, start, held, expect, asked, kind, writes):
    outputs = held()
    expect(DELETE, method="POST", kind=kind)

    start().delete(outputs)

    assert sandbox.rows() == {"fabrikam\\joe": "professional"}
    assert len(asked(writes=True)) == writes


def test_a_list_that_proves_nothing_revokes_nobody(sandbox, start, held, expect, asked):
    outputs = held()
    expect("/licenses/assignments$", kind="truncated-page", count=99)

    assert "may be short" in start().fail("delete", outputs)
    assert asked(writes=True) == []


@pytest.mark.parametrize(("name", "word"), [("tenantId", "tenant"), ("license", "license")])
def test_another_tenant_or_license_behind_the_url_revokes_nobody(start, held, asked, name, word):
    failure = start().fail("delete", {**held(), name: "another"})

    assert f"the stack belongs to {word} another" in failure
    assert asked(writes=True) == []


def test_a_license_that_is_not_in_order_revokes_nobody(sandbox, start, held, asked):
    outputs = held()
    sandbox.control.post("/tamper", json={"do": "setLicenseStatus", "status": "Expired"}).raise_for_status()

    assert f"license {LICENSE} is Expired" in start().fail("delete", outputs)
    assert asked(writes=True) == []


def test_an_engine_that_is_gone_stops_it(start, held, asked):
    outputs = held()
    provider = start()
    provider.engine.server.stop(0).wait()

    assert "the engine no longer answers" in provider.fail("delete", outputs)
    assert asked(writes=True) == []


# The same tenant, spelled otherwise.


def test_another_spelling_of_the_url_is_an_update_that_writes_nothing(start, held, asked):
    outputs = held()
    inputs = {
        name: outputs[name] for name in ("tenant", "tenantId", "license", "assignments", "rules", "doubt", "sources")
    }
    moved = {**inputs, "tenant": outputs["tenant"].replace("https", "HTTPS") + "/"}
    provider = start()

    assert provider.check(inputs, moved) == (moved, [])
    assert provider.diff(outputs, moved) == "DIFF_UNKNOWN"
    updated = provider.update(outputs, moved)

    assert updated["tenant"] == moved["tenant"]
    assert updated["assignments"] == outputs["assignments"]
    assert asked(writes=True) == []


def test_an_alias_of_the_tenant_is_refused_in_every_phase_and_names_the_hostname(start, held, asked):
    outputs = held()
    inputs = {name: outputs[name] for name in ("tenant", "tenantId", "license", "assignments", "rules")}
    alias = outputs["tenant"].replace("127.0.0.1", "localhost")
    says = f"is an alias of this tenant; use its hostname {outputs['tenant']}"
    provider = start()

    _, (failure,) = provider.check(inputs, {**inputs, "tenant": alias})

    assert says in failure
    assert says in provider.fail("update", outputs, {**inputs, "tenant": alias})
    assert says in start().fail("delete", {**outputs, "tenant": alias})
    assert asked(writes=True) == []
