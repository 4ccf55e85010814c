"""Why a count may differ: the likely cause of each variance, and products that were taken for each other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from central.stocktakes.causes import Around, likely, swaps
from central.stocktakes.documents import Line, LineState

AT = datetime(2026, 9, 21, 8, tzinfo=UTC)


def line(variance: int, gtin: str = "milk", expected: int = 20, **changes: object) -> Line:
    made = Line(
        gtin=gtin,
        round=1,
        counted=Decimal(expected + variance),
        counted_at=AT,
        expected=Decimal(expected),
        state=LineState.PROPOSED,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("variance", "around", "cause"),
    [
        (5, {"awaited": (("d1", Decimal(5)),)}, "unbooked_receipt"),
        (5, {"awaited": (("d1", Decimal(4)),), "last_variance": Decimal(-5)}, "miscount"),
        (5, {"short": (Decimal(5),)}, "unbooked_receipt"),
        (5, {"rounds_differ": True}, "miscount"),
        (5, {}, "unbooked_receipt"),
        (-5, {"over": (Decimal(5),)}, "double_scan"),
        (-5, {"late_agents": ("till-2",), "usual": Decimal(4)}, "late_till"),
        (-5, {"late_agents": ("till-2",), "usual": Decimal(1)}, "theft"),
        (-5, {"late_agents": ("till-2",)}, "theft"),
        (-5, {"last_variance": Decimal(5)}, "miscount"),
        (-5, {"is_often_damaged": True}, "unbooked_damage"),
        (-2, {"missing": ("A", "B"), "is_often_damaged": True}, "theft"),
        (-5, {}, "theft"),
    ],
)
def test_the_cause_follows_from_what_is_known_around(
    variance: int, around: dict[str, Any], cause: str
) -> None:
    assert likely(line(variance), Around(**around)).cause == cause


def test_the_despatch_whose_goods_are_here_is_named() -> None:
    assert likely(line(5), Around(awaited=(("d1", Decimal(5)),))).despatch == "d1"


def test_what_nobody_counted_was_perhaps_overlooked() -> None:
    assert likely(line(-20, is_unnamed=True), Around()).cause == "not_counted"


@pytest.mark.parametrize(
    ("expected", "counted", "cause"), [(300, 30, "miscount"), (10, 1, "theft"), (30, 300, "miscount")]
)
def test_a_digit_that_slipped_is_told_from_a_theft_by_its_size(
    expected: int, counted: int, cause: str
) -> None:
    assert likely(line(counted - expected, expected=expected), Around()).cause == cause


DRINKS = dict.fromkeys(("milk", "oat milk", "soy milk", "juice"), "drinks") | {
    "bread": "bakery",
    "loose": None,
}


def pairs(*lines: Line) -> list[tuple[str, str]]:
    return [(one.missing.gtin, one.surplus.gtin) for one in swaps(lines, DRINKS)]


def test_the_same_quantity_missing_and_too_much_in_one_category_is_a_wrong_scan() -> None:
    assert pairs(line(-3, "milk"), line(3, "oat milk")) == [("milk", "oat milk")]


@pytest.mark.parametrize(
    "lines",
    [
        (line(-3, "milk"), line(3, "bread")),
        (line(-3, "milk"), line(2, "oat milk")),
        (line(-3, "loose"), line(3, "loose")),
        (line(-3, "milk"), line(3, "oat milk", state=LineState.REFUSED)),
    ],
    ids=["other category", "other quantity", "no category", "refused"],
)
def test_what_does_not_fit_is_not_paired(lines: tuple[Line, ...]) -> None:
    assert pairs(*lines) == []


def test_a_like_value_is_paired_where_several_pieces_are_at_stake() -> None:
    assert pairs(line(-4, "milk", value_minor=-1000), line(5, "juice", value_minor=1010)) == [
        ("milk", "juice")
    ]
    assert pairs(line(-1, "milk", value_minor=-1000), line(5, "juice", value_minor=1010)) == []


def test_each_product_stands_in_one_pair_and_the_nearest_in_value_belong_together() -> None:
    found = pairs(
        line(-3, "milk", value_minor=-300),
        line(3, "oat milk", value_minor=900),
        line(3, "soy milk", value_minor=310),
        line(-3, "juice", value_minor=-890),
    )
    assert sorted(found) == [("juice", "oat milk"), ("milk", "soy milk")]
