"""Which events about cases and pallets the books can hold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from central.intake.bookable import fault_of
from protocol.codes.check_digits import check_digit
from protocol.events import (
    Body,
    Event,
    GoodsLine,
    GoodsPacked,
    GoodsReceived,
    GoodsUnpacked,
    Moment,
    Unopened,
)
from tests.central.facts import ITEM, MILK

CASE = "04012345000000001" + check_digit("04012345000000001")


def said(body: Body) -> str | None:
    at = Moment(event_time_us=0, record_time_us=0, monotonic_us=0, boot_id="b")
    return fault_of(Event(at=at, body=body))


def packed(sscc: str = CASE, quantity: str = "1", **more: object) -> GoodsPacked:
    lines = (GoodsLine(gtin=MILK, quantity=Decimal(quantity)),)
    return GoodsPacked(packing_id="p", sscc=sscc, lines=lines, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        packed(items=(ITEM,), containers=(CASE,)),
        GoodsUnpacked(unpacking_id="u", sscc=CASE),
        GoodsReceived(receipt_advice_id="r", lines=(), containers=(Unopened(sscc=CASE),)),
    ],
)
def test_a_sound_event_can_be_booked(body: Body) -> None:
    assert said(body) is None


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (packed(sscc="1"), "SSCC '1': expected 18 digits"),
        (packed(containers=("1",)), "SSCC '1': expected 18 digits"),
        (packed(items=("a\0",)), "line 0: an item code of 2 characters"),
        (packed(quantity="0"), "packed quantity 0: expected more than 0"),
        (packed(quantity="NaN"), "line 0: quantity NaN"),
        (
            GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=MILK, quantity=Decimal("NaN")),)),
            "line 0: quantity NaN",
        ),
        (GoodsUnpacked(unpacking_id="", sscc=CASE), "packing_id of 0 characters"),
        (
            GoodsReceived(receipt_advice_id="r", lines=(), containers=(Unopened(sscc="1"),)),
            "SSCC '1': expected 18 digits",
        ),
    ],
)
def test_what_no_book_can_hold_says_why(body: Body, fault: str) -> None:
    assert (said(body) or "").startswith(fault)
