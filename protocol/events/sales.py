"""Sales of a counter, and how they are taken back."""

from __future__ import annotations

from decimal import Decimal

import msgspec

# ``gc=False``: a backlog is read by the hundred thousand, and values that hold no way back to themselves need no search for cycles.


class SaleLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of a receipt. ``amount_minor`` is what was paid for the line, ``discount_minor`` what was taken off it.

    ``verdict`` is what the counter said of ``item``; ``provisional`` that it said so without certainty. ``override_id`` names the
    :class:`~protocol.events.cash.PriceOverridden` by which the line has another price than the catalogue's.
    """

    gtin: str
    quantity: Decimal
    amount_minor: int
    discount_minor: int = 0
    item: str | None = None
    verdict: str | None = None
    provisional: bool = False
    override_id: str | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How a part of a receipt was paid: ``cash``, ``card`` or ``wallet``. Recorded, never processed.

    ``amount_minor`` is what the receipt keeps of it; ``tendered_minor`` what was handed over where that was more, the rest was change.
    """

    method: str
    amount_minor: int
    tendered_minor: int | None = None


class Sale(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="sale"):
    """A completed sale: one receipt."""

    sale_id: str
    receipt: str
    currency: str
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...] = ()
    clerk: str | None = None
    member: str | None = None
    reference: str | None = None  # the number another till gave the receipt


class SaleVoided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sale_voided"):
    """A sale taken back before the goods left the counter: every line of it, at the same site.

    ``refunds`` say how the money went back; where there are none it went back the way it had come.
    """

    void_id: str
    sale_id: str
    receipt: str
    currency: str
    lines: tuple[SaleLine, ...]
    reason: str
    clerk: str | None = None
    refunds: tuple[Payment, ...] = ()


class SaleReturned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sale_returned"):
    """Goods that came back from a customer. ``disposition`` is ``restock`` or ``quarantine``; amounts are what was refunded.

    ``refunds`` say how; where there are none, in cash.
    """

    return_id: str
    receipt: str
    currency: str
    lines: tuple[SaleLine, ...]
    disposition: str
    sale_id: str | None = None
    reason: str | None = None
    clerk: str | None = None
    refunds: tuple[Payment, ...] = ()
