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
AGENT = DirectoryUser("id-agent", "agent@contoso.test", user_type="guest")
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
    counted = count(tmp_path, SALES, read(ANA, OFF, VIC, replace(VIC, id="id-2"), nested=1, nested_users=2))

    assert counted.users == {"sales": [ANA]}
    assert counted.doubt == {}
    assert counted.sources == {"sales": "id-sales"}
    assert counted.warnings == [
        (
            f"{tmp_path}/groups/sales.yaml:2 existing: 'Sales': "
            "left out: 2 guests, 1 disabled, 1 nested group with 2 more users, whom nested: true counts"
        )
    ]


@pytest.mark.parametrize(
    ("reading", "warnings"),
    [
        pytest.param(read(ANA), [], id="nobody"),
        pytest.param(read(ANA, VIC), ["left out: 1 guest"], id="a guest"),
        pytest.param(read(ANA, nested=2), ["left out: 2 nested groups with no more users"], id="groups"),
        pytest.param(
            read(ANA, nested=2, nested_users=1),
            ["left out: 2 nested groups with 1 more user, whom nested: true counts"],
            id="groups with a user",
        ),
        pytest.param(
            read(ANA, nested=1, nested_users=None),
            ["left out: 1 nested group whose users could not be counted"],
            id="groups nobody could count",
        ),
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


@pytest.mark.parametrize(
    ("include", "users", "left_out"),
    [
        pytest.param("[]", [ANA], "2 guests, 1 disabled", id="nobody"),
        pytest.param("[guests]", [ANA, VIC, AGENT], "1 disabled", id="guests"),
        pytest.param("[disabled]", [ANA, OFF], "2 guests", id="disabled"),
        pytest.param("[disabled, guests]", [ANA, OFF, VIC, AGENT], "", id="both"),
    ],
)
@pytest.mark.parametrize("source", ["existing: {name: Sales}", "query: mail ne null", "everyone: true"])
def test_guests_and_disabled_people_count_where_they_are_asked_for(tmp_path, source, include, users, left_out):
    text = f"license: professional\n{source}\ninclude: {include}\n"

    counted = count(tmp_path, text, read(ANA, OFF, VIC, AGENT))

    assert counted.users == {"sales": users}
    place = f"{tmp_path}/groups/sales.yaml:2 {source.partition(':')[0]}: 'Sales': "
    assert counted.warnings == ([f"{place}left out: {left_out}"] if left_out else [])


def test_a_disabled_guest_counts_only_where_both_are_asked_for(tmp_path: Path):
    ghost = replace(VIC, account_enabled=False)

    def people(include: str) -> list[DirectoryUser]:
        return count(tmp_path, f"{SALES}allowEmpty: true\ninclude: {include}\n", read(ghost)).users["sales"]

    assert [people(include) for include in ("[]", "[guests]", "[disabled]")] == [[], [], []]
    assert people("[guests, disabled]") == [ghost]


def test_who_is_in_the_recycle_bin_never_counts(tmp_path: Path):
    gone = replace(ANA, is_deleted=True)

    text = "license: analyzer\neveryone: true\ninclude: [disabled, guests]\n"
    assert count(tmp_path, text, read(gone, BO)).users == {"sales": [BO]}


def test_members_that_are_no_people_are_counted_by_their_kind(tmp_path: Path):
    counted = count(tmp_path, SALES, read(ANA, others={"servicePrincipal": 2, "device": 1, "orgContact": 0}))

    assert counted.warnings[0].endswith("'Sales': left out: 2 service principals, 1 device")


def test_a_disabled_person_who_is_asked_for_holds_the_license_and_only_by_that_group(tmp_path: Path):
    files = {
        "groups/hr": f"{HR}include: [disabled]\n",
        "groups/sales": "name: Sales\nlicense: professional\nmembers: [off@contoso.test]\n",
    }

    resolved = work_out(tmp_path, files, hr=read(OFF))

    assert held(resolved) == {"id-off": "analyzer via hr for off@contoso.test"}


def test_what_the_directory_rejects_is_a_fault_beside_all_others(tmp_path: Path):
    files = {
        "groups/a": "license: analyzer\nquery: teapot eq 'x'\n",
        "groups/b": "license: analyzer\nname: B\nmembers: [nobody@contoso.test]\n",
        "groups/c": f"license: analyzer\nexisting:\n  name: C\n  objectId: {ID}\n",
        "groups/d": HR,
    }

    with pytest.raises(DeclarationError) as refusal:
        work_out(
            tmp_path,
            files,
            a=GroupReading("teapot eq 'x'", fault="Graph rejects this filter: no teapot"),
            c=GroupReading("C", ID, fault="is a user and no group", place=("existing", "objectId")),
            d=GroupReading("HR", ID, fault="has more members", place=("nested",)),
        )

    assert faults_of(tmp_path, refusal.value) == [
        "groups/a.yaml:2 query: Graph rejects this filter: no teapot",
        "groups/c.yaml:4 existing.objectId: is a user and no group",
        "groups/d.yaml:3 nested: has more members",
        "groups/b.yaml:3 members[0]: nobody@contoso.test is unknown to the directory",
    ]


def test_a_query_has_no_object_id_and_confers_like_a_group(tmp_path: Path):
    files = {
        "groups/a": "license: analyzer\nquery: mail ne null\n",
        "groups/b": "license: professional\neveryone: true\n",
    }
    readings = {"a": GroupReading("mail ne null", users=(ANA,)), "b": GroupReading("everyone")}

    counted = count_members(load(tmp_path, files), readings)
    resolved = work_out(tmp_path, files, **readings)

    assert (counted.sources, counted.rules) == ({}, {})
    assert counted.doubt == {"b": "'everyone' has nobody who counts; allowEmpty: true in groups/b.yaml accepts it"}
    assert resolved.license_rules["confers.a"] == "analyzer"
    assert resolved.license_rules["confers.b"] == "professional"


def test_a_group_that_could_not_be_read_is_in_doubt_although_it_may_be_empty(tmp_path: Path):
    reading = GroupReading("Sales", doubt="no group is named 'Sales'")

    counted = count(tmp_path, f"{SALES}allowEmpty: true\n", reading)

    assert counted.doubt == {"sales": "no group is named 'Sales'"}
    assert (counted.users, counted.sources) == ({"sales": []}, {})


RULED = 'name: BI Sales\nlicense: analyzer\nrule: user.department -eq "Sales"\nroles: [Steward]\n'


def test_a_group_with_a_rule_is_accepted_whatever_its_object_id_was(tmp_path: Path):
    counted = count(tmp_path, RULED, read(ANA, VIC))

    assert (counted.users, counted.sources) == ({"sales": [ANA]}, {"sales": "id-sales"})
    assert counted.rules == {"source.sales": "id-sales"}
    assert counted.policy_rules("sales") == {}
    assert counted.warnings == [f"{tmp_path}/groups/sales.yaml:3 rule: 'Sales': left out: 1 guest"]


def test_a_group_that_is_to_be_created_freezes_its_key_and_is_no_doubt(tmp_path: Path):
    counted = count(tmp_path, RULED, GroupReading("BI Sales", awaited="not there"))

    assert (counted.users, counted.doubt, counted.sources, counted.rules) == ({"sales": []}, {}, {}, {})
    assert counted.awaited == counted.frozen == {"sales": "not there"}
    assert counted.policy_rules("sales") == {"doubt": "not there"}
    assert counted.warnings == [f"{tmp_path}/groups/sales.yaml:3 rule: not there"]


def test_a_rule_that_takes_nobody_is_in_doubt_until_that_is_allowed(tmp_path: Path):
    assert "allowEmpty: true in groups/sales.yaml accepts it" in count(tmp_path, RULED, read(VIC)).doubt["sales"]
    assert count(tmp_path, f"{RULED}allowEmpty: true\n", read(VIC)).frozen == {}


def test_the_policy_of_a_group_reaches_who_counts_and_knows_what_only_its_name_stands_for(tmp_path: Path):
    named, known = "existing: {name: Sales}\nspaces: {}\n", f"{HR}spaces: {{}}\n"

    resolved = work_out(
        tmp_path,
        {"groups/sales": named, "groups/hr": known, "groups/x": "existing: {name: X}\nspaces: {}\n"},
        sales=read(ANA, VIC),
        hr=read(ANA, BO),
        x=read(doubt="unread"),
    )

    policies = resolved.policies
    assert {key: policy.reach for key, policy in policies.items()} == {"sales": 1, "hr": 2, "x": 0}
    assert policies["sales"].rules["source"] == "id-sales"
    assert "source" not in policies["hr"].rules
    assert policies["x"].rules["doubt"] == "unread"
    assert "doubt" not in policies["sales"].rules


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

    with pytest.raises(DeclarationError, match="the subjects of 1 person in the tenant are others than declared"):
        work_out(tmp_path, {"groups/sales": SALES}, (user,), sales=read(ANA))


def test_who_of_a_group_lacks_what_the_subject_is_made_of_is_told_and_keeps_what_they_have(tmp_path: Path):
    files = {"access": ACCESS.replace("objectId", "mail"), "groups/sales": SALES}

    resolved = work_out(tmp_path, files, sales=read(ANA, BO))

    assert list(resolved.assignments) == ["ana@contoso.test"]
    assert {id: entitlement.mail for id, entitlement in resolved.kept.items()} == {"id-bo": "bo@contoso.test"}
    assert "bo@contoso.test" in resolved.warnings[-1]
