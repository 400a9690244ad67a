import pytest

from qlik_provider.people import Administrator, TenantSpace
from qlik_provider.rights import Right, explain_last_admin, find_space, find_space_faults, parse_right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("role:Steward", Right("role", "Steward")),
        ("role:Data: a/b", Right("role", "Data: a/b")),
        ("space:Finance EMEA/producer", Right("space", "Finance EMEA", "producer")),
        ("65f0/role:Steward", Right("role", "Steward", group="65f0")),
        ("65f0/space:Finance/consumer", Right("space", "Finance", "consumer", "65f0")),
    ],
)
def test_every_right_is_read_and_written_alike(text, right):
    assert parse_right(text) == right
    assert str(right) == text


@pytest.mark.parametrize("text", ["Steward", "role:", "space:Finance", "space:/producer", "share:x/y", ""])
def test_anything_else_is_no_right(text):
    with pytest.raises(ValueError, match="is not of the form"):
        parse_right(text)


HUMAN = Administrator("human", is_assigned=True)
BOT = Administrator("bot", is_bot=True, is_assigned=True)
BY_GROUP = Administrator("lea", groups=frozenset({"g1"}))


@pytest.mark.parametrize(
    ("administrators", "caller", "reason"),
    [
        pytest.param([HUMAN, BY_GROUP], "bot", None, id="somebody has it assigned"),
        pytest.param([BY_GROUP, Administrator("moe", groups=frozenset({"g2"}))], "bot", None, id="by another group"),
        pytest.param([BY_GROUP, Administrator("moe", groups=frozenset({"g1", "g2"}))], "bot", None, id="by two groups"),
        pytest.param([BY_GROUP], "bot", "nobody who logs in", id="by this group only"),
        pytest.param([BY_GROUP, BOT], "bot", "nobody who logs in", id="a bot does not count"),
        pytest.param([], "bot", "nobody who logs in", id="nobody is shown"),
        pytest.param([HUMAN, BY_GROUP], "lea", "this run itself", id="the running identity"),
        pytest.param([HUMAN, BY_GROUP], "human", None, id="the running identity has it assigned"),
    ],
)
def test_the_last_group_that_gives_tenant_admin_keeps_it(administrators, caller, reason):
    told = explain_last_admin("g1", administrators, caller)

    assert (told is None) if reason is None else (reason in told)


FINANCE = TenantSpace("s1", "Finance", "shared", frozenset({"consumer", "producer"}))
TWINS = [TenantSpace("s2", "Twin"), TenantSpace("s3", "Twin")]


def test_a_space_is_found_by_id_before_name():
    named_like_an_id = TenantSpace("s9", "s1")

    assert find_space("Finance", [FINANCE, *TWINS]) == FINANCE
    assert find_space("s1", [named_like_an_id, FINANCE]) == FINANCE


@pytest.mark.parametrize(
    ("declared", "faults"),
    [
        pytest.param({"Finance": ["producer"]}, {}, id="as it should be"),
        pytest.param(
            {"finance": ["producer"]},
            {"finance": "'finance' is no space that this caller can see; it sees Finance, Twin, Twin (case counts)"},
            id="case counts",
        ),
        pytest.param(
            {"Twin": ["producer"]},
            {"Twin": "'Twin' is the name of 2 spaces: s2, s3; write the id instead"},
            id="a name twice",
        ),
        pytest.param(
            {"s2": ["producer"]},
            {"s2": "this caller may assign no roles in the space 's2'; give it TenantAdmin, or manage there"},
            id="not managed by the caller",
        ),
        pytest.param(
            {"Finance": ["producer", "publisher", "x"]},
            {"Finance": "publisher, x cannot be assigned in the shared space 'Finance'; it has consumer, producer"},
            id="roles of another type of space",
        ),
        pytest.param(
            {"Finance": ["producer"], "s1": ["consumer"]},
            {"s1": "'s1' and 'Finance' are one space; name it once"},
            id="by name and by id",
        ),
    ],
)
def test_a_space_whose_roles_cannot_be_assigned_is_a_fault(declared, faults):
    assert dict(find_space_faults(declared, [FINANCE, *TWINS])) == faults


def test_a_caller_that_sees_no_space_is_told_so():
    assert "it sees none" in str(find_space("Finance", []))
