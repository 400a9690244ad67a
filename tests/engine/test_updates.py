UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
BOTH = {"a": {"books": {"u1": "red", "x.y": "blue"}}, "b": {}}


def test_an_up_creates_and_a_second_up_finds_nothing_to_do(rehearsal):
    rehearsal.declare(BOTH)

    first = rehearsal.succeed("up --yes")
    assert "rehearsal, not Pulumi" in first
    assert "Resources:\n    + 3 to create\n" in first
    assert "Resources:\n    + 3 created\n" in first
    assert rehearsal.world == {"a": {"u1": "red", "x.y": "blue"}, "b": {}}
    assert sorted(rehearsal.calls()) == ["check a", "check a", "check b", "check b", "create a", "create b"]

    second = rehearsal.succeed("up --yes --expect-no-changes")
    assert second.count("Resources:\n    3 unchanged\n") == 2
    assert sorted(rehearsal.calls()) == sorted(2 * ["check a", "check b", "diff a", "diff b"])


def test_one_provider_process_serves_a_phase_and_none_serves_two(rehearsal):
    rehearsal.declare(BOTH)

    rehearsal.succeed("up --yes")

    processes = [line.split()[0] for line in (rehearsal.folder / "calls").read_text().splitlines()]
    preview, update = processes[:2], processes[2:]
    assert (len(set(preview)), len(set(update)), len(set(processes))) == (1, 1, 2)


def test_a_stack_is_exported_in_the_shape_of_a_deployment(rehearsal):
    rehearsal.declare({"a": {"books": {"n": 5}}})

    rehearsal.succeed("up --skip-preview")

    exported = rehearsal.export()
    provider = exported["default"]
    assert exported["library-dev"]["outputs"] == {"shelves": ["a"]}
    assert provider["type"] == "pulumi:providers:pulumi-python"
    assert provider["inputs"] == provider["outputs"] == {"library:town": "Contoso"}
    serialized = exported["a"]["inputs"]["__provider"]
    assert exported["a"] == {
        "urn": "urn:pulumi:dev::library::pulumi-python:dynamic/shelf:Books::a",
        "type": "pulumi-python:dynamic/shelf:Books",
        "custom": True,
        "id": "a",
        "inputs": {"__provider": serialized, "shelf": "a", "books": {"n": 5}},
        "outputs": {"__provider": serialized, "shelf": "a", "books": {"n": 5}, "count": 1},
        "parent": exported["library-dev"]["urn"],
        "provider": f"{provider['urn']}::{provider['id']}",
        "propertyDependencies": {"__provider": [], "books": [], "shelf": []},
    }


def test_a_preview_names_each_property_that_differs(rehearsal):
    rehearsal.declare({"a": {"books": {"u1": "red", "u2": "old", "x.y": "blue"}}})
    rehearsal.succeed("up --skip-preview")
    rehearsal.declare({"a": {"books": {"u1": "green", "u3": "new", "x.y": "grey"}}})

    digest = rehearsal.preview("preview --json --expect-no-changes", code=7)

    step = next(step for step in digest["steps"] if step["op"] == "update")
    kinds = {path: details["kind"] for path, details in step["detailedDiff"].items()}
    assert kinds == {"books.u1": "update", "books.u2": "delete", "books.u3": "add", 'books["x.y"]': "update"}
    assert step["diffReasons"] == ["books"]
    assert step["newState"]["inputs"]["books"] == {"u1": "green", "u3": "new", "x.y": "grey"}
    assert digest["changeSummary"] == {"same": 1, "update": 1}
    assert digest["config"] == {"library:town": "Contoso"}
    lines = rehearsal.succeed("preview --diff").splitlines()
    for line in ['~ u1 : "red" => "green"', '- u2 : "old"', '+ u3 : "new"', '~ x.y: "blue" => "grey"']:
        assert line in [printed.strip() for printed in lines]


def test_what_is_no_longer_declared_is_deleted_dependents_first(rehearsal):
    rehearsal.declare({"a": {}}, annex="a")
    rehearsal.succeed("up --skip-preview")
    rehearsal.calls()
    rehearsal.declare({})

    out = rehearsal.succeed("up --yes")

    assert rehearsal.calls() == ["delete inner", "delete a"]
    assert "    - 3 deleted\n" in out
    assert list(rehearsal.export()) == ["library-dev"]


def test_a_destroy_asks_the_provider_only_to_delete(rehearsal):
    rehearsal.declare({"a": {}}, annex="a")
    rehearsal.succeed("up --skip-preview")
    rehearsal.calls()

    assert "    - 4 to delete\n" in rehearsal.succeed("destroy --preview-only")
    assert rehearsal.calls() == []
    assert "    - 4 deleted\n" in rehearsal.succeed("destroy --yes")
    assert rehearsal.calls() == ["delete inner", "delete a"]
    assert rehearsal.export() == {}


def test_a_preview_hands_on_what_is_not_known_yet(rehearsal):
    rehearsal.declare({"a": {"books": {"u1": "red"}}}, annex="a")

    digest = rehearsal.preview()

    created = {step["urn"].split("::")[-1]: step["newState"] for step in digest["steps"]}
    assert created["inner"]["inputs"]["books"] == {"of": UNKNOWN}
    assert rehearsal.calls() == ["check a", "check inner unknown:of"]
    rehearsal.succeed("up --skip-preview")
    assert rehearsal.world["inner"] == {"of": 1}
    component = rehearsal.export()["annex"]
    assert rehearsal.export()["inner"]["parent"] == component["urn"]
    assert rehearsal.export()["inner"]["urn"].endswith("::shelf:index:Annex$pulumi-python:dynamic/shelf:Books::inner")


def test_a_provider_that_says_only_that_something_changed_gives_no_details(rehearsal):
    rehearsal.declare({"a": {"answer": "some"}})
    rehearsal.succeed("up --skip-preview")

    digest = rehearsal.preview()

    assert [(step["op"], step["detailedDiff"]) for step in digest["steps"]] == [("same", None), ("update", None)]


def test_messages_are_shown_at_once_and_again_at_the_end(rehearsal):
    rehearsal.declare({}, warns="mind the gap")

    out = rehearsal.succeed("preview")

    assert "library-dev  warning: mind the gap\n" in out
    assert "Diagnostics:\n  pulumi:pulumi:Stack (library-dev):\n    warning: mind the gap\n" in out
    assert rehearsal.preview()["diagnostics"] == [{"message": "warning: mind the gap\n", "severity": "warning"}]
