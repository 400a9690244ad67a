from datetime import UTC, datetime

import pytest

from qlik_provider.entitlements import (
    Assignment,
    BySubject,
    Entitlement,
    Removals,
    Seats,
    fold,
    parse_entitlement,
    parse_removals,
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("professional via finance for ana@contoso.test", id="one key"),
        pytest.param("analyzer via finance, sales-emea for ana@contoso.test", id="two keys"),
        pytest.param("analyzer via hand, people for bo@contoso.test", id="reserved keys"),
        pytest.param("basicUser via x for Ana for Bo", id="blanks in the mail"),
    ],
)
def test_an_entitlement_reads_back_as_it_was_written(text: str):
    assert str(parse_entitlement(text)) == text


def test_an_entitlement_is_read_into_its_parts():
    assert parse_entitlement("analyzer via finance, sales for ana@contoso.test") == Entitlement(
        "analyzer", ("finance", "sales"), "ana@contoso.test"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("professional", id="a type alone"),
        pytest.param("professional via finance", id="no mail"),
        pytest.param("professional via for ana@contoso.test", id="no key"),
        pytest.param("professional via Finance for ana@contoso.test", id="a key with capitals"),
        pytest.param("professional via a,b for ana@contoso.test", id="no blank between keys"),
        pytest.param("none via finance for ana@contoso.test", id="none is no type"),
        pytest.param("professional via finance for ana@contoso.test; held", id="a deviation"),
        pytest.param(" professional via finance for ana@contoso.test", id="a blank before"),
        pytest.param("professional via finance for ana@contoso.test ", id="a blank after"),
    ],
)
def test_anything_else_is_refused_with_the_form_in_words(text: str):
    with pytest.raises(ValueError, match=r"is not of the form '<type> via <key>") as refusal:
        parse_entitlement(text)
    assert repr(text) in str(refusal.value)


def test_what_others_changed_is_conferred_by_hand_first_and_by_hand_once():
    entitlement = Entitlement("analyzer", ("finance",), "ana@contoso.test")

    once = entitlement.by_hand("professional")

    assert str(once) == "professional via hand, finance for ana@contoso.test"
    assert str(once.by_hand("analyzer")) == "analyzer via hand, finance for ana@contoso.test"
    assert [entitlement.is_by_hand(), once.is_by_hand()] == [False, True]


def test_subjects_are_equal_in_any_case():
    assert fold(r"CONTOSO\Ana") == fold(r"contoso\ANA")


def test_a_mapping_by_subject_is_looked_up_in_any_spelling_and_keeps_the_one_given():
    people = BySubject({"Ana@Contoso.test": 1, "bo": 2})

    assert people["ANA@contoso.TEST"] == 1
    assert "BO" in people
    assert "cy" not in people
    assert list(people) == ["Ana@Contoso.test", "bo"]
    assert len(people) == 2
    assert repr(people) == "BySubject({'Ana@Contoso.test': 1, 'bo': 2})"


def test_the_last_of_several_spellings_stands():
    assert dict(BySubject([("ana", 1), ("ANA", 2)])) == {"ANA": 2}


@pytest.mark.parametrize(
    ("text", "removals"),
    [
        pytest.param("0", Removals(), id="nobody"),
        pytest.param("3", Removals(3), id="people without a key"),
        pytest.param("3; finance 2; hand 1", Removals(3, (("finance", 2), ("hand", 1))), id="by key"),
    ],
)
def test_removals_read_back_as_they_were_written(text: str, removals: Removals):
    assert parse_removals(text) == removals
    assert str(removals) == text


@pytest.mark.parametrize("text", ["", "many", "1; finance", "1; finance two"])
def test_removals_that_are_none_are_refused(text: str):
    with pytest.raises(ValueError, match=r"int\(\)|unpack"):
        parse_removals(text)


def test_removals_add_up_by_key():
    total = Removals(2, (("finance", 2),)) + Removals(1, (("sales", 1), ("finance", 1)))

    assert total == Removals(3, (("finance", 3), ("sales", 1)))
    assert [total.of("finance"), total.of("people")] == [3, 0]


def test_a_row_is_the_same_whenever_it_was_made_and_another_in_excess():
    row = Assignment("ana", "analyzer")

    assert row == Assignment("ana", "analyzer", created=datetime(2026, 11, 2, tzinfo=UTC))
    assert row != Assignment("ana", "analyzer", excess=True)


def test_free_seats_include_those_bought_as_overage():
    seats = Seats(units=10, used=9, overage=2)

    assert seats.free == 3
    assert str(seats) == "9 of 10"
