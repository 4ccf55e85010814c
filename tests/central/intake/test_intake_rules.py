"""Which events the books can hold, and when they happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.intake.bookable import fault_of
from central.intake.rules import CLOCK_TOLERANCE_US, event_time
from central.moments import business_day, from_microseconds, to_microseconds
from protocol.events import (
    Body,
    Event,
    GoodsLine,
    GoodsReceived,
    Moment,
    OrderCancelAsked,
    OrderLine,
    OrderSubmitted,
    SaleReturned,
    SaleVoided,
    ScanRefused,
    StockAdjusted,
)
from tests.central.facts import MILK, NOON, line, sale

NOW_US = to_microseconds(NOON)
YEAR_US = 365 * 86_400 * 1_000_000
AT = Moment(event_time_us=NOW_US, record_time_us=NOW_US, monotonic_us=5, boot_id="b")


def fault(body: Body) -> str | None:
    return fault_of(Event(at=AT, body=body))


def goods(gtin: str = MILK, quantity: str = "1", *items: str) -> tuple[GoodsLine, ...]:
    return (GoodsLine(gtin=gtin, quantity=Decimal(quantity), items=items),)


def order(**changes: object) -> OrderSubmitted:
    lines = (OrderLine(line=1, gtin=MILK, quantity=Decimal(1), price_minor=5),)
    return msgspec.structs.replace(
        OrderSubmitted(order_id="o", number="1", lines=lines, currency="EUR"), **changes
    )


RETURN = SaleReturned(return_id="t", receipt="r", currency="EUR", lines=(line(),), disposition="restock")


@pytest.mark.parametrize(
    "body",
    [
        sale(),
        sale(line(), line(quantity="-2.5"), line(quantity="0", amount_minor=-5)),
        sale(line(quantity="999999999999.999", item="01…21\x1dABC")),
        SaleVoided(void_id="v", sale_id="s", receipt="r", currency="EUR", lines=(line(),), reason=""),
        RETURN,
        GoodsReceived(receipt_advice_id="r", lines=goods(MILK, "0", "item")),
        StockAdjusted(adjustment_id="a", lines=goods(MILK, "-3"), reason="damage"),
        order(),
        OrderCancelAsked(order_id="o", reason="no longer wanted"),
        ScanRefused(verdict="\0", cause="x" * 99_999),
    ],
)
def test_what_the_books_can_hold_is_booked_however_odd(body: Body) -> None:
    assert fault(body) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (sale(line("123")), "line 0: gtin '123': expected 14 digits"),
        (sale(line(), line("٠١٢٣٤٥٦٧٨٩٠١٢٣")), "line 1: gtin '٠١٢٣٤٥٦٧٨٩٠١٢٣': expected 14 digits"),
        (
            sale(line(quantity="Infinity")),
            "line 0: quantity Infinity: expected a number between -10¹² and 10¹²",
        ),
        (sale(line(quantity="1E+12")), "line 0: quantity 1E+12: expected a number between -10¹² and 10¹²"),
        (sale(line(quantity="1E-10")), "line 0: quantity 1E-10: expected at most 9 decimal places"),
        (
            sale(line(amount_minor=1 << 60)),
            f"line 0: amount {1 << 60}, discount 0: expected up to {1 << 53}",
        ),
        (
            sale(line(item="a\nb")),
            "line 0: an item code of 3 characters: expected 1 to 200, without control characters",
        ),
        (
            msgspec.structs.replace(sale(), sale_id=""),
            "sale_id of 0 characters: expected 1 to 200, without control characters",
        ),
        (
            msgspec.structs.replace(sale(), currency="eur"),
            "currency 'eur': expected three capital letters (ISO 4217)",
        ),
        (
            msgspec.structs.replace(RETURN, disposition="burn"),
            "disposition 'burn': expected restock or quarantine",
        ),
        (
            GoodsReceived(receipt_advice_id="r", lines=goods(MILK, "-1")),
            "received quantity -1: expected 0 or more",
        ),
        (
            StockAdjusted(adjustment_id="a", lines=goods(), reason="x" * 61),
            "reason of 61 characters: expected 1 to 60, without control characters",
        ),
        (order(revision=1 << 40), f"revision {1 << 40}: expected 0 to 2147483647"),
        (order(currency="€"), "currency '€': expected three capital letters (ISO 4217)"),
        (order(note="a\0b"), "note of 3 characters: expected at most 4000, without NUL"),
        (
            order(lines=(OrderLine(line=1, gtin=MILK, quantity=Decimal(1), price_minor=1 << 60),)),
            f"price {1 << 60}: expected up to {1 << 53}",
        ),
        (
            OrderCancelAsked(order_id="o\0", reason=""),
            "order_id of 2 characters: expected 1 to 200, without control characters",
        ),
    ],
)
def test_what_they_cannot_hold_is_named_with_what_was_expected(body: Body, said: str) -> None:
    assert fault(body) == said


def test_a_time_is_taken_as_it_was_stated() -> None:
    stated = msgspec.structs.replace(AT, event_time_us=NOW_US - YEAR_US)
    assert event_time(stated, NOW_US, None) == from_microseconds(NOW_US - YEAR_US)


@pytest.mark.parametrize("wrong_us", [10 * YEAR_US, -40 * YEAR_US, CLOCK_TOLERANCE_US + 1])
def test_a_time_that_cannot_be_is_the_moment_of_arrival(wrong_us: int) -> None:
    stated = msgspec.structs.replace(AT, event_time_us=NOW_US + wrong_us)
    assert event_time(stated, NOW_US, None) == NOON


@pytest.mark.parametrize("wrong_us", [10 * YEAR_US, -10 * YEAR_US])
def test_a_clock_that_was_set_is_put_right_by_the_time_since_the_boot(wrong_us: int) -> None:
    happened_us = NOW_US - 3_600_000_000
    stated = Moment(
        event_time_us=happened_us + wrong_us,
        record_time_us=happened_us + wrong_us,
        monotonic_us=60_000_000,
        boot_id="b",
    )
    booted_at = from_microseconds(happened_us - 60_000_000)
    assert event_time(stated, NOW_US, booted_at) == from_microseconds(happened_us)


def test_a_synchronised_clock_is_believed() -> None:
    stated = msgspec.structs.replace(AT, event_time_us=NOW_US - YEAR_US, clock_synced=True)
    assert event_time(stated, NOW_US, NOON) == from_microseconds(NOW_US - YEAR_US)


@given(
    st.integers(-(2**62), 2**62),
    st.integers(-(2**62), 2**62),
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.booleans(),
)
def test_any_stated_time_gives_some_time_that_is_not_in_the_future(
    event_us: int, record_us: int, monotonic_us: int, synced: bool, known: bool
) -> None:
    stated = Moment(
        event_time_us=event_us,
        record_time_us=record_us,
        monotonic_us=monotonic_us,
        boot_id="b",
        clock_synced=synced,
    )
    found = event_time(stated, NOW_US, NOON if known else None)
    assert datetime(2000, 1, 1, tzinfo=UTC) <= found <= NOON + timedelta(microseconds=CLOCK_TOLERANCE_US)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", date(2026, 9, 21)),
        ("Asia/Shanghai", date(2026, 9, 22)),
        ("Nowhere/Land", date(2026, 9, 21)),
        ("", date(2026, 9, 21)),
        ("../etc/passwd", date(2026, 9, 21)),
    ],
)
def test_the_day_is_the_local_one_and_an_unknown_zone_stops_nobody(zone: str, day: date) -> None:
    assert business_day(NOON + timedelta(hours=6), zone) == day
