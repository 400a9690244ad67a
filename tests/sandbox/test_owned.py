"""What people own: how it is listed, and who sees it."""

import pytest
from content import OWNED, People, make_world, put_world

ITEMS, CONNECTIONS, FILES = "/api/v1/items", "/api/v1/data-connections", "/api/v1/data-files"
AUTOMATIONS = "/api/v1/automations"
BUDGET = "0a000000-0000-4000-8000-000000000001"


@pytest.fixture
def ask(control):
    put_world(control, **OWNED)
    return People(control)


def names(answer, member="data"):
    return [thing.get("name") or thing["qName"] for thing in answer.raise_for_status().json()[member]]


@pytest.mark.parametrize(
    ("who", "query", "expected"),
    [
        ("admin", {"ownerId": "kalle"}, ["Budget", "Costs", "Diary", "Nightly", "Report", "Table", "Words"]),
        ("admin", {"ownerId": "kalle", "resourceType": "app"}, ["Budget", "Costs", "Diary"]),
        ("admin", {"notOwnerId": "kalle"}, ["Essay", "Weekly"]),
        ("admin", {"resourceType": "app,glossary", "spaceId": "sales"}, ["Budget", "Words"]),
        ("admin", {"resourceType": "dataset[qvd,],automation"}, ["Nightly", "Table", "Weekly"]),
        ("admin", {"resourceType": "dataset[]"}, []),
        ("admin", {"resourceType": "dataset", "resourceSubType": "qvd,csv"}, ["Table"]),
        ("admin", {"resourceType": "app", "resourceId": BUDGET}, ["Budget"]),
        ("admin", {"resourceType": "app", "resourceIds": f"{BUDGET},x"}, ["Budget"]),
        ("admin", {"spaceId": "personal", "resourceType": "app"}, ["Diary", "Essay"]),
        ("admin", {"spaceType": "managed"}, ["Costs"]),
        ("admin", {"spaceType": "managed,personal", "resourceType": "app"}, ["Costs", "Diary", "Essay"]),
        ("admin", {"name": "UDG"}, ["Budget"]),
        ("admin", {"query": "budget"}, ["Budget", "Diary"]),
        ("admin", {"shared": "true"}, ["Budget", "Words"]),
        ("admin", {"collectionId": "x"}, []),
        ("kalle", {"resourceType": "app"}, ["Budget", "Costs", "Diary"]),
        ("bo", {}, ["Budget", "Words"]),
        ("bo", {"ownerId": "kalle", "spaceId": "personal"}, []),
    ],
    ids=str,
)
def test_items_are_those_the_caller_can_access(ask, who, query, expected):
    assert names(ask(who, "GET", ITEMS, params={"sort": "+name", "limit": 100} | query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 101},
        {"sort": "owner"},
        {"resourceId": BUDGET},
        {"resourceIds": BUDGET},
        {"resourceType": "app", "resourceId": "a", "resourceLink": "b"},
        {"resourceType": "app[x]", "resourceSubType": "x"},
        {"resourceType": "app[x"},
        {"resourceType": "app", "resourceIds": ",".join(map(str, range(101)))},
        {"next": "AAAA"},
    ],
    ids=str,
)
def test_a_query_of_items_that_cannot_be_is_refused(ask, query):
    answer = ask("admin", "GET", ITEMS, params=query)

    assert answer.status_code == 400
    assert set(answer.json()) == {"errors"}


def test_whether_administrators_see_personal_items_of_others_is_a_switch(ask, control):
    assert "Diary" in names(ask("admin", "GET", ITEMS, params={"ownerId": "kalle"}))
    put_world(control, {"admin-personal-items": "hidden"}, **OWNED)
    assert names(ask("admin", "GET", ITEMS, params={"sort": "+name"})) == ["Budget", "Costs", "Words"]
    assert "Diary" in names(ask("kalle", "GET", ITEMS))


def test_actions_are_left_out_where_they_are_not_asked_for(ask):
    with_actions, without = (
        ask("kalle", "GET", ITEMS, params={"noActions": flag, "resourceType": "app"}).json()["data"][0]
        for flag in ("false", "true")
    )

    assert "change_owner" in with_actions["actions"]
    assert "actions" not in without
    assert set(with_actions) - set(without) == {"actions"}


def test_items_come_ten_at_a_time(ask, control):
    put_world(control, apps=[{"name": f"App {number:02}", "ownerId": "kalle"} for number in range(23)])
    answer = ask("admin", "GET", ITEMS)
    found = []
    while answer:
        found.append(names(answer))
        link = answer.json()["links"].get("next")
        answer = ask("admin", "GET", link["href"]) if link else None

    assert [len(page) for page in found] == [10, 10, 3]
    assert len({name for page in found for name in page}) == 23


def test_an_item_is_found_by_its_own_id(ask):
    (item,) = ask("kalle", "GET", ITEMS, params={"name": "Budget"}).json()["data"]

    assert ask("bo", "GET", f"{ITEMS}/{item['id']}").json()["resourceId"] == BUDGET
    assert ask("ana", "GET", f"{ITEMS}/{item['id']}").status_code == 404


def test_an_app_shows_its_owner_and_what_the_caller_may(ask):
    owned, seen = (ask(who, "GET", f"/api/v1/apps/{BUDGET}").json() for who in ("kalle", "bo"))

    assert (owned["attributes"]["ownerId"], owned["attributes"]["owner"]) == ("kalle", "qlik\\kalle")
    assert "change_owner" in owned["privileges"]
    assert seen["privileges"] == ["read"]
    refused = ask("ana", "GET", f"/api/v1/apps/{BUDGET}")
    assert (refused.status_code, refused.content) == (404, b"")


def test_connections_come_all_at_once_unless_a_limit_is_given(ask, control):
    put_world(control, dataConnections=[{"name": f"C {n:03}", "ownerId": "kalle"} for n in range(120)])
    query = {"noDatafiles": "true"}

    everything = ask("admin", "GET", CONNECTIONS, params=query).json()
    page = ask("admin", "GET", CONNECTIONS, params=query | {"limit": 50, "sort": "+qName"}).json()

    assert (len(everything["data"]), everything["meta"]["count"]) == (120, 120)
    assert "next" not in everything["links"]
    pages = [page]
    while "next" in pages[-1]["links"]:
        pages.append(ask("admin", "GET", pages[-1]["links"]["next"]["href"]).json())
    assert [len(page["data"]) for page in pages] == [50, 50, 20]
    assert pages[1]["data"][0]["qName"] == "C 050"
    assert ask("admin", "GET", CONNECTIONS, params={"limit": 101}).status_code == 400


def test_connections_to_data_files_come_last_unless_left_out(ask):
    listed = names(ask("admin", "GET", CONNECTIONS, params={"sort": "+qName"}))
    assert listed == ["Attic", "Books", "Cellar", "Money:DataFiles", "Sales:DataFiles"]
    assert names(ask("admin", "GET", CONNECTIONS, params={"sort": "-qName"}))[-2:] == [
        "Sales:DataFiles",
        "Money:DataFiles",
    ]
    assert names(ask("bo", "GET", CONNECTIONS)) == ["Books", "Sales:DataFiles"]


def test_only_an_administrator_asks_for_the_connections_of_somebody(ask):
    query = {"userId": "kalle", "noDatafiles": "true"}

    assert names(ask("admin", "GET", CONNECTIONS, params=query)) == ["Books", "Attic"]
    assert names(ask("kalle", "GET", CONNECTIONS, params=query)) == ["Books", "Attic"]
    assert ask("bo", "GET", CONNECTIONS, params=query).status_code == 403
    assert names(ask("kalle", "GET", CONNECTIONS, params=query | {"personal": "true"})) == ["Attic"]
    assert names(ask("kalle", "GET", CONNECTIONS, params={"filter": 'qName co "boo"'}))[0] == "Books"


def test_files_are_personal_ones_unless_an_owner_is_asked_for(ask):
    assert names(ask("ana", "GET", FILES)) == ["rows.csv"]
    assert names(ask("admin", "GET", FILES)) == []
    assert names(ask("admin", "GET", FILES, params={"ownerId": "kalle", "limit": 1000})) == [
        "busy.csv",
        "old/inner.csv",
        "rows.csv",
        "team.csv",
    ]
    assert ask("bo", "GET", FILES, params={"ownerId": "kalle"}).status_code == 403
    assert ask("admin", "GET", FILES, params={"limit": 1001}).json()["errors"][0]["code"] == "HTTP-400"
    assert ask("admin", "GET", FILES, params={"page": "AAAA"}).json()["errors"][0]["code"] == "DF-001"
    assert ask("admin", "GET", FILES, params={"sort": "colour"}).json()["errors"][0]["code"] == "DF-002"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"includeFolders": "true"}, ["busy.csv", "old/inner.csv", "old", "rows.csv"]),
        ({"includeFolders": "true", "excludeFiles": "true"}, ["old"]),
        ({"excludeSubFolders": "true"}, ["busy.csv", "rows.csv"]),
        ({"folderId": "f2"}, ["old/inner.csv"]),
        ({"folderPath": "old"}, ["old/inner.csv"]),
        ({"name": "rows.csv"}, ["rows.csv"]),
        ({"baseNameWildcard": "*n*.csv"}, ["old/inner.csv"]),
        ({"includeAllSpaces": "true", "ownerId": "kalle", "sort": "-size", "limit": "1"}, ["rows.csv"]),
        ({"connectionId": "datafiles-sales"}, ["team.csv"]),
    ],
    ids=str,
)
def test_files_are_found_by_what_is_asked(ask, query, expected):
    assert names(ask("kalle", "GET", FILES, params=query)) == expected


def test_files_of_a_space_are_found_by_its_connection(ask):
    assert names(ask("bo", "GET", FILES, params={"connectionId": "datafiles-sales"})) == ["team.csv"]
    body = ask("kalle", "GET", FILES, params={"limit": 1}).json()
    assert body["links"]["prev"] == {"href": None}
    assert names(ask("kalle", "GET", body["links"]["next"]["href"])) == ["old/inner.csv"]
    assert ask("kalle", "GET", FILES, params={"folderId": "f2", "folderPath": "old"}).status_code == 400


@pytest.mark.parametrize("base", [AUTOMATIONS, "/api/workflows/automations"])
def test_automations_of_everybody_are_for_administrators(ask, base):
    owned = {"filter": 'ownerId eq "kalle"', "listAll": "true", "limit": 200}

    assert names(ask("admin", "GET", base, params=owned)) == ["Nightly"]
    assert names(ask("dora", "GET", base, params=owned)) == ["Nightly"]
    assert names(ask("admin", "GET", base)) == ["Nightly", "Weekly"]
    assert names(ask("admin", "GET", base, params={"listAll": "false"})) == []
    assert ask("kalle", "GET", base, params=owned).status_code == 403
    assert names(ask("kalle", "GET", base)) == ["Nightly"]
    assert ask("admin", "GET", base, params={"limit": 201}).status_code == 400
    assert ask("admin", "GET", base, params={"filter": 'colour eq "x"'}).status_code == 400


def test_automations_are_paged_by_cursor(ask, control):
    put_world(control, automations=[{"name": f"A {n:03}", "ownerId": "kalle"} for n in range(150)])
    body = ask("kalle", "GET", AUTOMATIONS, params={"sort": "-name"}).json()

    assert len(body["data"]) == 100
    assert "cursor=" in body["links"]["next"]["href"]
    more = ask("kalle", "GET", body["links"]["next"]["href"]).json()
    assert len(more["data"]) == 50
    assert more["links"]["next"] == {"href": None}
    back = ask("kalle", "GET", more["links"]["prev"]["href"]).json()
    assert back["data"] == body["data"]


def test_an_automation_shows_its_history_and_connections_to_who_may_see_it(ask):
    blocks = ask("kalle", "GET", f"{AUTOMATIONS}/w1").json()["workspace"]["blocks"]

    assert [block["datasource_id"] for block in blocks] == ["k1"]
    assert [run["id"] for run in ask("admin", "GET", f"{AUTOMATIONS}/w1/runs").json()["data"]] == ["r1"]
    assert ask("bo", "GET", f"{AUTOMATIONS}/w1").status_code == 404
    assert names(ask("kalle", "GET", "/api/v1/automation-connections")) == ["Mail"]
    assert names(ask("admin", "GET", "/api/workflows/automation-connections")) == []
    assert names(ask("admin", "GET", "/api/v1/automation-connections", params={"listAll": "true"})) == ["Mail"]


@pytest.mark.parametrize(
    ("path", "member", "owner"),
    [("/api/v1/sharing-tasks", "sharingTasks", "owner"), ("/api/v1/data-alerts", "tasks", "ownerId")],
)
def test_tasks_are_counted_and_seen_by_owners_and_recipients(ask, path, member, owner):
    body = ask("admin", "GET", path, params={owner: "kalle"}).json()

    assert (body["currentPageCount"], body["totalCount"], len(body[member])) == (1, 1, 1)
    assert body[member][0]["ownerName"] == "Kalle"
    assert ask("admin", "GET", path, params={owner: "ana"}).json()["totalCount"] == 0
    assert ask("bo", "GET", path).json()["totalCount"] == 1
    assert ask("bo", "GET", path, params={"role": "owner"}).json()["totalCount"] == 0
    assert ask("bo", "GET", path, params={"role": "recipient"}).json()["totalCount"] == 1
    assert ask("ana", "GET", path).json()["totalCount"] == 0
    assert ask("ana", "GET", f"{path}/{body[member][0]['id']}").status_code == 404
    assert ask("admin", "GET", path, params={"role": "king"}).status_code == 400


def test_tasks_are_paged_by_offset_and_by_cursor(ask, control):
    put_world(control, sharingTasks=[{"name": f"T {n:02}", "ownerId": "kalle"} for n in range(25)])
    body = ask("kalle", "GET", "/api/v1/sharing-tasks", params={"sort": "name"}).json()

    assert (body["currentPageCount"], body["totalCount"]) == (20, 25)
    assert body["links"]["next"]["type"] == "next"
    assert ask("kalle", "GET", body["links"]["next"]["href"]).json()["currentPageCount"] == 5
    later = ask("kalle", "GET", "/api/v1/sharing-tasks", params={"sort": "name", "offset": 20, "limit": 3}).json()
    assert [task["name"] for task in later["sharingTasks"]] == ["T 20", "T 21", "T 22"]
    token = later["links"]["next"]["token"]
    last = ask("kalle", "GET", "/api/v1/sharing-tasks", params={"sort": "name", "page": token}).json()
    assert [task["name"] for task in last["sharingTasks"]] == ["T 23", "T 24"]


def test_the_state_of_a_reload_task_follows_its_owners(ask):
    def codes():
        tasks = ask("admin", "GET", "/api/v1/reload-tasks").json()["data"]
        return {task["id"]: (task["state"], task.get("disabledCode")) for task in tasks}

    assert codes() == {
        "e1": ("Enabled", None),
        "e2": ("Disabled", "OWNER-DELETED"),
        "e3": ("Disabled", "OWNER-DISABLED"),
        "e4": ("Disabled", "CONSECUTIVE-FAILURES"),
    }
    disable = [{"op": "replace", "path": "/status", "value": "disabled"}]
    ask("admin", "PATCH", "/api/v1/users/kalle", json=disable).raise_for_status()
    assert codes()["e1"] == ("Disabled", "OWNER-DISABLED")
    ask("admin", "DELETE", "/api/v1/users/kalle").raise_for_status()
    assert codes()["e1"] == ("Disabled", "OWNER-DELETED")


def test_reload_tasks_are_found_by_app(ask):
    costs = "0a000000-0000-4000-8000-000000000002"
    path = "/api/v1/reload-tasks"

    found = ask("admin", "GET", path, params={"appId": costs, "partial": "true"}).json()["data"]

    assert [(task["id"], task["spaceId"]) for task in found] == [("e3", "money")]
    assert [task["id"] for task in ask("ana", "GET", path).json()["data"]] == ["e4"]
    assert ask("ana", "GET", f"{path}/e1").status_code == 404


def test_content_of_a_deleted_user_is_still_there(ask):
    ask("admin", "DELETE", "/api/v1/users/kalle").raise_for_status()

    assert "Diary" in names(ask("admin", "GET", ITEMS, params={"ownerId": "kalle"}))
    assert names(ask("admin", "GET", FILES, params={"ownerId": "kalle"}))


def test_what_is_owned_comes_back_from_a_snapshot(ask, control):
    snapshot = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=snapshot).raise_for_status()

    assert control.get("/_sandbox/world").json() == snapshot
    assert snapshot["tenant"]["apps"][0]["ownerId"] == "kalle"
    assert snapshot["tenant"]["apps"][0]["spaceId"] == "sales"


@pytest.mark.parametrize(
    ("part", "thing", "fault"),
    [
        ("apps", {"name": "A", "ownerId": "nobody"}, "tenant.apps: A has the owner nobody, who is no user"),
        ("dataFiles", {"name": "A", "spaceId": "nowhere"}, "tenant.dataFiles: A stands in nowhere, which is no space"),
        ("dataFiles", {"name": "A", "folderId": "f1"}, "tenant.dataFiles: A is in f1, which is no folder"),
        ("reloadTasks", {"name": "A", "appId": "x"}, "tenant.reloadTasks: A belongs to x, which is no app"),
        ("automations", {"name": "Nightly", "id": "w1"}, "tenant.automations: the id: w1 occurs 2 times"),
    ],
)
def test_a_world_whose_content_refers_to_nothing_is_refused(control, part, thing, fault):
    answer = control.put("/_sandbox/world", json=make_world(**OWNED | {part: [*OWNED[part], thing]}))

    assert answer.status_code == 400
    assert fault in answer.text
