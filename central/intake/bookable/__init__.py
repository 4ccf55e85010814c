"""Which events can be booked. Pure.

A fact is never rejected because it is unlikely. What is set aside here is what the books cannot hold: a number that is none, a
text that no database keeps, a code that is no code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from central.intake.bookable import cash, goods, orders, sales
from protocol.events import (
    CashMoved,
    DrawerOpened,
    Event,
    GoodsDespatched,
    GoodsPacked,
    GoodsReceived,
    GoodsUnpacked,
    OrderCancelAsked,
    OrderSubmitted,
    PriceOverridden,
    Sale,
    SaleReturned,
    SaleVoided,
    ScanRefused,
    ShiftClosed,
    ShiftOpened,
    StockAdjusted,
    StockCounted,
)

__all__ = ["fault_of"]


def _kept_as_it_is(_: ScanRefused | DrawerOpened) -> None:
    """Evidence for the archive: nothing of it is booked."""


_FAULTS: dict[type, Callable[[Any], str | None]] = {
    Sale: sales.fault_of_sale,
    SaleVoided: sales.fault_of_sale,
    SaleReturned: sales.fault_of_return,
    GoodsReceived: goods.fault_of_receipt,
    GoodsDespatched: goods.fault_of_despatch,
    GoodsPacked: goods.fault_of_packing,
    GoodsUnpacked: goods.fault_of_unpacking,
    StockAdjusted: goods.fault_of_adjustment,
    StockCounted: goods.fault_of_count,
    ShiftOpened: cash.fault_of_shift_opened,
    ShiftClosed: cash.fault_of_shift_closed,
    CashMoved: cash.fault_of_cash_move,
    PriceOverridden: cash.fault_of_override,
    OrderSubmitted: orders.fault_of_order,
    OrderCancelAsked: orders.fault_of_cancel,
    ScanRefused: _kept_as_it_is,
    DrawerOpened: _kept_as_it_is,
}


def fault_of(event: Event) -> str | None:
    """Why an event cannot be booked, in words; None if it can."""
    return _FAULTS[type(event.body)](event.body)
