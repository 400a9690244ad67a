"""Whom a declaration gives anything, what becomes of leavers, and who may take over what they own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from core.files import ACCESS, FINANCE, TODAY, faults_of, load

from qlik_provider.approvals import describe_carried_out, find_strangers
from qlik_provider.entitlements import Entitlement
from qlik_provider.errors import DeclarationError
from qlik_provider.membership import count_members
from qlik_provider.people import Directory, DirectoryUser, GroupReading, TenantNames, TenantSpace, TenantUser
from qlik_provider.resolution import Resolved, resolve, unknown_people

ANA = DirectoryUser("id-ana", "ana@contoso.test", mail="ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test", mail="bo@contoso.test")
DEE = DirectoryUser("id-dee", "dee@contoso.test", mail="dee@contoso.test", account_enabled=False)
LEE = DirectoryUser("id-lee", "lee@contoso.test", mail="lee@contoso.test", is_deleted=True)
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
USERS = (TenantUser("1", "id-ana", "Ana", "ana@contoso.test"), TenantUser("2", "id-bo", "Bo", status="invited"))
TERMS = "leavers: {disableAfter: 7d, transferTo: ana@contoso.test, deleteAfter: 90d}\n"
BOTH = "name: BI Finance\nlicense: professional\nmembers: [ana@contoso.test, bo@contoso.test, dee@contoso.test]\n"
READ = "license: analyzer\nexisting: {objectId: 00000000-0000-4000-8000-000000000001}\ninclude: [disabled]\n"


def work_out(folder: Path, files: dict[str, str], users=USERS, **readings: GroupReading) -> Resolved:
    declaration = load(folder, files)
    space = TenantSpace("s1", "Finance", assignable_roles=frozenset({"producer"}))
    names = TenantNames("tenant", "9999", ("professional", "analyzer"), spaces=(space,), users=tuple(users))
    counted = count_members(declaration, readings)
    return resolve(declaration, Directory([ANA, BO, DEE, LEE]), names, TODAY, counted)


def refuse(folder: Path, files: dict[str, str], users=USERS) -> list[str]:
    with pytest.raises(DeclarationError) as refusal:
        work_out(folder, files, users)
    return faults_of(folder, refusal.value)


def entry(who: str, *keys: str) -> Entitlement:
    return Entitlement("user", keys, f"{who}@contoso.test")


def test_whoever_counts_in_a_group_is_served_and_who_left_is_not(tmp_path: Path):
    resolved = work_out(
        tmp_path, {"access": ACCESS + TERMS, "groups/finance": BOTH, "groups/also": FINANCE.replace("Finance", "Also")}
    )

    assert resolved.served.people == {"id-ana": entry("ana", "also", "finance"), "id-bo": entry("bo", "finance")}
    assert resolved.served.object_ids == {"id-ana": "id-ana", "id-bo": "id-bo"}, "these ids are none by their form"


def test_a_disabled_person_who_counts_by_include_is_served(tmp_path: Path):
    files = {"access": ACCESS + TERMS, "groups/readers": READ}
    reading = GroupReading("Readers", "00000000-0000-4000-8000-000000000001", (ANA, DEE))

    resolved = work_out(tmp_path, files, readers=reading)

    assert set(resolved.served.people) == {"id-ana", "id-dee"}
    assert resolved.served.rules["source.readers"] == reading.id


@pytest.mark.parametrize(
    ("person", "is_served"),
    [
        ("license: analyzer", True),
        ("license: none", False),
        ("license: analyzer, until: 2026-10-31", False),
        ("reason: none at all", False),
        ("license: none, spaces: {Finance: [producer]}", True),
        ("until: 2026-10-31, spaces: {Finance: [producer]}", False),
    ],
)
def test_an_exception_serves_where_it_gives_anything(tmp_path: Path, person, is_served):
    resolved = work_out(tmp_path, {"access": ACCESS + TERMS, "people": f"bo@contoso.test: {{{person}}}\n"})

    assert resolved.served.people == ({"id-bo": entry("bo", "people")} if is_served else {})


def test_of_whom_nobody_knows_the_subject_the_record_decides(tmp_path: Path):
    access = "licenses: {order: [professional]}\nsubject: {from: tenant, newcomers: %s}\nleavers: {}\n"
    files = {"groups/finance": BOTH}

    skipped = work_out(tmp_path / "a", {"access": access % "skip", **files}).served
    named = work_out(tmp_path / "b", {"access": access % "objectId", **files}).served

    assert (skipped.people, skipped.kept) == ({"id-ana": entry("ana", "finance")}, {"id-bo": entry("bo", "finance")})
    assert set(named.people) == {"id-ana", "id-bo"}
    assert named.kept == skipped.kept


def test_without_a_leavers_block_nobody_is_served(tmp_path: Path):
    assert work_out(tmp_path, {"groups/finance": BOTH}).served.people == {}


def test_the_terms_are_rules_in_hours_with_whom_things_go_to(tmp_path: Path):
    access = (
        ACCESS.replace("]\n", "]\n  baseline: analyzer\n  retry: again\n", 1) + TERMS + "protect: [bo@contoso.test]\n"
    )
    finance = BOTH + "previously: money\n"

    rules = work_out(tmp_path, {"access": access, "groups/finance": finance}).served.rules

    wanted = {"disableAfter": 168, "deleteAfter": 2160, "transferTo": "id-ana", "steward": "id-ana"}
    wanted |= {
        "baseline": "analyzer",
        "retry": "again",
        "previously.finance": "money",
        "protect.id-bo": "bo@contoso.test",
    }
    assert {name: rules[name] for name in wanted} == wanted
    assert rules["brake.max"] == 25
    assert work_out(tmp_path / "bare", {"access": ACCESS + "leavers: {}\n"}).served.rules.keys() == {
        "brake.max", "brake.percent", "brake.minimum", "brake.onBreach", "approvals",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "users", "reason"),
    [
        ("nobody@contoso.test", USERS, "nobody@contoso.test is unknown to the directory"),
        (
            "dee@contoso.test",
            USERS,
            "dee@contoso.test is disabled in the directory, a leaver too; name somebody who is there",
        ),
        (
            "lee@contoso.test",
            USERS,
            "lee@contoso.test is deleted in the directory, a leaver too; name somebody who is there",
        ),
        (
            "ana@contoso.test",
            (),
            "ana@contoso.test is no user of the tenant, so nothing can be theirs; have them log in first",
        ),
        (
            "bo@contoso.test",
            USERS,
            "bo@contoso.test is invited in the tenant, so nothing can be theirs; name somebody active",
        ),
    ],
)
def test_a_steward_who_can_take_nothing_is_refused_at_its_place(tmp_path: Path, name, users, reason):
    terms = TERMS.replace("ana@contoso.test", name)

    assert refuse(tmp_path, {"access": ACCESS + terms}, users) == [f"access.yaml:4 leavers.transferTo: {reason}"]


def test_a_steward_who_was_deleted_is_looked_for_in_the_recycle_bin(tmp_path: Path):
    declaration = load(tmp_path, {"access": ACCESS + TERMS})

    assert unknown_people(declaration, Directory([BO])) == ["ana@contoso.test"]


@pytest.mark.parametrize(
    ("terms", "place", "reason"),
    [
        ("{deleteAfter: 90d}", "deleteAfter", "nobody is deleted who was not disabled before; say disableAfter too"),
        (
            "{disableAfter: 7d, deleteAfter: 168h}",
            "deleteAfter",
            "168h is not later than disableAfter: 7d; people are disabled first, and deleted after that",
        ),
        (
            "{disableAfter: 7d, deleteAfter: 6d}",
            "deleteAfter",
            "6d is not later than disableAfter: 7d; people are disabled first, and deleted after that",
        ),
        (
            "{disableAfter: 7d, transferTo: ana@contoso.test}",
            "transferTo",
            "what people own is handed over before they are deleted, and nobody is; say deleteAfter, or take it out",
        ),
    ],
)
def test_terms_that_make_no_sense_are_refused_at_their_place(tmp_path: Path, terms, place, reason):
    assert refuse(tmp_path, {"access": f"{ACCESS}leavers: {terms}\n"}) == [f"access.yaml:4 leavers.{place}: {reason}"]


@pytest.mark.parametrize("terms", ["{}", "{disableAfter: 7d}", "{disableAfter: 7d, deleteAfter: 8d}"])
def test_terms_may_end_at_any_rung(tmp_path: Path, terms):
    assert load(tmp_path, {"access": f"{ACCESS}leavers: {terms}\n"}).access.leavers is not None


def test_approved_rungs_are_nobodys_subject(tmp_path: Path):
    approval = "subjects: [leaver/disable/id-ana, Leaver/delete/gone, stranger]\nreason: r\nexpires: 2026-12-01\n"
    declaration = load(tmp_path, {"access": ACCESS + TERMS, "approvals/a": approval})

    names = TenantNames("tenant", "9999", ("professional",), users=USERS)
    assert find_strangers(declaration, Directory([ANA]), names, TODAY) == {"stranger"}


def test_an_approved_rung_is_carried_out_once_its_leaver_differs_no_more(tmp_path: Path):
    approval = "subjects: [leaver/disable/ID-ana]\nreason: r\nexpires: 2026-12-01\n"
    declaration = load(tmp_path, {"access": ACCESS + TERMS, "approvals/a": approval})

    assert list(describe_carried_out(declaration, [{"id-ana": "none; held"}], TODAY)) == []
    assert len(list(describe_carried_out(declaration, [{}], TODAY))) == 1
