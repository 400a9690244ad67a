"""Who is to be a user of the tenant before the first login, and who is created as one now."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from core.files import ACCESS, FINANCE, TODAY, faults_of, load
from hypothesis import given
from hypothesis import strategies as st

from qlik_provider.accounts import USER, Account, parse_account, write_name
from qlik_provider.changes import Change
from qlik_provider.entitlements import Assignment, Deviation
from qlik_provider.errors import DeclarationError
from qlik_provider.joiners import (
    SHARED,
    describe_forgotten,
    find_forgotten,
    keep_names,
    known_as,
    leave_unclear,
)
from qlik_provider.ledger import USERS, carry_over, inputs_of, recorded_of, rules_of
from qlik_provider.membership import count_members
from qlik_provider.moves import keep_known
from qlik_provider.outcomes import Outcome, settle
from qlik_provider.people import Directory, DirectoryUser, GroupReading, TenantNames, TenantUser
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Observed, Recorded, Rules
from qlik_provider.report import describe_plan, is_quiet
from qlik_provider.resolution import Resolved, resolve

ANA = DirectoryUser("id-ana", "ana@contoso.test", "Ana Silva", "ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test", "Bo Berg")
CY = DirectoryUser("id-cy", "cy@contoso.test", "", "cy@contoso.test", account_enabled=False)
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
JOINING = ACCESS + "provision: true\n"
SALES = "name: BI Sales\nmembers: [ana@contoso.test, bo@contoso.test, cy@contoso.test]\n"


def work_out(folder: Path, files: dict[str, str], *users: TenantUser, **readings: GroupReading) -> Resolved:
    declaration = load(folder, {"access": JOINING, **files})
    names = TenantNames("tenant", "9999", ("professional", "analyzer"), roles=("Steward",), users=users)
    return resolve(declaration, Directory([ANA, BO, CY]), names, TODAY, count_members(declaration, readings))


def account(who: str = "ana", keys: tuple[str, ...] = ("sales",), name: str = "") -> Account:
    return Account(USER, keys, f"{who}@contoso.test", name or who.title())


# How an account is written.


@given(st.text(), st.sampled_from(["ana@contoso.test", "o'neill@contoso.test", "Å@contoso.test"]))
def test_whatever_somebody_is_called_the_account_is_read_as_it_was_written(display_name: str, mail: str):
    written = Account(USER, ("a", "b"), mail, write_name(display_name, mail))

    assert parse_account(str(written)) == written
    assert "\n" not in str(written)


def test_an_account_says_who_is_created_by_which_keys_and_with_which_name():
    assert str(account(name="Ana Silva")) == "user via sales for Ana Silva <ana@contoso.test>"
    assert write_name("  Silva;  Ana <BI> ", "x") == "Silva, Ana (BI)"
    assert write_name(" ", "ana@contoso.test") == "ana@contoso.test"


@pytest.mark.parametrize(
    "text",
    [
        "user via sales for ana@contoso.test",
        "user via sales for <ana@contoso.test>",
        "analyzer via sales for Ana <ana@contoso.test>",
        "user for Ana <ana@contoso.test>",
    ],
)
def test_anything_else_is_refused_with_the_form(text: str):
    with pytest.raises(ValueError, match="is not of the form 'user via"):
        parse_account(text)


# Who is to be one.


def test_nobody_is_created_unless_that_is_declared(tmp_path: Path):
    assert work_out(tmp_path, {"access": ACCESS, "groups/sales": SALES}).joiners is None


def test_everybody_of_a_group_is_to_be_a_user_whatever_it_gives_but_who_has_left(tmp_path: Path):
    files = {"groups/sales": SALES + "roles: [Steward]\n", "groups/finance": FINANCE + "grant: firstLogin\n"}

    joiners = work_out(tmp_path, files).joiners

    assert joiners is not None
    assert joiners.people == {
        "id-ana": account("ana", ("finance", "sales"), "Ana Silva"),
        "id-bo": account("bo", ("sales",), "Bo Berg"),
    }
    assert joiners.object_ids == {"id-ana": "id-ana", "id-bo": "id-bo"}, "these ids are no object ids by their form"
    assert joiners.kept == {}


def test_who_is_disabled_is_to_be_one_where_a_group_counts_the_disabled(tmp_path: Path):
    files = {"groups/all": "license: analyzer\neveryone: true\ninclude: [disabled]\n"}

    joiners = work_out(tmp_path, files, all=GroupReading("all", users=(CY,))).joiners

    assert joiners is not None
    assert joiners.people == {"id-cy": account("cy", ("all",), "cy@contoso.test")}


@pytest.mark.parametrize(
    ("exception", "keys"),
    [
        pytest.param("{license: analyzer}", ("finance", "people"), id="a license"),
        pytest.param("{license: none}", None, id="none"),
        pytest.param("{license: none, until: 2026-11-01}", ("finance",), id="over"),
        pytest.param("{reason: watched}", ("finance",), id="nothing said"),
    ],
)
def test_an_exception_makes_a_user_too_and_one_that_gives_nothing_makes_none(tmp_path: Path, exception, keys):
    joiners = work_out(tmp_path, {"groups/finance": FINANCE, "people": f"ana@contoso.test: {exception}\n"}).joiners

    assert joiners is not None
    assert [found.keys for found in joiners.people.values()] == ([keys] if keys else [])


def test_an_exception_for_somebody_who_left_makes_no_user(tmp_path: Path):
    joiners = work_out(tmp_path, {"people": "cy@contoso.test: {license: analyzer}\n"}).joiners

    assert joiners is not None
    assert joiners.people == {}


def test_in_a_pilot_only_the_groups_that_count_make_users(tmp_path: Path):
    files = {
        "access": JOINING + "only: [finance]\n",
        "groups/finance": FINANCE,
        "people": "ana@contoso.test: {license: analyzer}\n",
    }

    joiners = work_out(tmp_path, files).joiners

    assert joiners is not None
    assert joiners.people == {}
    assert joiners.rules["only"] == "finance"


def test_what_is_known_of_groups_and_of_protected_people_comes_along(tmp_path: Path):
    id = "aaaaaaaa-0000-4000-8000-000000000001"
    files = {
        "access": JOINING.replace("order: [professional, analyzer]", "order: [professional]\n  retry: again")
        + "protect: [bo@contoso.test]\n",
        "groups/new": f"license: professional\npreviously: old\nexisting: {{objectId: {id}}}\n",
    }

    joiners = work_out(tmp_path, files, new=GroupReading("New", id, doubt="nobody knows")).joiners

    assert joiners is not None
    assert joiners.rules == {
        "previously.new": "old",
        "retry": "again",
        "protect.id-bo": "bo@contoso.test",
        "source.new": id,
    }
    assert (joiners.doubt, joiners.sources) == ({"new": "nobody knows"}, {"new": id})


def test_whom_the_tenant_has_by_a_former_subject_is_kept_under_it(tmp_path: Path):
    access = JOINING.replace("{from: objectId}", "{from: mail, previously: {from: objectId}}")
    known = TenantUser("1", "ID-ANA", email="ana@contoso.test")

    joiners = work_out(tmp_path, {"access": access, "groups/finance": FINANCE}, known).joiners

    assert joiners is not None
    assert list(joiners.people) == ["ana@contoso.test"]
    assert joiners.kept == {"id-ana": account("ana", ("finance",), "Ana Silva")}


def test_who_has_no_subject_is_told_of_once_and_not_created(tmp_path: Path):
    access = JOINING.replace("{from: objectId}", "{from: mail}")

    resolved = work_out(tmp_path, {"access": access, "groups/sales": SALES + "license: analyzer\n"})

    assert resolved.joiners is not None
    assert list(resolved.joiners.kept) == ["id-bo"]
    assert [text for text in resolved.warnings if "1 has no mail to make a subject of: bo@contoso.test" in text]


def test_a_newcomer_to_a_tenant_that_names_people_is_created_by_the_object_id(tmp_path: Path):
    access = JOINING.replace("{from: objectId}", "{from: tenant, newcomers: objectId, realm: CONTOSO}")
    known = TenantUser("1", "okta|ana", email="ana@contoso.test")

    resolved = work_out(tmp_path, {"access": access, "groups/sales": SALES}, known)

    assert resolved.joiners is not None
    assert set(resolved.joiners.people) == {"okta|ana", "CONTOSO\\id-bo"}
    assert set(resolved.joiners.kept) == {"id-bo"}
    assert len([text for text in resolved.warnings if "get the object id as subject: bo@contoso.test" in text]) == 1


def test_a_mapping_that_does_not_fit_is_refused_without_any_license_too(tmp_path: Path):
    users = [TenantUser(who.id, who.user_principal_name, email=who.address) for who in (ANA, BO)]

    with pytest.raises(DeclarationError, match="the subjects of 2 people in the tenant are others than declared"):
        work_out(tmp_path, {"access": "subject: {from: objectId}\nprovision: true\n", "groups/sales": SALES}, *users)


def test_two_people_of_one_subject_are_a_fault(tmp_path: Path):
    access = JOINING.replace("{from: objectId}", "{from: mail}")
    twin = DirectoryUser("id-twin", "twin@contoso.test", "Twin", "ana@contoso.test")
    files = {"access": access, "groups/sales": "name: S\nmembers: [ana@contoso.test, twin@contoso.test]\n"}
    declaration = load(tmp_path, files)

    with pytest.raises(DeclarationError, match=r"would share the subject ana@contoso\.test"):
        resolve(declaration, Directory([ANA, twin]), TenantNames("t", "9", ("professional", "analyzer")), TODAY)


@pytest.mark.parametrize(
    ("access", "fault"),
    [
        pytest.param(
            JOINING.replace("{from: objectId}", "{from: tenant, newcomers: skip}"),
            "access.yaml:4 provision: creates users, and newcomers: skip gives them no subject; "
            "say newcomers: objectId, or take it out",
            id="no subject",
        ),
        pytest.param(
            JOINING + "scim: {application: Qlik}\n",
            "access.yaml:4 provision: scim creates users too, and they have one creator; take one of both out",
            id="two creators",
        ),
    ],
)
def test_who_could_not_be_created_or_twice_is_a_fault(tmp_path: Path, access: str, fault: str):
    with pytest.raises(DeclarationError) as refused:
        load(tmp_path, {"access": access})

    assert fault in faults_of(tmp_path, refused.value)


def test_without_provision_scim_is_no_second_creator(tmp_path: Path):
    with pytest.raises(DeclarationError) as refused:
        load(tmp_path, {"access": ACCESS + "provision: false\nscim: {}\n"})

    assert not any("creator" in fault for fault in refused.value.faults)


# What is planned.


def plan(
    desired: dict[str, Account],
    users: list[TenantUser],
    ledger: dict[str, Account] | None = None,
    rules: Rules | None = None,
) -> Plan:
    rows = tuple(Assignment(user.subject, USER) for user in users if user.subject in desired)
    recorded = Recorded(ledger=ledger or {})
    planned = make_plan(desired, Observed(rows), recorded, rules or rules_of({}), NOW)
    return leave_unclear(planned, desired, users, {"s-ana": "id-ana"})


def test_who_is_missing_is_created_and_who_is_there_is_adopted():
    planned = plan({"s-ana": account("ana"), "s-bo": account("bo")}, [TenantUser("1", "s-bo", email="x@contoso.test")])

    assert [str(change) for change in planned.changes] == ["create ana@contoso.test"]
    assert planned.ledger == {"s-ana": account("ana"), "s-bo": account("bo")}
    assert describe_plan("users", planned)[0] == "users: 1 to create\n  create ana@contoso.test"


@pytest.mark.parametrize(
    ("subject", "advice"),
    [
        ("CONTOSO\\id-ana", "what fits 1 of 1: subject: {from: objectId, realm: CONTOSO}"),
        ("ANA@contoso.test", "what fits 1 of 1: subject: {from: mail or userPrincipalName, realm: null}"),
        ("okta|ana", "no mapping explains them"),
    ],
)
def test_no_second_user_is_created_of_one_mail_and_the_mapping_that_fits_is_told(subject: str, advice: str):
    desired = {"s-ana": account("ana")}
    users = [TenantUser("1", subject, email="Ana@Contoso.test"), TenantUser("2", "zz", email="ana@contoso.test")]

    planned = plan(desired, users)

    assert planned.changes == ()
    assert planned.ledger == {}
    assert planned.deviations == {"s-ana": Deviation(account("ana"), known_as(subject))}
    (told,) = planned.warnings
    assert told.startswith("1 is in the tenant by another subject, and no second user is created: ana@contoso.test is")
    assert told.endswith(f" {subject!r} there and 's-ana' here; {advice}")
    assert describe_plan("users", planned)[1] == (f"users: {planned.warnings[0]}",), "said once"


def test_of_several_mappings_the_one_that_fits_most_is_told():
    who = ("ana", "bo", "cy")
    users = [TenantUser(name, f"X\\{name}@contoso.test", email=f"{name}@contoso.test") for name in who[1:]]
    users.append(TenantUser("1", "id-ana", email="ana@contoso.test"))

    planned = plan({f"s-{name}": account(name) for name in who}, users)

    assert "what fits 2 of 3: subject: {from: mail or userPrincipalName, realm: X}" in planned.warnings[0]


def test_of_two_declared_people_with_one_mail_neither_is_created_and_who_is_there_stays():
    desired = {"s-ana": account("ana"), "s-ida": account("ana", name="Ida"), "s-bo": account("bo")}

    both = plan(desired, [])
    one = plan(desired, [TenantUser("1", "s-ida", email="ana@contoso.test")])

    assert [change.key for change in both.changes] == ["s-bo"]
    assert {key: deviation.why for key, deviation in both.deviations.items()} == {"s-ana": SHARED, "s-ida": SHARED}
    assert (
        "2 have an e-mail that another declared person has too, and none is created: Ana <ana@contoso.test>"
        in (both.warnings[0])
    )
    assert describe_plan("users", both)[1] == (f"users: {both.warnings[0]}",), "said once"
    assert one.deviations == {"s-ana": Deviation(account("ana"), SHARED)}
    assert "s-ida" in one.ledger


def test_planning_again_is_empty_also_beside_people_who_cannot_be_created():
    desired = {"s-ana": account("ana"), "s-bo": account("bo")}
    users = [TenantUser("1", "id-ana", email="ana@contoso.test"), TenantUser("2", "s-bo", email="bo@contoso.test")]

    first = plan(desired, users)
    before = Recorded(ledger=first.ledger, deviations=first.deviations, settled=True)
    again = leave_unclear(
        make_plan(desired, Observed((Assignment("s-bo", USER),)), before, rules_of({}), NOW), desired, users, {}
    )

    assert not again.differs_from(before)


def test_nobody_protected_and_nobody_in_doubt_is_created():
    desired = {"s-ana": account("ana"), "s-bo": account("bo", ("odd",)), "s-cy": account("cy", ("odd", "sales"))}
    rules = rules_of({"rules": {"protect.s-ana": "ana@contoso.test"}, "doubt": {"odd": "nobody knows"}})

    planned = plan(desired, [], rules=rules)

    assert [change.key for change in planned.changes] == ["s-cy"]
    assert {key: deviation.why for key, deviation in planned.deviations.items()} == {
        "s-ana": "protected",
        "s-bo": "frozen",
    }


# What is recorded.


def bag(**people: Account) -> dict:
    users = {f"s-{who}": str(found) for who, found in people.items()}
    return {"tenant": "t", "tenantId": "1", "users": users, "rules": {}, "doubt": {}, "sources": {}}


def test_the_inputs_can_always_be_told_from_the_record():
    inputs = bag(ana=account("ana"), bo=account("bo"))
    planned = plan(USERS.parse_people(inputs), [])
    states = ("done", "refused")
    outcomes = [Outcome(change, state) for change, state in zip(planned.changes, states, strict=True)]

    outputs = settle(inputs, USERS, Recorded(), planned, outcomes, NOW)

    assert outputs["users"] == {"s-ana": str(account("ana"))}
    assert outputs["deviations"] == {"s-bo": f"{account('bo')}; refused"}
    assert inputs_of(outputs, USERS) == inputs
    assert recorded_of(outputs, USERS, settled=True).ledger == {"s-ana": account("ana")}


def test_a_name_stays_as_it_was_declared_first_and_keys_and_mail_are_of_today():
    before = bag(ana=account("ana", name="Ana Silva"))
    renamed = account("ana.berg", ("finance",), "Ana Berg")
    after = {**bag(bo=account("bo")), "users": {"S-ANA": str(renamed), "s-bo": str(account("bo"))}}

    kept = keep_names(before, after)

    assert kept["users"] == {
        "S-ANA": str(account("ana.berg", ("finance",), "Ana Silva")),
        "s-bo": str(account("bo")),
    }
    assert keep_names({}, after)["users"] == after["users"]


def test_in_doubt_somebody_keeps_name_and_the_keys_of_both():
    old = {
        **bag(ana=account("ana", ("odd", "sales"), "Ana Silva"), bo=account("bo", ("odd",))),
        "sources": {"odd": "1"},
    }
    new = {**bag(ana=account("ana", ("sales",), "Ana Silva")), "doubt": {"odd": "nobody knows"}}

    carried, who = carry_over(old, new, USERS)

    assert carried["users"] == {
        "s-ana": str(account("ana", ("sales", "odd"), "Ana Silva")),
        "s-bo": str(account("bo", ("odd",))),
    }
    assert who == ["s-bo"]


def test_who_is_recorded_by_a_former_subject_is_no_second_time_declared():
    old = {**bag(ana=account("ana")), "objectIds": {"s-ana": "id-ana"}}
    new = {**bag(), "users": {"new-ana": str(account("ana"))}, "objectIds": {"new-ana": "id-ana"}}

    kept = keep_known(old, {**new, "kept": {"id-ana": str(account("ana"))}}, USERS.parse_people, "users")

    assert kept == old


def test_who_is_no_longer_declared_is_told_of_and_who_has_another_subject_is_not():
    before = bag(ana=account("ana"), bo=account("bo"))
    after = {**bag(), "users": {"other-ana": str(account("ana"))}}

    forgotten = find_forgotten(after, before)

    assert forgotten == ["bo@contoso.test"]
    (told,) = describe_forgotten(forgotten)
    assert told == "1 is no longer declared and stays a user of the tenant: bo@contoso.test"
    assert list(describe_forgotten([])) == []


def test_a_plan_that_only_tells_something_is_told():
    empty = plan({}, [])

    assert is_quiet(empty)
    assert not is_quiet(Plan(**{**vars(empty), "notes": ("told",)}))


def test_a_change_without_an_account_is_named_by_its_mail():
    change = Change("assign", "s", "s", account("ana"), None, None)

    assert (str(change), change.type) == ("create ana@contoso.test", USER)
