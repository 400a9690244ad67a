import json
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import pytest
from core.files import ACCESS, FINANCE, TODAY, faults_of, load, write_files

from qlik_provider.declaration import UNSUPPORTED, approved_subjects, load_declaration
from qlik_provider.errors import DeclarationError
from qlik_provider.shapes import declaration_schemas

SCHEMAS = Path(__file__).parents[2] / "stacks" / "schema"
APPROVAL = "subjects: [u1, u2]\nreason: left the company\nexpires: 2026-11-02\n"


def refuse(folder: Path, files: dict[str, str]) -> list[str]:
    with pytest.raises(DeclarationError) as refusal:
        load(folder, files)
    return faults_of(folder, refusal.value)


def test_a_stack_is_read_from_its_files(tmp_path: Path):
    declaration = load(
        tmp_path,
        {
            "groups/finance": FINANCE,
            "groups/nobody": "name: BI Nobody\nlicense: analyzer\nmembers: []\n",
            "people": "cfo@contoso.test: {license: professional, until: 2027-01-31, reason: board}\n",
            "approvals/november": APPROVAL,
        },
    )

    assert declaration.access.licenses.order == ("professional", "analyzer")
    assert list(declaration.groups) == ["finance", "nobody"]
    assert declaration.groups["finance"].members == ("ana@contoso.test",)
    assert declaration.groups["nobody"].members == ()
    assert declaration.people["cfo@contoso.test"].until == date(2027, 1, 31)
    assert [approval.subjects for approval in declaration.approvals.values()] == [("u1", "u2")]
    assert (
        declaration.fault("groups/finance", "license", reason="why") == f"{tmp_path}/groups/finance.yaml:2 license: why"
    )


def test_what_is_left_out_has_a_default(tmp_path: Path):
    access = load(tmp_path, {"access": "subject: {from: mail}\n"}).access

    assert access.licenses is None
    assert (access.brake.max, access.brake.percent, access.brake.minimum, access.brake.on_breach) == (
        25,
        10,
        20,
        "hold",
    )
    assert access.protect == ()


def test_a_stack_without_an_access_file_is_none(tmp_path: Path):
    with pytest.raises(DeclarationError) as refusal:
        load_declaration(tmp_path)
    assert faults_of(tmp_path, refusal.value) == ["access.yaml:1 is missing: a stack begins with its access.yaml"]


def test_a_file_that_would_silently_declare_nothing_is_a_fault(tmp_path: Path):
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "finance.yml").write_text(FINANCE, encoding="utf-8")

    assert refuse(tmp_path, {"acces": ACCESS}) == [
        "groups/finance.yml:1 is not read; rename it to finance.yaml",
        "acces.yaml:1 is not known here; a stack has access.yaml, people.yaml, groups/ and approvals/",
    ]


def test_every_fault_of_every_file_comes_at_once_at_its_place(tmp_path: Path):
    assert refuse(
        tmp_path,
        {
            "access": ACCESS + "brake: {max: none}\ncolour: red\n",
            "groups/finance": "name: BI Finance\nlicense: professional\nmembers: null\n",
            "groups/sales": "name: BI Sales\nname: Sales\nmembers: []\n",
            "people": "cfo@contoso.test: {until: tomorrow}\n",
        },
    ) == [
        "access.yaml:4 brake.max: should be a valid integer, not 'none'",
        "access.yaml:5 colour: is not known here",
        (
            "people.yaml:1 cfo@contoso.test.until: should be a valid date in the format YYYY-MM-DD, "
            "input is too short, not 'tomorrow'"
        ),
        "groups/finance.yaml:3 members: null is no value; leave the line out, or write [] or {} for none",
        'groups/sales.yaml:2 found duplicate key "name" with value "Sales" (original value: "BI Sales")',
    ]


@pytest.mark.parametrize(
    ("brake", "fault"),
    [
        ("max: 0", "brake.max: should be greater than or equal to 1, not 0"),
        ("max: -1", "brake.max: should be greater than or equal to 1, not -1"),
        ("max: 2.5", "brake.max: should be a valid integer, not 2.5"),
        ("percent: 0", "brake.percent: should be greater than or equal to 1, not 0"),
        ("percent: 101", "brake.percent: should be less than or equal to 100, not 101"),
        ("minimum: 0", "brake.minimum: should be greater than or equal to 1, not 0"),
        ("onBreach: ignore", "brake.onBreach: should be 'hold' or 'fail', not 'ignore'"),
    ],
)
def test_a_brake_that_would_hold_all_or_nothing_is_refused_at_its_path(tmp_path: Path, brake: str, fault: str):
    assert refuse(tmp_path, {"access": f"{ACCESS}brake: {{{brake}}}\n"}) == [f"access.yaml:4 {fault}"]


def test_an_access_file_that_cannot_be_read_is_told_with_the_faults_of_the_others(tmp_path: Path):
    assert refuse(tmp_path, {"access": "subject: [\n", "groups/finance": "<<<<<<< HEAD\n"})[1:] == [
        "groups/finance.yaml:1 a merge conflict is not resolved"
    ]


def test_faults_of_shape_and_contradictions_between_files_come_together(tmp_path: Path):
    faults = refuse(tmp_path, {"groups/finance": FINANCE.replace("professional", "gold"), "groups/bad": "x: 1\n"})

    assert [fault.partition(": ")[0] for fault in faults] == ["groups/bad.yaml:1 x", "groups/finance.yaml:2 license"]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        pytest.param(
            {"groups/people": FINANCE},
            "groups/people.yaml:1 the file name 'people' is no key: "
            "a key is small letters, digits and hyphens, and not 'people', 'hand' or 'baseline'",
            id="a reserved key",
        ),
        pytest.param(
            {"groups/Finance_EMEA": FINANCE},
            "groups/Finance_EMEA.yaml:1 the file name 'Finance_EMEA' is no key: "
            "a key is small letters, digits and hyphens, and not 'people', 'hand' or 'baseline'",
            id="no key",
        ),
        pytest.param(
            {"groups/finance": FINANCE.replace("professional", "gold")},
            "groups/finance.yaml:2 license: "
            "'gold' is not one of professional, analyzer (licenses.order in access.yaml)",
            id="a type that is not ordered",
        ),
        pytest.param(
            {"access": "subject: {from: mail}\n", "groups/finance": FINANCE},
            "groups/finance.yaml:2 license: 'professional' needs a licenses block in access.yaml",
            id="a type without a licenses block",
        ),
        pytest.param(
            {"groups/a": FINANCE, "groups/b": FINANCE.replace("BI Finance", "bi finance")},
            "groups/b.yaml:1 name: 'bi finance' is also the name of groups/a",
            id="a name twice",
        ),
        pytest.param(
            {"groups/finance": FINANCE.replace("[ana@contoso.test]", "\n  - ana@contoso.test\n  - Ana@Contoso.test")},
            "groups/finance.yaml:5 members[1]: Ana@Contoso.test is named twice",
            id="a member twice",
        ),
        pytest.param(
            {"people": "ana@contoso.test: {license: none}\nANA@contoso.test: {license: analyzer}\n"},
            "people.yaml:2 ANA@contoso.test: is named twice",
            id="an exception twice",
        ),
        pytest.param(
            {"people": "ana@contoso.test:\n  license: gold\n"},
            "people.yaml:2 ana@contoso.test.license: "
            "'gold' is not one of professional, analyzer, none (licenses.order in access.yaml)",
            id="an exception of a type that is not ordered",
        ),
    ],
)
def test_files_that_contradict_one_another_are_refused(tmp_path: Path, files: dict[str, str], fault: str):
    assert refuse(tmp_path, files) == [fault]


def test_an_exception_may_take_every_license(tmp_path: Path):
    people = load(
        tmp_path, {"people": "ana@contoso.test: {license: none}\nbo@contoso.test: {reason: watched}\n"}
    ).people

    assert [person.license for person in people.values()] == ["none", None]


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        pytest.param("name: X\n", "needs one of members, rule, existing, query, everyone; given: none", id="no source"),
        pytest.param(
            "name: X\nmembers: []\neveryone: true\n",
            "needs one of members, rule, existing, query, everyone; given: members and everyone",
            id="two sources",
        ),
        pytest.param("members: []\n", "needs a name, since this stack creates the group", id="no name"),
    ],
)
def test_a_group_has_one_source_of_people(tmp_path: Path, group: str, reason: str):
    assert refuse(tmp_path, {"groups/x": group}) == [f"groups/x.yaml:1 {reason}"]


ID = "22222222-2222-2222-2222-222222222222"


@pytest.mark.parametrize(
    "existing",
    [
        pytest.param(f"existing: {{objectId: {ID}}}\nnested: true\nallowEmpty: true\n", id="by id, with both switches"),
        pytest.param("existing: {name: O'Neill's}\n", id="by name"),
        pytest.param(f"existing: {{objectId: {ID}, name: X}}\n", id="by both"),
    ],
)
def test_a_group_that_exists_already_is_named_by_id_or_name_or_both(tmp_path: Path, existing: str):
    group = load(tmp_path, {"groups/x": f"license: analyzer\n{existing}"}).groups["x"]

    assert group.existing is not None


QUERY = "license: analyzer\nquery: department eq 'Sales'\n"
EVERYONE = "license: analyzer\neveryone: true\n"


@pytest.mark.parametrize("text", [QUERY, EVERYONE])
def test_people_are_selected_by_a_query_or_are_everyone(tmp_path: Path, text: str):
    group = load(tmp_path, {"groups/x": f"{text}include: [guests, disabled]\nallowEmpty: true\n"}).groups["x"]

    assert f"\n{group.source}:" in text
    assert (group.is_selection(), group.is_listed()) == (True, False)
    assert group.include == ("guests", "disabled")


def test_a_filter_may_be_longer_than_a_name(tmp_path: Path):
    filter = " or ".join(["department eq 'Sales'"] * 15)

    assert load(tmp_path, {"groups/x": f"license: analyzer\nquery: {filter}\n"}).groups["x"].query == filter


@pytest.mark.parametrize("text", [QUERY, EVERYONE])
@pytest.mark.parametrize("part", ["name: X", "nested: true", "roles: [Steward]", "spaces: {}"])
def test_what_is_of_a_group_is_a_fault_where_there_is_none(tmp_path: Path, text: str, part: str):
    source, name = "query" if text == QUERY else "everyone", part.partition(":")[0]
    reason = f"is of a group, and {source} has none; take it out, or declare members, rule or existing"

    assert refuse(tmp_path, {"groups/x": f"{text}{part}\n"}) == [f"groups/x.yaml:3 {name}: {reason}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("everyone: true\n", "1 everyone: gives nothing: say which license its people get", id="everyone"),
        pytest.param("query: mail ne null\n", "1 query: gives nothing: say which license its people get", id="query"),
        pytest.param(
            "license: analyzer\nquery: ''\n", "2 query: String should have at least 1 character, not ''", id="empty"
        ),
        pytest.param(
            FINANCE + "include: [guests]\n",
            "4 include: members are as declared, whoever they are; take it out",
            id="members",
        ),
        pytest.param(EVERYONE + "include: [guests, guests]\n", "3 include: guests is named twice", id="twice"),
        pytest.param(
            EVERYONE + "include: [devices]\n",
            "3 include[0]: should be 'guests' or 'disabled', not 'devices'",
            id="who holds no seat",
        ),
    ],
)
def test_who_counts_is_said_once_and_only_where_people_are_read(tmp_path: Path, text: str, fault: str):
    assert refuse(tmp_path, {"groups/x": text}) == [f"groups/x.yaml:{fault}"]


def test_a_group_that_exists_already_needs_an_id_or_a_name(tmp_path: Path):
    faults = refuse(tmp_path, {"groups/x": "existing: {}\n"})

    assert faults == ["groups/x.yaml:1 existing: give objectId or name, or both"]


def test_a_space_without_a_role_says_nothing(tmp_path: Path):
    (fault,) = refuse(tmp_path, {"groups/x": FINANCE + "roles: []\nspaces: {Finance: []}\n"})

    assert fault.startswith("groups/x.yaml:5 spaces.Finance: Tuple should have at least 1 item")


@pytest.mark.parametrize(
    "group", ["name: X\nmembers: []\n", "name: X\nlicense: capacity\nmembers: []\n"], ids=["none", "capacity"]
)
def test_a_group_that_gives_no_seat_has_none_to_release_late(tmp_path: Path, group: str):
    (fault,) = refuse(tmp_path, {"groups/x": group + "releaseAfter: 7d\n"})

    assert fault.partition(" ")[2].startswith("releaseAfter: keeps seats, and this group gives none")


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"groups/x": FINANCE + "nested: true\n"}, "groups/x.yaml:4 nested"),
        ({"groups/x": FINANCE + "allowEmpty: true\n"}, "groups/x.yaml:4 allowEmpty"),
    ],
    ids=lambda value: value.partition(" ")[2] if isinstance(value, str) else "",
)
def test_what_this_release_does_not_carry_out_is_refused_by_name(tmp_path: Path, files: dict[str, str], place: str):
    assert refuse(tmp_path, files) == [f"{place}: {UNSUPPORTED}"]


@pytest.mark.parametrize(
    ("days", "subjects"),
    [pytest.param(0, {"u1", "u2"}, id="on the last day"), pytest.param(1, set(), id="a day later")],
)
def test_an_approval_counts_until_it_expires(tmp_path: Path, days: int, subjects: set[str]):
    write_files(tmp_path, {"approvals/november": APPROVAL})

    assert approved_subjects(tmp_path / "approvals", TODAY + timedelta(days=days)) == subjects


def test_approvals_add_up_and_a_folder_without_any_approves_nobody(tmp_path: Path):
    other = APPROVAL.replace("[u1, u2]", "[u3]")
    write_files(tmp_path, {"approvals/a": APPROVAL, "approvals/b": other})

    assert approved_subjects(tmp_path / "approvals", TODAY) == {"u1", "u2", "u3"}
    assert approved_subjects(tmp_path / "none", TODAY) == frozenset()


def test_one_bad_approval_approves_nothing_and_all_faults_are_told(tmp_path: Path):
    write_files(
        tmp_path,
        {
            "approvals/a": APPROVAL,
            "approvals/b": "=======\n",
            "approvals/c": "subjects: []\nreason: x\nexpires: soon\n",
        },
    )

    with pytest.raises(DeclarationError) as refusal:
        approved_subjects(tmp_path / "approvals", TODAY)
    assert faults_of(tmp_path, refusal.value) == [
        "approvals/b.yaml:1 a merge conflict is not resolved",
        "approvals/c.yaml:1 subjects: Tuple should have at least 1 item after validation, not 0",
        "approvals/c.yaml:3 expires: should be a valid date in the format YYYY-MM-DD, input is too short, not 'soon'",
    ]


@pytest.mark.parametrize("name", sorted(declaration_schemas()))
def test_the_schema_of_each_kind_of_file_is_valid_and_the_committed_one(name: str):
    schema = declaration_schemas()[name]

    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")) == schema


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        pytest.param({"name": "X", "members": []}, True, id="nobody"),
        pytest.param({"name": "X", "members": None}, False, id="null"),
        pytest.param({"name": "X", "colour": "red"}, False, id="an unknown part"),
    ],
)
def test_an_editor_that_has_the_schema_refuses_what_we_refuse(value: dict, *, is_valid: bool):
    assert jsonschema.Draft202012Validator(declaration_schemas()["group"]).is_valid(value) is is_valid


def licenses(*lines: str) -> str:
    """Return an access file with more lines in its licenses block; the first of them is line 3."""
    return ACCESS.replace("]\n", "]\n" + "".join(f"  {line}\n" for line in lines), 1)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        pytest.param(
            ["reserve: {gold: 1}"],
            "access.yaml:3 licenses.reserve.gold: "
            "'gold' is not one of professional, analyzer (licenses.order in access.yaml)",
            id="a reserve of a type that is not ordered",
        ),
        pytest.param(
            ["overage: {gold: 1}"],
            "access.yaml:3 licenses.overage.gold: "
            "'gold' is not one of professional, analyzer (licenses.order in access.yaml)",
            id="an overage of a type that is not ordered",
        ),
        pytest.param(
            ["baseline: gold"],
            "access.yaml:3 licenses.baseline: "
            "'gold' is not one of professional, analyzer, none (licenses.order in access.yaml)",
            id="a baseline that is not ordered",
        ),
        pytest.param(
            ["shortage: waitlist", "priority: [finance, sales]"],
            "access.yaml:4 licenses.priority[1]: 'sales' is no group of this stack",
            id="a priority of no group",
        ),
        pytest.param(
            ["shortage: waitlist", "priority: [finance, finance]"],
            "access.yaml:4 licenses.priority[1]: is named twice",
            id="a priority named twice",
        ),
        pytest.param(
            ["priority: [finance]"],
            "access.yaml:3 licenses.priority: counts only among people who wait; say shortage: waitlist",
            id="a priority where nobody waits",
        ),
    ],
)
def test_a_licenses_block_that_contradicts_itself_is_refused(tmp_path: Path, lines: list[str], fault: str):
    assert refuse(tmp_path, {"access": licenses(*lines), "groups/finance": FINANCE}) == [fault]


@pytest.mark.parametrize(
    ("baseline", "license", "faults"),
    [
        pytest.param("professional", "analyzer", 1, id="less than the baseline"),
        pytest.param("analyzer", "analyzer", 0, id="just the baseline"),
        pytest.param("analyzer", "professional", 0, id="more than the baseline"),
        pytest.param("professional", "capacity", 0, id="minutes"),
    ],
)
def test_a_group_that_gives_less_than_everybody_holds_is_refused(
    tmp_path: Path, baseline: str, license: str, faults: int
):
    files = {
        "access": licenses(f"baseline: {baseline}"),
        "groups/x": FINANCE.replace("license: professional", f"license: {license}"),
    }
    fault = "groups/x.yaml:2 license: analyzer is less than the baseline professional, which everybody holds"

    if faults:
        assert refuse(tmp_path, files) == [fault]
    else:
        assert load(tmp_path, files).access.licenses.baseline == baseline


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        pytest.param("groups/x", "name: X\nlicense: capacity\nmembers: []\n", "x.yaml:2 license", id="a group"),
        pytest.param(
            "people", "a@contoso.test:\n  license: capacity\n", ".yaml:2 a@contoso.test.license", id="a person"
        ),
    ],
)
def test_minutes_need_a_licenses_block_as_types_do(tmp_path: Path, file: str, text: str, place: str):
    assert load(tmp_path, {file: text}).access.licenses
    (fault,) = refuse(tmp_path, {file: text, "access": "subject: {from: mail}\n"})
    assert fault.endswith(f"{place}: 'capacity' needs a licenses block in access.yaml")


def test_what_a_tenant_is_told_to_hand_out_has_its_own_names(tmp_path: Path):
    given = "  autoAssign: {analyzer: true}\n  autoAssignRoles: {DataServicesContributor: false}\n"

    licenses = load(tmp_path, {"access": ACCESS.replace("]\n", f"]\n{given}", 1)}).access.licenses

    assert licenses.tenant_settings() == {
        "autoAssignAnalyzer": True,
        "autoAssignDataServicesContributorRoleToProfessionals": False,
    }


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("{from: tenant}", "from: tenant needs newcomers: objectId or skip"),
        ("{from: mail, newcomers: skip}", "newcomers counts only with from: tenant"),
        ("{from: tenant, newcomers: skip, realm: C}", "newcomers: skip gives them none"),
        ("{from: tenant, newcomers: skip, previously: {from: mail}}", "previously does not go with from: tenant"),
        ("{from: mail, previously: {from: tenant}}", "Input should be"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_a_fault(tmp_path: Path, subject: str, reason: str):
    (fault,) = refuse(tmp_path, {"access": f"subject: {subject}\n"})

    assert fault.startswith("access.yaml:1 subject")
    assert reason in fault or "should be" in fault


@pytest.mark.parametrize(
    "subject",
    [
        "{from: tenant, newcomers: skip}",
        "{from: tenant, newcomers: objectId, realm: CONTOSO}",
        "{from: objectId, previously: {from: mail, realm: CONTOSO}}",
    ],
)
def test_a_mapping_says_where_subjects_come_from_and_came_from(tmp_path: Path, subject: str):
    assert load(tmp_path, {"access": f"subject: {subject}\n"}).access.subject


def test_a_webhook_of_joiners_needs_an_address_and_nothing_else(tmp_path: Path):
    access = load(
        tmp_path, {"access": f"{ACCESS}joiners: {{webhook: {{url: 'https://hooks.contoso.test/qlik'}}}}\n"}
    ).access

    webhook = access.joiners.webhook
    assert (webhook.url, webhook.name, webhook.enabled, webhook.retry) == (
        "https://hooks.contoso.test/qlik", None, True, "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("webhook", "where"),
    [
        ("{}", "joiners.webhook.url: is missing"),
        ("{url: http://hooks.contoso.test}", "joiners.webhook.url: "),
        ("{url: hooks.contoso.test}", "joiners.webhook.url: "),
        ("{url: 'https://key@hooks.contoso.test'}", "joiners.webhook.url: "),
        ("{url: 'https://hooks.contoso.test/a b'}", "joiners.webhook.url: "),
        ("{url: 'https://hooks.contoso.test', name: 'a; b'}", "joiners.webhook.name: "),
        ("{url: 'https://hooks.contoso.test', secret: in-git}", "joiners.webhook.secret: is not known here"),
        ("{url: 'https://hooks.contoso.test', enabled: null}", "joiners.webhook.enabled: null is no value"),
    ],
)
def test_a_webhook_that_cannot_be_is_a_fault_at_its_place(tmp_path: Path, webhook: str, where: str):
    (fault,) = refuse(tmp_path, {"access": f"{ACCESS}joiners:\n  webhook: {webhook}\n"})

    assert fault.startswith("access.yaml:")
    assert where in fault
