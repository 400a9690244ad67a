"""Rows that nothing explains: named where somebody may have to act, never owned, never a reason to fail."""

from datetime import UTC, datetime

import pytest
from client.worlds import ANA, BO, CY, make_world, outputs_of, people

from qlik_provider.entitlements import Assignment
from qlik_provider.foreign import newest_beyond

AUDITS = "GET /api/v1/audits"
ORPHANS = "held by users of this tenant whom no group explains"
GIVEN = "given by this client, not recorded and not declared"


def row(subject, day, type="analyzer"):
    return Assignment(subject, type, created=datetime(2026, 11, day, tzinfo=UTC))


@pytest.mark.parametrize(
    ("known", "found"),
    [({"analyzer": 2}, ["new"]), ({"analyzer": 1}, ["new", "mid"]), ({"analyzer": 9}, []), ({}, ["new", "mid", "old"])],
)
def test_of_rows_beyond_the_known_ones_the_newest_are_looked_at(known, found):
    rows = [row("old", 1), row("new", 3), row("mid", 2), row("other", 9, "professional")]
    known = {"professional": 1, **known}

    assert [r.subject for r in newest_beyond(rows, known, {"analyzer": 3, "professional": 1})] == found


@pytest.fixture
def give(open_client, sandbox):
    """Give seats as a caller, past every record."""

    def give(*subjects, **environment):
        with open_client(sandbox.url, **environment).writing() as writer:
            writer.add([{"subject": subject, "type": "analyzer"} for subject in subjects])

    return give


@pytest.fixture
def killed(provider, sandbox, seats, give):
    """The outputs of a run after which another one gave BO a seat and was killed, while Maria gave CY one."""
    inputs = seats({ANA: "analyzer via finance"})
    give(ANA)
    outputs = {**outputs_of(inputs), "seats": {"analyzer": "1 of 1000", "professional": "0 of 1000"}}
    give(BO)
    sandbox.control.post("/tamper", json={"do": "assign", "subject": CY, "type": "analyzer"}).raise_for_status()
    sandbox.forget()
    return inputs, outputs


def test_what_an_interrupted_run_gave_is_named_and_left_alone(sandbox, provider, killed, asked):
    inputs, outputs = killed

    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"

    (said,) = provider.engine.heard(GIVEN)
    assert BO in said
    assert CY not in said
    assert asked("qlik").count(AUDITS) == 1
    updated = provider.update(outputs, inputs)
    assert updated["assignments"] == inputs["assignments"]
    assert updated["foreign"] == {"analyzer": 2.0}
    assert sandbox.rows() == dict.fromkeys([ANA, BO, CY], "analyzer")


def test_what_an_interrupted_run_gave_is_this_stacks_again_once_it_is_declared(provider, killed, seats, asked):
    _, outputs = killed
    inputs = seats({ANA: "analyzer via finance", BO: "analyzer via finance"})

    updated = provider.update(outputs, inputs)

    assert set(updated["assignments"]) == {ANA, BO}
    assert provider.engine.heard(GIVEN) == []
    assert asked("qlik", writes=True) == []


def test_what_another_caller_gave_is_not_named(provider, seats, give):
    give(BO, QLIK_API_KEY="sandbox-api-key")
    outputs = {**outputs_of(seats({})), "seats": {"analyzer": "0 of 1000"}}

    provider.check(seats({}), seats({}))
    provider.diff(outputs, seats({}))

    assert provider.engine.heard(GIVEN) == []


def test_without_news_nobody_is_asked(sandbox, provider, seats, asked):
    sandbox.load(make_world(dict.fromkeys(people(5), "analyzer"), users=5))
    inputs = seats({ANA: "analyzer via finance"})
    outputs = {**outputs_of(inputs), "foreign": {"analyzer": 4}}

    provider.check(inputs, inputs)
    provider.diff(outputs, inputs)

    assert sorted(asked("qlik")) == [
        "GET /api/v1/licenses/assignments",
        "GET /api/v1/licenses/overview",
        "GET /api/v1/tenants/me",
        "POST /oauth/token",
    ]


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 404}, {"kind": "empty-200"}], ids=str)
@pytest.mark.parametrize("path", ["/audits$", "/users/me$"])
def test_audits_that_cannot_be_read_are_told_and_stop_nothing(provider, killed, expect, path, fault):
    inputs, outputs = killed
    expect(path, count=9, **fault)

    provider.check(inputs, inputs)

    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    (said,) = provider.engine.heard("which of the 2 rows of others are worth a look is not known")
    assert said.startswith("WARNING")


def test_a_first_run_names_the_users_of_this_tenant_whom_no_group_explains(sandbox, provider, seats, asked):
    sandbox.load(make_world({ANA: "analyzer", BO: "analyzer", "fabrikam\\joe": "professional"}, users=2))

    provider.check({}, seats({ANA: "analyzer via finance"}))

    (said,) = provider.engine.heard(ORPHANS)
    assert said.startswith("WARNING license-assignments: 1 held by users")
    assert BO in said
    assert asked("qlik").count(AUDITS) == 0
    document = (provider.plans / "license-assignments.json").read_text()
    assert BO in document
    assert "fabrikam" not in document
