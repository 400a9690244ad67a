import json
import subprocess
import sys
from collections import Counter

import pytest
from serving import ROOT

from sandbox.generator.profile import PROFILES
from sandbox.generator.world import as_json, as_yaml, make_world
from sandbox.world import load_world, read_world


@pytest.fixture(scope="module")
def world():
    return make_world(2000, 40, 7, PROFILES["usual"], has_cycle=True)


def generate(*arguments):
    command = [sys.executable, "-m", "sandbox", "world", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def subjects(world):
    """Return the users by subject; of those who came back, the record that was deleted."""
    users = sorted(world["tenant"]["users"], key=lambda user: user.get("status") == "deleted")
    return {user["subject"].casefold(): user for user in users}


def test_the_same_seed_makes_the_same_bytes_and_another_seed_another_world():
    first, again, other = (generate("--people", 300, "--seed", seed).stdout for seed in (7, 7, 8))

    assert first == again
    assert first != other


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("people", "groups"), [(0, 0), (0, 7), (1, 1), (13, 4), (300, 20), (1000, 200)])
def test_every_world_made_is_one(people, groups, profile):
    world = make_world(people, groups, people + groups, PROFILES[profile], has_cycle=True)

    read = read_world(json.loads("\n".join(as_json(world))))

    assert len(read.directory.users) == people
    assert len(read.directory.groups) == groups


def test_yaml_and_json_hold_the_same_world(tmp_path):
    for name in ("world.yaml", "world.json"):
        assert generate("--people", 60, "--groups", 9, "--out", tmp_path / name).returncode == 0

    assert load_world(tmp_path / "world.yaml") == load_world(tmp_path / "world.json")


def test_a_world_made_is_served_and_comes_back_as_it_was(world, control):
    control.put("/_sandbox/world", json=world).raise_for_status()
    first = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=first).raise_for_status()

    assert control.get("/_sandbox/world").json() == first
    assert len(first["directory"]["users"]) == 2000


def test_a_file_that_cannot_be_written_is_said_in_one_line(tmp_path):
    done = generate("--people", 3, "--out", tmp_path / "nowhere" / "world.json")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_departments_are_very_uneven(world):
    sizes = Counter(user["department"] for user in world["directory"]["users"] if "department" in user)

    assert len(sizes) == 14
    assert max(sizes.values()) > 50 * min(sizes.values())


def test_groups_are_nested_four_levels_deep_and_in_a_cycle_when_asked(world):
    groups = {group["id"]: group for group in world["directory"]["groups"]}
    children = {id: [member for member in group["members"] if member in groups] for id, group in groups.items()}

    def deepest(id, seen):
        return 1 + max((deepest(child, [*seen, child]) for child in children[id] if child not in seen), default=0)

    chain = world["directory"]["groups"][:4]
    assert max(deepest(id, [id]) for id in groups) >= 4
    assert chain[1]["id"] in children[chain[3]["id"]]
    without = make_world(2000, 40, 7, PROFILES["usual"])["directory"]["groups"][:4]
    assert without[1]["id"] not in without[3]["members"]


def test_membership_overlaps_and_some_groups_are_empty_dynamic_or_for_mail(world):
    groups = world["directory"]["groups"]
    seen = Counter(member for group in groups for member in group["members"])

    assert max(seen.values()) > 2
    assert [] in [group["members"] for group in groups]
    kinds = {kind for group in groups for kind in group.get("groupTypes", [])}
    assert kinds == {"DynamicMembership", "Unified"}


def test_a_dynamic_group_has_the_members_its_rule_asks_for(world):
    people = world["directory"]["users"]
    dynamic = [group for group in world["directory"]["groups"] if "membershipRule" in group]

    assert dynamic
    for group in dynamic:
        department = group["membershipRule"].split('"')[1]
        assert set(group["members"]) == {user["id"] for user in people if user.get("department") == department}


def test_people_are_of_every_awkward_kind(world):
    people = world["directory"]["users"]
    names = Counter(user["displayName"] for user in people)

    assert sum(user.get("userType") == "Guest" and "#EXT#" in user["userPrincipalName"] for user in people) == 80
    assert sum("mail" not in user for user in people) > 30
    assert sum(not user.get("accountEnabled", True) for user in people) == 60
    assert sum(user["userPrincipalName"].startswith("svc-") for user in people) == 10
    assert any("'" in user["userPrincipalName"] for user in people)
    assert any(not user["displayName"].isascii() for user in people)
    assert any(len(user["displayName"]) > 60 for user in people)
    assert names.most_common(1)[0][1] > 2
    assert all(len(user["userPrincipalName"].partition("@")[0]) <= 64 for user in people)
    assert len(world["directory"]["deleted"]) == 40


def test_seats_are_in_every_disorder(world):
    users, rows = subjects(world), world["tenant"]["assignments"]
    people = {user["id"] for user in world["directory"]["users"]}
    held = Counter(row["subject"].casefold() for row in rows)

    assert sum(row["subject"].casefold() not in users for row in rows) > 100  # orphans, of this tenant or not
    assert sum(row["subject"].startswith("fabrikam\\") for row in rows) > 50
    assert sum(row["subject"] in people and row["subject"] not in users for row in rows) == 60  # never seen
    assert sum(count == 2 for count in held.values()) >= 10
    assert sum(row["subject"].isupper() for row in rows) >= 20
    assert sum(row.get("excess", False) for row in rows) == 10
    forms = {subject.partition("\\")[0] for subject in users if "\\" in subject}
    assert forms == {"contoso", "qlikbot"}
    assert any("@" in subject for subject in users)
    statuses = Counter(user.get("status", "active") for user in users.values())
    assert set(statuses) == {"active", "disabled", "provisioned", "deleted"}
    gone = [subject for subject, user in users.items() if user.get("status") == "deleted"]
    assert all(held[subject] for subject in gone)
    assert any("clientId" in user for user in users.values())
    again = Counter(user["subject"] for user in world["tenant"]["users"])
    assert sum(count == 2 for count in again.values()) == 10
    assert all(users[subject.casefold()]["status"] == "deleted" for subject, count in again.items() if count == 2)


def test_a_tidy_world_has_no_disorder():
    world = make_world(2000, 40, 7, PROFILES["tidy"])
    users, people = subjects(world), world["directory"]["users"]

    assert {row["subject"] for row in world["tenant"]["assignments"]} <= {user["id"] for user in people} & set(users)
    assert not any(row.get("excess") for row in world["tenant"]["assignments"])
    assert world["directory"]["deleted"] == []


def test_more_groups_leave_the_people_as_they_were(world):
    other = make_world(2000, 90, 7, PROFILES["usual"])

    assert other["directory"]["users"] == world["directory"]["users"]


def test_yaml_keeps_every_name_as_it_is(world, tmp_path):
    few = {"world": 1, "directory": {"users": world["directory"]["users"][:50]}}
    path = tmp_path / "world.yaml"
    path.write_text("\n".join(as_yaml(few)), encoding="utf-8")

    assert [user.display_name for user in load_world(path).directory.users] == [
        user["displayName"] for user in few["directory"]["users"]
    ]


def test_content_is_owned_unevenly_and_partly_by_people_who_have_left(world):
    tenant = world["tenant"]
    users = {user["id"]: user for user in tenant["users"]}
    owners = Counter(app["ownerId"] for app in tenant["apps"])

    assert owners.most_common(1)[0][1] > 10
    assert any(users[owner].get("status") in {"deleted", "disabled"} for owner in owners)
    assert any("spaceId" in app for app in tenant["apps"])
    assert any("spaceId" not in app for app in tenant["apps"])


def test_groups_that_logins_created_have_members_and_some_have_names_of_long_ago(world):
    names = {group["displayName"] for group in world["directory"]["groups"]}
    ids = {group["id"] for group in world["directory"]["groups"]}
    found = {group["name"]: group for group in world["tenant"]["groups"]}

    assert sum(len(group["members"]) for group in found.values()) > 100
    assert set(found) & ids
    assert set(found) - ids - names == {"BI Former Team", "Data Stewards"}


def test_everybody_but_the_heads_of_departments_has_a_manager_of_the_same_department(world):
    people = {user["id"]: user for user in world["directory"]["users"]}
    heads = [user for user in people.values() if "department" in user and "manager" not in user]

    assert len(heads) == 14
    for user in people.values():
        if "manager" in user:
            assert people[user["manager"]]["department"] == user["department"]
