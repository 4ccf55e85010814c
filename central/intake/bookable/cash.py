"""The till as a box of money, as the books can hold it. Pure."""

from __future__ import annotations

from decimal import Decimal

from central.intake.bookable.values import (
    fault_of_amounts,
    fault_of_currency,
    fault_of_id,
    fault_of_product,
    fault_of_text,
    first,
)
from protocol.events import CashMoved, PriceOverridden, ShiftClosed, ShiftOpened


def fault_of_shift_opened(body: ShiftOpened) -> str | None:
    """Of the beginning of a shift."""
    return (
        fault_of_currency(body.currency)
        or fault_of_amounts("amount", [body.float_minor])
        or fault_of_id("shift_id", body.shift_id)
        or fault_of_id("number", body.number)
    )


def fault_of_shift_closed(body: ShiftClosed) -> str | None:
    """Of the end of a shift with its count."""
    paid = (*body.counted, *body.expected, *body.taken)
    return (
        fault_of_currency(body.currency)
        or fault_of_amounts("amount", [one.amount_minor for one in paid])
        or fault_of_amounts("a count of documents", [body.first_seq, body.sales, body.voids, body.returns])
        or fault_of_id("shift_id", body.shift_id)
        or fault_of_id("number", body.number)
        or first(fault_of_id(f"method {number}", one.method) for number, one in enumerate(paid))
    )


def fault_of_cash_move(body: CashMoved) -> str | None:
    """Of cash put into the drawer or taken out."""
    return (
        fault_of_currency(body.currency)
        or fault_of_amounts("amount", [body.amount_minor])
        or fault_of_id("cash_move_id", body.cash_move_id)
        or fault_of_id("shift_id", body.shift_id)
        or fault_of_text("reason", body.reason)
    )


def fault_of_override(body: PriceOverridden) -> str | None:
    """Of a price that a person changed."""
    return (
        fault_of_currency(body.currency)
        or fault_of_product(0, body.gtin, Decimal(0))
        or fault_of_amounts("amount", [body.list_price_minor, body.price_minor])
        or fault_of_id("override_id", body.override_id)
        or fault_of_text("reason", body.reason)
    )
