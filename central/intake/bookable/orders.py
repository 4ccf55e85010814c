"""A dealer's orders, as the books can hold them. Pure."""

from __future__ import annotations

from central.intake.bookable.values import (
    fault_of_amounts,
    fault_of_currency,
    fault_of_id,
    fault_of_text,
)
from protocol.events import OrderCancelAsked, OrderSubmitted


def fault_of_order(body: OrderSubmitted) -> str | None:
    """Of an order."""
    if not 0 <= body.revision < 1 << 31:
        return f"revision {body.revision}: expected 0 to {(1 << 31) - 1}"
    return (
        fault_of_id("order_id", body.order_id)
        or fault_of_currency(body.currency)
        or fault_of_amounts("price", [line.price_minor for line in body.lines])
        or fault_of_id("number", body.number)
        or fault_of_text("note", body.note)
    )


def fault_of_cancel(body: OrderCancelAsked) -> str | None:
    """Of a wish to cancel one."""
    return fault_of_id("order_id", body.order_id) or fault_of_text("reason", body.reason)
