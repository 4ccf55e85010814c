"""What moves when something happens at a site. Pure.

Stock is the sum of movements; every movement leaves one location and arrives at another, so that the sum over all locations
is zero at every moment. Locations are kept per site: ``on_hand`` of one site and ``on_hand`` of another are two.

=============================  =============================================================================
``supplier``                   where goods come from that no despatch announced
``on_hand``                    on the shelf or in the store room of the site
``customer``                   sold
``quarantine``                 at the site, not for sale
``in_transit:<from>><to>``     on the way; its balance is split between the two sites, each keeping its half
``adjustment:<reason>``        what a correction took away or found
``adjustment:valuation``       what goods became worth more or less without moving
=============================  =============================================================================

A quantity below zero is a movement the other way, zero is none: what a counter has recorded is booked, never questioned here.
What a movement is worth is said by :mod:`central.ledger.valuation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from central.journals.facts import Fact
from protocol.events import GoodsLine, SaleLine

SUPPLIER = "supplier"
ON_HAND = "on_hand"
CUSTOMER = "customer"
QUARANTINE = "quarantine"
VALUATION = "adjustment:valuation"
IN_TRANSIT = "in_transit:"
ZERO = Decimal(0)
REVALUATION = "revaluation"
STOCKTAKE = "stocktake"
"""Causes of movements that no event names: goods worth more or less, and what a count of the shelf corrects."""


def in_transit(from_site: str, to_site: str) -> str:
    """The location of goods between two sites."""
    return f"{IN_TRANSIT}{from_site}>{to_site}"


def adjustment(reason: str) -> str:
    """The location against which a correction is booked. The one of valuations is the ledger's own: no goods go there."""
    return f"adjustment:{reason}" if reason != "valuation" else "adjustment:valuation_of_goods"


class Movement(msgspec.Struct, frozen=True, gc=False):
    """``quantity`` (above zero, in the product's unit) of ``gtin`` from ``source`` to ``destination``.

    ``value_minor`` is given where a document or a despatch says what it is worth, in the site's currency; None where its books must.
    """

    line: int
    gtin: str
    quantity: Decimal
    source: str
    destination: str
    cause: str
    value_minor: int | None = None


class Posting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A movement with what stands behind it: an event (``journal``, ``seq``) or a ``document`` of central."""

    site: str
    movement: Movement
    event_time: datetime
    recorded_at: datetime
    business_day: date
    journal: int | None = None
    seq: int | None = None
    document: str | None = None


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """One line of goods taken in: ``from_transit`` of them were on their way at ``source``, the rest comes from a supplier.

    ``value_minor`` is what the part from the way left with; None if that is not known in this site's currency.
    """

    gtin: str
    counted: Decimal
    from_transit: Decimal = ZERO
    source: str = SUPPLIER
    value_minor: int | None = None


BalanceKey = tuple[str, str, str]
"""(site, gtin, location)"""


def moved(
    line: int,
    gtin: str,
    quantity: Decimal,
    source: str,
    destination: str,
    cause: str,
    value_minor: int | None = None,
) -> list[Movement]:
    """The movement of a signed quantity; none for zero."""
    if quantity > 0:
        return [Movement(line, gtin, quantity, source, destination, cause, value_minor)]
    if quantity < 0:
        return [Movement(line, gtin, -quantity, destination, source, cause, value_minor)]
    return []


def sold(lines: Sequence[SaleLine]) -> list[Movement]:
    """A sale: goods go to the customer. A line with a negative quantity brings some back."""
    return [
        movement
        for number, line in enumerate(lines)
        for movement in moved(number, line.gtin, line.quantity, ON_HAND, CUSTOMER, "sale")
    ]


def voided(lines: Sequence[SaleLine]) -> list[Movement]:
    """A sale taken back before the goods left: the reverse of it."""
    return [
        movement
        for number, line in enumerate(lines)
        for movement in moved(number, line.gtin, line.quantity, CUSTOMER, ON_HAND, "void")
    ]


def returned(lines: Sequence[SaleLine], disposition: str) -> list[Movement]:
    """Goods back from a customer: on the shelf again (``restock``), or set aside."""
    to = ON_HAND if disposition == "restock" else QUARANTINE
    return [
        movement
        for number, line in enumerate(lines)
        for movement in moved(number, line.gtin, line.quantity, CUSTOMER, to, "return")
    ]


def received(arrivals: Sequence[Arrived]) -> list[Movement]:
    """Goods taken in. What was counted is booked: the announced part from its way, anything beyond it from a supplier.

    The lines of a receipt are numbered twice over, so that both parts of one have a number of their own.
    """
    movements = []
    for number, arrival in enumerate(arrivals):
        rest = arrival.counted - arrival.from_transit
        movements += moved(
            2 * number,
            arrival.gtin,
            arrival.from_transit,
            arrival.source,
            ON_HAND,
            "receipt",
            arrival.value_minor,
        )
        movements += moved(2 * number + 1, arrival.gtin, rest, SUPPLIER, ON_HAND, "receipt")
    return movements


def adjusted(lines: Sequence[GoodsLine], reason: str) -> list[Movement]:
    """A correction: a quantity above zero was found, one below zero is gone."""
    return [
        movement
        for number, line in enumerate(lines)
        for movement in moved(number, line.gtin, line.quantity, adjustment(reason), ON_HAND, "adjustment")
    ]


def postings(fact: Fact, movements: Iterable[Movement]) -> list[Posting]:
    """Movements with the fact behind them."""
    return [
        Posting(
            site=fact.site,
            movement=movement,
            event_time=fact.event_time,
            recorded_at=fact.recorded_at,
            business_day=fact.business_day,
            journal=fact.journal,
            seq=fact.seq,
        )
        for movement in movements
    ]
