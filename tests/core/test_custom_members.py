"""Who is to be in a custom group of the tenant, who waits, and who must not be taken out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from core.files import TODAY, faults_of, load

from qlik_provider.custom_members import keep_administrators, leave_waiting
from qlik_provider.entitlements import MEMBER, Assignment, Deviation, Entitlement
from qlik_provider.errors import DeclarationError
from qlik_provider.ledger import TENANT_MEMBERS, inputs_of
from qlik_provider.membership import count_members
from qlik_provider.moves import keep_known
from qlik_provider.people import Administrator, Directory, DirectoryUser, GroupReading, TenantNames, TenantUser
from qlik_provider.plan import make_plan
from qlik_provider.premises import Observed, Recorded, Rules
from qlik_provider.resolution import Resolved, resolve

ANA = DirectoryUser("id-ana", "ana@contoso.test", mail="ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test", mail="bo@contoso.test")
SALES = "name: BI Sales\nproviderType: custom\nmembers: [ana@contoso.test, bo@contoso.test]\n"
QUERY = "name: BI Sales\nproviderType: custom\nquery: department eq 'Sales'\n"
MAPPED = "licenses: {order: [professional]}\nsubject: {from: tenant, newcomers: %s}\n"
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


def work_out(folder: Path, files: dict[str, str], *users: TenantUser, **readings: GroupReading) -> Resolved:
    declaration = load(folder, files)
    names = TenantNames("tenant", "9999", ("professional", "analyzer"), users=users)
    return resolve(declaration, Directory([ANA, BO]), names, TODAY, count_members(declaration, readings))


def entry(who: str) -> Entitlement:
    return Entitlement(MEMBER, ("sales",), f"{who}@contoso.test")


def plan(desired: set[str], rows: set[str] = frozenset(), ledger: set[str] = frozenset(), **recorded):
    people = {who: entry(who) for who in desired}
    before = Recorded(ledger={who: entry(who) for who in ledger}, **recorded)
    observed = Observed(tuple(Assignment(who, MEMBER) for who in sorted(rows)))
    return make_plan(people, observed, before, Rules(order=(MEMBER,)), NOW), before


# What is declared.


def test_members_are_named_by_subject_and_who_is_no_user_is_kept_by_object_id(tmp_path: Path):
    resolved = work_out(tmp_path, {"groups/sales": SALES}, TenantUser("1", "ID-ANA"))

    found = resolved.tenant_members["sales"]
    assert found.people == {"id-ana": entry("ana"), "id-bo": entry("bo")}
    assert found.object_ids == {"id-ana": "id-ana", "id-bo": "id-bo"}, "these ids are no object ids by their form"
    assert found.kept == {"id-bo": entry("bo")}
    assert (found.doubt, found.sources) == ({}, {})
    assert found.rules["adopt"] == "upgrade"
    assert resolved.policies == {}


def test_a_group_of_the_identity_provider_has_no_members_of_ours(tmp_path: Path):
    assert work_out(tmp_path, {"groups/sales": SALES.replace("custom", "idp")}).tenant_members == {}


def test_a_query_may_fill_a_custom_group_and_its_doubt_comes_along(tmp_path: Path):
    files = {"groups/sales": QUERY + "roles: [Steward]\n"}
    declaration = load(tmp_path, files)
    names = TenantNames("tenant", "9999", ("professional", "analyzer"), roles=("Steward",))
    counted = count_members(declaration, {"sales": GroupReading("a filter", doubt="nobody knows")})

    resolved = resolve(declaration, Directory([ANA, BO]), names, TODAY, counted)

    assert resolved.tenant_members["sales"].doubt == {"sales": "nobody knows"}
    assert resolved.tenant_members["sales"].people == {}
    assert resolved.policies["sales"].roles == ("Steward",)


def test_the_source_of_a_group_and_what_accepts_it_come_along(tmp_path: Path):
    id = "aaaaaaaa-0000-4000-8000-000000000001"
    existing = f"providerType: custom\nexisting: {{objectId: {id}}}\n"
    other = "license: analyzer\nexisting: {name: Others}\n"
    files = {"groups/sales": existing, "groups/others": other}

    reading = GroupReading("Others", "id-2", users=(ANA,))
    resolved = work_out(tmp_path, files, sales=GroupReading("Sales", id, users=(ANA,)), others=reading)

    found = resolved.tenant_members["sales"]
    assert found.sources == {"sales": id}
    assert {name: value for name, value in found.rules.items() if name.startswith("source.")} == {"source.sales": id}


@pytest.mark.parametrize(
    ("group", "fault"),
    [
        pytest.param(QUERY.replace("name: BI Sales\n", ""), "1 needs a name, since this stack creates", id="name"),
        pytest.param(QUERY + "nested: true\n", "4 nested: is of a group, and query has none", id="nested"),
        pytest.param(SALES.replace("custom", "Custom"), "2 providerType: should be 'idp' or 'custom'", id="word"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_at_its_place(tmp_path: Path, group: str, fault: str):
    with pytest.raises(DeclarationError) as refused:
        load(tmp_path, {"groups/sales": group})

    assert any(fault in text for text in faults_of(tmp_path, refused.value)), refused.value


@pytest.mark.parametrize(
    ("newcomers", "people", "warned"),
    [("objectId", {"id-ana", "qlik\\bo"}, "get the object id as subject"), ("skip", {"qlik\\bo"}, "skipped")],
)
@pytest.mark.parametrize("license", ["license: professional\n", ""], ids=["a license too", "no license"])
def test_who_is_not_in_the_tenant_is_told_of_once(
    tmp_path: Path, license: str, newcomers: str, people: set[str], warned: str
):
    files = {"access": MAPPED % newcomers, "groups/sales": SALES + license}

    resolved = work_out(tmp_path, files, TenantUser("1", "qlik\\bo", email="bo@contoso.test"))

    assert set(resolved.tenant_members["sales"].people) == people
    assert set(resolved.tenant_members["sales"].kept) == {"id-ana"}
    (warning,) = [text for text in resolved.warnings if "ana@contoso.test" in text]
    assert "1 is not in the tenant" in warning
    assert warned in warning


def test_somebody_with_two_users_in_the_tenant_is_one_fault(tmp_path: Path):
    twins = (TenantUser("1", "a", email="bo@contoso.test"), TenantUser("2", "b", email="bo@contoso.test"))
    files = {"access": MAPPED % "skip", "groups/sales": SALES + "license: professional\n"}

    with pytest.raises(DeclarationError) as refused:
        work_out(tmp_path, files, *twins)

    assert len(refused.value.faults) == 1


def test_a_mapping_that_does_not_fit_is_refused_without_any_license_too(tmp_path: Path):
    files = {"access": "subject: {from: objectId}\n", "groups/sales": SALES}
    users = [TenantUser(who.id, who.user_principal_name, email=who.mail) for who in (ANA, BO)]

    with pytest.raises(DeclarationError, match="the subjects of 2 people in the tenant are others than declared"):
        work_out(tmp_path, files, *users)


# What is planned.


def test_who_is_no_user_waits_and_waiting_again_is_no_change():
    planned, _ = plan({"ana", "bo"})

    left = leave_waiting(planned, {"ana"})

    assert [str(change) for change in left.changes] == ["add ana@contoso.test"]
    assert left.ledger == {"ana": entry("ana")}
    assert left.deviations == {"bo": Deviation(entry("bo"), "waiting")}
    again, before = plan({"ana", "bo"}, {"ana"}, {"ana"}, deviations=left.deviations)
    assert not leave_waiting(again, {"ana"}).differs_from(before)
    assert leave_waiting(again, {"ana", "bo"}).differs_from(before)


def test_who_was_put_in_and_does_not_show_yet_stays_on_record_while_waiting():
    planned, _ = plan({"bo"}, ledger={"bo"}, unseen={"bo": MEMBER})

    assert leave_waiting(planned, set()).ledger == {"bo": entry("bo")}


def test_who_is_a_user_by_a_former_subject_stays_in_under_that():
    def bag(subject: str, **others) -> dict:
        return {"members": {subject: str(entry("bo"))}, "objectIds": {subject: "id-bo"}, "rules": {}, **others}

    old, new = bag("bo@contoso.test"), bag("robert@contoso.test")

    waiting = keep_known(old, {**new, "kept": {"id-bo": str(entry("bo"))}}, TENANT_MEMBERS.parse_people, "members")

    assert waiting == old
    assert keep_known(old, new, TENANT_MEMBERS.parse_people, "members") == new
    assert inputs_of({**old, "deviations": {}}, TENANT_MEMBERS) == old


# Nobody is locked out.


def admin(id: str, *groups: str, **parts: bool) -> Administrator:
    return Administrator(id, groups=frozenset(groups), **parts)


USERS = {"ana": "id-ana", "bo": "id-bo"}


@pytest.mark.parametrize(
    ("admins", "caller", "stays"),
    [
        pytest.param([admin("id-ana", "G")], "x", {"ana"}, id="the last one"),
        pytest.param([admin("id-ana", "G"), admin("x", is_bot=True, is_assigned=True)], "x", {"ana"}, id="but a bot"),
        pytest.param([admin("id-ana", "G"), admin("id-bo", "G")], "x", {"ana", "bo"}, id="all at once"),
        pytest.param([admin("id-ana", "G"), admin("id-cy", "G")], "x", set(), id="others are left in the group"),
        pytest.param([admin("id-ana", "G", "H")], "x", set(), id="by another group too"),
        pytest.param([admin("id-ana", "G", is_assigned=True)], "x", set(), id="by herself"),
        pytest.param([admin("id-ana", "G"), admin("id-cy", "H")], "id-ana", {"ana"}, id="this run itself"),
    ],
)
def test_neither_the_last_administrator_nor_this_run_itself_is_taken_out(admins, caller: str, stays: set[str]):
    planned, _ = plan(set(), {"ana", "bo", "joe"}, {"ana", "bo", "joe"})

    left = keep_administrators(planned, "G", USERS, admins, caller)

    assert set(left.deviations) == stays
    assert {change.key for change in left.changes} == {"ana", "bo", "joe"} - stays
    assert set(left.ledger) == stays
    assert all(deviation == Deviation(None, "protected") for deviation in left.deviations.values())
    assert bool(left.warnings) is bool(stays)
