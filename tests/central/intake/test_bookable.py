"""What the books cannot hold of the events of a site, told in words: of each kind one that can be booked, and what is wrong with others."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from central.intake.bookable import fault_of
from protocol.events import (
    Body,
    CashMoved,
    CountedLine,
    DrawerOpened,
    Event,
    GoodsDespatched,
    GoodsLine,
    Moment,
    Payment,
    PriceOverridden,
    Sale,
    SaleLine,
    ScanRefused,
    ShiftClosed,
    ShiftOpened,
    StockCounted,
    Unopened,
)
from tests.central.facts import MILK

HUGE = (1 << 53) + 1
PAID = (Payment(method="cash", amount_minor=500),)
OPENED = ShiftOpened(shift_id="a", number="1-a", currency="EUR", float_minor=10_000)
CLOSED = ShiftClosed(
    shift_id="a", number="1-a", currency="EUR", first_seq=1, sales=1, voids=0, returns=0, counted=PAID, expected=PAID, taken=PAID
)  # fmt: skip
MOVED = CashMoved(cash_move_id="m", currency="EUR", amount_minor=-500, reason="safe")
OVERRIDDEN = PriceOverridden(
    override_id="o", gtin=MILK, currency="EUR", list_price_minor=None, price_minor=99, reason="dented"
)
SENT = GoodsDespatched(despatch_id="d", to_site="south", lines=(GoodsLine(gtin=MILK, quantity=Decimal(2)),))
COUNTED = StockCounted(
    count_id="c",
    stocktake_id="s",
    area="shelf",
    lines=(CountedLine(gtin=MILK, quantity=Decimal(0), counted_at_us=1),),
)
LINE = SaleLine(gtin=MILK, quantity=Decimal(1), amount_minor=99, override_id="o")
SOLD = Sale(sale_id="s", receipt="1-1", currency="EUR", lines=(LINE,))


def fault(body: Body, **changed: object) -> str | None:
    at = Moment(event_time_us=1, record_time_us=1, monotonic_us=1, boot_id="boot")
    return fault_of(Event(at=at, body=msgspec.structs.replace(body, **changed)))


@pytest.mark.parametrize(
    "body",
    [
        OPENED, CLOSED, MOVED, OVERRIDDEN, SENT, COUNTED, SOLD,
        DrawerOpened(drawer_id="d", reason="\0"), ScanRefused(verdict="\0", cause="\0"),
    ],
)  # fmt: skip
def test_an_event_that_the_books_can_hold_has_no_fault(body: Body) -> None:
    assert fault(body) is None


@pytest.mark.parametrize(
    ("body", "changed", "words"),
    [
        (OPENED, {"currency": "euro"}, "currency 'euro': expected three capital letters (ISO 4217)"),
        (OPENED, {"float_minor": -HUGE}, f"amount {-HUGE}: expected up to {1 << 53}"),
        (OPENED, {"shift_id": ""}, "shift_id of 0 characters"),
        (OPENED, {"number": "1\n2"}, "number of 3 characters"),
        (CLOSED, {"currency": ""}, "currency ''"),
        (CLOSED, {"counted": (Payment(method="cash", amount_minor=HUGE),)}, f"amount {HUGE}"),
        (CLOSED, {"taken": (Payment(method="", amount_minor=1),)}, "method 2 of 0 characters"),
        (CLOSED, {"sales": HUGE}, f"a count of documents {HUGE}"),
        (CLOSED, {"shift_id": "x" * 201}, "shift_id of 201 characters: expected 1 to 200"),
        (MOVED, {"amount_minor": HUGE}, f"amount {HUGE}"),
        (MOVED, {"cash_move_id": ""}, "cash_move_id of 0 characters"),
        (MOVED, {"reason": "\0"}, "reason of 1 characters: expected at most 4000, without NUL"),
        (OVERRIDDEN, {"gtin": "1"}, "line 0: gtin '1': expected 14 digits"),
        (OVERRIDDEN, {"list_price_minor": HUGE}, f"amount {HUGE}"),
        (OVERRIDDEN, {"override_id": ""}, "override_id of 0 characters"),
        (SENT, {"despatch_id": ""}, "despatch_id of 0 characters"),
        (SENT, {"to_site": ""}, "to_site of 0 characters"),
        (SENT, {"lines": (GoodsLine(gtin=MILK, quantity=Decimal(0)),)}, "despatched quantity 0: expected more than 0"),
        (SENT, {"containers": (Unopened(sscc="1"),)}, "SSCC"),
        (SENT, {"reason": "x" * 4001}, "reason of 4001 characters"),
        (COUNTED, {"round": 0}, "round 0: expected 1 to 32767"),
        (COUNTED, {"area": ""}, "area of 0 characters"),
        (COUNTED, {"lines": (CountedLine(gtin="x", quantity=Decimal(1), counted_at_us=1),)}, "line 0: gtin 'x'"),
        (COUNTED, {"lines": (CountedLine(gtin=MILK, quantity=Decimal(-1), counted_at_us=1),)}, "counted quantity -1"),
        (COUNTED, {"lines": (CountedLine(gtin=MILK, quantity=Decimal(1), counted_at_us=1, items=("",)),)}, "line 0: an item code"),
        (SOLD, {"lines": (msgspec.structs.replace(LINE, override_id=""),)}, "line 0: override_id of 0 characters"),
        (SOLD, {"lines": (msgspec.structs.replace(LINE, discount_minor=HUGE),)}, "line 0: amount 99, discount"),
    ],
)  # fmt: skip
def test_a_fault_says_what_was_found_and_what_was_expected(
    body: Body, changed: dict[str, object], words: str
) -> None:
    assert words in (fault(body, **changed) or "")
