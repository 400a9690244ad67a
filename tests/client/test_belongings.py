"""What users own, read whole or not believed; and each thing on its way to somebody else."""

from math import ceil

import pytest
from client.worlds import make_world, people

from qlik_provider.belongings import Inventory, list_belongings
from qlik_provider.errors import AnswerLost, ApiError, CredentialsError, EngineGone, Forbidden, UnsafePlan
from qlik_provider.owned import WAYS, Belonging, Belongings
from qlik_provider.pace import BURST, Timing
from qlik_provider.transfers import hand_over, is_handed_over, transfer

ANA, BO, CY = people(3)
OWNER, STEWARD, OTHER = "ana0", "bo00", "cy00"
SALES = "5a1e50000000000000000001"

# Of every kind one in a space or a folder where it can be, and one in the personal space of its owner.
CONTENT = {
    "spaces": [
        {"id": SALES, "name": "Sales", "ownerId": OTHER},
        {"id": "a771c0000000000000000001", "name": "Attic", "ownerId": OWNER},
    ],
    "apps": [
        {"id": "0a000000-0000-4000-8000-000000000001", "name": "Budget", "ownerId": OWNER, "spaceId": SALES},
        {"id": "0a000000-0000-4000-8000-000000000002", "name": "Diary", "ownerId": OWNER},
        {"id": "0a000000-0000-4000-8000-000000000003", "name": "Essay", "ownerId": OTHER},
    ],
    "dataConnections": [
        {"id": "c1", "name": "Books", "ownerId": OWNER, "spaceId": SALES, "credentials": "secret-1"},
        {"id": "c2", "name": "Notes", "ownerId": OWNER},
        {"id": "c3", "name": "Cellar", "ownerId": OTHER},
    ],
    "dataFiles": [
        {"id": "f1", "name": "rows.csv", "ownerId": OWNER},
        {"id": "f2", "name": "old", "ownerId": OWNER, "folder": True},
        {"id": "f3", "name": "inner.csv", "ownerId": OWNER, "folderId": "f2"},
        {"id": "f4", "name": "of an app.qvd", "ownerId": OWNER, "appId": "Budget"},
    ],
    "automations": [
        {"id": "w1", "name": "Nightly", "ownerId": OWNER},
        {"id": "w2", "name": "Weekly", "ownerId": OTHER},
    ],
    "automationConnections": [{"id": "k1", "name": "Mail", "ownerId": OWNER}],
    "sharingTasks": [{"id": "t1", "name": "Report", "ownerId": OWNER, "appId": "Budget", "recipients": [OTHER]}],
    "dataAlerts": [{"id": "d1", "name": "Low", "ownerId": OWNER, "appId": "Budget", "recipients": [OTHER]}],
    "glossaries": [{"id": "g1", "name": "Words", "ownerId": OWNER, "spaceId": SALES}],
}
STUCK = {
    "reloadTasks": [{"id": "e1", "name": "Morning", "ownerId": OWNER, "appId": "Budget"}],
    "webhooks": [{"id": "h1", "name": "Hook", "url": "https://contoso.test/hook", "ownerId": OWNER}],
    "items": [{"id": "i1", "name": "Table", "ownerId": OWNER, "resourceType": "dataset"}],
}
KEYS = [
    {"token": "ana-key", "id": "key1", "subject": ANA, "description": "Excel"},
    {"token": "ana-old-key", "id": "key2", "subject": ANA, "status": "revoked"},
]
SCIM_KEY = {"token": "scim", "id": "key3", "subject": "SCIM\\idp1", "subType": "externalClient", "createdBy": OWNER}
MOVABLE = [
    ("app", "Budget"), ("app", "Diary"), ("space", "Attic"), ("data-connection", "Books"), ("data-connection", "Notes"),
    ("data-file", "of an app.qvd"), ("data-file", "old"), ("data-file", "rows.csv"), ("data-file", "old/inner.csv"),
    ("automation", "Nightly"), ("automation-connection", "Mail"), ("sharing-task", "Report"), ("data-alert", "Low"),
    ("glossary", "Words"), ("api-key", "Excel"),
]  # fmt: skip


def owners_world(content=CONTENT, *, keys=(), scopes=("admin_classic",), **switches):
    base = make_world(scopes=scopes, **{"glossary_owner_patch": "accepted", **switches})
    tenant = base["tenant"]
    tenant["users"] = [
        {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
        *({"id": id, "subject": who, "name": id} for id, who in ((OWNER, ANA), (STEWARD, BO), (OTHER, CY))),
    ]
    tenant["apiKeys"] = [*tenant["apiKeys"], *keys]
    return {**base, "tenant": {**tenant, **content}}


def ignore(done: int, total: int) -> None:
    pass


def names(found: Belongings) -> list[tuple[str, str]]:
    return [(item.kind, item.name) for item in found.items]


def find(client, kind: str) -> Belonging:
    return next(item for item in list_belongings(client, OWNER).items if item.kind == kind)


@pytest.fixture
def owners(sandbox):
    """The owner of everything that has one, by kind and id."""

    def owners() -> dict[str, str]:
        tenant = sandbox.snapshot()["tenant"]
        return {
            thing["id"]: thing["ownerId"]
            for part in tenant.values()
            if isinstance(part, list)
            for thing in part
            if isinstance(thing, dict) and "ownerId" in thing
        }

    return owners


# Reading.


@pytest.mark.parametrize("is_proof", [False, True])
def test_of_everything_a_user_owns_each_thing_is_found_once_in_the_order_of_handing_over(sandbox, client, is_proof):
    sandbox.load(owners_world({**CONTENT, **STUCK}, keys=KEYS))

    found = list_belongings(client, OWNER, is_proof=is_proof)

    stuck = [("dataset", "Table"), ("reload-task", CONTENT["apps"][0]["id"]), ("webhook", "Hook")]
    assert names(found) == [*MOVABLE, *stuck]
    assert found.unknown == ()
    assert [(item.kind, item.name) for item in found.movable] == MOVABLE
    assert [line.partition(":")[0] for line in found.obstacles] == [f"{kind} {name!r}" for kind, name in stuck]
    assert {item.owner for item in found.items} == {OWNER}
    assert {item.name: item.place for item in found.items if item.kind == "app"} == {"Budget": SALES, "Diary": ""}


def test_nothing_of_others_and_nobodys_is_a_users(sandbox, client):
    sandbox.load(owners_world())

    assert list_belongings(client, STEWARD) == Belongings()
    assert list_belongings(client, "nobody").is_nothing()


def test_a_service_that_does_not_know_the_filter_gives_nobody_what_is_anothers(sandbox, client, expect):
    sandbox.load(owners_world())
    row = {"id": "d9", "name": "High", "ownerId": OTHER}
    expect("/data-alerts$", status=200, body={"tasks": [row, {**row, "id": "d8", "ownerId": None}], "links": {}})

    assert list_belongings(client, STEWARD).is_nothing()


def test_a_row_that_names_no_owner_in_any_known_way_is_not_understood(sandbox, client, expect):
    sandbox.load(owners_world())
    expect("/reload-tasks$", status=200, body={"data": [{"id": "e9", "appId": "a", "holder": OWNER}], "links": {}})

    assert not list_belongings(client, STEWARD).is_nothing()


@pytest.mark.parametrize(
    ("scopes", "says"),
    [
        (("admin.apps", "admin.spaces", "admin.webhooks"), {"automations": "admin.automations"}),
        (("admin.automations", "admin.spaces"), {"data connections": "admin.apps", "data files": "admin.apps"}),
    ],
)
def test_what_the_caller_may_not_list_is_unknown_with_the_scope_that_is_missing(sandbox, open_client, scopes, says):
    sandbox.load(owners_world(scopes=scopes))

    found = list_belongings(open_client(), STEWARD)

    told = {line.partition(":")[0]: line for line in found.unknown}
    assert not found.is_nothing()
    assert "scope admin_classic" in told["everything"], "what comes without a refusal may be a part as well"
    for name, scope in says.items():
        assert f"the scope {scope}" in told[name]


@pytest.mark.parametrize("roles", [("AnalyticsAdmin",), ()])
def test_a_caller_who_sees_a_part_proves_nothing_by_it(sandbox, open_client, roles):
    world = owners_world(keys=[{"token": "part-key", "subject": CY}])
    world["tenant"]["users"][-1]["assignedRoles"] = list(roles)
    sandbox.load(world)

    found = list_belongings(open_client(QLIK_API_KEY="part-key"), STEWARD)

    assert found.items == ()
    assert any(line.startswith("everything: this caller may see only a part") for line in found.unknown)


LISTS = ["items", "spaces", "data-connections", "data-files", "automations", "automation-connections", "sharing-tasks",
         "data-alerts", "webhooks", "api-keys", "reload-tasks"]  # fmt: skip


BROKEN = [{"status": 500}, {"kind": "empty-200"}, {"kind": "wrong-type"}, {"kind": "invalid-json"}]


@pytest.mark.parametrize(("path", "fault"), list(zip(LISTS, BROKEN * 3, strict=False)), ids=str)
def test_a_list_that_cannot_be_read_is_unknown_and_the_others_are_not(sandbox, client, expect, path, fault):
    sandbox.load(owners_world())
    expect(f"/{path}$", method="GET", count=100, **fault)

    found = list_belongings(client, STEWARD)

    assert found.items == ()
    assert not found.is_nothing()
    assert 1 <= len(found.unknown) <= 3


@pytest.mark.parametrize(("path", "after"), list(zip(LISTS, [0, 1] * 6, strict=False)))
def test_nothing_is_proven_by_one_list_that_was_short(sandbox, client, expect, path, after):
    keys = [*KEYS, SCIM_KEY]
    sandbox.load(owners_world({**CONTENT, **STUCK}, keys=keys))
    member = {"sharing-tasks": "sharingTasks", "data-alerts": "tasks"}.get(path, "data")
    expect(f"/{path}$", method="GET", status=200, body={member: [], "links": {}}, count=1, after=after)

    found = list_belongings(client, OWNER, is_proof=True)

    assert any("two reads of the list differ" in line for line in found.unknown)


def test_a_list_is_read_to_its_last_page(sandbox, client, asked):
    content = {
        "apps": [{"name": f"App {number:03}", "ownerId": OWNER} for number in range(230)],
        "automations": [{"name": f"Automation {number:03}", "ownerId": OWNER} for number in range(230)],
        "sharingTasks": [{"name": f"Task {number:03}", "ownerId": OWNER} for number in range(120)],
        "dataFiles": [{"name": f"File {number:04}", "ownerId": OWNER} for number in range(1200)],
    }
    sandbox.load(owners_world(content))

    found = list_belongings(client, OWNER)

    assert len(found.items) == 230 + 230 + 120 + 1200
    assert asked("qlik").count("GET /api/v1/data-files") == 2
    assert asked("qlik").count("GET /api/v1/automations") == 2
    assert asked("qlik").count("GET /api/v1/sharing-tasks") == 2


def test_personal_spaces_prove_nothing_where_nobodys_is_shown(sandbox, client):
    world = owners_world(admin_personal_items="hidden")
    sandbox.load(world)

    hidden = list_belongings(client, OWNER)
    assert ("app", "Diary") not in names(hidden)
    assert [line.partition(":")[0] for line in hidden.unknown] == ["personal spaces"]

    sandbox.load(owners_world({"dataConnections": [{"name": "Cellar", "ownerId": OTHER}]}))
    assert not list_belongings(client, STEWARD).is_nothing(), "nobody has anything there, or it is kept from us"

    sandbox.load(owners_world())
    assert list_belongings(client, STEWARD).is_nothing(), "an app of a third one's personal space is shown"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/api/v1/licenses/assignments$", "everything: whether this caller may see it was not answered"),
        ("/api/v1/users/me$", "personal spaces: whether they are shown was not answered"),
    ],
)
def test_a_question_about_the_view_that_is_not_answered_leaves_it_open(sandbox, client, expect, path, says):
    sandbox.load(owners_world())
    expect(path, status=503, count=100)

    assert [line.partition(": 5")[0] for line in list_belongings(client, STEWARD).unknown] == [says]


@pytest.mark.parametrize("kind", ["data-connection", "automation", "automation-connection", "webhook"])
def test_where_the_present_path_is_gone_the_next_one_answers(sandbox, client, expect, kind):
    sandbox.load(owners_world({**CONTENT, **STUCK}))
    expect(f"/api/v1/{kind}s", status=404, count=100)

    found = [item for item in list_belongings(client, OWNER).items if item.kind == kind]

    assert found
    for item in found:
        if item.way == "transfer":
            transfer(client, item, STEWARD)
            assert is_handed_over(client, item, STEWARD)


def test_of_many_users_what_concerns_them_all_is_read_once(sandbox, client, asked):
    sandbox.load(owners_world())
    inventory = Inventory(client)
    client.read_tenant()
    sandbox.forget()

    for _ in range(3):
        inventory.read(STEWARD)

    calls = asked("qlik")
    assert calls.count("GET /api/v1/reload-tasks") == 1
    assert calls.count("GET /api/v1/users/me") == 1
    assert len(calls) == 3 * 11 + 4


# Handing over, one by one.


@pytest.mark.parametrize("kind", WAYS)
def test_each_kind_is_handed_over_by_one_call_and_read_again(sandbox, client, asked, kind):
    sandbox.load(owners_world(keys=KEYS))
    item = find(client, kind)
    assert not is_handed_over(client, item, STEWARD)
    sandbox.forget()

    transfer(client, item, STEWARD)

    assert len(asked("qlik", writes=True)) == 1
    assert is_handed_over(client, item, STEWARD)
    assert item not in list_belongings(client, OWNER).items


def test_what_is_gone_is_not_handed_over_but_a_key(client):
    for kind in WAYS:
        gone = Belonging(kind, "00000000-0000-4000-8000-00000000dead", "gone", OWNER)

        assert is_handed_over(client, gone, STEWARD) == (kind == "api-key")
        if kind == "api-key":
            transfer(client, gone, STEWARD)
        else:
            with pytest.raises(ApiError, match="404"):
                transfer(client, gone, STEWARD)


def test_for_what_has_no_call_nothing_is_sent(sandbox, client, asked):
    sandbox.load(owners_world({**CONTENT, **STUCK}, keys=[SCIM_KEY]))
    stuck = [item for item in list_belongings(client, OWNER).items if item.way == "none"]
    assert [item.kind for item in stuck] == ["dataset", "reload-task", "scim-key", "webhook"]
    sandbox.forget()

    for item in stuck:
        with pytest.raises(UnsafePlan, match=f"{item.kind} .*: no call hands it over; "):
            transfer(client, item, STEWARD)
    assert asked("qlik", writes=True) == []
    assert not any(is_handed_over(client, item, STEWARD) for item in stuck)


def test_what_the_caller_may_see_and_not_hand_over_says_which_scope_is_missing(sandbox, open_client, asked):
    scopes = ("admin.apps:read", "admin.spaces:read", "admin.automations:read")
    sandbox.load(owners_world(scopes=scopes))
    client = open_client()
    barred = [item for item in list_belongings(client, OWNER).items if item.bar]
    kinds = {item.kind for item in barred}
    assert kinds == {"app", "data-connection", "data-file", "glossary"}
    assert all("give it the scope admin.apps" in item.obstacle for item in barred)
    space, automation = find(client, "space"), find(client, "automation")

    with pytest.raises(UnsafePlan, match=r"scope admin\.apps"):
        transfer(client, barred[0], STEWARD)
    with pytest.raises(Forbidden, match=r"scope admin\.spaces"):
        transfer(client, space, STEWARD)
    with pytest.raises(Forbidden, match=r"scope admin\.automations"):
        transfer(client, automation, STEWARD)


@pytest.mark.parametrize(
    ("switches", "to", "says"),
    [
        ({"transfer_unknown_owner": "notFound404"}, "nobody", "404"),
        ({"transfer_unknown_owner": "badRequest400"}, "nobody", "400"),
        ({"transfer_without_entitlement": "refused403"}, STEWARD, "403"),
    ],
)
def test_a_refused_owner_is_told_and_the_thing_stays(sandbox, client, owners, switches, to, says):
    sandbox.load(owners_world(**switches))
    items, before = list_belongings(client, OWNER).movable, owners()
    assert {item.kind for item in items} == set(WAYS) - {"api-key"}

    for item in items:
        with pytest.raises(ApiError, match=says):
            transfer(client, item, to)
    assert owners() == before
    assert not any(is_handed_over(client, item, to) for item in items)


def test_a_lost_answer_is_told_as_lost_and_reading_tells_the_rest(sandbox, client, expect):
    sandbox.load(owners_world())
    done, undone = (item for item in list_belongings(client, OWNER).items if item.kind == "app")
    expect("/owner$", kind="reset-after", count=1)
    with pytest.raises(AnswerLost):
        transfer(client, done, STEWARD)
    expect("/owner$", kind="reset-before", count=1)
    with pytest.raises(AnswerLost):
        transfer(client, undone, STEWARD)

    assert is_handed_over(client, done, STEWARD)
    assert not is_handed_over(client, undone, STEWARD)


def test_a_token_that_ends_is_no_refusal_of_the_thing(sandbox, client, expect):
    sandbox.load(owners_world())
    item = find(client, "app")
    expect("/owner$", status=401, count=100)

    with pytest.raises(CredentialsError, match="QLIK_CLIENT_SECRET"):
        transfer(client, item, STEWARD)


# Handing over, all of it.


@pytest.fixture
def give(client, sandbox):
    """Hand over everything the owner has; return what was not, with the reason."""

    def give(to: str = STEWARD, progress=ignore) -> dict[str, str]:
        items = list_belongings(client, OWNER).items
        sandbox.forget()
        handovers = hand_over(client, items, to, progress)
        assert [handover.belonging for handover in handovers] == list(items)
        return {str(handover.belonging): handover.reason for handover in handovers if handover.reason}

    return give


def test_everything_changes_hands_with_its_folder_and_connections_together(sandbox, client, give, asked):
    sandbox.load(owners_world(keys=KEYS))
    told = []

    assert give(progress=lambda *reached: told.append(reached)) == {}

    assert list_belongings(client, OWNER, is_proof=True).is_nothing()
    mine = list_belongings(client, STEWARD)
    assert names(mine) == [pair for pair in MOVABLE if pair[0] != "api-key"]
    writes = asked("qlik", writes=True)
    assert len(writes) == len(MOVABLE) - 2, "two connections at once, and a file that came with its folder"
    assert told[0] == (0, len(MOVABLE))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_has_no_call_stays_and_the_rest_goes(sandbox, client, give):
    sandbox.load(owners_world({**CONTENT, **STUCK}))

    left = give()

    assert [name.partition(" ")[0] for name in left] == ["dataset", "reload-task", "webhook"]
    assert [item.kind for item in list_belongings(client, OWNER).items] == ["dataset", "reload-task", "webhook"]


def test_one_that_is_refused_never_stops_the_others(sandbox, give):
    files = [
        {"id": "f1", "name": "rows.csv", "ownerId": OWNER},
        {"id": "f2", "name": "rows.csv", "ownerId": STEWARD},
        {"id": "f3", "name": "busy.csv", "ownerId": OWNER, "locked": True},
        {"id": "f4", "name": "free.csv", "ownerId": OWNER},
    ]
    sandbox.load(owners_world({**CONTENT, "dataFiles": files}, glossary_owner_patch="refused400"))

    left = give()

    assert {name: reason.partition(" ")[0] for name, reason in left.items()} == {
        "data-file 'rows.csv'": "409",
        "data-file 'busy.csv'": "423",
        "glossary 'Words'": "400",
    }


def test_of_a_batch_of_connections_each_stands_by_itself(sandbox, client, give, expect):
    sandbox.load(owners_world())
    items = [{"id": "c1", "status": 200}, {"id": "c2", "status": 409, "error": {"code": "DC-409", "title": "In use"}}]
    expect("/data-connections/actions/update", status=207, body={"data": items})

    assert give() == {
        "data-connection 'Books'": "sent, and the tenant still shows it with its former owner; run again",
        "data-connection 'Notes'": "409 DC-409 In use",
    }


@pytest.mark.parametrize(("kind", "is_done"), [("reset-after", True), ("reset-before", False)])
@pytest.mark.parametrize("path", ["/owner$", "/data-connections/actions/update"])
def test_after_a_lost_answer_the_tenant_says_where_a_thing_is(sandbox, give, asked, expect, path, kind, is_done):
    sandbox.load(owners_world())
    expect(path, kind=kind, count=1)

    left = give()

    assert bool(left) == (not is_done)
    assert all("still shows it with its former owner" in reason for reason in left.values())
    assert len(asked("qlik", writes=True)) <= len(MOVABLE) - 3, "nothing is sent twice"


@pytest.mark.parametrize(("status", "says"), [(401, "QLIK_CLIENT_SECRET"), (503, "503")])
def test_a_refused_token_and_a_service_that_is_down_end_the_sending(sandbox, give, asked, expect, status, says):
    sandbox.load(owners_world())
    expect("/automations/w1/", status=status, count=100, **({"headers": {"Retry-After": "1"}} if status == 503 else {}))

    left = give()

    assert [name.partition(" ")[0] for name in left] == [
        "automation", "automation-connection", "sharing-task", "data-alert", "glossary",
    ]  # fmt: skip
    assert all(reason.startswith("not sent: ") and says in reason for reason in left.values())
    assert "PATCH /api/v1/data-alerts/d1" not in asked("qlik", writes=True)


def test_where_nobody_listens_any_more_the_rest_is_not_begun(sandbox, give, asked):
    sandbox.load(owners_world())

    def leave(done: int, total: int) -> None:
        if done == 2:
            raise EngineGone("the engine no longer answers")

    left = give(progress=leave)

    assert len(asked("qlik", writes=True)) == 2
    assert len(left) == len(MOVABLE) - 1 - 2


def test_what_shows_late_is_waited_for(sandbox, give, expect):
    sandbox.load(owners_world())
    expect("/automations$", method="GET", status=200, body={"data": [], "links": {}}, count=1, after=1)

    assert give() == {}


# Figures.


@pytest.fixture
def timing() -> Timing:
    """Time that passes only while somebody waits."""
    passed = [0.0]

    def pause(seconds: float) -> None:
        passed[0] += seconds

    return Timing(lambda: passed[0], pause)


def test_however_long_the_tenant_asks_to_wait_a_window_of_five_minutes_passes(sandbox, client, expect, timing):
    sandbox.load(owners_world())
    items = list_belongings(client, OWNER).movable
    expect("/automations/w1/", status=429, headers={"Retry-After": "275"}, count=1)
    told = []

    handovers = hand_over(client, items, STEWARD, lambda *reached: told.append(reached), timing)

    assert not any(handover.reason for handover in handovers)
    assert timing.clock() == 275
    assert len(told) > 275 / 5, "the engine is told all the while"


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.campaign)])
def test_leavers_cost_a_page_of_each_list_a_call_for_each_thing_and_pages_of_what_the_steward_has(
    sandbox, client, asked, timing, count
):
    leavers = [f"leaver{number:03}" for number in range(count)]
    things = {"apps": 4, "dataFiles": 2, "automations": 2, "dataConnections": 1, "dataAlerts": 1}
    content = {
        part: [{"name": f"{part} {who} {one}", "ownerId": who} for who in leavers for one in range(each)]
        for part, each in things.items()
    }
    world = owners_world({"rateLimits": False, "spaces": [], **content})
    world["tenant"]["users"] += [{"id": who, "subject": who, "name": who} for who in leavers]
    sandbox.load(world)
    client.read_tenant()
    sandbox.forget()
    inventory = Inventory(client)
    owned = [item for who in leavers for item in inventory.read(who).items]
    reads = len(asked("qlik"))
    sandbox.forget()

    handovers = hand_over(client, owned, STEWARD, ignore, timing)

    assert len(owned) == len(handovers) == 10 * count
    assert not any(handover.reason for handover in handovers)
    assert reads == 11 * count + 4, "and four reads that concern them all"
    writes = len(asked("qlik", writes=True))
    assert writes == 9 * count + ceil(count / 100), "one for every hundred data connections"
    pages = {"apps": ceil(4 * count / 100), "files": 1, "automations": ceil(2 * count / 200)}
    pages |= {"connections": ceil(count / 100), "alerts": ceil(count / 100)}
    assert len(asked("qlik")) - writes == sum(pages.values())
    assert timing.clock() == pytest.approx(max(0, writes - BURST) * 60 / 100), "a hundred a minute after a burst"
