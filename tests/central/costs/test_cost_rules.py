"""Costs as people write them, and which one holds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from central.costs.rules import CostList, CostRow, parse_row, parse_unit_cost
from central.imports.rules import Wrong
from tests.central.facts import BREAD, MILK, NOON

DAY = timedelta(days=1)


def row(cost: int, days: int) -> CostRow:
    return CostRow(gtin=MILK, currency="EUR", valid_from=NOON + days * DAY, cost_minor=Decimal(cost))


LIST = CostList([row(120, 2), row(100, 0)])


@pytest.mark.parametrize(("days", "expected"), [(0, 100), (1, 100), (2, 120), (9, 120), (-5, 100)])
def test_the_last_cost_before_a_moment_holds_and_before_the_first_that_one(days: int, expected: int) -> None:
    assert LIST.at(MILK, "EUR", NOON + days * DAY) == expected


def test_there_is_no_cost_of_another_product_or_in_another_currency() -> None:
    assert (LIST.at(BREAD, "EUR", NOON), LIST.at(MILK, "USD", NOON), CostList().at(MILK, "EUR", NOON)) == (
        None,
        None,
        None,
    )


def test_a_line_of_a_cost_file() -> None:
    fields = {"gtin": MILK, "cost": "1.2345", "currency": "EUR", "valid_from": "2026-09-21"}
    assert parse_row(fields, MILK, NOON) == CostRow(
        gtin=MILK,
        currency="EUR",
        valid_from=NOON.replace(hour=0),
        cost_minor=Decimal("123.45"),
    )


def test_a_currency_without_hundredths_has_none() -> None:
    found = parse_row({"gtin": MILK, "cost": "120", "currency": "JPY"}, MILK, NOON)
    assert isinstance(found, CostRow)
    assert (found.cost_minor, found.valid_from) == (Decimal(120), NOON)


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"cost": "-1"}, "cost"),
        ({"cost": "cheap"}, "cost"),
        ({"cost": "NaN"}, "cost"),
        ({"cost": ""}, "cost"),
        ({"cost": "0.0000001"}, "cost"),
        ({"cost": "1e12"}, "cost"),
        ({"currency": "euro"}, "currency"),
        ({"valid_from": "soon"}, "valid_from"),
    ],
)
def test_a_line_that_cannot_be_meant_names_its_column(changed: dict[str, str], column: str) -> None:
    fields = {"gtin": MILK, "cost": "1.20", "currency": "EUR", **changed}
    found = parse_row(fields, MILK, NOON)
    assert isinstance(found, Wrong)
    assert found.column == column


def test_a_product_that_is_none_is_told_first() -> None:
    wrong = Wrong("gtin", "x", "a GTIN")
    assert parse_row({"gtin": "x", "cost": "", "currency": ""}, wrong, NOON) is wrong


def test_no_cost_of_a_unit_is_none_and_zero_is_one() -> None:
    assert (parse_unit_cost(""), parse_unit_cost("0"), parse_unit_cost("0.0185")) == (
        None,
        Decimal(0),
        Decimal("0.0185"),
    )
