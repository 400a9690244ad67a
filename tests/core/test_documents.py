from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from qlik_provider.documents import Document, parse_document, read_document


class Seat(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    count: int = 0


SEATS = TypeAdapter(dict[str, tuple[Seat, ...]])


def write_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "file.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str) -> Document:
    document = read_document(write_file(folder, text))
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param("a: 1\n<<<<<<< HEAD\nb: 2\n", 2, "a merge conflict is not resolved", id="conflict begins"),
        pytest.param("a: 1\n=======\n", 2, "a merge conflict is not resolved", id="conflict parts"),
        pytest.param(">>>>>>> main\n", 1, "a merge conflict is not resolved", id="conflict ends"),
        pytest.param("||||||| base\n", 1, "a merge conflict is not resolved", id="conflict's base"),
        pytest.param(
            "a: 1\nb: 2\na: 3\n", 3, 'found duplicate key "a" with value "3" (original value: "1")', id="duplicate key"
        ),
        pytest.param("a: [1, 2\nb: 3\n", 2, "expected ',' or ']', but got ':'", id="unclosed list"),
        pytest.param("a: 'x\n", 2, "found unexpected end of stream", id="unclosed text"),
        pytest.param("a: \x01\n", 1, "unacceptable character #x0001: special characters are not allowed", id="control"),
        pytest.param("a: *b\n", 1, "found undefined alias 'b'", id="alias of nothing"),
        pytest.param("a: 1\n---\nb: 2\n", 2, "but found another document", id="two documents"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault_at_its_line(tmp_path: Path, text: str, line: int, reason: str):
    assert read_document(write_file(tmp_path, text)) == f"{tmp_path}/file.yaml:{line} {reason}"


def test_a_line_that_only_looks_like_a_conflict_is_text(tmp_path: Path):
    assert read(tmp_path, "a: |\n  ========\n  <<<<<<<x\n").data == {"a": "========\n<<<<<<<x\n"}


def test_a_file_that_is_missing_or_no_text_is_a_fault(tmp_path: Path):
    assert str(read_document(tmp_path / "none.yaml")).startswith(f"{tmp_path}/none.yaml:1 cannot be read: ")
    assert str(read_document(write_file(tmp_path, b"\xff\xfe"))).startswith(f"{tmp_path}/file.yaml:1 cannot be read: ")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"], ids=["empty", "a comment", "a marker"])
def test_an_empty_file_holds_nothing(tmp_path: Path, text: str):
    assert read(tmp_path, text).data == {}


def test_a_document_of_the_right_shape_is_its_value(tmp_path: Path):
    document = read(tmp_path, "north:\n  - {type: analyzer, count: 2}\n  - {type: professional}\n")

    assert parse_document(document, SEATS) == {
        "north": (Seat(type="analyzer", count=2), Seat(type="professional")),
    }


def test_every_fault_is_named_at_its_line_and_path(tmp_path: Path):
    document = read(
        tmp_path,
        "north:\n  - type: analyzer\n    count: two\n  - type: null\n    color: red\nsouth:\n  - count: 1\nwest: 7\n",
    )

    assert parse_document(document, SEATS) == [
        f"{tmp_path}/file.yaml:3 north[0].count: should be a valid integer, not 'two'",
        f"{tmp_path}/file.yaml:4 north[1].type: null is no value; leave the line out, or write [] or {{}} for none",
        f"{tmp_path}/file.yaml:5 north[1].color: is not known here",
        f"{tmp_path}/file.yaml:7 south[0].type: is missing",
        f"{tmp_path}/file.yaml:8 west: should be a valid array, not 7",
    ]


def test_numbers_are_not_taken_for_texts_nor_texts_for_numbers(tmp_path: Path):
    document = read(tmp_path, "north:\n  - {type: 7, count: '2'}\n")

    faults = parse_document(document, SEATS)

    assert [fault.partition(" ")[2] for fault in faults] == [
        "north[0].type: should be a valid string, not 7",
        "north[0].count: should be a valid integer, not '2'",
    ]


def test_a_fault_of_the_whole_file_stands_at_its_first_line(tmp_path: Path):
    assert parse_document(read(tmp_path, "- 1\n"), SEATS) == [f"{tmp_path}/file.yaml:1 should be an object"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("a: !!binary aGVsbG8=\n", "bytes", id="bytes"),
        pytest.param("a: !!set {x}\n", "CommentedSet", id="a set"),
    ],
)
def test_a_value_that_is_no_plain_data_is_a_fault(tmp_path: Path, text: str, kind: str):
    assert parse_document(read(tmp_path, text), SEATS) == [
        f"{tmp_path}/file.yaml:1 a value of type {kind} has no place in a declaration"
    ]


def test_a_fault_is_placed_as_far_as_its_path_can_be_followed(tmp_path: Path):
    document = read(tmp_path, "north:\n  - type: analyzer\n")

    places = [("north", 0, "type"), ("north", 0, "type", "deeper"), ("north", 5), ("south",), ("north", "type"), ()]
    assert [document.fault(place, "why").removeprefix(f"{tmp_path}/file.yaml:") for place in places] == [
        "2 north[0].type: why",
        "2 north[0].type.deeper: why",
        "1 north[5]: why",
        "1 south: why",
        "1 north.type: why",
        "1 why",
    ]


def test_an_inherited_part_is_placed_where_it_is_used(tmp_path: Path):
    document = read(tmp_path, "base: &base\n  type: 7\nnorth:\n  <<: *base\n")

    assert document.fault(("north", "type"), "why").startswith(f"{tmp_path}/file.yaml:")


def test_dates_are_read_as_dates(tmp_path: Path):
    document = read(tmp_path, "a: 2026-11-02\nb: 2026-11-02T08:00:00Z\n")

    assert parse_document(document, TypeAdapter(dict[str, str])) == {
        "a": "2026-11-02",
        "b": "2026-11-02T08:00:00+00:00",
    }
