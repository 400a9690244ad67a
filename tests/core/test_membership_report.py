"""The document of who counts and who is left out: every key that is read from the directory, and nothing made up."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from core.files import load

from qlik_provider.errors import UnusablePlans
from qlik_provider.membership import count_members
from qlik_provider.membership_report import make_memberships, write_memberships
from qlik_provider.people import DirectoryUser, GroupReading
from qlik_provider.review import read_plans

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
ANA = DirectoryUser("id-ana", "ana@contoso.test")
OFF = DirectoryUser("id-off", "off@contoso.test", account_enabled=False)
VIC = DirectoryUser("id-vic", "vic#EXT#@contoso.test", user_type="Guest")

SALES = "license: analyzer\nexisting: {name: Sales}\n"
READ = GroupReading(
    "Sales",
    "id-sales",
    users=(ANA, OFF, VIC, replace(VIC, id="id-2")),
    nested=1,
    nested_users=4,
    others={"servicePrincipal": 3, "device": 1, "orgContact": 0},
)
NOBODY = {"guests": 0, "disabled": 0, "servicePrincipals": 0, "devices": 0, "contacts": 0}
NO_GROUPS = {"nestedGroups": 0, "nestedUsers": 0}


def document(folder: Path, files: dict[str, str], **readings: GroupReading):
    declaration = load(folder, {f"groups/{key}": text for key, text in files.items()})
    made = make_memberships(declaration, count_members(declaration, readings), NOW)
    return made.model_dump(mode="json", by_alias=True)


def test_everybody_who_is_left_out_is_counted_by_kind(tmp_path: Path):
    listed = "name: Listed\nlicense: analyzer\nmembers: [ana@contoso.test]\n"

    made = document(tmp_path, {"sales": SALES, "listed": listed}, sales=READ)

    assert made == {
        "version": 1,
        "now": "2026-11-02T08:00:00Z",
        "groups": {
            "sales": {
                "source": "existing",
                "name": "Sales",
                "objectId": "id-sales",
                "counted": 1,
                "leftOut": {
                    "guests": 2,
                    "disabled": 1,
                    "servicePrincipals": 3,
                    "devices": 1,
                    "contacts": 0,
                    "nestedGroups": 1,
                    "nestedUsers": 4,
                },
                "doubt": None,
                "awaited": None,
            }
        },
    }


def test_what_could_not_be_counted_is_null_and_not_nobody(tmp_path: Path):
    made = document(
        tmp_path, {"sales": SALES}, sales=replace(READ, others={"device": 1}, nested=None, nested_users=None)
    )

    left_out = made["groups"]["sales"]["leftOut"]
    assert {kind for kind, count in left_out.items() if count is None} == {
        "servicePrincipals",
        "contacts",
        "nestedGroups",
        "nestedUsers",
    }
    assert left_out["devices"] == 1


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("query: mail ne null", "query"),
        ("everyone: true", "everyone"),
        ("name: Ruled\nrule: user.mail -ne null", "rule"),
    ],
)
def test_where_only_people_can_be_there_is_nobody_else(tmp_path: Path, text: str, source: str):
    made = document(tmp_path, {"a": f"license: analyzer\n{text}\n"}, a=GroupReading("A", users=(ANA, VIC)))

    assert (made["groups"]["a"]["source"], made["groups"]["a"]["counted"]) == (source, 1)
    assert made["groups"]["a"]["leftOut"] == {**NOBODY, **NO_GROUPS, "guests": 1}


def test_of_a_group_in_doubt_nobody_is_counted_and_the_doubt_is_told(tmp_path: Path):
    files = {"a": SALES, "b": SALES, "c": "license: analyzer\nname: Ruled\nrule: user.mail -ne null\n"}
    readings = {
        "a": GroupReading("Sales", doubt="no group is named 'Sales'"),
        "b": replace(READ, users=(VIC,)),
        "c": GroupReading("Ruled", awaited="pulumi up creates it"),
    }

    groups = document(tmp_path, files, **readings)["groups"]

    assert [groups[key]["counted"] for key in "abc"] == [None, None, None]
    assert groups["a"]["doubt"] == "no group is named 'Sales'"
    assert groups["b"]["doubt"].startswith("'Sales' has nobody who counts (left out: 1 guest")
    assert (groups["c"]["doubt"], groups["c"]["awaited"]) == (None, "pulumi up creates it")
    assert [key for key in "abc" if groups[key]["leftOut"] is not None] == ["b"]


def test_the_document_is_written_below_the_plans_and_is_taken_for_none(tmp_path: Path):
    declaration = load(tmp_path / "prod", {"groups/sales": SALES})
    made = make_memberships(declaration, count_members(declaration, {"sales": READ}), NOW)

    write_memberships(made, {"QLIK_PLAN_DIR": str(tmp_path / "plans")})

    text = (tmp_path / "plans" / "directory" / "memberships.json").read_text(encoding="utf-8")
    assert json.loads(text)["groups"]["sales"]["leftOut"]["guests"] == 2
    with pytest.raises(UnusablePlans, match="holds no plan document"):
        read_plans([tmp_path / "plans"])
