"""Aliases, ignoreChanges, protect and retainOnDelete: what was seen on Pulumi's own engine, expected of both."""

import pytest

A = "pulumi-python:dynamic/shelf:Books::"
ROOM = "shelf:index:Room"
INNER = f"{ROOM}$pulumi-python:dynamic/shelf:Books::"
UNTOUCHED = ({}, {"same": 2})


@pytest.fixture
def kept(library):
    """A stack of two shelves, one of them protected."""
    library.declare({"a": {"options": {"protect": True}}, "b": {}})
    library.succeed("up --skip-preview")
    library.calls()
    return library


def names(library):
    """Return the resources of the state but the providers: the urn's end, and the end of the parent's."""
    resources = library.deployment()
    return {
        resource["urn"].split("::", 2)[2]: resource.get("parent", "").split("::", 2)[-1]
        for resource in resources
        if not resource["type"].startswith("pulumi:")
    }


def plan(library, *, code=0):
    """Return what a preview would do but to the stack itself, by the urn's end, and how many of each."""
    digest = library.preview("preview --json --expect-no-changes", code=code)
    steps = {step["urn"].split("::", 2)[2]: step["op"] for step in digest["steps"]}
    return {urn: op for urn, op in steps.items() if not urn.startswith("pulumi:")}, digest["changeSummary"]


# protect


@pytest.mark.parametrize("words", ["up --yes", "destroy --yes"])
def test_a_protected_resource_is_not_deleted_and_neither_is_anything_else(kept, words):
    before = kept.deployment()
    kept.declare({})

    text = kept.fail(words)

    assert f'{A}a" cannot be deleted\n' in text
    assert "because it is protected" in text
    assert "remove the `protect` flag" in text
    assert kept.calls() == []
    assert kept.deployment() == before


@pytest.mark.parametrize("words", ["destroy --skip-preview", "up --skip-preview"])
def test_without_a_preview_a_protected_resource_stays_too(kept, words):
    kept.declare({})

    assert "because it is protected" in kept.fail(words)

    assert f"{A}a" in names(kept)
    assert "a" in kept.world
    assert "delete a" not in kept.calls()


def test_to_drop_or_set_protect_is_no_change_and_counts_from_then_on(kept):
    kept.declare({"a": {}, "b": {"options": {"protect": True}}})

    assert plan(kept) == ({f"{A}a": "same", f"{A}b": "same"}, {"same": 3})
    assert "[diff: ~protect]" in kept.succeed("up --skip-preview --expect-no-changes")

    assert not any(call.startswith("update") for call in kept.calls())
    exported = kept.export()
    assert "protect" not in exported["a"]
    assert exported["b"]["protect"] is True
    kept.declare({"b": {"options": {"protect": True}}})
    kept.succeed("up --skip-preview")
    assert kept.world == {"b": {}}


def test_a_protected_resource_is_updated_and_forgotten_like_any_other(kept):
    kept.declare({"a": {"books": {"u1": "red"}, "options": {"protect": True}}, "b": {}})
    kept.succeed("up --skip-preview")
    assert kept.world["a"] == {"u1": "red"}

    kept.world = {"b": {}}
    kept.succeed("refresh --skip-preview")

    assert names(kept).keys() == {f"{A}b"}


# retainOnDelete


def test_a_retained_resource_leaves_the_stack_and_stays_in_the_world(library):
    library.declare({"a": {"options": {"retain_on_delete": True}}, "b": {}})
    library.succeed("up --skip-preview")
    library.calls()
    library.declare({"b": {}})

    assert plan(library, code=7) == ({f"{A}a": "delete"}, {"delete": 1, "same": 2})
    text = library.succeed("up --yes")

    assert "[retain]" in text
    assert "- 1 deleted" in text
    assert not any(call.startswith("delete") for call in library.calls())
    assert library.world == {"a": {}, "b": {}}
    assert names(library).keys() == {f"{A}b"}


def test_a_destroy_deletes_all_but_what_is_retained(library):
    library.declare({"a": {"options": {"retain_on_delete": True}}, "b": {}})
    library.succeed("up --skip-preview")
    library.calls()

    assert "[retain]" in library.succeed("destroy --yes")

    assert library.calls() == ["delete b"]
    assert library.world == {"a": {}}
    assert library.deployment() == []


def test_to_retain_is_no_change_and_counts_from_the_next_deletion_on(library):
    library.declare({"a": {}, "b": {}})
    library.succeed("up --skip-preview")
    library.declare({"a": {"options": {"retain_on_delete": True}}, "b": {}})

    assert plan(library) == ({}, {"same": 3})
    library.succeed("up --skip-preview --expect-no-changes")

    assert library.export()["a"]["retainOnDelete"] is True
    library.declare({})
    library.succeed("up --skip-preview")
    assert library.world == {"a": {}}


def test_what_is_protected_and_retained_does_not_leave_the_stack(library):
    library.declare({"a": {"options": {"retain_on_delete": True, "protect": True}}})
    library.succeed("up --skip-preview")
    library.declare({})

    assert "because it is protected" in library.fail("up --yes")

    assert names(library).keys() == {f"{A}a"}


# Aliases


# ignoreChanges


def test_what_is_ignored_stays_as_it_was_created_until_it_no_longer_is(library):
    ignoring = {"options": {"ignore_changes": ["books"]}}
    library.declare({"a": {"books": {"u1": "red"}, **ignoring}})
    library.succeed("up --skip-preview")
    library.declare({"a": {"books": {"u1": "green"}, **ignoring}})

    assert plan(library) == ({}, {"same": 2})
    library.succeed("up --skip-preview --expect-no-changes")
    assert library.world == {"a": {"u1": "red"}}
    assert library.export()["a"]["inputs"]["books"] == {"u1": "red"}

    library.declare({"a": {"books": {"u1": "green"}}})
    library.succeed("up --skip-preview")
    assert library.world == {"a": {"u1": "green"}}
    assert "ignoreChanges" not in library.export()["a"]


@pytest.fixture
def named(library):
    """A stack of one shelf."""
    library.declare({"a": {}})
    library.succeed("up --skip-preview")
    library.calls()
    return library


@pytest.mark.parametrize("alias", [{"name": "a"}, f"urn:pulumi:dev::library::{A}a"], ids=["name", "urn"])
def test_a_renamed_resource_is_the_same_and_the_state_has_the_new_name(named, alias):
    named.declare({"b": {"shelf": "a", "options": {"aliases": [alias]}}})

    assert plan(named) == UNTOUCHED
    assert sorted(named.calls()) == ["check a", "diff a"]
    named.succeed("up --skip-preview --expect-no-changes")

    assert names(named) == {f"{A}b": "pulumi:pulumi:Stack::library-dev"}
    assert "aliases" not in named.export()["b"]
    assert named.world == {"a": {}}
    named.declare({"b": {"shelf": "a"}})
    assert plan(named) == UNTOUCHED


def test_a_renamed_resource_that_differs_is_updated(named):
    named.declare({"b": {"shelf": "a", "books": {"u1": "red"}, "options": {"aliases": [{"name": "a"}]}}})

    assert plan(named, code=7) == ({f"{A}b": "update"}, {"same": 1, "update": 1})
    named.calls()
    named.succeed("up --skip-preview")

    assert named.calls() == ["check a", "diff a", "update a"]
    assert names(named).keys() == {f"{A}b"}
    assert named.world == {"a": {"u1": "red"}}


def test_an_alias_of_what_is_not_there_is_a_creation(named):
    named.declare({"a": {}, "b": {"options": {"aliases": [{"name": "nobody"}]}}})

    assert plan(named, code=7) == ({f"{A}b": "create"}, {"create": 1, "same": 2})


def test_the_first_alias_that_is_there_counts(named):
    named.declare({"b": {"shelf": "a", "options": {"aliases": [{"name": "nobody"}, {"name": "a"}]}}})

    assert plan(named) == UNTOUCHED


def test_an_alias_of_a_resource_that_has_its_name_already_is_not_used(named):
    named.declare({"a": {}, "b": {}})
    named.succeed("up --skip-preview")
    named.declare({"b": {"options": {"aliases": [{"name": "a"}]}}})

    assert plan(named, code=7) == ({f"{A}a": "delete"}, {"delete": 1, "same": 2})


@pytest.mark.parametrize(
    "shelves",
    [
        {"a": {}, "b": {"shelf": "a", "options": {"aliases": [{"name": "a"}]}}},
        {name: {"shelf": "a", "options": {"aliases": [{"name": "a"}]}} for name in ("b", "c")},
    ],
    ids=["name and alias", "two aliases"],
)
def test_two_resources_that_claim_one_are_refused(named, shelves):
    named.declare(shelves)

    text = named.fail("up --yes")

    assert "error: Duplicate resource" in text
    assert "Traceback" not in text
    assert names(named).keys() == {f"{A}a"}


@pytest.mark.parametrize("fault", [{"wrong": "no"}, {"broken": "no"}], ids=["check", "update"])
def test_a_renamed_resource_keeps_its_name_in_the_state_until_its_step_is_done(named, fault):
    named.declare({"b": {"shelf": "a", **fault, "options": {"aliases": [{"name": "a"}]}}})

    named.fail("up --skip-preview")

    assert names(named).keys() == {f"{A}a"}
    named.declare({"b": {"shelf": "a", "options": {"aliases": [{"name": "a"}]}}})
    named.succeed("up --skip-preview --expect-no-changes")
    assert names(named).keys() == {f"{A}b"}


def room(name, child="inner", *, formerly="", child_formerly=""):
    """Return a room with a shelf of its name, one named after it, and one with a name of its own."""
    of = {"options": {"aliases": [{"name": formerly}]}} if formerly else {}
    of_child = {"options": {"aliases": [{"name": child_formerly}]}} if child_formerly else {}
    return {name: {**of, name: {"shelf": "1"}, f"{name}-x": {"shelf": "2"}, child: {"shelf": "3", **of_child}}}


def state_of(name, child="inner"):
    return {
        f"{ROOM}::{name}": "pulumi:pulumi:Stack::library-dev",
        **{f"{INNER}{inner}": f"{ROOM}::{name}" for inner in (name, f"{name}-x", child)},
    }


def test_the_children_of_a_renamed_component_are_found_also_by_names_that_begin_with_its_own(library):
    library.declare({}, rooms=room("east"))
    library.succeed("up --skip-preview")
    assert names(library) == state_of("east")
    library.calls()

    library.declare({}, rooms=room("west", formerly="east"))
    assert plan(library) == ({}, {"same": 5})
    library.succeed("up --skip-preview --expect-no-changes")
    assert names(library) == state_of("west")

    library.declare({}, rooms=room("south", "outer", formerly="west", child_formerly="inner"))
    assert plan(library) == ({}, {"same": 5})
    library.succeed("up --skip-preview --expect-no-changes")

    assert names(library) == state_of("south", "outer")
    assert {call.split()[0] for call in library.calls()} == {"check", "diff"}


def test_a_resource_finds_its_way_into_a_component_and_out_again(named):
    named.declare({}, rooms={"east": {"a": {"options": {"aliases": [{"parent": None}]}}}})
    assert plan(named, code=7) == ({f"{ROOM}::east": "create"}, {"create": 1, "same": 2})
    named.succeed("up --skip-preview")
    assert names(named)[f"{INNER}a"] == f"{ROOM}::east"

    parent = f"urn:pulumi:dev::library::{ROOM}::east"
    named.declare({"a": {"options": {"aliases": [{"parent": parent}]}}}, rooms={"east": {}})
    named.succeed("up --skip-preview --expect-no-changes")

    assert names(named)[f"{A}a"] == "pulumi:pulumi:Stack::library-dev"
    assert named.world == {"a": {}}


def test_a_failed_run_leaves_the_children_of_a_renamed_component_with_their_parent(library):
    library.declare({}, rooms={"east": {"inner": {}}})
    library.succeed("up --skip-preview")
    library.declare({}, rooms={"west": {"options": {"aliases": [{"name": "east"}]}, "inner": {"broken": "no"}}})

    library.fail("up --skip-preview")

    assert names(library) == {
        f"{ROOM}::west": "pulumi:pulumi:Stack::library-dev",
        f"{INNER}inner": f"{ROOM}::west",
    }
