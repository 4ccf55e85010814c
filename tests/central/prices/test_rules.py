"""Money as people write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from central.imports.rules import Wrong
from central.prices.rules import PriceRow, parse_moment, parse_row, to_minor

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
GTIN = "04006381333931"


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("4.99", "EUR", 499), ("5", "CNY", 500), ("500", "JPY", 500), ("1.234", "KWD", 1234), ("0", "USD", 0)],
)
def test_an_amount_becomes_minor_units_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("4,99", "EUR"),
        ("4.999", "EUR"),
        ("4.5", "JPY"),
        ("-1", "EUR"),
        ("NaN", "EUR"),
        ("1e30", "EUR"),
        ("", "EUR"),
    ],
)
def test_what_is_no_amount_of_a_currency_is_wrong(text: str, currency: str) -> None:
    assert isinstance(to_minor(text, currency), Wrong)


def test_a_line_gives_a_price_from_its_moment_on() -> None:
    fields = {"price_list": "vip", "price": "4.99", "currency": "EUR", "valid_from": "2026-04-01"}
    expected = PriceRow(
        price_list="vip",
        gtin=GTIN,
        price_minor=499,
        currency="EUR",
        valid_from=datetime(2026, 4, 1, tzinfo=UTC),
    )
    assert parse_row(fields, GTIN, NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NOW),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T08:00:00+08:00", datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=8)))),
    ],
)
def test_a_moment_is_a_day_or_has_its_offset(text: str, expected: datetime) -> None:
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["tomorrow", "2026-02-30", "2026-01-31T08:00:00"])
def test_a_moment_that_is_none_or_has_no_offset_is_wrong(text: str) -> None:
    assert isinstance(parse_moment(text, NOW), Wrong)


@pytest.mark.parametrize(("column", "value"), [("price_list", "a b"), ("currency", "yuan"), ("price", "x")])
def test_a_value_that_cannot_be_meant_is_named(column: str, value: str) -> None:
    fields = {"price_list": "vip", "price": "4.99", "currency": "EUR"} | {column: value}
    wrong = parse_row(fields, GTIN, NOW)
    assert isinstance(wrong, Wrong)
    assert (wrong.column, wrong.value) == (column, value)
