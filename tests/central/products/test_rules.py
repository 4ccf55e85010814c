"""What a line of a product file means."""

from __future__ import annotations

from decimal import Decimal

import pytest

from central.imports.rules import Wrong
from central.products.rules import ProductRow, gtin_14, parse_quantity, parse_row
from protocol.feeds import Product


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("4006381333931", "04006381333931"),
        ("14006381333938", "14006381333938"),
    ],
)
def test_every_gtin_becomes_one_of_14_digits(text: str, expected: str) -> None:
    assert gtin_14(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4006381333932", "check digit 1, found 2: a digit is wrong"),
        ("123", "a GTIN of 8, 12, 13 or 14 digits"),
        ("400638133393X", "a GTIN of 8, 12, 13 or 14 digits"),
        ("４００６３８１３３３９３１", "a GTIN of 8, 12, 13 or 14 digits"),
        ("", "a GTIN of 8, 12, 13 or 14 digits"),
    ],
)
def test_what_is_no_gtin_says_why(text: str, expected: str) -> None:
    assert gtin_14(text) == Wrong("gtin", text, expected)


def test_a_line_gives_a_product_and_its_list_price() -> None:
    fields = {
        "gtin": "4006381333931",
        "name": "Pen",
        "category": "",
        "list_price": "4.99",
        "serialised": "yes",
    }
    expected = ProductRow(
        product=Product(gtin="04006381333931", name="Pen", serialised=True), list_price_minor=499
    )
    assert parse_row(fields, "EUR") == expected


@pytest.mark.parametrize(
    ("field", "value", "column"),
    [
        ("gtin", "1", "gtin"),
        ("name", "", "name"),
        ("serialised", "perhaps", "serialised"),
        ("list_price", "x", "list_price"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(field: str, value: str, column: str) -> None:
    fields = {"gtin": "4006381333931", "name": "Pen"} | {field: value}
    wrong = parse_row(fields, "EUR")
    assert isinstance(wrong, Wrong)
    assert (wrong.column, wrong.value) == (column, value)


@pytest.mark.parametrize("text", ["12", "0", "0.750", "1e3"])
def test_a_quantity_is_a_number_with_at_most_three_decimals(text: str) -> None:
    assert parse_quantity(text) == Decimal(text)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.2345", "NaN", "Infinity", "1e40"])
def test_what_is_no_quantity_is_wrong(text: str) -> None:
    assert isinstance(parse_quantity(text), Wrong)
