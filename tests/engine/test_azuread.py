import json
import re

import pytest
from harness import ROOT, read_world

KIND = "azuread:index/groupWithoutMembers:GroupWithoutMembers"

PROGRAM = """
import json
from pathlib import Path

import pulumi
import pulumi_azuread

for name, args in json.loads(Path("groups.json").read_text()).items():
    group = pulumi_azuread.GroupWithoutMembers(name, **args)
    pulumi.export(name, group.object_id)
"""


@pytest.fixture(scope="module")
def directory(sandbox):
    sandbox.load(read_world(ROOT / "tests" / "worlds" / "small.yaml"))
    return sandbox


@pytest.fixture
def groups(rehearsal, directory):
    """A project whose program declares groups, beside a fresh directory."""
    rehearsal.environment |= directory.environment
    (rehearsal.folder / "__main__.py").write_text(PROGRAM)
    rehearsal.write = lambda declared: (rehearsal.folder / "groups.json").write_text(json.dumps(declared))
    rehearsal.write({"dev": {"display_name": "BI Dev", "mail_nickname": "dev-fin", "security_enabled": True}})
    directory.forget()
    return rehearsal


def find(directory, name):
    found = [group for group in directory.snapshot()["directory"]["groups"] if group["displayName"] == name]
    return found[0] if found else None


def writes(directory):
    graph = [request for request in directory.requests() if request["service"] == "graph" and request["writes"]]
    return [(request["method"], re.sub(r"[0-9a-f-]{36}", "ID", request["path"])) for request in graph]


def test_a_group_is_created_with_the_calls_of_the_plugin(groups, directory):
    groups.succeed("up --skip-preview")

    assert writes(directory) == [("POST", "/beta/groups"), *2 * [("PATCH", "/beta/groups/ID")]]
    group = find(directory, "BI Dev")
    exported = groups.export()["dev"]
    assert exported["id"] == f"/groups/{group['id']}"
    assert exported["outputs"]["objectId"] == group["id"] == groups.export()["library-dev"]["outputs"]["dev"]
    assert exported["inputs"] == {
        "__defaults": [],
        "displayName": "BI Dev",
        "mailNickname": "dev-fin",
        "securityEnabled": True,
    }
    assert "    2 unchanged\n" in groups.succeed("preview --expect-no-changes")
    assert "    2 unchanged\n" in groups.succeed("refresh --preview-only --expect-no-changes")
    groups.succeed("destroy --yes")
    assert find(directory, "BI Dev") is None


def test_a_renamed_group_is_an_update_that_keeps_its_object_id_known(groups, directory):
    groups.succeed("up --skip-preview")
    groups.write({"dev": {"display_name": "BI Makers", "mail_nickname": "dev-fin", "security_enabled": True}})

    step = groups.preview()["steps"][1]
    assert (step["op"], step["detailedDiff"]) == ("update", {"displayName": {"kind": "update", "inputDiff": False}})
    assert "unknown" not in groups.succeed("preview")
    groups.succeed("up --skip-preview")
    assert find(directory, "BI Makers")["mailNickname"] == "dev-fin"
    groups.succeed("destroy --yes")


def test_a_group_renamed_by_others_is_drift(groups, directory):
    groups.succeed("up --skip-preview")
    id = groups.export()["dev"]["id"]
    document = json.loads(groups.checkpoint.read_text())
    for resource in document["resources"]:
        if resource["type"] == KIND:
            resource["inputs"]["displayName"] = resource["outputs"]["displayName"] = "BI Before"
    groups.checkpoint.write_text(json.dumps(document))

    digest = groups.preview("refresh --preview-only --json --expect-no-changes", code=7)

    assert digest["steps"][1]["newState"]["inputs"]["displayName"] == "BI Dev"
    assert digest["steps"][1]["newState"]["id"] == id
    groups.succeed("destroy --yes")


def test_a_second_group_of_the_name_is_refused_where_that_was_asked(groups):
    once = {"display_name": "BI Twin", "security_enabled": True}
    groups.write({"one": once})
    groups.succeed("up --skip-preview")
    groups.write({"one": once, "two": {**once, "prevent_duplicate_names": True}})

    assert "a group named 'BI Twin' exists already" in groups.fail("up --skip-preview")
    groups.succeed("destroy --yes")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, '"security_enabled": one of `mail_enabled,security_enabled` must be specified'),
        ({"security_enabled": True, "theme": "Blue"}, "the rehearsal does not know theme"),
        ({"security_enabled": True, "types": ["DynamicMembership"]}, "belong together"),
        ({"mail_enabled": True}, "the rehearsal makes no mail-enabled groups"),
    ],
)
def test_inputs_outside_the_table_are_refused_by_name(groups, args, said):
    groups.write({"dev": {"display_name": "BI Dev", **args}})

    assert said in groups.fail("preview")


def test_another_mail_nickname_would_be_another_group_and_is_refused(groups):
    groups.succeed("up --skip-preview")
    groups.write({"dev": {"display_name": "BI Dev", "mail_nickname": "other", "security_enabled": True}})

    assert "replacement of a resource is not rehearsed (mailNickname)" in groups.fail("preview")
    groups.succeed("destroy --yes")


def test_without_a_directory_azuread_resources_are_refused(rehearsal):
    (rehearsal.folder / "__main__.py").write_text(PROGRAM)
    (rehearsal.folder / "groups.json").write_text('{"dev": {"display_name": "BI Dev", "security_enabled": true}}')

    assert "azuread resources need a sandbox directory" in rehearsal.fail("preview")


def test_other_azuread_resources_are_refused_by_name(rehearsal):
    program = 'import pulumi_azuread\npulumi_azuread.GroupMember("m", group_object_id="g", member_object_id="m")\n'
    (rehearsal.folder / "__main__.py").write_text(program)

    assert "does not know resources of type azuread:index/groupMember:GroupMember" in rehearsal.fail("preview")
