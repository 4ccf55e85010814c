"""A dealer's orders, as far as the dealer writes them."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a dealer's order (UBL OrderLine)."""

    line: int
    gtin: str
    quantity: Decimal
    price_minor: int | None = None


class OrderSubmitted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="order_submitted"):
    """A dealer's order (UBL Order). Its key is (the agent's dealer, ``order_id``, ``revision``); ``number`` is the dealer's own."""

    order_id: str
    number: str
    lines: tuple[OrderLine, ...]
    currency: str
    revision: int = 1
    note: str | None = None
    clerk: str | None = None


class OrderCancelAsked(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="order_cancel_asked"
):
    """The dealer asks to cancel an order; central grants it while nothing has been despatched."""

    order_id: str
    reason: str
    clerk: str | None = None
