"""What settling a discrepancy would book: a proposal that a person takes as it is, changes or leaves. Pure.

A settlement is kept as JSON beside its discrepancy. Its ``kind`` says what is done:

==============  ========================================================================================================
``movements``   goods go from ``source`` to ``destination`` at ``site`` (the case's own where none is named). A line without them is
                a correction of the shelf: above zero it was found, below zero it is gone, for the ``reason``
``receipt``     goods of ``despatch`` are taken in at the case's site, as its counter would have done: items, order and despatch move on
``credit_note`` the buyer gets back what ``lines`` were charged for on ``invoice``
``stocktake``   the lines of ``stocktake`` are approved and booked, as of the moment of the count
==============  ========================================================================================================

Where ``despatch`` is named with movements, what they move is no longer awaited of it. ``explains`` are other cases of the same cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from central.ledger.rules import CUSTOMER, ON_HAND, SUPPLIER, adjustment, in_transit

LOST = "lost_in_transit"
"""The reason under which goods are written off that left one site and never came to the other."""


class Kind(StrEnum):
    """What a settlement does."""

    MOVEMENTS = "movements"
    RECEIPT = "receipt"
    CREDIT_NOTE = "credit_note"
    STOCKTAKE = "stocktake"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A quantity of a product. ``price_minor`` of one unit in a credit note; ``items`` are the codes that go with it."""

    gtin: str
    quantity: Decimal
    source: str | None = None
    destination: str | None = None
    site: str | None = None
    items: tuple[str, ...] = ()
    price_minor: Decimal | None = None
    line: int | None = None


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """A case that the same settlement explains."""

    site: str
    discrepancy_class: str = msgspec.field(name="class")
    cause_key: str


class Settlement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What settling would do."""

    reason: str
    lines: tuple[Line, ...] = ()
    kind: Kind = Kind.MOVEMENTS
    despatch: str | None = None
    invoice: str | None = None
    stocktake: str | None = None
    explains: tuple[Other, ...] = ()

    def kept(self) -> dict[str, Any]:
        """As it is kept beside its discrepancy."""
        kept = msgspec.to_builtins(self, str_keys=True)
        assert isinstance(kept, dict)
        return kept


def read(kept: dict[str, Any]) -> Settlement:
    """A settlement as it is kept."""
    return msgspec.convert(kept, Settlement, strict=False)


def correction(gtin: str, quantity: Decimal, reason: str) -> Settlement:
    """The shelf is put right: above zero was found, below zero is gone."""
    return Settlement(reason=reason, lines=(Line(gtin=gtin, quantity=quantity),))


def swapped(gtin: str, other: str, quantity: Decimal) -> Settlement:
    """One product was booked for another: ``quantity`` comes back of ``gtin`` and goes of ``other``."""
    lines = (Line(gtin=gtin, quantity=quantity), Line(gtin=other, quantity=-quantity))
    return Settlement(reason="wrong_item", lines=lines)


def supplied(gtin: str, quantity: Decimal) -> Settlement:
    """Goods came from a supplier, and nobody booked it."""
    line = Line(gtin=gtin, quantity=quantity, source=SUPPLIER, destination=ON_HAND)
    return Settlement(reason="unbooked_receipt", lines=(line,))


def taken_back(gtin: str, quantity: Decimal, reason: str, site: str | None = None) -> Settlement:
    """A sale that did not happen, or goods that came back: from the customers to the shelf."""
    line = Line(gtin=gtin, quantity=quantity, source=CUSTOMER, destination=ON_HAND, site=site)
    return Settlement(reason=reason, lines=(line,))


def received(despatch: str, lines: Iterable[Line], reason: str) -> Settlement:
    """The goods of a despatch are here: its receipt is booked."""
    return Settlement(reason=reason, kind=Kind.RECEIPT, despatch=despatch, lines=tuple(lines))


def written_off(despatch: str, from_site: str, to_site: str, lines: Iterable[Line]) -> Settlement:
    """Goods that never came out of transit are lost."""
    way = in_transit(from_site, to_site)
    gone = (
        msgspec.structs.replace(one, source=way, destination=adjustment(LOST), site=to_site) for one in lines
    )
    return Settlement(reason=LOST, despatch=despatch, lines=tuple(gone))


def never_left(despatch: str, from_site: str, to_site: str, lines: Iterable[Line], reason: str) -> Settlement:
    """Goods that were announced are still at the sender: they go back on its shelf."""
    way = in_transit(from_site, to_site)
    back = (msgspec.structs.replace(one, source=way, destination=ON_HAND, site=from_site) for one in lines)
    return Settlement(reason=reason, despatch=despatch, lines=tuple(back))


def went_elsewhere(
    despatch: str, from_site: str, sites: tuple[str, str], line: Line, explains: Iterable[Other]
) -> Settlement:
    """Goods announced to the first of ``sites`` came to the second, which had to book them as a supplier's."""
    announced, came = in_transit(from_site, sites[0]), in_transit(from_site, sites[1])
    lines = (
        msgspec.structs.replace(line, source=announced, destination=came, site=from_site),
        msgspec.structs.replace(line, source=came, destination=SUPPLIER, site=sites[1], items=()),
    )
    return Settlement(reason="sent_elsewhere", despatch=despatch, lines=lines, explains=tuple(explains))


def came_along(from_site: str, to_site: str, gtin: str, quantity: Decimal, reason: str) -> Settlement:
    """More left the sender than it booked: what the receiver took for a supplier's goods was the sender's."""
    way = in_transit(from_site, to_site)
    lines = (
        Line(gtin=gtin, quantity=quantity, source=ON_HAND, destination=way, site=from_site),
        Line(gtin=gtin, quantity=quantity, source=way, destination=SUPPLIER, site=to_site),
    )
    return Settlement(reason=reason, lines=lines)


def carried_over(from_site: str, to_site: str, gtin: str, quantity: Decimal) -> Settlement:
    """Goods were moved from one site to another, and nobody booked it."""
    way = in_transit(from_site, to_site)
    lines = (
        Line(gtin=gtin, quantity=quantity, source=ON_HAND, destination=way, site=from_site),
        Line(gtin=gtin, quantity=quantity, source=way, destination=ON_HAND, site=to_site),
    )
    return Settlement(reason="transfer_not_booked", lines=lines)


def credited(invoice: str, lines: Iterable[Line], reason: str) -> Settlement:
    """The buyer gets back what it was charged too much."""
    return Settlement(reason=reason, kind=Kind.CREDIT_NOTE, invoice=invoice, lines=tuple(lines))


def counted(stocktake: str, lines: Iterable[Line]) -> Settlement:
    """The books were wrong, the count is right: what it found is booked."""
    return Settlement(reason="stocktake", kind=Kind.STOCKTAKE, stocktake=stocktake, lines=tuple(lines))
