"""Who of a group that exists already counts, and when nobody can tell."""

from dataclasses import replace
from pathlib import Path

import pytest
from core.files import ACCESS, TODAY, faults_of, load

from qlik_provider.errors import DeclarationError
from qlik_provider.membership import Memberships, count_members
from qlik_provider.people import Directory, DirectoryUser, GroupReading, TenantNames, TenantUser
from qlik_provider.resolution import Resolved, resolve

ID = "AAAAAAAA-0000-4000-8000-000000000001"
ANA = DirectoryUser("id-ana", "ana@contoso.test", mail="ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test")
OFF = DirectoryUser("id-off", "off@contoso.test", account_enabled=False)
VIC = DirectoryUser("id-vic", "vic#EXT#@contoso.test", user_type="Guest")
EVERYBODY = (ANA, BO, OFF, VIC)

SALES = "license: professional\nexisting: {name: Sales}\n"
HR = f"license: analyzer\nexisting: {{objectId: {ID}}}\nnested: true\n"


def read(*users: DirectoryUser, **parts: object) -> GroupReading:
    return replace(GroupReading("Sales", "id-sales", users=users), **parts)


def count(folder: Path, group: str, reading: GroupReading) -> Memberships:
    return count_members(load(folder, {"groups/sales": group}), {"sales": reading})


def work_out(folder: Path, files: dict[str, str], tenant: tuple[TenantUser, ...] = (), **readings: GroupReading):
    declaration = load(folder, files)
    names = TenantNames("tenant", "9999", ("professional", "analyzer"), users=tenant)
    return resolve(declaration, Directory(EVERYBODY), names, TODAY, count_members(declaration, readings))


def held(resolved: Resolved) -> dict[str, str]:
    return {subject: str(entitlement) for subject, entitlement in resolved.assignments.items()}


def test_members_who_have_not_left_count_and_the_others_are_counted(tmp_path: Path):
    counted = count(tmp_path, SALES, read(ANA, OFF, VIC, replace(VIC, id="id-2"), nested=1))

    assert counted.users == {"sales": [ANA]}
    assert counted.doubt == {}
    assert counted.sources == {"sales": "id-sales"}
    assert counted.warnings == [
        (
            f"{tmp_path}/groups/sales.yaml:2 existing: 'Sales': "
            "left out: 2 guests, 1 disabled, 1 nested group, whose people nested: true counts"
        )
    ]


@pytest.mark.parametrize(
    ("reading", "warnings"),
    [
        pytest.param(read(ANA), [], id="nobody"),
        pytest.param(read(ANA, VIC), ["left out: 1 guest"], id="a guest"),
        pytest.param(read(ANA, nested=2), ["left out: 2 nested groups, whose people nested: true counts"], id="groups"),
        pytest.param(
            read(ANA, OFF, remark="its rule is paused"), ["its rule is paused", "left out: 1 disabled"], id="both"
        ),
    ],
)
def test_what_is_left_out_is_told_where_the_group_is_declared(tmp_path: Path, reading, warnings: list[str]):
    place = f"{tmp_path}/groups/sales.yaml:2 existing: 'Sales': "

    assert count(tmp_path, SALES, reading).warnings == [f"{place}{warning}" for warning in warnings]


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        pytest.param(read(), "'Sales' has nobody who counts; ", id="nobody at all"),
        pytest.param(read(OFF, VIC), "'Sales' has nobody who counts (left out: 1 guest, 1 disabled); ", id="no member"),
    ],
)
def test_a_group_in_which_nobody_counts_is_in_doubt_until_that_is_allowed(tmp_path: Path, reading, reason: str):
    accepts = "allowEmpty: true in groups/sales.yaml accepts it"

    doubtful = count(tmp_path, SALES, reading)
    allowed = count(tmp_path, f"{SALES}allowEmpty: true\n", reading)

    assert doubtful.doubt == {"sales": reason + accepts}
    assert doubtful.warnings == [f"{tmp_path}/groups/sales.yaml:2 existing: in doubt: {reason}{accepts}"]
    assert (allowed.doubt, allowed.users, allowed.sources) == ({}, {"sales": []}, {"sales": "id-sales"})


def test_a_group_that_could_not_be_read_is_in_doubt_although_it_may_be_empty(tmp_path: Path):
    reading = GroupReading("Sales", doubt="no group is named 'Sales'")

    counted = count(tmp_path, f"{SALES}allowEmpty: true\n", reading)

    assert counted.doubt == {"sales": "no group is named 'Sales'"}
    assert (counted.users, counted.sources) == ({"sales": []}, {})


def test_an_object_id_that_is_declared_is_accepted_by_that(tmp_path: Path):
    files = {"groups/hr": HR, "groups/sales": SALES, "groups/x": "name: X\nlicense: analyzer\nmembers: []\n"}

    resolved = work_out(tmp_path, files, hr=read(ANA), sales=read(BO))

    assert resolved.license_rules["source.hr"] == ID.lower()
    assert "source.sales" not in resolved.license_rules
    assert {name: rule for name, rule in resolved.license_rules.items() if name.startswith("confers.")} == {
        "confers.hr": "analyzer",
        "confers.sales": "professional",
        "confers.x": "analyzer",
    }


def test_declared_lists_alone_need_no_rules_for_groups(tmp_path: Path):
    declaration = load(tmp_path, {"groups/x": "name: X\nlicense: analyzer\nmembers: []\n"})

    assert count_members(declaration, {}) == Memberships()


def test_who_is_in_several_groups_gets_the_strongest_and_exceptions_beat_them(tmp_path: Path):
    files = {"groups/hr": HR, "groups/sales": SALES, "people": "bo@contoso.test: {license: none}\n"}

    resolved = work_out(tmp_path, files, hr=read(ANA, BO), sales=read(ANA, BO))

    assert held(resolved) == {"id-ana": "professional via sales, hr for ana@contoso.test"}


def test_of_a_group_in_doubt_nobody_is_declared_and_the_others_go_on(tmp_path: Path):
    resolved = work_out(tmp_path, {"groups/hr": HR, "groups/sales": SALES}, hr=read(BO), sales=read(doubt="unread"))

    assert held(resolved) == {"id-bo": "analyzer via hr for bo@contoso.test"}


def test_a_protected_person_in_a_group_stays_protected(tmp_path: Path):
    files = {"access": ACCESS + "protect: [ana@contoso.test]\n", "groups/sales": SALES}

    resolved = work_out(tmp_path, files, sales=read(ANA))

    assert resolved.license_rules["protect.id-ana"] == "ana@contoso.test"


def test_the_subjects_of_a_groups_people_are_compared_with_the_tenants(tmp_path: Path):
    user = TenantUser("1", "CONTOSO\\ana", email="ana@contoso.test")

    with pytest.raises(DeclarationError, match="the subjects of 1 people in the tenant are others than declared"):
        work_out(tmp_path, {"groups/sales": SALES}, (user,), sales=read(ANA))


def test_who_of_a_group_lacks_what_the_subject_is_made_of_is_a_fault(tmp_path: Path):
    files = {"access": ACCESS.replace("objectId", "mail"), "groups/sales": SALES}

    with pytest.raises(DeclarationError) as refusal:
        work_out(tmp_path, files, sales=read(ANA, BO))

    assert faults_of(tmp_path, refusal.value) == [
        "access.yaml:3 subject.from: bo@contoso.test has no mail to make a subject of"
    ]
