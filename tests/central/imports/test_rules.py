"""Reading CSV files line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.imports.rules import Columns, Fault, Fields, ImportRefused, Numbered, Wrong, no_doubles, read

COLUMNS = Columns(required=("gtin", "name"), optional=("price",))


def parse(fields: Fields) -> dict[str, str] | Wrong:
    """A row is its fields; one without a name is wrong."""
    return dict(fields) if fields["name"] else Wrong("name", "", "a name")


def rows(text: str) -> list[Numbered[dict[str, str]] | Fault]:
    """What is read from a text."""
    return list(read(text.splitlines(keepends=True), COLUMNS, parse))


def test_columns_may_come_in_any_order_and_case_after_a_byte_order_mark() -> None:
    expected = [Numbered(2, {"name": "Water", "gtin": "1", "price": "2.50"})]
    assert rows("\ufeffName,GTIN,price\r\nWater,1,2.50\r\n") == expected


def test_a_quoted_field_may_hold_commas_and_quotation_marks() -> None:
    assert rows('gtin,name\n1,"Tea, ""green"""\n') == [Numbered(2, {"gtin": "1", "name": 'Tea, "green"'})]


def test_empty_lines_are_passed_over_and_lines_are_counted_as_an_editor_does() -> None:
    assert [one.line for one in rows("gtin,name\n\n1,Water\n\n2,\n")] == [3, 5]


def test_a_quotation_mark_that_is_never_closed_spoils_its_own_line_alone() -> None:
    found = rows('gtin,name\n1,"Water\n2,Tea\n')
    assert found == [
        Fault(2, "line", '1,"Water', "a closed quotation mark before the end of the line"),
        Numbered(3, {"gtin": "2", "name": "Tea"}),
    ]


def test_a_line_with_too_few_fields_says_how_many_were_found() -> None:
    (fault,) = rows("gtin,name\n1\n")
    assert str(fault) == "line 2: line '1': expected 2 fields (gtin,name), found 1"


def test_a_fault_is_one_line_that_names_line_column_value_and_what_was_expected() -> None:
    assert str(Fault(7, "price", "4,99", "a number")) == "line 7: price '4,99': expected a number"


@pytest.mark.parametrize("value", ["a\x00b", "a\x1bb", "caf\udce9"])
def test_what_is_no_text_is_a_fault_of_its_line(value: str) -> None:
    (fault,) = rows(f"gtin,name\n1,{value}\n")
    assert isinstance(fault, Fault)
    assert fault.expected == "text in UTF-8 without control characters"


def test_a_field_longer_than_any_name_is_a_fault() -> None:
    (fault,) = rows(f"gtin,name\n1,{'x' * 1001}\n")
    assert isinstance(fault, Fault)
    assert fault.expected == "at most 1000 characters, found 1001"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "misses column 'gtin', 'name'; expected gtin,name[,price]"),
        ("gtin", "misses column 'name'"),
        ("gtin,name,colour", "has an unknown column 'colour'"),
        ("gtin,name,name", "repeats column 'name'"),
        ('"gtin', "misses column 'gtin', 'name'"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header: str, words: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        rows(f"{header}\n1,Water\n")
    assert words in str(refused.value)


def test_of_two_lines_with_one_key_the_second_is_a_fault_that_names_the_first() -> None:
    found = list(no_doubles(rows("gtin,name\n1,Water\n1,Tea\n"), lambda row: (row["gtin"],), "gtin"))
    assert found[1] == Fault(3, "gtin", "1", "once in a file; line 2 has it too")


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    lines = ["gtin,name\n", *(f"{line}\n" for line in text.split("\n"))]
    for found in read(lines, COLUMNS, parse):
        assert found.line >= 2
