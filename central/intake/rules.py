"""Which events can be booked, and when they happened. Pure.

A fact is never rejected because it is unlikely. What is set aside here is what the books cannot hold: a number that is none, a
text that no database keeps, a code that is no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from central.moments import from_microseconds, to_microseconds
from protocol.aggregation import sscc_fault
from protocol.events import (
    CashMoved,
    DrawerOpened,
    Event,
    GoodsDespatched,
    GoodsLine,
    GoodsPacked,
    GoodsReceived,
    GoodsUnpacked,
    Moment,
    OrderCancelAsked,
    OrderSubmitted,
    PriceOverridden,
    Sale,
    SaleLine,
    SaleReturned,
    SaleVoided,
    ScanRefused,
    ShiftClosed,
    ShiftOpened,
    StockAdjusted,
    StockCounted,
)

QUANTITY_LIMIT = Decimal(10) ** 12
QUANTITY_PLACES = 9
AMOUNT_LIMIT_MINOR = 1 << 53
ID_LIMIT = 200
"""Characters of an id. An index of the database holds no key of thousands."""
TEXT_LIMIT = 4_000
CLOCK_TOLERANCE_US = 120_000_000
"""A machine without NTP drifts by seconds a day; two minutes are a wrong clock."""
EARLIEST_US = to_microseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""Before it lies only a clock that has never been set."""
_CURRENCY = re.compile(r"[A-Z]{3}")


def fault_of(event: Event) -> str | None:
    """Why an event cannot be booked, in words; None if it can."""
    body = event.body
    match body:
        case Sale(sale_id=name) | SaleVoided(sale_id=name):
            return _fault_of_id("sale_id", name) or _fault_of_receipt(body)
        case SaleReturned():
            if body.disposition not in ("restock", "quarantine"):
                return f"disposition {body.disposition[:40]!r}: expected restock or quarantine"
            return (
                _fault_of_id("return_id", body.return_id)
                or _fault_of_id("sale_id", body.sale_id)
                or _fault_of_receipt(body)
            )
        case GoodsReceived():
            return _fault_of_goods_received(body)
        case GoodsPacked() | GoodsUnpacked():
            return _fault_of_packing(body)
        case StockAdjusted():
            return (
                _fault_of_id("adjustment_id", body.adjustment_id)
                or _fault_of_id("reason", body.reason, 60)
                or _fault_of_goods(body.lines)
            )
        case GoodsDespatched():
            return _fault_of_goods_despatched(body)
        case StockCounted():
            return _fault_of_count(body)
        case ShiftOpened() | ShiftClosed() | CashMoved() | PriceOverridden():
            return _fault_of_cash(body)
        case OrderSubmitted() | OrderCancelAsked():
            return _fault_of_order(body)
        case ScanRefused() | DrawerOpened():
            return None  # kept in the archive as it is


def event_time(at: Moment, received_us: int, booted_at: datetime | None) -> datetime:
    """When something happened (UTC), as well as that can be known.

    ``booted_at`` is when the agent's boot began by central's clock, None if this is not the boot that central knows. The time
    since the boot does not jump when somebody sets the clock; so if the two disagree by more than the tolerance and the agent's
    clock was not synchronised, the event is moved by the difference. What would lie in the future, or before anybody used
    this, happened at the latest when it arrived: that moment is taken.
    """
    happened_us = at.event_time_us
    if booted_at is not None and not at.clock_synced:
        wrong_us = to_microseconds(booted_at) + at.monotonic_us - at.record_time_us
        if abs(wrong_us) > CLOCK_TOLERANCE_US:
            happened_us += wrong_us
    if not EARLIEST_US <= happened_us <= received_us + CLOCK_TOLERANCE_US:
        happened_us = received_us
    return from_microseconds(happened_us)


def local_day(moment: datetime, time_zone: str) -> date:
    """The date at a site. A site whose zone this machine does not know keeps UTC days: its sales must not wait for that."""
    try:
        return moment.astimezone(ZoneInfo(time_zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return moment.astimezone(UTC).date()


def _fault_of_receipt(body: Sale | SaleVoided | SaleReturned) -> str | None:
    if not _CURRENCY.fullmatch(body.currency):
        return f"currency {body.currency[:10]!r}: expected three capital letters (ISO 4217)"
    fault = _fault_of_id("receipt", body.receipt)
    return fault or _first(_fault_of_sale_line(number, line) for number, line in enumerate(body.lines))


def _fault_of_sale_line(number: int, line: SaleLine) -> str | None:
    if abs(line.amount_minor) > AMOUNT_LIMIT_MINOR or abs(line.discount_minor) > AMOUNT_LIMIT_MINOR:
        return f"line {number}: amount {line.amount_minor}, discount {line.discount_minor}: expected up to {AMOUNT_LIMIT_MINOR}"
    return _fault_of_product(number, line.gtin, line.quantity) or _fault_of_item(number, line.item)


def _fault_of_goods_received(body: GoodsReceived) -> str | None:
    return (
        _fault_of_id("receipt_advice_id", body.receipt_advice_id)
        or _fault_of_id("despatch_id", body.despatch_id)
        or _fault_of_id("order_id", body.order_id)
        or _fault_of_goods(body.lines)
        or _first(
            f"received quantity {line.quantity}: expected 0 or more"
            for line in body.lines
            if line.quantity < 0
        )
        or _first(sscc_fault(one.sscc) for one in body.containers)
    )


def _fault_of_goods_despatched(body: GoodsDespatched) -> str | None:
    return (
        _fault_of_id("despatch_id", body.despatch_id)
        or _fault_of_id("to_site", body.to_site)
        or _fault_of_id("order_id", body.order_id)
        or _fault_of_text("reason", body.reason)
        or _fault_of_goods(body.lines)
        or _first(
            f"despatched quantity {line.quantity}: expected more than 0"
            for line in body.lines
            if line.quantity <= 0
        )
        or _first(sscc_fault(one.sscc) for one in body.containers)
    )


def _fault_of_count(body: StockCounted) -> str | None:
    if not 1 <= body.round < 1 << 15:
        return f"round {body.round}: expected 1 to {(1 << 15) - 1}"
    return (
        _fault_of_id("count_id", body.count_id)
        or _fault_of_id("stocktake_id", body.stocktake_id)
        or _fault_of_id("area", body.area)
        or _fault_of_text("name", body.name)
        or _first(
            _fault_of_product(number, line.gtin, line.quantity)
            or _first(_fault_of_item(number, item) for item in line.items)
            for number, line in enumerate(body.lines)
        )
        or _first(
            f"counted quantity {line.quantity}: expected 0 or more"
            for line in body.lines
            if line.quantity < 0
        )
    )


def _fault_of_cash(body: ShiftOpened | ShiftClosed | CashMoved | PriceOverridden) -> str | None:
    if not _CURRENCY.fullmatch(body.currency):
        return f"currency {body.currency[:10]!r}: expected three capital letters (ISO 4217)"
    if isinstance(body, PriceOverridden) and (fault := _fault_of_product(0, body.gtin, Decimal(0))):
        return fault
    names, amounts = _named(body)
    wrong = next((one for one in amounts if one is not None and abs(one) > AMOUNT_LIMIT_MINOR), None)
    if wrong is not None:
        return f"amount {wrong}: expected up to {AMOUNT_LIMIT_MINOR}"
    reason = None if isinstance(body, ShiftOpened | ShiftClosed) else body.reason
    return _first(_fault_of_id(name, text) for name, text in names.items()) or _fault_of_text(
        "reason", reason
    )


def _named(
    body: ShiftOpened | ShiftClosed | CashMoved | PriceOverridden,
) -> tuple[dict[str, str | None], tuple[int | None, ...]]:
    """The names in an event of the till's money, and its amounts."""
    match body:
        case ShiftOpened():
            return {"shift_id": body.shift_id, "number": body.number}, (body.float_minor,)
        case ShiftClosed():
            paid = (*body.counted, *body.expected, *body.taken)
            methods = {f"method {number}": one.method for number, one in enumerate(paid)}
            return {"shift_id": body.shift_id, "number": body.number, **methods}, (
                body.first_seq,
                *(one.amount_minor for one in paid),
            )
        case CashMoved():
            return {"cash_move_id": body.cash_move_id, "shift_id": body.shift_id}, (body.amount_minor,)
        case PriceOverridden():
            return {"override_id": body.override_id}, (body.list_price_minor, body.price_minor)


def _fault_of_packing(body: GoodsPacked | GoodsUnpacked) -> str | None:
    name = body.packing_id if isinstance(body, GoodsPacked) else body.unpacking_id
    lines = body.lines if isinstance(body, GoodsPacked) else ()
    return (
        _fault_of_id("packing_id", name)
        or _first(map(sscc_fault, (body.sscc, *body.containers)))
        or _first(_fault_of_item(number, item) for number, item in enumerate(body.items))
        or _fault_of_goods(lines)
        or _first(
            f"packed quantity {line.quantity}: expected more than 0" for line in lines if line.quantity <= 0
        )
    )


def _fault_of_goods(lines: Iterable[GoodsLine]) -> str | None:
    return _first(
        _fault_of_product(number, line.gtin, line.quantity)
        or _first(_fault_of_item(number, item) for item in line.items)
        for number, line in enumerate(lines)
    )


def _fault_of_order(body: OrderSubmitted | OrderCancelAsked) -> str | None:
    fault = _fault_of_id("order_id", body.order_id)
    if isinstance(body, OrderCancelAsked):
        return fault or _fault_of_text("reason", body.reason)
    if not _CURRENCY.fullmatch(body.currency):
        return f"currency {body.currency[:10]!r}: expected three capital letters (ISO 4217)"
    if not 0 <= body.revision < 1 << 31:
        return f"revision {body.revision}: expected 0 to {(1 << 31) - 1}"
    prices = (line.price_minor for line in body.lines if line.price_minor is not None)
    wrong = next((price for price in prices if abs(price) > AMOUNT_LIMIT_MINOR), None)
    if wrong is not None:
        return f"price {wrong}: expected up to {AMOUNT_LIMIT_MINOR}"
    return fault or _fault_of_id("number", body.number) or _fault_of_text("note", body.note)


def _fault_of_product(number: int, gtin: str, quantity: Decimal) -> str | None:
    if len(gtin) != 14 or not (gtin.isascii() and gtin.isdigit()):
        return f"line {number}: gtin {gtin[:40]!r}: expected 14 digits"
    if not quantity.is_finite() or not -QUANTITY_LIMIT < quantity < QUANTITY_LIMIT:
        return f"line {number}: quantity {str(quantity)[:40]}: expected a number between -10¹² and 10¹²"
    if int(quantity) == quantity:
        return None  # as most are; taking a number apart costs more than all else here
    exponent = quantity.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -QUANTITY_PLACES:
        return (
            f"line {number}: quantity {str(quantity)[:40]}: expected at most {QUANTITY_PLACES} decimal places"
        )
    return None


def _fault_of_item(number: int, item: str | None) -> str | None:
    # The code itself is not repeated: whoever reads it could print it.
    if item is None or (0 < len(item) <= ID_LIMIT and _storable(item)):
        return None
    return f"line {number}: an item code of {len(item)} characters: expected 1 to {ID_LIMIT}, without control characters"


def _fault_of_id(name: str, text: str | None, limit: int = ID_LIMIT) -> str | None:
    if text is None or (0 < len(text) <= limit and _storable(text)):
        return None
    return f"{name} of {len(text)} characters: expected 1 to {limit}, without control characters"


def _fault_of_text(name: str, text: str | None) -> str | None:
    if text is None or (len(text) <= TEXT_LIMIT and "\0" not in text):
        return None
    return f"{name} of {len(text)} characters: expected at most {TEXT_LIMIT}, without NUL"


def _storable(text: str) -> bool:
    return text.isprintable() or not any(ord(sign) < 0x20 and sign != "\x1d" for sign in text)


def _first(faults: Iterable[str | None]) -> str | None:
    return next((fault for fault in faults if fault is not None), None)
