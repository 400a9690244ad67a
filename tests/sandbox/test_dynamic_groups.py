"""Dynamic groups: which rules are understood, whom they take, and when."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import NESTED, READERS, WORLD, directory_token, person

from sandbox.directory.membership_rules import read_rule
from sandbox.directory.rule_properties import Subject
from sandbox.directory.rule_tokens import RuleError

DELAY = 600
ROLES = ["Group.ReadWrite.All", "User.ReadWrite.All"]
EXTENSION = "extension_0123456789abcdef0123456789abcdef_costCentre"
PEOPLE = [
    {"department": "Sales", "jobTitle": "SDE II", "city": "Lagos", "mail": "ana@contoso.test"},
    {"department": "sales", "jobTitle": "Lead", "otherMails": ["a@fabrikam.test", "b@contoso.test"]},
    {"department": "Finance", "accountEnabled": False, "proxyAddresses": ["SMTP:cai@contoso.test"]},
    {
        "onPremisesExtensionAttributes": {"extensionAttribute15": "Marketing"},
        "employeeHireDate": "2026-10-01T00:00:00Z",
    },
    {"userType": "Guest", EXTENSION: "123", "department": 'The "A" team', "manager": person(0)},
]
NAMES = ["Ana", "Bo", "Cai", "Dee", "Eve"]
EVERYBODY = frozenset(NAMES)
MEMBER_OF = f"user.memberof -any (group.objectId -in ['{NESTED}'])"


def world(delay=0.0, groups=()):
    users = [
        {
            "id": person(n),
            "displayName": NAMES[n],
            "userPrincipalName": f"{NAMES[n].lower()}@contoso.test",
            "mailNickname": NAMES[n].lower(),
            **PEOPLE[n],
        }
        for n in range(len(NAMES))
    ]
    clients = [client | {"roles": ROLES} for client in WORLD["directory"]["clients"]]
    static = {"id": NESTED, "displayName": "Static", "mailNickname": "static", "members": [person(1), person(3)]}
    directory = {"users": users, "groups": [static, *groups], "timing": {"dynamicDelay": delay}, "clients": clients}
    return WORLD | {"directory": WORLD["directory"] | directory}


def body_of(rule, name="Dynamic"):
    return {
        "displayName": name,
        "mailNickname": name.lower(),
        "mailEnabled": False,
        "securityEnabled": True,
        "groupTypes": ["DynamicMembership"],
        "membershipRule": rule,
        "membershipRuleProcessingState": "On",
    }


@pytest.fixture
def begin(control, graph_connection):
    """Start from a world with a delay, and return Graph."""

    def start(delay=0.0, groups=()):
        control.put("/_sandbox/world", json=world(delay, groups)).raise_for_status()
        graph_connection.headers["Authorization"] = f"Bearer {directory_token(control)}"
        return graph_connection

    return start


def create(graph, rule):
    return graph.post("/beta/groups", json=body_of(rule)).raise_for_status().json()["id"]


def members(graph, group):
    rows = graph.get(f"/beta/groups/{group}/members").raise_for_status().json()["value"]
    return {row["displayName"] for row in rows}


def status(graph, group):
    answer = graph.get(f"/beta/groups/{group}?$select=id,membershipRuleProcessingStatus")
    return answer.raise_for_status().json()["membershipRuleProcessingStatus"]


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('user.department -eq "Sales"', {"Ana", "Bo"}),
        ("user.department -eq 'Sales'", {"Ana", "Bo"}),
        ('user.department eq "Sales"', {"Ana", "Bo"}),
        ('user.department -ne "Sales"', {"Cai", "Dee", "Eve"}),
        ("user.department -eq null", {"Dee"}),
        ("user.department -ne null", {"Ana", "Bo", "Cai", "Eve"}),
        ('user.department -eq "null"', set()),
        ('(user.department -eq "Sales") -and -not (user.jobTitle -startsWith "SDE")', {"Bo"}),
        ('user.department -eq "Finance" -or user.department -eq "Sales" -and user.city -eq "Lagos"', {"Ana", "Cai"}),
        ('(user.department -eq "Finance" -or user.department -eq "Sales") -and user.city -eq "Lagos"', {"Ana"}),
        ("user.accountEnabled -eq true", {"Ana", "Bo", "Dee", "Eve"}),
        ("user.accountEnabled -ne true", {"Cai"}),
        ('user.department -contains "ale"', {"Ana", "Bo"}),
        ('user.department -notContains "ale"', {"Cai", "Dee", "Eve"}),
        ('user.jobTitle -startsWith "sde"', {"Ana"}),
        ('user.jobTitle -notStartsWith "sde"', EVERYBODY - {"Ana"}),
        ('user.mail -endsWith "@CONTOSO.test"', {"Ana"}),
        ('user.mail -notEndsWith "@contoso.test"', EVERYBODY - {"Ana"}),
        ('user.displayName -match "^[ab]"', {"Ana", "Bo"}),
        ('user.city -match "ago"', {"Ana"}),
        ('user.city -notMatch "ago"', EVERYBODY - {"Ana"}),
        ('user.department -in ["Sales", "Finance"]', {"Ana", "Bo", "Cai"}),
        ('user.department -notIn ["Sales"]', {"Cai", "Dee", "Eve"}),
        ('user.extensionAttribute15 -eq "Marketing"', {"Dee"}),
        (f'user.{EXTENSION} -eq "123"', {"Eve"}),
        ('user.department -eq "The `"A`" team"', {"Eve"}),
        ('user.userType -eq "Guest"', {"Eve"}),
        ("user.objectId -ne null", EVERYBODY),
        ('(user.objectId -ne null) -and (user.userType -eq "Member")', EVERYBODY - {"Eve"}),
        ('user.proxyAddresses -any (_ -startsWith "smtp")', {"Cai"}),
        ('user.otherMails -all (_ -endsWith "@contoso.test")', EVERYBODY - {"Bo"}),
        ('user.otherMails -contains "fabrikam"', {"Bo"}),
        (MEMBER_OF, {"Bo", "Dee"}),
        (f'Direct Reports for "{person(0)}"', {"Eve"}),
        ("user.employeeHireDate -le 2026-10-15T00:00:00Z", {"Dee"}),
        ("user.employeehiredate -ge system.now -minus p60d", {"Dee"}),
        ("user.employeehiredate -ge system.now -plus p1d", set()),
    ],
)
def test_a_rule_takes_whom_it_describes(begin, rule, expected):
    graph = begin()

    assert members(graph, create(graph, rule)) == expected


@pytest.mark.parametrize(
    ("rule", "code", "words"),
    [
        ("accountEnabled -eq true", "InvalidObjectTypeException", "No object type"),
        ('user.teapot -eq "x"', "Request_BadRequest", "Wrong property applied"),
        ('user.assignedPlans -any (assignedPlan.service -eq "SCO")', "Request_BadRequest", "Wrong property applied"),
        ('device.deviceOSType -eq "iPad"', "Request_BadRequest", "Invalid object type"),
        ('user.department -like "x"', "Request_BadRequest", "Invalid operator found"),
        ("user.department -eq", "Request_BadRequest", "Invalid operands found"),
        ("user.department -eq Sales", "Request_BadRequest", "Invalid operands found"),
        ('user.department -eq "Sales', "Request_BadRequest", "Invalid characters found"),
        ('(user.department -eq "Sales"', "Request_BadRequest", "Mismatched parentheses"),
        ('user.department -eq "Sales")', "Request_BadRequest", "Invalid operator found"),
        ("user.department -not null", "Request_BadRequest", "Invalid operator found"),
        ('user.accountEnabled -contains "t"', "Request_BadRequest", "Invalid operator found"),
        ("user.accountEnabled -eq 1", "Request_BadRequest", "true or false"),
        ('user.department -any (_ -eq "x")', "Request_BadRequest", "Invalid operands found for operator -any"),
        ('user.displayName -match "("', "Request_BadRequest", "Invalid regular expression"),
        (f"{MEMBER_OF} -and user.city -eq 'x'", "Request_BadRequest", "memberOf"),
        ("user.memberof -any (group.displayName -in ['x'])", "Request_BadRequest", "Wrong property applied"),
        ("(" * 60 + 'user.city -eq "x"' + ")" * 60, "Request_BadRequest", "nested"),
        (f'user.city -eq "{"x" * 3072}"', "Request_BadRequest", "maximum length"),
    ],
)
def test_a_rule_graph_would_not_take_is_refused_in_its_words(begin, rule, code, words):
    graph = begin()
    answer = graph.post("/v1.0/groups", json=body_of(rule))
    error = answer.json()["error"]

    assert (answer.status_code, error["code"]) == (400, code)
    assert words in error["message"]
    assert len(graph.get("/v1.0/groups").json()["value"]) == 1


@pytest.mark.parametrize("state", ["Off", "", "paused"])
def test_a_processing_state_that_is_none_is_refused(begin, state):
    body = body_of('user.city -eq "x"') | {"membershipRuleProcessingState": state}

    assert begin().post("/v1.0/groups", json=body).status_code == 400


def test_a_rule_is_processed_after_the_delay_and_not_before(control, begin):
    graph = begin(DELAY)
    group = create(graph, 'user.department -eq "Sales"')
    seen = []
    for _ in range(3):
        seen.append((status(graph, group)["status"], members(graph, group)))
        advance(control, DELAY / 2 + 1)

    assert seen == [("NotStarted", set()), ("Running", set()), ("Succeeded", {"Ana", "Bo"})]


def test_the_status_is_of_beta_and_shown_to_who_asks_only(begin):
    graph = begin()
    group = create(graph, 'user.department -eq "Sales"')

    assert "membershipRuleProcessingStatus" not in graph.get(f"/beta/groups/{group}").json()
    assert graph.get(f"/v1.0/groups/{group}?$select=membershipRuleProcessingStatus").status_code == 400
    assert status(graph, NESTED) is None
    assert status(graph, group) == {
        "status": "Succeeded",
        "lastMembershipUpdated": status(graph, group)["lastMembershipUpdated"],
        "errorMessage": None,
    }


def test_members_follow_the_people_after_the_delay(control, begin):
    graph = begin(DELAY)
    group = create(graph, 'user.department -eq "Sales"')
    advance(control, DELAY)
    before = members(graph, group)
    graph.patch(f"/v1.0/users/{person(2)}", json={"department": "Sales"}).raise_for_status()
    graph.patch(f"/v1.0/users/{person(0)}", json={"department": "Finance"}).raise_for_status()
    soon = members(graph, group)
    advance(control, DELAY)

    assert (before, soon, members(graph, group)) == ({"Ana", "Bo"}, {"Ana", "Bo"}, {"Bo", "Cai"})


def test_what_counts_is_the_state_of_the_delay_ago(control, begin):
    graph = begin(DELAY)
    group = create(graph, 'user.department -eq "Sales"')
    advance(control, DELAY / 2)
    graph.patch(f"/v1.0/users/{person(0)}", json={"department": "Finance"}).raise_for_status()
    advance(control, DELAY / 2)
    first = members(graph, group)
    advance(control, DELAY / 2)

    assert (first, members(graph, group)) == ({"Ana", "Bo"}, {"Bo"})


def test_members_follow_the_rule_and_the_groups_it_names(control, begin):
    graph = begin()
    group = create(graph, MEMBER_OF)
    before = members(graph, group)
    control.post("/_sandbox/tamper", json={"do": "addMember", "group": "Static", "member": "cai@contoso.test"})
    control.post("/_sandbox/tamper", json={"do": "removeMember", "group": "Static", "member": "bo@contoso.test"})
    during = members(graph, group)
    graph.patch(f"/v1.0/groups/{group}", json={"membershipRule": 'user.city -eq "Lagos"'}).raise_for_status()

    assert (before, during, members(graph, group)) == ({"Bo", "Dee"}, {"Cai", "Dee"}, {"Ana"})


def test_a_deleted_person_leaves_and_a_new_one_comes(control, begin):
    graph = begin()
    group = create(graph, "user.objectId -ne null")
    before = members(graph, group)
    control.post("/_sandbox/tamper", json={"do": "deleteUser", "user": "ana@contoso.test"}).raise_for_status()
    new = {
        "accountEnabled": True,
        "displayName": "Fay",
        "mailNickname": "fay",
        "userPrincipalName": "fay@contoso.test",
        "passwordProfile": {"password": "Correct-Horse-1", "forceChangePasswordNextSignIn": False},
    }
    graph.post("/v1.0/users", json=new).raise_for_status()

    assert members(graph, group) == before - {"Ana"} | {"Fay"}


def test_a_paused_rule_changes_nothing_until_it_is_on_again(begin):
    graph = begin()
    group = create(graph, 'user.department -eq "Sales"')
    before = members(graph, group)
    graph.patch(f"/v1.0/groups/{group}", json={"membershipRuleProcessingState": "Paused"}).raise_for_status()
    graph.patch(f"/v1.0/users/{person(2)}", json={"department": "Sales"}).raise_for_status()
    during, state = members(graph, group), status(graph, group)
    graph.patch(f"/v1.0/groups/{group}", json={"membershipRuleProcessingState": "On"}).raise_for_status()

    assert (during, state) == (before, None)
    assert members(graph, group) == {"Ana", "Bo", "Cai"}


def test_members_of_a_dynamic_group_cannot_be_written(begin):
    graph = begin()
    group = create(graph, 'user.department -eq "Sales"')
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person(4)}"}

    assert graph.post(f"/v1.0/groups/{group}/members/$ref", json=reference).status_code == 400
    assert graph.delete(f"/v1.0/groups/{group}/members/{person(0)}/$ref").status_code == 400
    assert members(graph, group) == {"Ana", "Bo"}


def test_a_rule_of_the_world_that_is_none_fails_and_leaves_its_members(begin):
    broken = body_of("user.teapot -eq 1") | {"id": READERS, "members": [person(0)]}
    graph = begin(groups=[broken])

    assert members(graph, READERS) == {"Ana"}
    assert status(graph, READERS)["status"] == "Failed"
    assert "Wrong property applied" in status(graph, READERS)["errorMessage"]


def test_a_world_with_dynamic_groups_is_processed_and_survives_a_snapshot(control, begin):
    graph = begin(groups=[body_of('user.department -eq "Sales"') | {"id": READERS}])
    first = members(graph, READERS)
    taken = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=taken).raise_for_status()

    assert first == {"Ana", "Bo"}
    assert control.get("/_sandbox/world").json() == taken


def test_the_timing_can_be_moved_while_the_sandbox_runs(control, begin):
    begin(DELAY)
    answer = control.patch("/_sandbox/directory", json={"lagReads": 2})

    assert answer.json() == {"dynamicDelay": DELAY, "lagSeconds": 30, "lagReads": 2, "throttling": None}
    assert control.get("/_sandbox/directory").json() == answer.json()
    assert control.patch("/_sandbox/directory", json={"dynamicDelay": -1}).status_code == 400
    assert control.patch("/_sandbox/directory", json={"teapot": 1}).status_code == 400


# A rule as a tree, written down by one function and decided by another.
TEXTS = st.sampled_from(["", "Sales", "sales", "le", "a`b", 'q"q', "ß", "null"])
NAMES_OF = {"department": "department", "city": "city", "mobile": "mobilePhone"}
POSITIVE = ["startsWith", "endsWith", "contains"]
NEGATIVE = ["notStartsWith", "notEndsWith", "notContains"]
LEAVES = st.one_of(
    st.tuples(
        st.sampled_from(["eq", "ne", *POSITIVE, *NEGATIVE]),
        st.sampled_from(sorted(NAMES_OF)),
        TEXTS,
    ),
    st.tuples(st.sampled_from(["eq", "ne"]), st.sampled_from(sorted(NAMES_OF)), st.none()),
    st.tuples(st.sampled_from(["in", "notIn"]), st.sampled_from(sorted(NAMES_OF)), st.lists(TEXTS, min_size=1)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)),
    max_leaves=8,
)
RECORDS = st.fixed_dictionaries({name: st.none() | TEXTS for name in NAMES_OF.values()})


def quoted(text):
    return '"' + text.replace("`", "``").replace('"', '`"') + '"'


def written(tree):
    operator = tree[0]
    if operator == "not":
        return f"-not ({written(tree[1])})"
    if operator in {"and", "or"}:
        return f"({written(tree[1])} -{operator} {written(tree[2])})"
    value = tree[2]
    if value is None:
        shown = "null"
    elif isinstance(value, list):
        shown = f"[{', '.join(map(quoted, value))}]"
    else:
        shown = quoted(value)
    return f"user.{tree[1]} -{operator} {shown}"


def holds(tree, record):
    operator = tree[0]
    if operator == "not":
        return not holds(tree[1], record)
    if operator in {"and", "or"}:
        return (all if operator == "and" else any)(holds(part, record) for part in tree[1:])
    if operator == "ne" or operator.startswith("not"):
        positive = "eq" if operator == "ne" else operator[3].lower() + operator[4:]
        return not holds((positive, *tree[1:]), record)
    # A text that is empty is no text: the directory keeps it as null.
    value, wanted = record[NAMES_OF[tree[1]]] or None, tree[2]
    if wanted is None:
        return value is None
    if value is None:
        return False
    value = value.casefold()
    if operator == "in":
        return value in [item.casefold() for item in wanted]
    wanted = wanted.casefold()
    return {
        "eq": value == wanted,
        "startsWith": value.startswith(wanted),
        "endsWith": value.endswith(wanted),
        "contains": wanted in value,
    }[operator]


@given(tree=TREES, record=RECORDS)
def test_a_rule_decides_as_its_words_say(tree, record):
    assert read_rule(written(tree)).test(Subject(record)) is holds(tree, record), written(tree)


@given(st.text(alphabet="user.dpt-eqinany()[]\"'`_ 1§", max_size=60))
def test_any_text_is_a_rule_or_refused(text):
    with suppress(RuleError):
        assert read_rule(text).test(Subject({})) in {True, False}
