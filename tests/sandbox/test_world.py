from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.world import WorldError, load_world, read_world

DEMO = Path(__file__).parents[2] / "sandbox" / "worlds" / "demo.yaml"


def test_a_world_needs_nothing_but_its_format():
    world = read_world({"world": 1})

    assert world.tenant.users == []
    assert world.clock is None


def test_every_fault_of_shape_is_reported_in_one_line():
    with pytest.raises(WorldError) as caught:
        read_world({"world": 2, "tenant": {"users": [{"name": "Ana"}], "teapot": 1}})

    places = [fault.partition(":")[0] for fault in caught.value.faults]
    assert places == ["world", "tenant.users.0.subject", "tenant.teapot"]


def test_every_name_that_refers_to_nothing_is_reported():
    with pytest.raises(WorldError) as caught:
        read_world(
            {
                "world": 1,
                "tenant": {
                    "apiKeys": [{"token": "t", "subject": "nobody"}],
                    "assignments": [{"subject": "a", "type": "analyzer"}, {"subject": "A", "type": "analyzer"}],
                    "users": [{"subject": "b", "name": "B", "assignedRoles": ["Developer"]}],
                },
                "directory": {
                    "groups": [
                        {
                            "id": "aaaaaaaa-0000-4000-8000-000000000001",
                            "displayName": "G",
                            "mailNickname": "g",
                            "members": ["aaaaaaaa-0000-4000-8000-000000000009"],
                        },
                    ],
                },
                "switches": {"teapot": "on"},
            }
        )

    text = str(caught.value)
    assert "a analyzer occurs 2 times" in text
    assert "nobody is no user of this tenant" in text
    assert "analyzer, which has no allotment" in text
    assert "the role Developer, which does not exist" in text
    assert "members of G does not exist" in text
    assert "no such switch" in text


def test_a_date_without_a_zone_is_utc(tmp_path):
    path = tmp_path / "world.yaml"
    path.write_text("world: 1\nclock: 2026-11-02T08:00:00\n")

    assert load_world(path).clock == datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["world: [", "world: 1\nworld: 1\n"])
def test_text_that_is_no_yaml_is_refused(tmp_path, text):
    path = tmp_path / "world.yaml"
    path.write_text(text)

    with pytest.raises(WorldError):
        load_world(path)


def test_the_demo_world_is_a_company_of_three_hundred():
    world = load_world(DEMO)
    people = world.directory.users

    assert len(people) == 300
    assert sum(not person.account_enabled for person in people) == 7
    assert sum(person.user_type == "Guest" for person in people) == 6
    assert len({person.display_name for person in people}) == 299
    assert len(world.tenant.assignments) == 65
    assert len(world.tenant.spaces) >= 8
    groups = {group.id: set(group.members) for group in world.directory.groups}
    assert any(groups.keys() & members for members in groups.values()), "a group in a group"
    principals = {principal.id for principal in world.directory.service_principals}
    assert any(principals & members for members in groups.values())
