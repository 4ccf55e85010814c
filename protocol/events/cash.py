"""The till as a box of money: shifts, the drawer, and prices that a person changed."""

from __future__ import annotations

import msgspec

from protocol.events.sales import Payment


class ShiftOpened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="shift_opened"):
    """A clerk takes a till over, with ``float_minor`` in its drawer. One shift at a time is open at an agent."""

    shift_id: str
    number: str
    currency: str
    float_minor: int
    clerk: str | None = None


class CashMoved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="cash_moved"):
    """Cash put into the drawer (above zero) or taken out of it (below), other than by a sale: a safe drop, petty cash, more change."""

    cash_move_id: str
    currency: str
    amount_minor: int
    reason: str
    shift_id: str | None = None
    clerk: str | None = None


class ShiftClosed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="shift_closed"):
    """A till's count at the end of a shift, and its own seal on what it did meanwhile.

    ``counted`` is what was found by payment method, ``expected`` what the till knows should be there: of cash the float, the takings, less
    refunds, with what was moved. ``taken`` is what the receipts of the shift were paid with, refunds taken off. The counts of documents and
    ``first_seq`` (of the :class:`ShiftOpened` in this journal) let central say whether it has all of them.
    """

    shift_id: str
    number: str
    currency: str
    first_seq: int
    sales: int
    voids: int
    returns: int
    counted: tuple[Payment, ...]
    expected: tuple[Payment, ...]
    taken: tuple[Payment, ...]
    clerk: str | None = None


class PriceOverridden(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="price_overridden"):
    """A person gave a product another price than the catalogue's, before it was sold. The line of the sale names ``override_id``.

    Prices are for one unit. ``authorised_by`` is who allowed it, where that was not the clerk.
    """

    override_id: str
    gtin: str
    currency: str
    list_price_minor: int | None
    price_minor: int
    reason: str
    clerk: str | None = None
    authorised_by: str | None = None


class DrawerOpened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="drawer_opened"):
    """The cash drawer was opened without a sale; who, and why. No movement of goods."""

    drawer_id: str
    reason: str
    clerk: str | None = None
