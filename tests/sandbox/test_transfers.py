"""Giving what somebody owns to somebody else: each service has its own call and its own rules."""

import pytest
from content import OWNED, SPACES, People, events_of, put_world

BUDGET, COSTS, DIARY = (f"/api/v1/apps/0a000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
CONNECTIONS = "/api/v1/data-connections"
UPDATES = [f"{CONNECTIONS}/actions/update", "/api/connectivity/data-connections/actions/update"]
FILES = ["/api/v1/data-files", "/api/core/data-files"]
AUTOMATIONS = ["/api/v1/automations", "/api/workflows/automations"]
ACCOUNTS = ["/api/v1/automation-connections", "/api/workflows/automation-connections"]
SHARING, ALERTS, GLOSSARY = "/api/v1/sharing-tasks/t1", "/api/v1/data-alerts/d1", "/api/v1/glossaries/g1"

# Every call that gives something of Kalle's to somebody else: method, path, and the body for a new owner.
TRANSFERS = {
    "app": ("PUT", f"{DIARY}/owner", lambda owner: {"ownerId": owner}),
    "space": ("PATCH", f"{SPACES}/attic", lambda owner: [{"op": "replace", "path": "/ownerId", "value": owner}]),
    "file": ("POST", f"{FILES[0]}/f1/actions/change-owner", lambda owner: {"ownerId": owner}),
    "automation": ("POST", f"{AUTOMATIONS[0]}/w1/actions/change-owner", lambda owner: {"userId": owner}),
    "account": ("POST", f"{ACCOUNTS[0]}/k1/actions/change-owner", lambda owner: {"userId": owner}),
    "sharing task": ("PATCH", SHARING, lambda owner: [{"op": "replace", "path": "/ownerId", "value": owner}]),
    "alert": ("PATCH", ALERTS, lambda owner: [{"op": "replace", "path": "/ownerId", "value": owner}]),
    "glossary": ("PATCH", GLOSSARY, lambda owner: [{"op": "replace", "path": "/ownerId", "value": owner}]),
}
SPACES_OF_ALL = [*OWNED["spaces"], {"id": "attic", "name": "Attic", "ownerId": "kalle"}]
every_transfer = pytest.mark.parametrize("transfer", TRANSFERS.values(), ids=list(TRANSFERS))


def start(control, **switches):
    positions = {name.replace("_", "-"): position for name, position in switches.items()}
    put_world(control, {"glossary-owner-patch": "accepted"} | positions, **OWNED | {"spaces": SPACES_OF_ALL})


@pytest.fixture
def ask(control):
    start(control)
    return People(control)


def give(ask, transfer, owner, by="admin"):
    method, path, body = transfer
    return ask(by, method, path, json=body(owner))


@every_transfer
def test_an_administrator_gives_away_what_somebody_owns(ask, control, transfer):
    assert give(ask, transfer, "bo").status_code in {200, 204}
    tenant = control.get("/_sandbox/world").json()["tenant"]
    name = transfer[1].split("/")[4]
    owned = [thing for part in tenant.values() if isinstance(part, list) for thing in part if "ownerId" in thing]
    assert [thing["ownerId"] for thing in owned if thing["id"] == name] == ["bo"]


@every_transfer
def test_somebody_without_rights_gives_nothing_away(ask, control, transfer):
    before = control.get("/_sandbox/world").json()

    assert give(ask, transfer, "ana", by="ana").status_code in {403, 404}
    assert control.get("/_sandbox/world").json() == before


@every_transfer
@pytest.mark.parametrize(("position", "status"), [("notFound404", 404), ("badRequest400", 400)])
def test_nothing_is_given_to_nobody(ask, control, transfer, position, status):
    start(control, transfer_unknown_owner=position)

    for nobody in ("nobody", "gone", "qlik\\bo"):
        assert give(ask, transfer, nobody).status_code == status


@every_transfer
@pytest.mark.parametrize(
    ("switch", "position", "owner", "status"),
    [
        ("transfer_inactive_owner", "accepted", "ill", None),
        ("transfer_inactive_owner", "refused400", "ill", 400),
        ("transfer_without_entitlement", "accepted", "bo", None),
        ("transfer_without_entitlement", "refused403", "bo", 403),
    ],
)
def test_what_a_new_owner_must_be_is_a_switch(ask, control, transfer, switch, position, owner, status):
    start(control, **{switch: position})

    answer = give(ask, transfer, owner)

    assert answer.status_code == status if status else answer.is_success


@pytest.mark.parametrize("name", ["space", "automation", "account", "glossary"])
def test_whether_a_new_owner_needs_the_role_is_a_switch(ask, control, name):
    start(control, transfer_without_role="refused403")

    assert give(ask, TRANSFERS[name], "bo").status_code == 403
    assert give(ask, TRANSFERS[name], "admin").is_success


@every_transfer
@pytest.mark.parametrize("body", [{}, None, {"ownerId": 1}, {"userId": ""}, [{"op": "replace"}], "x"], ids=str)
def test_a_body_that_names_no_owner_is_refused(ask, transfer, body):
    method, path, _ = transfer

    assert ask("admin", method, path, json=body).status_code == 400


def test_an_app_answers_with_its_new_owner_or_with_an_empty_body(ask):
    answer = ask("admin", "PUT", f"{DIARY}/owner", json={"ownerId": "bo"})

    assert answer.status_code == 200
    assert (answer.json()["attributes"]["name"], answer.json()["attributes"]["ownerId"]) == ("Diary", "bo")
    assert ask("kalle", "GET", DIARY).status_code == 404
    for who, path, owner, status in (
        ("bo", f"{BUDGET}/owner", "bo", 403),
        ("ana", f"{BUDGET}/owner", "ana", 404),
        ("admin", "/api/v1/apps/none/owner", "bo", 404),
        ("admin", f"{BUDGET}/owner", "nobody", 404),
    ):
        refused = ask(who, "PUT", path, json={"ownerId": owner})
        assert (refused.status_code, refused.content) == (status, b"")


@pytest.mark.parametrize(
    ("app", "space", "owner", "roles"),
    [
        (BUDGET, "sales", "ana", ["producer"]),
        (COSTS, "money", "ana", ["facilitator"]),
        (BUDGET, "sales", "bo", ["consumer"]),
        (BUDGET, "sales", "dora", None),
    ],
    ids=["shared: can edit", "managed: can manage", "has a role already", "owns the space"],
)
def test_the_owner_of_an_app_gets_a_role_in_its_space_if_there_is_none(ask, control, app, space, owner, roles):
    ask("admin", "PUT", f"{app}/owner", json={"ownerId": owner}).raise_for_status()

    found = ask("admin", "GET", f"{SPACES}/{space}/assignments", params={"assigneeId": owner}).json()["data"]
    assert [assignment["roles"] for assignment in found] == ([roles] if roles else [])
    assert len(events_of(control, "com.qlik.core.space.assignment.created")) == (owner == "ana")


def test_a_promotion_is_told_and_takes_a_full_seat_on_a_capacity_tenant(ask, control):
    allotments = {"fullUser": {"units": 5}, "basicUser": {"units": 5}}
    basic = [{"subject": "qlik\\ana", "type": "basicUser"}]
    put_world(control, **OWNED | {"allotments": allotments, "assignments": basic})

    ask("admin", "PUT", f"{BUDGET}/owner", json={"ownerId": "ana"}).raise_for_status()

    rows = ask("admin", "GET", "/api/v1/licenses/assignments").json()["data"]
    assert [(row["subject"], row["type"]) for row in rows] == [("qlik\\ana", "fullUser")]
    (event,) = events_of(control, "com.qlik.core.space.assignment.created")
    assert (event["assigneeId"], event["roles"]) == ("ana", ["producer"])


@pytest.mark.parametrize(("position", "owner"), [("kept", "kalle"), ("followsApp", "ana")])
def test_whether_reload_tasks_follow_their_app_is_a_switch(ask, control, position, owner):
    start(control, reload_task_owner=position)
    ask("admin", "PUT", f"{BUDGET}/owner", json={"ownerId": "ana"}).raise_for_status()

    assert ask("admin", "GET", "/api/v1/reload-tasks/e1").json()["userId"] == owner


def test_only_its_owner_gives_an_object_of_an_app_away(ask):
    path = f"{BUDGET}/objects/sheet/actions/change-owner"

    for who in ("admin", "kalle"):
        refused = ask(who, "POST", path, json={"ownerId": "ana"})
        assert (refused.status_code, refused.content) == (404, b"")
    answer = ask("bo", "POST", path, json={"ownerId": "kalle"})
    assert answer.status_code == 200
    assert answer.json()["attributes"]["ownerId"] == "kalle"
    assert ask("bo", "POST", path, json={"ownerId": "bo"}).status_code == 404


@pytest.mark.parametrize("path", UPDATES)
def test_connections_change_hands_item_by_item_and_without_credentials(ask, path):
    changes = [
        {"id": "c1", "ownerId": "bo"},
        {"id": "none", "ownerId": "bo"},
        {"id": "c3", "ownerId": "nobody"},
        {"id": "c2", "ownerId": "bo", "spaceId": "sales"},
        {"id": "c2", "ownerId": "bo", "spaceId": "sales", "spaceType": "managed"},
        {"id": "c2", "spaceId": "sales", "spaceType": "shared"},
    ]

    answer = ask("admin", "POST", path, json={"connections": changes})

    assert answer.status_code == 207
    items = answer.json()["data"]
    assert [(item["id"], item["status"]) for item in items] == [
        ("c1", 200), ("none", 404), ("c3", 404), ("c2", 400), ("c2", 404), ("c2", 200),
    ]  # fmt: skip
    assert set(items[1]["error"]) == {"code", "status", "title", "detail"}
    assert "error" not in items[0]
    given, moved = (ask("admin", "GET", f"{CONNECTIONS}/{id}").json() for id in ("c1", "c2"))
    assert (given["user"], given["space"], "qCredentialsID" in given) == ("bo", "sales", False)
    assert (moved["user"], moved["space"], moved["qCredentialsID"]) == ("kalle", "sales", "secret-2")


def test_a_connection_leaves_its_space_for_the_personal_one_of_its_owner(ask):
    change = {"id": "c1", "ownerId": "ana", "spaceId": "", "spaceType": "personal"}
    ask("admin", "POST", UPDATES[0], json={"connections": [change]}).raise_for_status()

    assert "space" not in ask("ana", "GET", f"{CONNECTIONS}/c1").json()
    assert ask("bo", "GET", f"{CONNECTIONS}/c1").status_code == 404


def test_the_batch_of_connections_is_for_administrators(ask):
    body = {"connections": [{"id": "c1", "ownerId": "kalle"}]}

    assert ask("kalle", "POST", UPDATES[0], json=body).status_code == 403
    for wrong in ({}, {"connections": {}}, {"connections": [{"ownerId": "bo"}]}, []):
        assert ask("admin", "POST", UPDATES[0], json=wrong).status_code == 400


@pytest.mark.parametrize("base", FILES)
@pytest.mark.parametrize(
    ("id", "owner", "status", "code"),
    [
        ("f1", "bo", 204, None),
        ("f2", "bo", 204, None),
        ("f5", "bo", 204, None),
        ("f1", "ana", 409, "HTTP-409"),
        ("f3", "bo", 400, "DF-020"),
        ("f4", "bo", 423, "DF-021"),
        ("none", "bo", 404, "DF-017"),
        ("f1", "nobody", 404, "DF-006"),
    ],
    ids=["file", "folder", "in a space", "name taken", "in a folder", "locked", "no file", "no owner"],
)
def test_which_files_change_hands(ask, base, id, owner, status, code):
    answer = ask("admin", "POST", f"{base}/{id}/actions/change-owner", json={"ownerId": owner})

    assert answer.status_code == status
    assert answer.content == b"" if code is None else answer.json()["errors"][0]["code"] == code


def test_a_folder_takes_what_is_in_it_to_the_new_owner(ask):
    ask("admin", "POST", f"{FILES[0]}/f2/actions/change-owner", json={"ownerId": "bo"})

    files = ask("bo", "GET", FILES[0], params={"includeFolders": "true"}).json()["data"]
    assert {file["name"] for file in files} == {"old", "old/inner.csv"}


@pytest.mark.parametrize("base", AUTOMATIONS)
@pytest.mark.parametrize("action", ["change-owner", "move"])
def test_an_automation_arrives_without_history_and_connections(ask, base, action):
    answer = ask("admin", "POST", f"{base}/w1/actions/{action}", json={"userId": "bo"})

    assert (answer.status_code, answer.content) == (204, b"")
    found = ask("bo", "GET", f"{base}/w1").json()
    assert (found["ownerId"], found["lastRun"], found["workspace"]["blocks"]) == ("bo", None, [])
    assert ask("bo", "GET", f"{base}/w1/runs").json()["data"] == []
    assert ask("kalle", "GET", f"{base}/w1").status_code == 404


def test_not_even_its_owner_gives_an_automation_away(ask):
    assert give(ask, TRANSFERS["automation"], "bo", by="kalle").status_code == 403


@pytest.mark.parametrize("base", ACCOUNTS)
def test_an_account_of_automations_changes_hands(ask, base):
    assert ask("kalle", "POST", f"{base}/k1/actions/change-owner", json={"userId": "bo"}).status_code == 204
    assert ask("bo", "GET", f"{base}/k1").json()["ownerId"] == "bo"
    assert ask("kalle", "GET", f"{base}/k1").status_code == 404


@pytest.mark.parametrize(("position", "enabled", "errors"), [("keep", True, 0), ("disable", False, 1)])
def test_whether_a_given_sharing_task_is_disabled_is_a_switch(ask, control, position, enabled, errors):
    start(control, sharing_task_transfer=position)
    give(ask, TRANSFERS["sharing task"], "ana").raise_for_status()

    task = ask("ana", "GET", SHARING).json()
    assert (task["owner"], task["ownerName"], task["enabled"]) == ("ana", "Ana", enabled)
    assert [error["value"] for error in task["taskErrors"]] == ["DISABLED_DUE_TO_OWNERSHIP_CHANGE"] * errors
    ask("ana", "PATCH", SHARING, json=[{"op": "replace", "path": "/enabled", "value": True}]).raise_for_status()
    assert ask("ana", "GET", SHARING).json()["enabled"] is True
    assert ask("ana", "GET", SHARING).json()["taskErrors"] == []


def test_a_recipient_sees_a_task_and_changes_nothing(ask):
    assert give(ask, TRANSFERS["sharing task"], "bo", by="bo").status_code == 403
    assert give(ask, TRANSFERS["alert"], "bo", by="bo").status_code == 403


def test_an_alert_shows_the_name_of_its_new_owner(ask):
    give(ask, TRANSFERS["alert"], "ana").raise_for_status()
    assert ask("ana", "GET", ALERTS).json()["ownerName"] == "Ana"
    ops = [{"op": "replace", "path": "/ownerName", "value": "B."}, {"op": "replace", "path": "/ownerId", "value": "bo"}]
    ask("ana", "PATCH", ALERTS, json=ops).raise_for_status()
    assert ask("bo", "GET", ALERTS).json()["ownerName"] == "B."


@pytest.mark.parametrize(
    ("path", "ops", "status"),
    [
        (SHARING, [{"op": "replace", "path": "/tags", "value": ["a"]}], 204),
        (SHARING, [{"op": "replace", "path": "/tags", "value": [1]}], 400),
        (SHARING, [{"op": "replace", "path": "/enabled", "value": "yes"}], 400),
        (SHARING, [{"op": "replace", "path": "/templates", "value": []}], 501),
        (SHARING, [{"op": "add", "path": "/name", "value": "x"}], 400),
        (ALERTS, [{"op": "replace", "path": "/name", "value": ""}], 400),
        (ALERTS, [{"op": "replace", "path": "/throttling", "value": {}}], 501),
        (ALERTS, [{"op": "remove", "path": "/name"}], 400),
        (GLOSSARY, [{"op": "replace", "path": "/tags", "value": ["a"]}], 204),
        (GLOSSARY, [{"op": "replace", "path": "/id", "value": "x"}], 400),
    ],
)
def test_patches_take_what_is_published(ask, path, ops, status):
    assert ask("admin", "PATCH", path, json=ops).status_code == status


def test_whether_the_owner_of_a_glossary_is_patched_is_a_switch(ask, control):
    start(control, glossary_owner_patch="refused400")
    assert give(ask, TRANSFERS["glossary"], "bo").status_code == 400
    start(control, glossary_owner_patch="accepted")
    assert give(ask, TRANSFERS["glossary"], "bo").status_code == 204
    assert ask("bo", "GET", GLOSSARY).json()["ownerId"] == "bo"


def test_what_changed_hands_comes_back_from_a_snapshot(ask, control):
    for transfer in TRANSFERS.values():
        assert give(ask, transfer, "bo").is_success
    ask("admin", "POST", UPDATES[0], json={"connections": [{"id": "c1", "ownerId": "bo"}]})
    snapshot = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=snapshot).raise_for_status()

    assert control.get("/_sandbox/world").json() == snapshot


def test_nothing_of_this_is_answered_without_a_token(everyone):
    for method, path, body in TRANSFERS.values():
        answer = everyone.request(method, path, json=body("bo"))
        assert answer.status_code == 401
        assert answer.json()["errors"]
