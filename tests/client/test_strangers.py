"""How people get in and who is in for no reason: read from both services, as far as this caller may."""

import csv
import io
import json

import pytest
from client.worlds import ANA, BO, CY, mail_of, make_world
from typer.testing import CliRunner

from qlik_provider.cli import app
from qlik_provider.meaning import read_sign_in

APPLICATION, OTHER, STAFF = (f"5555555{number}-5555-4555-8555-555555555555" for number in (1, 2, 3))
PATH = f"/v1.0/servicePrincipals/{APPLICATION}/appRoleAssignedTo"
PROVIDERS = "/api/v1/identity-providers"


def world(*, required=False, assigned=(STAFF, BO), applications=1, roles=("Application.Read.All",), **tenant) -> dict:
    made = make_world(
        {CY: "analyzer"},
        directory=3,
        tenant={
            "users": [
                {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
                {"subject": ANA, "name": "Ana", "email": mail_of(ANA)},
                {"subject": CY, "name": "=cmd()", "email": mail_of(CY)},
                {"subject": "fabrikam\\joe", "name": "Joe [red]Doe", "status": "invited"},
            ],
            "identityProviders": [{"id": "p1", "description": "Contoso"}, {"id": "p2", "active": False}],
            **tenant,
        },
    )
    principals = [APPLICATION, OTHER][:applications]
    made["directory"]["clients"][0]["roles"] += roles
    made["directory"] |= {
        "groups": [{"id": STAFF, "displayName": "Staff", "mailNickname": "staff", "members": [ANA]}],
        "applications": [{"id": f"7{id[1:]}", "appId": f"8{id[1:]}", "displayName": "Qlik's"} for id in principals],
        "servicePrincipals": [
            {"id": id, "appId": f"8{id[1:]}", "displayName": "Qlik's", "appRoleAssignmentRequired": required}
            for id in principals
        ],
        "appRoleAssignments": [
            {"id": f"assignment{place}", "principalId": who, "resourceId": APPLICATION}
            for place, who in enumerate(assigned)
        ],
    }
    return made


@pytest.fixture
def stack(tmp_path):
    """A stack that gives something to Ana, and to Bo, who has never logged in."""
    folder = tmp_path / "dev"
    (folder / "groups").mkdir(parents=True)
    group = f"name: BI\nlicense: analyzer\nmembers: [{mail_of(ANA)}, {mail_of(BO)}]\n"
    (folder / "groups" / "readers.yaml").write_text(group)
    access = 'licenses: {order: [analyzer]}\nsubject: {from: objectId}\nsignIn: {application: "Qlik\'s"}\n'
    (folder / "access.yaml").write_text(access)
    return folder


def report(*arguments: object, exit: int = 0) -> str:
    done = CliRunner().invoke(app, ["report", *map(str, arguments)])
    assert done.exit_code == exit, done.output
    assert "Traceback" not in done.output
    return done.stdout if exit == 0 else done.output


@pytest.mark.parametrize("name", ["Qlik's", "qlik'S", f"8{APPLICATION[1:]}", f"8{APPLICATION[1:]}".upper()])
def test_an_application_is_found_by_name_and_by_client_id_with_whoever_is_assigned(
    sandbox, tenant, directory, name, asked
):
    sandbox.load(world(required=True))

    read = read_sign_in(tenant, directory, name)

    assert (read.application.id, read.application.is_assignment_required) == (APPLICATION, True)
    assert read.assigned == {ANA, BO}, "by a group, and by oneself"
    assert [(provider.name, provider.is_active, provider.creates_users) for provider in read.providers] == [
        ("azureAD OIDC Contoso", True, True),
        ("azureAD OIDC", False, True),
    ]
    assert (read.unread, read.faults, asked(writes=True)) == ((), (), [])


def test_without_an_application_the_directory_is_not_asked(sandbox, tenant, directory, asked):
    sandbox.load(world(roles=()))

    assert read_sign_in(tenant, directory, None).application is None
    assert [call for call in asked("graph") if "servicePrincipals" in call] == []


@pytest.mark.parametrize(
    ("applications", "name", "fault"),
    [
        (1, "Qlik", "'Qlik' is no enterprise application of the directory"),
        (1, CY, f"'{CY}' is no enterprise application of the directory"),
        (2, "Qlik's", f"is the name of 2 applications: {APPLICATION}, {OTHER}; write the client id"),
    ],
)
def test_a_name_that_is_not_one_application_is_a_fault(sandbox, tenant, directory, applications, name, fault):
    sandbox.load(world(applications=applications))

    (told,) = read_sign_in(tenant, directory, name).faults

    assert fault in told


@pytest.mark.parametrize(
    ("path", "fault", "says"),
    [
        (PROVIDERS, {"status": 403}, "whether logins create users is not known: "),
        ("/v1.0/servicePrincipals$", {"status": 403}, "grant it the application permission Application.Read.All"),
        (PATH, {"status": 403}, f"{PATH} is forbidden to this client"),
        (f"/groups/{STAFF}/members", {"status": 403}, "grant it the application permission GroupMember.Read.All"),
        (PATH, {"status": 200, "body": {"value": 7}}, 'who may sign in to "Qlik\'s" is not known'),
    ],
)
def test_what_may_not_be_read_is_named_and_stops_nothing(sandbox, tenant, directory, expect, path, fault, says):
    sandbox.load(world())
    expect(path, count=99, **fault)

    (told,) = read_sign_in(tenant, directory, "Qlik's").unread

    assert says in told


def test_a_group_that_was_deleted_assigns_nobody(sandbox, tenant, directory, expect):
    sandbox.load(world())
    expect(f"/groups/{STAFF}/members", status=404)

    assert read_sign_in(tenant, directory, "Qlik's").assigned == {BO}


def test_the_report_lists_everybody_and_what_lets_them_in(sandbox, stack, asked):
    sandbox.load(world(assigned=(STAFF,)))

    text = report(stack)

    assert text.splitlines()[:4] == [
        f"{CY}  =cmd()  {mail_of(CY)}  active  analyzer",
        "auth0|admin  Admin  active",
        "fabrikam\\joe  Joe [red]Doe  invited",
        "3 of 4 users of the tenant are in no group and no exception of this stack",
    ]
    assert "createNewUsersOnLogin is on" in text
    assert f"first assign 1 person of this stack, who would be locked out: {mail_of(BO)}" in text
    assert asked(writes=True) == []


def test_the_report_is_csv_that_no_spreadsheet_runs_and_json(sandbox, stack):
    sandbox.load(world())

    rows = list(csv.DictReader(io.StringIO(report(stack, "--csv"))))
    document = json.loads(report(stack, "--json", "--unexplained"))

    assert [row["subject"] for row in rows] == [CY, "auth0|admin", "fabrikam\\joe"]
    assert (rows[0]["name"], rows[0]["license"]) == ("'=cmd()", "analyzer")
    assert document["unexplained"][0] == {
        "subject": CY,
        "name": "=cmd()",
        "email": mail_of(CY),
        "status": "active",
        "license": "analyzer",
    }
    assert (document["version"], document["total"], document["doubt"], len(document["remarks"])) == (1, 4, {}, 2)


def test_the_report_tells_what_is_in_doubt_and_a_wrong_application(sandbox, stack):
    sandbox.load(world())
    (stack / "groups" / "sales.yaml").write_text("existing: {name: Sales}\nlicense: analyzer\n")
    access = (stack / "access.yaml").read_text().replace("Qlik's", "Qlick")
    (stack / "access.yaml").write_text(access)

    text = report(stack)

    assert "in doubt, so some may be theirs: sales: no group is named 'Sales'" in text
    assert "access.yaml:3 signIn.application: 'Qlick' is no enterprise application" in text


def test_a_report_that_cannot_be_made_says_why_in_one_line(sandbox, stack, tmp_path, expect):
    sandbox.load(world())

    assert "do not go together" in report(stack, "--csv", "--json", exit=2)
    assert "is missing: a stack begins with its access.yaml" in report(tmp_path / "none", exit=1)
    expect("/api/v1/users$", kind="truncated-page", count=99)
    assert report(stack, exit=1).startswith("error: ")
