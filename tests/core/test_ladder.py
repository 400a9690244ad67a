"""Who climbs the ladder of leavers, rung by rung, and what stops them; and what holds of every history."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from core.builders import mail_of
from core.ladders import DAY, HOUR, NOW, STEWARD, Somebody, World, app, pass_days, tell, webhook
from core.laws import law
from hypothesis import strategies as st

from qlik_provider.errors import UnsafePlan
from qlik_provider.ladder_ledger import (
    LadderOutcome,
    correct_ladder,
    fates_of_rungs,
    find_term_faults,
    recorded_ladder,
)
from qlik_provider.ladder_report import describe_ladder, describe_ladder_outcomes, is_quiet_ladder, make_ladder_document
from qlik_provider.ledger import LEAVERS, inputs_of
from qlik_provider.people import Administrator, TenantUser
from qlik_provider.rungs import Standing, Terms, is_leaver, next_step, parse_standing


@pytest.fixture
def world() -> World:
    """Ana and Bo, both declared and recorded; Ana leaves now."""
    world = World({"ana": Somebody(), "bo": Somebody(keys="b")})
    world.up()
    world.people["ana"].presence, world.people["ana"].is_declared = "left", False
    return world


def leave(world: World) -> World:
    """Go on until Ana is disabled."""
    assert pass_days(world, [0, 7]) == [[], ["disable ana"]]
    return world


# The clock.


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("leaving since 2026-11-02T08:00Z", Standing("leaving", NOW)),
        ("transferred since 2026-11-02T08:00Z", Standing("transferred", NOW)),
        ("leaving since yesterday", None),
        ("gone since 2026-11-02T08:00Z", None),
        ("leaving", None),
        ("", None),
    ],
)
def test_a_standing_is_read_as_written_and_an_odd_one_is_none(text, standing):
    assert parse_standing(text) == standing
    assert standing is None or str(standing) == text


@pytest.mark.parametrize(
    ("rung", "disable", "delete", "step"),
    [
        ("leaving", 7, 30, ("disable", 7)),
        ("leaving", 7, None, ("disable", 7)),
        ("leaving", None, 30, None),
        ("disabled", 7, 30, ("delete", 23)),
        ("disabled", 7, None, None),
        ("disabled", 30, 7, ("delete", 0)),
        ("deprovisioned", 7, 30, ("delete", 30)),
        ("deprovisioned", 7, None, None),
        ("transferred", 7, 30, ("delete", 0)),
        ("transferred", None, None, None),
    ],
)
def test_what_comes_next_and_when(rung, disable, delete, step):
    terms = Terms(disable and disable * DAY, delete and delete * DAY)

    assert next_step(Standing(rung, NOW), terms) == (step and (step[0], NOW + step[1] * DAY))


def test_a_leaver_is_disabled_after_a_week_and_deleted_after_a_month(world):
    world.people["ana"].items = (app("ana"),)

    assert pass_days(world, [0, 6, 1]) == [[], [], ["disable ana"]]
    assert world.leaving == {"ana": "disabled"}
    assert world.outputs["disabled"] == {"ana": "active"}
    assert pass_days(world, [22, 1]) == [[], ["transfer ana", "delete ana"]]
    assert world.people["ana"].status is None
    assert (world.leaving, world.outputs["disabled"], sorted(world.outputs["people"])) == ({}, {}, ["bo"])
    assert pass_days(world, [1]) == [[]]


def test_who_is_seen_late_goes_late_and_two_rungs_are_never_taken_at_once(world):
    assert pass_days(world, [90, 0, 90, 0, 22, 1, 0]) == [[], [], ["disable ana"], [], [], ["delete ana"], []]


def test_a_lost_state_starts_no_clock_and_touches_nobody(world):
    leave(world)
    world.outputs = world.inputs = None

    assert pass_days(world, [60, 60]) == [[], []]
    assert sorted(world.outputs["people"]) == ["bo"]


def test_a_standing_that_cannot_be_read_begins_anew(world):
    pass_days(world, [0, 6])
    world.outputs["leaving"]["ana"] = "leaving since long"

    assert pass_days(world, [90, 6, 1]) == [[], [], ["disable ana"]]


def test_without_terms_leavers_are_told_and_nothing_happens(world):
    world.rules = {"disableAfter": None, "deleteAfter": None, "transferTo": None}

    assert pass_days(world, [0, 400]) == [[], []]
    assert world.leaving == {"ana": "leaving"}
    assert world.reasons == {"ana": "leaving"}


def test_without_delete_after_nobody_is_deleted(world):
    world.rules = {"deleteAfter": None, "transferTo": None}
    leave(world)

    assert pass_days(world, [400]) == [[]]
    assert world.reasons == {"ana": "disabled"}


# Who is a leaver.


def test_who_is_only_out_of_the_groups_is_forgotten(world):
    world.people["ana"].presence = "present"

    assert pass_days(world, [0]) == [[]]
    assert sorted(world.outputs["people"]) == ["bo"]
    world.people["ana"].presence = "left"
    assert pass_days(world, [60, 60]) == [[], []]


def test_of_whom_nothing_is_proven_nothing_moves_and_the_run_is_red(world):
    world.people["ana"].presence = "unknown"

    assert pass_days(world, [0, 60]) == [[], []]
    assert (world.leaving, world.reasons) == ({}, {"ana": "unproven"})
    world.people["ana"].presence = "left"
    leave(world)
    world.people["ana"].presence = "unknown"
    assert pass_days(world, [60]) == [[]]
    assert (world.leaving, world.reasons) == ({"ana": "disabled"}, {"ana": "unproven"})


def test_who_was_never_given_anything_is_on_no_ladder(world):
    world.people["cy"] = Somebody("left", is_declared=False)
    world.up()
    world.outputs["leaving"]["cy"] = f"disabled since {NOW:%Y-%m-%dT%H:%MZ}"
    world.outputs["disabled"]["cy"] = "active"
    world.people["cy"].status = "disabled"

    plan = world.up()
    assert "1 on a rung whom this stack never gave anything are left alone: cy" in plan.warnings
    assert pass_days(world, [60, 60]) == [["disable ana"], ["delete ana"]]


def test_who_is_no_user_of_the_tenant_is_forgotten(world):
    world.people["ana"].status = None

    assert pass_days(world, [0]) == [[]]
    assert sorted(world.outputs["people"]) == ["bo"]


def test_who_was_deleted_by_others_is_forgotten(world):
    leave(world).people["ana"].status = None

    assert pass_days(world, [1]) == [[]]
    assert (world.leaving, world.outputs["disabled"], sorted(world.outputs["people"])) == ({}, {}, ["bo"])


def test_who_was_deprovisioned_waits_for_the_whole_month_and_is_never_written_before(world):
    world.people["ana"].presence, world.people["ana"].status = "present", "disabled"

    assert pass_days(world, [0, 29, 1]) == [[], [], ["delete ana"]]


def test_who_was_deprovisioned_and_is_provisioned_again_is_forgotten(world):
    world.people["ana"].presence, world.people["ana"].status = "present", "disabled"
    pass_days(world, [0, 10])
    assert world.leaving == {"ana": "deprovisioned"}
    world.people["ana"].status = "active"

    assert pass_days(world, [10]) == [[]]
    assert (world.leaving, sorted(world.outputs["people"])) == ({}, ["bo"])


def test_a_leaver_for_another_reason_begins_anew(world):
    pass_days(world, [0, 6])
    world.people["ana"].presence, world.people["ana"].status = "present", "disabled"

    assert pass_days(world, [0, 29, 1]) == [[], [], ["delete ana"]]


def test_who_was_deprovisioned_and_leaves_keeps_the_clock(world):
    world.people["ana"].presence, world.people["ana"].status = "present", "disabled"
    pass_days(world, [0, 20])
    world.people["ana"].presence = "left"

    assert pass_days(world, [9, 1]) == [[], ["delete ana"]]


def test_who_was_deprovisioned_and_leaves_enabled_begins_anew(world):
    world.people["ana"].presence, world.people["ana"].status = "present", "disabled"
    pass_days(world, [0, 20])
    world.people["ana"].presence, world.people["ana"].status = "left", "active"

    assert pass_days(world, [20, 6, 1]) == [[], [], ["disable ana"]]


def test_somebody_declared_under_another_subject_is_no_leaver(world):
    world.ids = {"ana": "1"}
    world.people["ana"].is_declared = True
    world.up()
    world.people["ana"].is_declared = False
    world.people["ana2"] = Somebody()
    world.ids = {"ana2": "1"}

    assert pass_days(world, [0, 60, 60]) == [[], [], []]
    assert sorted(world.outputs["people"]) == ["ana2", "bo"]


# The way back.


def test_who_returns_gets_the_status_back_and_stays_in_the_ledger(world):
    leave(world)
    world.people["ana"].is_declared = True

    assert pass_days(world, [1, 0]) == [["enable ana"], []]
    assert world.people["ana"].status == "active"
    assert (world.leaving, world.outputs["disabled"], world.reasons) == ({}, {}, {})
    assert sorted(world.outputs["people"]) == ["ana", "bo"]


def test_who_returns_before_anything_happened_is_as_before(world):
    pass_days(world, [0, 5])
    world.people["ana"].is_declared = True

    assert pass_days(world, [0]) == [[]]
    assert world.leaving == {}
    world.people["ana"].is_declared = False
    assert pass_days(world, [0, 6, 1]) == [[], [], ["disable ana"]]


def test_who_is_enabled_in_the_directory_again_is_enabled_and_then_forgotten(world):
    leave(world)
    world.people["ana"].presence = "present"

    assert pass_days(world, [1, 1]) == [["enable ana"], []]
    assert sorted(world.outputs["people"]) == ["bo"]


def test_who_was_disabled_by_others_is_not_enabled_before_this_stack_would_have_disabled(world):
    pass_days(world, [0, 3])
    world.people["ana"].status = "disabled"
    pass_days(world, [1])
    world.people["ana"].is_declared = True

    assert pass_days(world, [0]) == [[]]
    assert world.people["ana"].status == "disabled"


def test_who_was_disabled_by_others_is_taken_over_when_it_is_due(world):
    pass_days(world, [0])
    world.people["ana"].status = "disabled"

    assert pass_days(world, [7]) == [[]]
    assert (world.leaving, world.outputs["disabled"]) == ({"ana": "disabled"}, {"ana": "active"})
    world.people["ana"].is_declared = True
    assert pass_days(world, [1]) == [["enable ana"]]


def test_whom_others_enabled_meanwhile_begins_anew(world):
    leave(world).people["ana"].status = "active"

    assert pass_days(world, [30, 6, 1]) == [[], [], ["disable ana"]]


def test_whom_others_enabled_meanwhile_and_who_returns_is_not_written(world):
    leave(world)
    world.people["ana"].status, world.people["ana"].is_declared = "active", True

    assert pass_days(world, [1]) == [[]]
    assert world.outputs["disabled"] == {}


@pytest.mark.parametrize("is_declared", [True, False])
def test_who_cannot_be_enabled_stays_in_the_record_and_is_tried_again_on_word(world, is_declared):
    leave(world)
    world.people["ana"].is_declared, world.people["ana"].presence = is_declared, "present"

    assert tell(world.refuse_all()) == ["enable ana"]
    assert world.reasons == {"ana": "refused to enable"}
    assert world.outputs["disabled"] == {"ana": "active"}
    assert pass_days(world, [1]) == [[]]
    world.rules["retry"] = "now"
    assert pass_days(world, [0]) == [["enable ana"]]


# What stands against it.


@pytest.mark.parametrize("days", [7, 37])
def test_nobody_goes_further_while_a_license_row_is_there(world, days):
    if days > 7:
        leave(world)
    else:
        world.up()
    world.people["ana"].types = frozenset({"professional"})

    assert pass_days(world, [days]) == [[]]
    assert world.reasons == {"ana": "blocked by license professional"}
    assert pass_days(world, [0]) == [[]]
    world.people["ana"].types = frozenset()
    assert pass_days(world, [0]) == [["disable ana"] if days == 7 else ["delete ana"]]


def test_a_row_of_the_baseline_lets_disable_and_does_not_let_delete(world):
    world.rules["baseline"] = "analyzer"
    world.people["ana"].types = frozenset({"analyzer"})
    leave(world)

    assert pass_days(world, [60]) == [[]]
    assert world.reasons == {"ana": "blocked by license analyzer"}


def test_taking_over_a_disabled_user_waits_for_the_license_as_well(world):
    world.up()
    world.people["ana"].types, world.people["ana"].status = frozenset({"professional"}), "disabled"

    assert pass_days(world, [7]) == [[]]
    assert world.leaving == {"ana": "leaving"}


def test_a_key_in_doubt_keeps_whom_it_gave_anything_where_they_stand(world):
    world.up()
    world.doubt = {"a": "unreadable"}

    assert pass_days(world, [60]) == [[]]
    assert world.reasons == {"ana": "frozen"}
    world.doubt = {}
    assert pass_days(world, [0]) == [["disable ana"]]


def test_a_key_in_doubt_makes_nobody_a_leaver():
    world = World({"ana": Somebody()})
    world.up()
    world.people["ana"].is_declared, world.doubt = False, {"a": "unreadable"}

    assert pass_days(world, [0, 60]) == [[], []]
    assert (world.leaving, sorted(world.outputs["people"])) == ({}, ["ana"])


def test_any_doubt_keeps_everybody_from_being_deleted(world):
    leave(world).doubt = {"b": "unreadable"}

    assert pass_days(world, [60]) == [[]]
    assert world.reasons == {"ana": "frozen"}


def test_nobody_protected_is_written_and_their_clock_does_not_run(world):
    world.up()
    world.rules["protect.ana"] = "ana@contoso.test"

    assert pass_days(world, [60]) == [[]]
    assert (world.leaving, world.reasons) == ({}, {"ana": "protected"})
    del world.rules["protect.ana"]
    assert pass_days(world, [0, 6, 1]) == [[], [], ["disable ana"]]


def test_nobody_protected_is_enabled_either(world):
    leave(world).people["ana"].is_declared = True
    world.rules["protect.ana"] = "ana@contoso.test"

    assert pass_days(world, [0]) == [[]]
    assert world.outputs["disabled"] == {"ana": "active"}
    assert world.reasons == {"ana": "protected"}


def test_who_is_protected_is_so_under_a_former_subject_too(world):
    world.ids = {"ana": "1"}
    world.people["ana"].is_declared = True
    world.up()
    world.people["ana"].is_declared = False
    world.ids, world.rules["protect.other"] = {"other": "1"}, "ana@contoso.test"

    assert pass_days(world, [0, 60]) == [[], []]
    assert world.reasons == {"ana": "protected"}


def test_this_run_itself_is_never_taken(world):
    world.caller = "id-ana"

    assert pass_days(world, [0, 60]) == [[], []]
    assert world.reasons == {"ana": "protected"}


def test_the_last_tenant_admin_is_never_taken(world):
    world.administrators = (Administrator("id-ana", is_assigned=True), Administrator("bot", is_bot=True))
    world.up()

    world.now += 8 * DAY
    plan = world.up()
    assert tell(plan) == []
    assert world.reasons == {"ana": "protected"}
    assert plan.warnings == ("ana@contoso.test stays: without them nobody who logs in would be TenantAdmin",)
    world.administrators += (Administrator("admin", is_assigned=True),)
    assert pass_days(world, [0]) == [["disable ana"]]


def test_of_several_last_administrators_all_stay(world):
    world.people["bo"] = replace(world.people["ana"], keys="b")
    world.administrators = (Administrator("id-ana"), Administrator("id-bo"))

    assert pass_days(world, [0, 8]) == [[], []]


# What they own.


def test_what_no_call_moves_blocks_the_deletion_and_everything_else_is_handed_over(world):
    leave(world).people["ana"].items = (app("ana"), webhook("ana"))

    world.now += 23 * DAY
    plan = world.up()
    assert tell(plan) == ["transfer ana"]
    assert (world.leaving, world.reasons) == ({"ana": "transferred"}, {"ana": "blocked by webhook"})
    assert "webhook 'Hook'" in plan.warnings[0]
    assert pass_days(world, [0, 1]) == [[], []]
    world.people["ana"].items = ()
    assert pass_days(world, [0]) == [["delete ana"]]


def test_what_could_not_be_listed_blocks_the_deletion(world):
    leave(world).people["ana"].unknown = ("spaces: forbidden",)

    assert pass_days(world, [23]) == [[]]
    assert world.reasons == {"ana": "blocked by unknown"}
    assert world.leaving == {"ana": "disabled"}


@pytest.mark.parametrize(
    "steward",
    [
        None,
        Somebody(status="disabled"),
        Somebody(status="invited"),
        Somebody("left", is_declared=False, status="disabled"),
    ],
)
def test_nobody_who_is_not_active_takes_anything(world, steward):
    leave(world).people["ana"].items = (app("ana"),)
    if steward is None:
        world.rules["transferTo"] = None
    else:
        world.people[STEWARD] = steward

    assert pass_days(world, [23]) == [[]]
    assert world.reasons["ana"] == "blocked by transferTo"


def test_the_steward_cannot_be_the_leaver(world):
    leave(world).people["ana"].items = (app("ana"),)
    world.rules["transferTo"] = "ana"

    assert pass_days(world, [23]) == [[]]
    assert world.reasons == {"ana": "blocked by transferTo"}


def test_who_owns_nothing_needs_no_steward(world):
    leave(world).rules["transferTo"] = None

    assert pass_days(world, [23]) == [["delete ana"]]


def test_a_refused_transfer_deletes_nobody_and_is_tried_again_on_word(world):
    leave(world).people["ana"].items = (app("ana"),)

    world.now += 23 * DAY
    assert tell(world.refuse_all()) == ["transfer ana", "delete ana"]
    assert (world.people["ana"].status, world.leaving) == ("disabled", {"ana": "disabled"})
    assert world.reasons == {"ana": "refused to transfer"}
    assert pass_days(world, [1]) == [[]]
    world.rules["retry"] = "once more"
    assert pass_days(world, [0]) == [["transfer ana", "delete ana"]]


def test_a_deletion_that_did_not_follow_leaves_them_transferred(world):
    leave(world).people["ana"].items = (app("ana"),)
    world.now += 23 * DAY

    world.up(lambda change: "done" if change.verb == "transfer" else "unsent")

    assert (world.leaving, world.reasons) == ({"ana": "transferred"}, {"ana": "unsent"})
    assert pass_days(world, [0]) == [["delete ana"]]


# The brake, approvals and reviews.


def many(count: int, **rules) -> World:
    world = World({f"p{number:02}": Somebody() for number in range(count)}, rules=rules)
    world.up()
    for who in world.people.values():
        who.presence, who.is_declared = "left", False
    world.up()
    return world


def test_the_brake_holds_what_is_too_much_until_it_is_approved():
    world = many(4, **{"brake.max": 2})
    world.now += 7 * DAY

    plan = world.up()
    assert (tell(plan), len(plan.held)) == ([], 4)
    assert set(world.reasons.values()) == {"held"}
    world.people["p00"].is_declared = world.people["p01"].is_declared = True
    assert tell(world.up()) == [], "what was held stays held, also when it is fewer"
    world.approved = ("leaver/disable/p02", "leaver/delete/p03", "p03")
    assert tell(world.up()) == ["disable p02"]
    assert world.outputs["removed"] == {}


def test_what_is_not_too_much_counts_for_a_day():
    world = many(3, **{"brake.max": 2})
    for who in ("p02",):
        world.people[who].presence = "unknown"
    assert pass_days(world, [7]) == [["disable p00", "disable p01"]]
    assert list(world.outputs["removed"].values()) == ["2; a 2"]
    world.people["p02"].presence = "left"

    assert tell(world.up()) == []
    assert world.reasons["p02"] == "held"


def test_the_share_counts_everybody_who_was_ever_given_anything():
    world = World({f"p{number:02}": Somebody(keys="b") for number in range(20)}, rules={"brake.percent": 10})
    world.people["p00"].keys = world.people["p01"].keys = world.people["p02"].keys = "a"
    world.up()
    for who in ("p00", "p01"):
        world.people[who].presence, world.people[who].is_declared = "left", False
    assert pass_days(world, [0, 7]) == [[], ["disable p00", "disable p01"]]
    world.people["p02"].presence, world.people["p02"].is_declared = "left", False
    world.people["p03"].presence, world.people["p03"].is_declared = "left", False
    world.people["p04"].presence, world.people["p04"].is_declared = "left", False
    assert pass_days(world, [0, 7]) == [[], []]


def test_a_breach_fails_where_that_is_declared():
    world = many(4, **{"brake.max": 2, "brake.onBreach": "fail"})
    world.now += 7 * DAY

    with pytest.raises(UnsafePlan, match="4 removals in 24 hours"):
        world.plan()[0].raise_if_unsafe()


def test_while_the_brake_holds_anything_nothing_is_handed_over():
    world = many(3)
    pass_days(world, [7])
    world.rules["brake.max"] = 1
    world.people["p00"].items = (app("p00"), webhook("p00"))
    world.now += 23 * DAY

    plan = world.up()
    assert (tell(plan), len(plan.held)) == ([], 2)
    assert world.reasons["p00"] == "blocked by webhook"
    assert world.leaving["p00"] == "disabled"


def test_a_bound_run_takes_only_what_was_reviewed(world):
    world.up()
    world.now += 7 * DAY
    world.reviewed = frozenset()

    plan = world.up()
    assert (tell(plan), [str(change) for change in plan.unreviewed]) == ([], ["disable ana@contoso.test"])
    assert world.reasons == {"ana": "unreviewed"}
    (change,) = plan.unreviewed
    document = make_ladder_document("leavers", replace(plan, changes=(change,)), {}, NOW, identity={})
    (planned,) = document.changes
    world.reviewed = frozenset({(planned.subject.casefold(), planned.held, planned.declared)})
    assert tell(world.up()) == ["disable ana"]


def test_an_unreviewed_deletion_hands_nothing_over_and_enabling_is_not_bound(world):
    leave(world).people["ana"].items = (app("ana"),)
    world.reviewed = frozenset()
    assert pass_days(world, [23]) == [[]]

    world.people["ana"].is_declared = True
    assert pass_days(world, [0]) == [["enable ana"]]


# Crashes.


def test_a_run_that_died_after_disabling_still_gives_the_status_back(world):
    world.up()
    world.now += 7 * DAY
    world.up(is_stored=False)
    assert world.people["ana"].status == "disabled"
    world.people["ana"].is_declared = True

    assert pass_days(world, [1]) == [["enable ana"]]


def test_a_run_that_died_after_disabling_gives_the_status_back_to_who_is_back_in_the_directory_alone(world):
    """Found by the laws: taken for deprovisioned, they would have stayed disabled, and been deleted a month later."""
    world.up()
    world.now += 7 * DAY
    world.up(is_stored=False)
    world.people["ana"].presence = "present"

    assert pass_days(world, [1]) == [["enable ana"]]
    assert sorted(world.outputs["people"]) == ["bo"]


def test_a_run_that_died_after_disabling_is_gone_on_with(world):
    world.up()
    world.now += 7 * DAY
    world.up(is_stored=False)

    assert pass_days(world, [1, 22, 1]) == [[], [], ["delete ana"]]


def test_a_run_that_died_after_deleting_is_forgotten(world):
    leave(world)
    world.now += 23 * DAY
    world.up(is_stored=False)

    assert pass_days(world, [1]) == [[]]
    assert sorted(world.outputs["people"]) == ["bo"]


def test_whoever_others_enabled_is_off_the_rung_after_a_read(world):
    leave(world)
    users = [TenantUser("id-ana", "ANA", status="active"), TenantUser("id-bo", "bo")]

    corrected = correct_ladder(world.outputs, users)

    assert (corrected["leaving"], corrected["disabled"]) == ({}, {})
    assert inputs_of(corrected, LEAVERS) == inputs_of(world.outputs, LEAVERS)
    assert correct_ladder(world.outputs, []) == world.outputs, "who is not shown is not corrected"


# What is told and written down.


def test_a_plan_names_every_rung_and_what_stands_against_it():
    world = many(4)
    pass_days(world, [7])
    world.people["p00"].items = (app("p00"), app("p00", 2))
    world.people["p01"].unknown = ("spaces: forbidden",)
    world.people["p02"].is_declared = True
    world.people["p03"].presence = "unknown"
    world.now += 23 * DAY

    plan, _, _ = world.plan()
    text, warnings = describe_ladder("leavers", plan)

    disabled = f"2 disabled ({mail_of('p01')}, {mail_of('p03')})"
    assert text.splitlines()[:5] == [
        f"leavers: 1 to enable, 1 to transfer, 1 to delete; on the ladder: {disabled}",
        "  1 removal in 24 hours (1 now, 0 before) among 4 people",
        "  enable p02@contoso.test",
        "  transfer 2 of p00@contoso.test to s@contoso.test: app 'App 1', app 'App 2'",
        "  delete p00@contoso.test",
    ]
    assert "private sheets" in text
    assert warnings[0] == "leavers: blocked by unknown: p01@contoso.test"
    assert any("unproven: p03@contoso.test (whether they left is not known" in warning for warning in warnings)
    assert any("p01@contoso.test is not deleted: spaces: forbidden" in warning for warning in warnings)
    assert not is_quiet_ladder(plan)
    assert is_quiet_ladder(World().plan()[0])


def test_held_and_unreviewed_rungs_are_told_by_the_names_approvals_list():
    world = many(2, **{"brake.max": 1})
    world.now += 7 * DAY
    _, warnings = describe_ladder("leavers", world.up())
    assert "held: disable p00@contoso.test, leaver/disable/p00" in warnings[0]
    world.approved, world.reviewed = ("leaver/disable/p00",), frozenset()

    _, warnings = describe_ladder("leavers", world.up())
    assert any("unreviewed: disable p00@contoso.test" in warning for warning in warnings)
    assert is_leaver("Leaver/disable/p00")
    assert not is_leaver("p00")


def test_a_document_has_one_change_for_each_thing_and_who_stands_where(world):
    leave(world).people["ana"].items = (app("ana"), app("ana", 2))
    world.now += 23 * DAY
    plan = world.up(lambda change: "refused")

    document = make_ladder_document("leavers", plan, {}, NOW, identity={"tenantId": "t"})

    assert [(c.verb, c.subject, c.held, c.declared, c.is_removal) for c in document.changes] == [
        ("transfer", "leaver/transfer/ana/app/ana-1", "app 'App 1'", STEWARD, False),
        ("transfer", "leaver/transfer/ana/app/ana-2", "app 'App 2'", STEWARD, False),
        ("delete", "leaver/delete/ana", "disabled", None, True),
    ]
    assert document.leaving == {}
    first, _ = plan.changes[0].items
    outcomes = [LadderOutcome(plan.changes[0], "refused", "why", {first: "no"}), LadderOutcome(plan.changes[1], "done")]
    assert fates_of_rungs(outcomes) == {
        "leaver/transfer/ana/app/ana-1": ("refused", "no"),
        "leaver/transfer/ana/app/ana-2": ("done", ""),
        "leaver/delete/ana": ("done", ""),
    }
    told, warnings = describe_ladder_outcomes("leavers", outcomes)
    assert told == "leavers: done: delete 1"
    assert warnings == (f"leavers: refused: {plan.changes[0]}: why",)


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"deleteAfter": 2}, "give disableAfter too"),
        ({"deleteAfter": 2, "disableAfter": 2}, "not later"),
        ({"transferTo": "x", "disableAfter": 2}, "of no use"),
        ({"disableAfter": 2, "deleteAfter": 3, "transferTo": "x"}, None),
        ({}, None),
    ],
)
def test_terms_that_make_no_sense_are_refused(rules, fault):
    faults = list(find_term_faults({"rules": rules, "people": {"a": "user via k for a@contoso.test"}}))

    assert [fault in text for text in faults] == ([True] if fault else [])


def test_a_value_of_another_type_is_refused():
    (fault,) = find_term_faults({"people": {"a": "professional via k for a@contoso.test"}})

    assert "is not 'user'" in fault


# What holds of every history.

ACTIONS = st.sampled_from(
    [
        "leave",
        "return",
        "out",
        "back",
        "hide",
        "scim",
        "enable",
        "own",
        "hook",
        "free",
        "row",
        "norow",
        "doubt",
        "clear",
    ]
)
STEPS = st.lists(
    st.tuples(
        ACTIONS,
        st.sampled_from("abc"),
        st.integers(0, 40),
        st.sampled_from(["done", "done", "refused", "lost", "crash"]),
    ),
    max_size=12,
)


CHANGES = {
    "leave": {"presence": "left", "is_declared": False},
    "out": {"is_declared": False},
    "back": {"presence": "present"},
    "hide": {"presence": "unknown", "is_declared": False},
    "row": {"types": frozenset({"professional"})},
    "norow": {"types": frozenset()},
    "free": {"items": ()},
}
"""What becomes of a person; the rest depends on who they are."""


def act(world: World, action: str, subject: str) -> None:
    """Let something happen to one person; who was deleted is gone for good."""
    who = world.people[subject]
    changes = {
        **CHANGES,
        "return": {"presence": "present", "is_declared": who.status is not None},
        "scim": {"status": who.status and "disabled"},
        "enable": {"status": who.status and "active"},
        "own": {"items": (app(subject),)},
        "hook": {"items": (app(subject), webhook(subject))},
    }
    for name, value in changes.get(action, {}).items():
        setattr(who, name, value)
    world.doubt = {"doubt": {"k": "unreadable"}, "clear": {}}.get(action, world.doubt)


class Witness:
    """An opinion of its own: since when each has been seen as a leaver, run after run, and who disabled them."""

    def __init__(self) -> None:
        self.first: dict[str, datetime] = {}

    def watch(self, world: World, before: dict[str, tuple[str, bool, str | None]], subjects: list[str]) -> None:
        for subject in subjects:
            presence, is_declared, status = before[subject]
            is_leaver_now = not is_declared and (presence == "left" or (presence == "present" and status == "disabled"))
            if presence != "unknown" and not is_leaver_now:
                self.first.pop(subject, None)
            elif is_leaver_now:
                self.first.setdefault(subject, world.now)


@law(STEPS)
def test_whatever_happens_nobody_is_taken_who_did_not_leave_long_enough_ago(steps):
    world = World({who: Somebody(keys=f"k, {who}" if who == "a" else who) for who in "abc"})
    world.up()
    witness = Witness()
    for action, subject, days, fate in steps:
        act(world, action, subject)
        world.now += days * DAY + HOUR
        before = {s: (p.presence, p.is_declared, p.status) for s, p in world.people.items()}
        held = {s: (p.types, p.items) for s, p in world.people.items()}
        plan = world.plan()[0]
        witness.watch(world, before, list(world.people)) if fate != "crash" else None
        for change in plan.changes:
            presence, is_declared, status = before[change.subject]
            since = world.now - witness.first.get(change.subject, world.now)
            if change.verb == "enable":
                assert status == "disabled"
                assert is_declared or presence == "present"
                continue
            assert not is_declared
            assert presence == "left" or (presence == "present" and status == "disabled")
            assert not held[change.subject][0]
            assert since >= timedelta(days=7 if change.verb == "disable" else 30)
            assert status == ("active" if change.verb == "disable" else "disabled")
            if change.verb == "delete":
                assert not world.doubt
                assert all(item.kind == "app" for item in held[change.subject][1])
                assert not held[change.subject][1] or f"transfer {change.subject}" in tell(plan)
        if fate == "crash":
            world.up(is_stored=False)
            continue
        world.up(lambda _, fate=fate: fate)
        assert inputs_of(world.outputs, LEAVERS) == world.inputs
        if fate == "done":
            again, recorded, _ = world.plan()
            assert tell(again) == []
            assert not again.differs_from(recorded)


@law(STEPS)
def test_who_returns_is_never_left_disabled_by_this_stack(steps):
    world = World({who: Somebody(keys=who) for who in "abc"})
    world.up()
    by_others: set[str] = set()
    for action, subject, days, fate in steps:
        was = world.people[subject].status
        act(world, action, subject)
        if action == "scim" and was == "active":
            by_others.add(subject)
        if world.people[subject].status != "disabled":
            by_others.discard(subject)
        world.now += days * DAY + HOUR
        world.up(lambda _, fate=fate: "done" if fate == "crash" else fate, is_stored=fate != "crash")
    for who in world.people.values():
        who.presence, who.is_declared = "present", who.status is not None
    world.rules["retry"] = "a last time"
    world.up()

    assert {s for s, who in world.people.items() if who.status == "disabled"} <= by_others


def test_the_record_is_read_as_it_was_written(world):
    leave(world)

    recorded = recorded_ladder(world.outputs, settled=True)

    assert recorded.leaving == {"ana": Standing("disabled", NOW + 7 * DAY)}
    assert recorded.disabled == {"ana": "active"}
    assert list(recorded.removed) == [NOW + 7 * DAY]
