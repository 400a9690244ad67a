"""The provider in its own process, from create to delete, and what it leaves behind when something breaks."""

from client.worlds import ANA, BO, CY, GROUP, LICENSE, list_members, mail_of, make_world, outputs_of, people

# Create, read, update, delete.


def test_the_outputs_of_a_create_are_the_inputs_and_what_is_held(sandbox, provider, seats):
    sandbox.load(make_world({"fabrikam\\joe": "professional"}, units={"professional": 2, "analyzer": 5}))
    inputs = seats({ANA: "professional via finance", BO: "analyzer via finance"}, sources={"finance": GROUP})

    id, outputs = provider.create(inputs)

    assert id == LICENSE
    assert outputs == {
        **inputs,
        "deviations": {},
        "removed": {},
        "seats": {"analyzer": "1 of 5", "professional": "2 of 2"},
        "foreign": {"professional": 1.0},
    }
    assert sandbox.rows() == {"fabrikam\\joe": "professional", ANA: "professional", BO: "analyzer"}
    assert provider.engine.heard("done") == ["INFO license-assignments: done: assign 2"]
    assert provider.engine.progress == ["license-assignments: 0 of 2"]


def test_what_was_read_after_an_apply_are_its_outputs_and_its_inputs(provider, seats):
    inputs = seats({ANA: "professional via finance"}, sources={"finance": GROUP})
    _, outputs = provider.create(inputs)

    assert provider.read(outputs) == ("1", outputs, inputs)


def test_a_read_drops_what_is_no_longer_held_and_adds_nothing(sandbox, provider, seats, asked):
    inputs = seats({ANA: "analyzer via finance", BO: "analyzer via finance"})
    _, outputs = provider.create(inputs)
    for act in (
        {"do": "revoke", "subject": ANA, "type": "analyzer"},
        {"do": "switch", "subject": BO, "from": "analyzer", "type": "professional"},
        {"do": "assign", "subject": CY, "type": "analyzer"},
    ):
        sandbox.control.post("/tamper", json=act).raise_for_status()
    sandbox.forget()

    _, read, read_inputs = provider.read(outputs)

    assert read["assignments"] == {BO: f"professional via hand, finance for {mail_of(BO)}"}
    assert read["foreign"] == {"analyzer": 1.0}
    assert read["seats"] == {"analyzer": "1 of 1000", "professional": "1 of 1000"}
    assert read_inputs["assignments"] == read["assignments"]
    assert asked(writes=True) == []


def test_a_read_that_cannot_see_is_one_line_and_no_absence(sandbox, provider, seats, expect):
    sandbox.load(make_world({ANA: "analyzer"}))
    outputs = outputs_of(seats({ANA: "analyzer via finance"}))
    expect("/licenses/assignments$", kind="empty-200")
    expect("/licenses/assignments$", kind="truncated-page")

    assert "200 with broken JSON" in provider.fail("read", outputs)
    assert "may be short" in provider.fail("read", outputs)


def test_an_update_does_what_changed_and_a_second_one_nothing(sandbox, provider, seats, asked):
    inputs = seats({ANA: "analyzer via finance", BO: "analyzer via finance"})
    _, outputs = provider.create(inputs)
    wanted = seats({ANA: "professional via finance", CY: "analyzer via finance"})
    sandbox.forget()

    updated = provider.update(outputs, wanted)

    assert updated["assignments"] == wanted["assignments"]
    assert list(updated["removed"].values()) == ["1; finance 1"]
    assert sandbox.rows() == {ANA: "professional", CY: "analyzer"}
    assert len(asked(writes=True)) == 3

    sandbox.forget()
    assert provider.update(updated, wanted) == updated
    assert asked(writes=True) == []


def test_an_item_refused_is_told_recorded_and_leaves_the_others_done(provider, seats, expect):
    expect(item={"subject": BO, "status": 403, "code": "LICENSES-011", "title": "No seat"})
    inputs = seats({ANA: "analyzer via finance", BO: "analyzer via finance"})

    _, outputs = provider.create(inputs)

    assert list(outputs["assignments"]) == [ANA]
    assert outputs["deviations"] == {BO: f"{inputs['assignments'][BO]}; refused"}
    assert provider.engine.heard("LICENSES-011") == [
        f"WARNING license-assignments: refused: assign analyzer to {mail_of(BO)} (finance): 403 LICENSES-011 No seat"
    ]
    assert provider.read(outputs)[2] == inputs


def test_a_seat_lost_in_a_race_is_not_in_the_ledger_and_is_given_by_the_next_run(sandbox, provider, seats, expect):
    world = make_world({ANA: "analyzer"}, units={"professional": 1, "analyzer": 5}, update_without_seat="lose")
    sandbox.load(world)
    held, wanted = seats({ANA: "analyzer via finance"}), seats({ANA: "professional via finance"})
    provider.check(held, wanted)
    race = {"subject": "joe", "type": "professional"}
    sandbox.control.post("/tamper", json={"do": "assign", **race}).raise_for_status()
    expect("/actions/add$", item={"subject": ANA})

    outputs = provider.update(outputs_of(held), wanted)

    assert outputs["assignments"] == {}
    assert outputs["deviations"] == {ANA: f"{wanted['assignments'][ANA]}; unsent"}
    assert provider.engine.heard("analyzer is gone")
    sandbox.control.post("/tamper", json={"do": "revoke", **race}).raise_for_status()
    assert provider.update(outputs, wanted)["assignments"] == wanted["assignments"]


def test_a_delete_takes_nothing_from_anybody_and_says_so(sandbox, provider, seats, asked):
    inputs = seats({ANA: "analyzer via finance"})
    _, outputs = provider.create(inputs)
    sandbox.forget()

    provider.delete(outputs)

    assert sandbox.rows() == {ANA: "analyzer"}
    assert asked() == []
    assert provider.engine.heard("keep") == [
        "INFO license-assignments: 1 person keeps what they hold; nothing was taken back"
    ]


def test_doubt_about_the_license_is_a_failed_check_and_one_line_everywhere(sandbox, provider, seats):
    sandbox.load(make_world(tenant={"license": {"number": LICENSE, "status": "Expired"}}))
    inputs = seats({ANA: "analyzer via finance"})
    outputs = outputs_of(inputs)

    for olds in ({}, inputs):
        _, (failure,) = provider.check(olds, inputs)
        assert f"license {LICENSE} is Expired" in failure
    calls = {"create": [inputs], "update": [outputs, inputs], "read": [outputs], "diff": [outputs, inputs]}
    for call, bags in calls.items():
        assert f"license {LICENSE} is Expired" in provider.fail(call, *bags)


def test_a_raise_nobody_foresaw_is_one_line_too(shared):
    assert "tenant" in shared.fail("read", {"assignments": {}})


def test_numbers_come_as_floats(sandbox, provider, seats):
    sandbox.load(make_world(dict.fromkeys(people(4), "analyzer")))
    rules = {"brake.max": 1, "brake.percent": 100, "brake.minimum": 20, "reserve.analyzer": 998}
    inputs = seats(dict.fromkeys(people(4), "analyzer via finance"), rules)
    _, outputs = provider.create(inputs)

    updated = provider.update(outputs, seats({ANA: "analyzer via finance"}, rules))

    assert len(updated["assignments"]) == 4
    assert set(updated["deviations"].values()) == {"none; held"}
    assert provider.engine.heard("996 seats of analyzer stay free, fewer than the 998 in reserve")
    assert len(sandbox.rows()) == 4


# Members of a directory group.


def test_members_live_from_create_to_delete(sandbox, members_provider, asked):
    sandbox.load(make_world(directory=3, members=[CY]))

    id, outputs = members_provider.create(list_members([ANA, BO]))
    assert id == GROUP
    assert outputs == {**outputs_of(list_members([ANA, BO])), "foreign": {"member": 1.0}}
    assert members_provider.read(outputs) == ("1", outputs, list_members([ANA, BO]))

    outputs = members_provider.update(outputs, list_members([BO]))
    assert outputs["members"] == {BO: mail_of(BO)}
    assert sorted(sandbox.snapshot()["directory"]["groups"][0]["members"]) == [BO, CY]

    sandbox.forget()
    members_provider.delete(outputs)
    assert asked() == []
    assert members_provider.engine.heard("members-readers: 1 person keeps what they hold")


def test_only_a_group_that_is_proven_gone_is_gone(sandbox, members_provider, expect):
    assert members_provider.read(outputs_of(list_members([ANA]))) == ("", {}, {})

    sandbox.load(make_world(directory=1, members=[ANA]))
    expect("/members$", status=403)
    assert "ARM_CLIENT_ID" in members_provider.fail("read", outputs_of(list_members([ANA])))


# The engine may go away.


def test_an_apply_whose_engine_is_gone_sends_nothing(provider, seats, asked):
    provider.check({}, seats({}))
    provider.engine.server.stop(0).wait()

    failure = provider.fail("create", seats(dict.fromkeys(people(250), "analyzer via finance")))

    assert "the engine no longer answers" in failure
    assert asked(writes=True) == []


def test_an_apply_whose_engine_goes_stops_before_the_next_batch_and_tells_what_was_done(
    sandbox, provider, seats, asked
):
    provider.engine.patience = 1
    inputs = seats(dict.fromkeys(people(250), "analyzer via finance"))

    _, outputs = provider.create(inputs)

    assert len(asked(writes=True)) == 1
    assert len(sandbox.rows()) == 100
    assert set(outputs["assignments"]) == set(sandbox.rows())
    assert set(outputs["deviations"]) == set(people(250)) - set(sandbox.rows())
    assert all(text.endswith("; unsent") for text in outputs["deviations"].values())


def test_the_rest_of_an_interrupted_apply_is_sent_by_the_next_one(sandbox, provider, seats, asked):
    inputs = seats(dict.fromkeys(people(150), "analyzer via finance"))
    provider.engine.patience = 1
    _, outputs = provider.create(inputs)
    provider.engine.patience = 9
    sandbox.forget()

    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_SOME"
    outputs = provider.update(outputs, inputs)

    assert outputs["deviations"] == {}
    assert len(outputs["assignments"]) == len(sandbox.rows()) == 150
    assert len(asked(writes=True)) == 1


# What was confirmed and does not show yet.


def test_what_no_list_has_shown_stays_in_the_record_until_one_does(sandbox, start, seats, asked):
    inputs = seats({ANA: "analyzer via finance"})
    outputs = {**outputs_of(inputs), "seats": {"analyzer": "1 of 1000", "professional": "0 of 1000"}}
    late, before, afterwards = {**outputs, "unseen": {ANA: "analyzer"}}, start(), start()

    assert before.read(late)[1]["assignments"] == inputs["assignments"]
    assert before.read(outputs)[1]["assignments"] == {}

    sandbox.load(make_world({ANA: "analyzer"}))
    afterwards.check(inputs, inputs)
    assert afterwards.diff(late, inputs) == "DIFF_SOME"
    assert afterwards.update(late, inputs) == outputs
    assert afterwards.read(late)[1] == outputs
    assert asked(writes=True) == []


def test_what_no_list_has_shown_and_nobody_declares_any_more_is_taken_back(sandbox, provider, seats):
    world = make_world(tenant={"license": {"number": LICENSE, "assignmentsLagReads": 1}}, units_used="delayed")
    sandbox.load({**world, "switches": {**world["switches"], "assignments-list": "delayed"}})
    late = {**outputs_of(seats({ANA: "analyzer via finance"})), "unseen": {ANA: "analyzer"}}
    sandbox.control.post("/tamper", json={"do": "assign", "subject": ANA, "type": "analyzer"}).raise_for_status()

    outputs = provider.update(late, seats({}))

    assert sandbox.rows() == {}
    assert outputs["assignments"] == {}
    assert "unseen" not in outputs


# A directory group that is another one.

OTHER = "aaaaaaaa-0000-4000-8000-000000000002"


def test_a_group_that_takes_the_place_of_another_gets_its_people_and_nobody_undid_anything(sandbox, members_provider):
    groups = [
        {"id": id, "displayName": "Readers", "mailNickname": f"n{id[-1]}", "members": []} for id in (GROUP, OTHER)
    ]
    world = make_world(directory=3)
    sandbox.load({**world, "directory": {**world["directory"], "groups": groups}})
    _, outputs = members_provider.create(list_members([ANA, BO]))
    replaced = list_members([ANA, BO], OTHER)

    assert members_provider.check(list_members([ANA, BO]), replaced) == (replaced, [])
    outputs = members_provider.update(outputs, replaced)

    members = {group["id"]: sorted(group["members"]) for group in sandbox.snapshot()["directory"]["groups"]}
    assert members[OTHER] == sorted([ANA, BO])
    assert outputs["members"] == replaced["members"]
    assert not {"reverts", "unseen"} & set(outputs)


def test_a_deleted_group_is_an_error_and_no_group_of_its_name_is_taken_for_it(sandbox, members_provider, asked):
    sandbox.load(make_world(directory=2, members=[ANA]))
    inputs = list_members([ANA])
    sandbox.control.post("/tamper", json={"do": "deleteGroup", "group": "Readers"}).raise_for_status()

    _, (failure,) = members_provider.check(inputs, inputs)

    assert failure.startswith(f"members-readers: the group of this stack, object id {GROUP}, is gone, and")
    assert "run up --refresh, which creates it anew with its people" in failure
    assert asked(writes=True) == []
