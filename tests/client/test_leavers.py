"""Leavers looked up in the directory and taken down the ladder in the tenant; and the provider in its own process."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from client.worlds import TENANT_ID, mail_of, make_world, people, person

from qlik_provider.departures import Departures
from qlik_provider.entitlements import Entitlement
from qlik_provider.errors import EngineGone, NotPermitted, QlikProviderError, UnsafePlan
from qlik_provider.ladder import plan_ladder
from qlik_provider.premises import Rules
from qlik_provider.presences import read_presences
from qlik_provider.rungs import DesiredLadder, RecordedLadder, Standing, Terms

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)
ANA, BO, CY, DEE, EVE = people(5)
STEWARD = EVE
USERS = "/api/v1/users"
BATCH = "v1.0/.batch"
TERMS = Terms(7 * DAY, 30 * DAY)
OPEN = Rules(order=("member",), brake=replace(Rules(order=()).brake, max=99, percent=100))

OWNED = {
    "apps": [
        {"id": "0a000000-0000-4000-8000-000000000001", "name": "Budget", "ownerId": "u0", "spaceId": "space001"},
        {"id": "0a000000-0000-4000-8000-000000000002", "name": "Diary", "ownerId": "u0"},
        {"id": "0a000000-0000-4000-8000-000000000003", "name": "Essay", "ownerId": "u1"},
    ],
    "dataFiles": [{"id": "f1", "name": "rows.csv", "ownerId": "u0", "size": 10}],
}
HOOK = {"webhooks": [{"id": "h1", "name": "Hook", "url": "https://contoso.test/hook", "ownerId": "u0"}]}


def leavers_world(status="active", owned=OWNED, rows=None, deleted=(), **parts):
    world = make_world(rows, users=5, directory=5, **parts)
    tenant, directory = world["tenant"], world["directory"]
    tenant["users"] = [{"id": f"u{n - 1}", **user} if n else user for n, user in enumerate(tenant["users"])]
    tenant["users"][1]["status"] = status
    directory["users"][0]["accountEnabled"] = False
    directory["deleted"] = [user for user in directory["users"] if user["id"] in deleted]
    directory["users"] = [user for user in directory["users"] if user["id"] not in deleted]
    tenant |= {"rateLimits": False, **owned}
    return world


def entry(who: str) -> Entitlement:
    return Entitlement("user", ("readers",), mail_of(who))


def ignore(done: int, total: int) -> None:
    pass


@pytest.fixture
def departures(tenant, directory) -> Departures:
    return Departures(tenant, lambda: directory)


@pytest.fixture
def statuses(sandbox):
    def statuses() -> dict[str, str]:
        users = sandbox.snapshot()["tenant"]["users"]
        return {user["subject"]: user["status"] for user in users if user["subject"] in people(5)}

    return statuses


@pytest.fixture
def owners(sandbox):
    """Whose everything is, of what is not Bo's anyway."""

    def owners() -> set[str]:
        tenant = sandbox.snapshot()["tenant"]
        return {item["ownerId"] for kind in ("apps", "dataFiles") for item in tenant[kind] if item["name"] != "Essay"}

    return owners


@pytest.fixture
def climb(departures, sandbox):
    """Plan for leavers who stand somewhere, forget what that asked, apply, and return the state of each change."""

    def climb(standing: str, *leavers: str, days: int = 40, progress=ignore, meanwhile=None, declared=()):
        desired = DesiredLadder({who: entry(who) for who in (BO, *declared)}, {}, TERMS, STEWARD)
        since = departures.client.now - days * DAY
        recorded = RecordedLadder(
            {who: entry(who) for who in (*leavers, BO)},
            {who: Standing(standing, since) for who in leavers},
            dict.fromkeys(leavers, "active") if standing != "leaving" else {},
        )
        look = departures.look(desired, recorded, OPEN, departures.client.now, STEWARD)
        plan = plan_ladder(desired, look.observed, recorded, OPEN, departures.client.now)
        if meanwhile:
            meanwhile()
        sandbox.forget()
        outcomes = departures.apply(plan, look, progress)
        return {f"{o.change.verb} {o.change.subject[-1]}": (o.state, o.reason) for o in outcomes}

    return climb


DONE = ("done", "")


# The directory.


def test_who_is_there_disabled_deleted_or_purged_is_told_apart(sandbox, directory):
    sandbox.load(leavers_world(deleted=[CY]))

    found = read_presences(directory, [ANA, BO, CY, person(99)], [])

    assert found.known == {ANA: "left", BO: "present", CY: "left", person(99): "left"}
    assert found.reasons == {}


def test_many_people_are_asked_about_twenty_at_a_time(sandbox, directory, asked):
    sandbox.load(make_world(directory=60))

    found = read_presences(directory, people(60), [])

    assert set(found.known.values()) == {"present"}
    assert len([line for line in asked("graph") if "$batch" in line]) == 3


def test_a_directory_in_which_nobody_is_found_proves_nothing(sandbox, directory):
    sandbox.load(make_world(directory=0))

    found = read_presences(directory, [ANA], [BO])

    assert found.known == {}
    assert "it may be another one" in found.reasons[ANA]


def test_somebody_in_the_recycle_bin_needs_no_witness(sandbox, directory):
    sandbox.load(leavers_world(deleted=[CY]))

    assert read_presences(directory, [CY], []).known == {CY: "left"}


@pytest.mark.parametrize(
    "fault",
    [{"status": 403}, {"status": 400}, {"kind": "invalid-json"}, {"kind": "empty-200"}, {"kind": "wrong-type"}],
    ids=["403", "400", "broken", "empty", "no-json"],
)
def test_a_directory_that_does_not_answer_proves_nothing(sandbox, directory, expect, fault):
    sandbox.load(leavers_world())
    expect(BATCH, count=99, **fault)

    found = read_presences(directory, [ANA, BO], [])

    assert found.known == {}
    assert set(found.reasons) == {ANA, BO}


def answer(status: int, body=None) -> dict:
    return {"status": 200, "body": {"responses": [{"id": "0", "status": status, "body": body}]}, "count": 9}


NO_SUCH = {"error": {"code": "Request_ResourceNotFound", "message": "no"}}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, {"error": {"code": "Authorization_RequestDenied"}}, "User.Read.All"),
        (404, None, "answered 404"),
        (404, {"error": {"code": "ResourceNotFound"}}, "answered 404"),
        (200, {"id": ANA, "accountEnabled": None}, "answered 200"),
        (200, {"id": ANA}, "answered 200"),
        (200, {"id": BO, "accountEnabled": False}, "answered 200"),
        (200, None, "answered 200"),
        (429, None, "answered 429"),
        (503, None, "answered 503"),
    ],
)
def test_a_reply_that_shows_no_account_proves_nothing(sandbox, directory, expect, status, body, reason):
    sandbox.load(leavers_world())
    expect(BATCH, **answer(status, body))

    found = read_presences(directory, [ANA], [])

    assert found.known == {}
    assert reason in found.reasons[ANA]


def test_who_is_missing_from_the_replies_is_asked_about_again(sandbox, directory, expect):
    sandbox.load(leavers_world())
    expect(BATCH, status=200, body={"responses": []})

    assert read_presences(directory, [ANA], []).known == {ANA: "left"}


def test_who_is_never_answered_is_not_known(sandbox, directory, expect):
    sandbox.load(leavers_world())
    expect(BATCH, status=200, body={"responses": []}, count=9)

    assert "was not answered" in read_presences(directory, [ANA], []).reasons[ANA]


def test_a_404_proves_nothing_while_the_recycle_bin_does_not_answer(sandbox, directory, expect):
    sandbox.load(leavers_world(deleted=[CY]))
    expect(BATCH, after=1, **{**answer(403), "count": 9})

    found = read_presences(directory, [CY], [BO])

    assert found.known == {}
    assert "directory/deletedItems is forbidden" in found.reasons[CY]


def test_clocks_that_are_days_apart_prove_nothing(sandbox, departures, monkeypatch):
    sandbox.load(leavers_world())
    recorded = RecordedLadder({who: entry(who) for who in (ANA, BO)})
    desired = DesiredLadder({BO: entry(BO)}, {}, TERMS)

    look = departures.look(desired, recorded, OPEN, departures.client.now + 3 * DAY)

    assert look.observed.presence == {ANA: "unknown"}
    assert "days apart" in look.reasons[ANA]


def test_who_has_no_object_id_is_not_known(sandbox, departures):
    world = leavers_world()
    world["tenant"]["users"].append({"subject": "old\\name", "name": "Old", "email": "old@contoso.test"})
    sandbox.load(world)
    recorded = RecordedLadder({"old\\name": entry("old\\name")})

    look = departures.look(DesiredLadder({}, {}, TERMS), recorded, OPEN, departures.client.now)

    assert look.reasons == {"old\\name": "no object id of theirs is known"}


def test_while_nobody_is_absent_the_directory_is_not_asked(sandbox, departures, asked):
    sandbox.load(leavers_world())

    departures.look(DesiredLadder({BO: entry(BO)}, {}, TERMS), RecordedLadder({BO: entry(BO)}), OPEN, NOW)

    assert asked("graph") == []


# Disabling and enabling.


def test_a_leaver_is_disabled_and_others_are_not(sandbox, climb, statuses, asked):
    sandbox.load(leavers_world())

    assert climb("leaving", ANA) == {"disable 0": DONE}
    assert statuses() == {**dict.fromkeys(people(5), "active"), ANA: "disabled"}
    assert len(asked(writes=True)) == 1


def test_who_is_back_is_enabled(sandbox, climb, statuses):
    sandbox.load(leavers_world("disabled"))

    assert climb("disabled", ANA, declared=[ANA]) == {"enable 0": DONE}
    assert statuses()[ANA] == "active"


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_lost_answer_is_looked_up(sandbox, climb, statuses, expect, kind):
    sandbox.load(leavers_world())
    expect(f"{USERS}/", method="PATCH", kind=kind)

    assert climb("leaving", ANA) == {"disable 0": DONE}
    assert statuses()[ANA] == "disabled"


def test_a_write_that_is_lost_again_and_again_is_unsent(sandbox, climb, statuses, expect):
    sandbox.load(leavers_world())
    expect(f"{USERS}/", method="PATCH", kind="reset-before", count=2)

    with_others = climb("leaving", ANA)

    assert with_others == {"disable 0": ("unsent", "no answer came, and it does not show")}
    assert statuses()[ANA] == "active"


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"status": 400, "body": {"errors": [{"code": "USERS-1", "title": "No"}]}}, ("refused", "400 USERS-1 No")),
        ({"status": 404}, ("refused", "404")),
        ({"status": 207, "body": {"errors": []}}, ("unsent", "answered 207, and it does not show")),
        ({"status": 204}, ("unsent", "answered 204, and it does not show")),
    ],
    ids=["400", "404", "207", "204"],
)
def test_a_success_counts_only_once_it_shows(sandbox, climb, statuses, expect, fault, state):
    sandbox.load(leavers_world())
    expect(f"{USERS}/", method="PATCH", count=1, **fault)

    assert climb("leaving", ANA) == {"disable 0": state}
    assert statuses()[ANA] == "active"


def test_one_who_cannot_be_disabled_does_not_stop_the_others(sandbox, climb, statuses):
    world = leavers_world("invited", status_transitions="activeAndDisabledOnly", deleted=[CY])
    sandbox.load(world)

    states = climb("leaving", ANA, CY)

    assert states["disable 0"][0] == "refused"
    assert states["disable 2"] == DONE
    assert (statuses()[ANA], statuses()[CY]) == ("invited", "disabled")


def test_a_caller_who_may_not_is_told_which_right_is_missing(sandbox, climb, expect):
    sandbox.load(leavers_world())
    expect(f"{USERS}/", method="PATCH", status=403)

    with pytest.raises(NotPermitted, match="admin_classic"):
        climb("leaving", ANA)


def test_whoever_became_somebody_else_meanwhile_is_not_written(sandbox, climb, asked, expect):
    sandbox.load(leavers_world())
    expect(f"{USERS}/u0", method="GET", status=200, body={"id": "u0", "subject": "other", "name": "A", "tenantId": "t"})

    state, reason = climb("leaving", ANA)["disable 0"]

    assert (state, reason) == ("unsent", "is 'other' and active by now; plan again")
    assert asked(writes=True) == []


def test_whom_others_disabled_meanwhile_is_done(sandbox, climb, asked):
    sandbox.load(leavers_world())

    def meanwhile() -> None:
        sandbox.request("PATCH", f"{USERS}/u0", [{"op": "replace", "path": "/status", "value": "disabled"}])

    assert climb("leaving", ANA, meanwhile=meanwhile) == {"disable 0": DONE}
    assert asked(writes=True) == []


def test_nothing_is_sent_when_nobody_listens_any_more(sandbox, climb, statuses):
    sandbox.load(leavers_world(deleted=[CY]))

    def listen(done: int, total: int) -> None:
        if done:
            raise EngineGone("gone")

    assert climb("leaving", ANA, CY, progress=listen) == {"disable 0": DONE, "disable 2": ("unsent", "gone")}
    assert statuses()[CY] == "active"


# Handing over and deleting.


def test_everything_is_handed_over_and_then_the_user_is_deleted(sandbox, climb, statuses, owners):
    sandbox.load(leavers_world("disabled"))

    assert climb("disabled", ANA) == {"transfer 0": DONE, "delete 0": DONE}
    assert statuses()[ANA] == "deleted"
    assert owners() == {"u4"}


@pytest.mark.parametrize("position", ["shown", "notFound404"])
def test_who_owns_nothing_is_deleted_whatever_a_read_shows_of_the_deleted(sandbox, climb, statuses, position):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}, deleted_user=position))

    assert climb("disabled", ANA) == {"delete 0": DONE}
    assert statuses()[ANA] == "deleted"


def test_what_was_not_handed_over_keeps_its_owner_and_the_owner(sandbox, climb, statuses, expect):
    sandbox.load(leavers_world("disabled"))
    expect("apps/0a000000-0000-4000-8000-000000000002/owner", method="PUT", status=403, count=9)

    states = climb("disabled", ANA)

    assert states["transfer 0"][0] == "refused"
    assert "1 of 3 not handed over: app 'Diary'" in states["transfer 0"][1]
    assert states["delete 0"] == ("unsent", "not everything was handed over")
    assert statuses()[ANA] == "disabled"


@pytest.mark.parametrize(
    ("fault", "state"),
    [({"status": 400}, "refused"), ({"status": 503}, "unsent"), ({"kind": "reset-before"}, "unsent")],
    ids=["400", "503", "reset"],
)
def test_what_the_tenant_did_not_refuse_is_tried_again_by_every_run(sandbox, climb, statuses, expect, fault, state):
    sandbox.load(leavers_world("disabled"))
    expect("apps/0a000000-0000-4000-8000-000000000002/owner", method="PUT", count=99, **fault)

    assert climb("disabled", ANA)["transfer 0"][0] == state
    assert statuses()[ANA] == "disabled"


def test_what_came_meanwhile_keeps_the_owner(sandbox, climb, statuses):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))

    def meanwhile() -> None:
        sandbox.request("PATCH", "/api/v1/spaces/space002", [{"op": "replace", "path": "/ownerId", "value": "u0"}])

    states = climb("disabled", ANA, meanwhile=meanwhile)

    assert states == {"delete 0": ("unsent", "still owns space 'Space 002'")}
    assert statuses()[ANA] == "disabled"


def test_a_license_that_came_meanwhile_keeps_the_user(sandbox, climb, statuses):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))

    def meanwhile() -> None:
        body = {"add": [{"subject": ANA, "type": "analyzer"}]}
        sandbox.request("POST", "/api/v1/licenses/assignments/actions/add", body)

    assert climb("disabled", ANA, meanwhile=meanwhile) == {"delete 0": ("unsent", "holds analyzer by now")}
    assert statuses()[ANA] == "disabled"


def test_who_came_back_meanwhile_is_not_deleted(sandbox, climb, statuses):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))

    def meanwhile() -> None:
        act = {"by": "maria.admin@contoso.test", "do": "enableUser", "user": mail_of(ANA)}
        sandbox.control.post("/tamper", json=act).raise_for_status()

    assert climb("disabled", ANA, meanwhile=meanwhile) == {
        "delete 0": ("unsent", "the directory says otherwise by now")
    }
    assert statuses()[ANA] == "disabled"


def test_whom_others_enabled_meanwhile_is_not_deleted(sandbox, climb, statuses):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))

    def meanwhile() -> None:
        sandbox.request("PATCH", f"{USERS}/u0", [{"op": "replace", "path": "/status", "value": "active"}])

    state, reason = climb("disabled", ANA, meanwhile=meanwhile)["delete 0"]

    assert (state, statuses()[ANA]) == ("unsent", "active")
    assert "active by now" in reason


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_deletion_whose_answer_was_lost_is_looked_up(sandbox, climb, statuses, expect, kind):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))
    expect(f"{USERS}/u0", method="DELETE", kind=kind)

    assert climb("disabled", ANA) == {"delete 0": DONE}
    assert statuses()[ANA] == "deleted"


def test_who_was_deleted_meanwhile_is_done(sandbox, climb, asked):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))

    assert climb("disabled", ANA, meanwhile=lambda: sandbox.request("DELETE", f"{USERS}/u0")) == {"delete 0": DONE}
    assert asked(writes=True) == []


def test_what_no_call_moves_is_named_and_everything_else_is_handed_over(sandbox, climb, statuses, owners):
    sandbox.load(leavers_world("disabled", OWNED | HOOK))

    assert climb("disabled", ANA) == {"transfer 0": DONE}
    assert (statuses()[ANA], owners()) == ("disabled", {"u4"})


@pytest.mark.parametrize("path", ["/items", "/spaces$", "data-files", "automations", "api-keys"])
def test_a_list_that_was_refused_keeps_the_user(sandbox, climb, statuses, expect, path):
    sandbox.load(leavers_world("disabled", {"apps": [{"name": "Essay", "ownerId": "u1"}]}))
    expect(path, method="GET", status=403, count=99)

    assert climb("disabled", ANA) == {}
    assert statuses()[ANA] == "disabled"


def test_nobody_with_a_license_is_disabled_or_deleted(sandbox, climb, statuses):
    sandbox.load(leavers_world(rows={ANA.upper(): "analyzer"}))

    assert climb("leaving", ANA) == {}
    assert statuses()[ANA] == "active"


# In the provider's own process.


@pytest.fixture
def declare(sandbox):
    def declare(subjects, rules=None, **others) -> dict:
        return {
            "tenant": sandbox.url,
            "tenantId": TENANT_ID,
            "people": {who: str(entry(who)) for who in subjects},
            "rules": {
                "brake.max": 9.0,
                "brake.percent": 100.0,
                "disableAfter": 168.0,
                "deleteAfter": 720.0,
                "transferTo": STEWARD,
                "steward": STEWARD,
                **(rules or {}),
            },
            "doubt": {},
            "sources": {},
            **others,
        }

    return declare


@pytest.fixture
def up(start, sandbox):
    """One update on a day, by a process of its own as the engine would start it; a first one creates."""

    def up(day: float, inputs: dict, olds: dict | None, before: dict | None = None) -> dict:
        moment = (NOW + day * DAY).isoformat()
        sandbox.control.put("/clock", json={"now": moment}).raise_for_status()
        provider = start("Leavers")
        up.provider = provider
        checked, failures = provider.check(before or inputs if olds else {}, inputs)
        assert failures == []
        return provider.update(olds, checked) if olds else provider.create(checked)[1]

    return up


def test_sixty_days_of_one_leaver_and_a_crash_after_every_rung(sandbox, up, declare, statuses, owners):
    """Every update is done twice from the same record, as if the first had died before it could be stored."""
    sandbox.load(leavers_world("active", deleted=[]))
    both, one = declare([ANA, BO]), declare([BO])
    outputs = up(0, both, None)
    assert (sorted(outputs["people"]), outputs["leaving"]) == ([ANA, BO], {})

    for day in (0, 7, 30):
        up(day, one, outputs, both)
        outputs = up(day, one, outputs, both)
        both = one
    assert (statuses()[ANA], owners()) == ("deleted", {"u4"})
    assert (sorted(outputs["people"]), outputs["leaving"], outputs["disabled"]) == ([BO], {}, {})
    sandbox.forget()
    assert up(60, one, outputs) == {**outputs, "removed": {}}
    assert sandbox.writes() == {"qlik": 0, "graph": 0}


def test_a_crash_between_disabling_and_storing_it_gives_the_status_back(sandbox, up, declare, statuses):
    sandbox.load(leavers_world("active"))
    both, one = declare([ANA, BO]), declare([BO])
    outputs = up(0, one, up(0, both, None), both)
    up(7, one, outputs)
    assert statuses()[ANA] == "disabled"

    outputs = up(8, both, outputs, one)

    assert statuses()[ANA] == "active"
    assert (outputs["leaving"], outputs["deviations"]) == ({}, {})


def test_a_record_a_document_and_a_refresh_say_the_same(sandbox, up, declare):
    sandbox.load(leavers_world("active"))
    both, one = declare([ANA, BO]), declare([BO])
    outputs = up(7, one, up(0, one, up(0, both, None), both))

    assert outputs == {
        **one,
        "people": {who: str(entry(who)) for who in (ANA, BO)},
        "leaving": {ANA: "disabled since 2026-11-09T08:00Z"},
        "disabled": {ANA: "active"},
        "deviations": {ANA: "none; disabled"},
        "removed": {"2026-11-09T08:00Z": "1; readers 1"},
    }
    document = json.loads((up.provider.plans / "leavers.json").read_text())
    assert (document["kind"], document["leaving"]) == ("Leavers", outputs["leaving"])
    (change,) = document["changes"]
    assert (change["verb"], change["subject"], change["isRemoval"]) == ("disable", f"leaver/disable/{ANA}", True)
    assert up.provider.read(outputs) == ("1", outputs, one)
    sandbox.request("PATCH", f"{USERS}/u0", [{"op": "replace", "path": "/status", "value": "active"}])
    assert up.provider.engine.heard("done: disable 1")


def test_a_diff_tells_what_an_update_would_do(sandbox, start, declare, up):
    sandbox.load(leavers_world("active"))
    both, one = declare([ANA, BO]), declare([BO])
    outputs = up(0, both, None)
    provider = start("Leavers")

    assert provider.diff(outputs, both) == "DIFF_NONE", "without a check"
    provider.check(both, one)
    assert provider.diff(outputs, one) == "DIFF_UNKNOWN"
    gone = up(0, one, outputs, both)
    assert up.provider.diff(gone, one) == "DIFF_NONE"


def test_a_delete_touches_nobody_and_says_so(sandbox, up, declare, statuses, asked):
    sandbox.load(leavers_world("active"))
    both, one = declare([ANA, BO]), declare([BO])
    outputs = up(7, one, up(0, one, up(0, both, None), both))
    sandbox.forget()

    up.provider.delete(outputs)

    assert asked(writes=True) == []
    assert up.provider.engine.heard("nobody is enabled, disabled or deleted, and 1 clocks end")


def test_in_doubt_nobody_leaves(sandbox, start, declare, up):
    sandbox.load(leavers_world("active"))
    both = declare([ANA, BO], sources={"readers": "id-1"})
    outputs = up(0, both, None)
    doubtful = declare([], doubt={"readers": "nobody knows"})
    provider = start("Leavers")

    checked, failures = provider.check(both, doubtful)
    after = provider.update(outputs, checked)

    assert failures == []
    assert (checked["people"], checked["sources"]) == (both["people"], both["sources"])
    assert (after["people"], after["leaving"]) == (outputs["people"], {})
    assert provider.engine.heard("nobody left by this doubt")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tenantId": "other"}, "a stack stays with one"),
        ({"rules": {"brake.mx": 1}}, "is no rule of Leavers"),
        ({"rules": {"disableAfter": 0}}, "a number of hours"),
        ({"rules": {"deleteAfter": 5}}, "give disableAfter too"),
        ({"people": {ANA: "nonsense"}}, "is not of the form"),
        ({"people": {ANA: "professional via a for b@contoso.test"}}, "is not 'user'"),
    ],
)
def test_what_cannot_be_is_refused_by_the_check(shared, declare, change, reason):
    shared.kind = "Leavers"

    _, failures = shared.check(declare([ANA]), {**declare([ANA]), **change})

    assert reason in failures[0]


def test_a_plan_that_fails_is_refused_before_anything_is_sent(sandbox, up, declare, start, asked):
    sandbox.load(leavers_world("active"))
    both = declare([ANA, BO])
    failing = declare([BO], {"brake.max": 0.0, "brake.onBreach": "fail"})
    outputs = up(0, failing, up(0, both, None), both)
    sandbox.control.put("/clock", json={"now": (NOW + 8 * DAY).isoformat()}).raise_for_status()
    provider = start("Leavers")
    sandbox.forget()

    assert "1 removal in 24 hours" in provider.fail("update", outputs, failing)
    assert asked(writes=True) == []


def test_another_tenant_is_refused(sandbox, departures):
    sandbox.load(leavers_world())

    with pytest.raises(UnsafePlan, match="belongs to tenant other"):
        departures.refuse_other_tenant("other")


def test_a_list_of_users_that_may_be_short_is_no_evidence(sandbox, departures, expect):
    sandbox.load(leavers_world())
    expect(f"{USERS}$", kind="empty-200", count=9)

    with pytest.raises(QlikProviderError):
        departures.read_users()
