import pytest

from sandbox.engine.differences import compare, invert, root_keys
from sandbox.engine.values import UNKNOWN


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": True}, {"a": "update"}),
        ({}, {"a": None}, {"a": "add"}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {}}}, {"a.b.c": "delete"}),
        ({"a": {"b.c": 1}}, {"a": {"b.c": 2}}, {'a["b.c"]': "update"}),
        ({}, {'say "hi"': 1}, {'["say \\"hi\\""]': "add"}),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, {"a[1]": "update", "a[2]": "add"}),
        ({"a": [1]}, {"a": []}, {"a[0]": "delete"}),
        ({"a": "x"}, {"a": {"b": 1}}, {"a": "update"}),
        ({"a": UNKNOWN}, {"a": UNKNOWN}, {"a": "update"}),
    ],
)
def test_each_differing_property_has_a_path_in_pulumis_syntax(old, new, expected):
    assert compare(old, new) == expected


def test_the_inverse_of_a_difference_undoes_it():
    assert invert({"a": "add", "b": "delete", "c": "update"}) == {"a": "delete", "b": "add", "c": "update"}
    assert invert(None) is None


def test_the_roots_of_paths_are_named_without_their_quotes():
    assert root_keys({"a.b": "add", "a[0]": "add", '["x.y"].z': "add", '["say \\"hi\\""]': "add"}) == [
        "a",
        'say "hi"',
        "x.y",
    ]
