"""Documents of central that move stock or its worth: an opening stock, an adjustment, goods set aside, a revaluation.

A document is booked once, whoever sends it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from central.database import Connection
from central.ledger import booking, storage
from central.ledger.rules import (
    ON_HAND,
    QUARANTINE,
    REVALUATION,
    STOCKTAKE,
    SUPPLIER,
    VALUATION,
    ZERO,
    Movement,
    Posting,
    adjustment,
    moved,
)
from central.ledger.valuation import Kept, revaluing
from central.moments import business_day


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of a product; the sign says in which direction.

    What it is worth, in the site's currency, is said by ``unit_cost_minor`` or for the whole line by ``value_minor``; where neither does, by
    the books. ``event_time`` is given where it is not the document's.
    """

    line: int
    gtin: str
    quantity: Decimal
    unit_cost_minor: Decimal | None = None
    value_minor: int | None = None
    event_time: datetime | None = None

    @property
    def worth_minor(self) -> int | None:
        """What the whole line is worth, if it says so."""
        if self.value_minor is None and self.unit_cost_minor is not None:
            return round(self.unit_cost_minor * abs(self.quantity))
        return self.value_minor


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be booked at ``site``: with a ``reason`` an adjustment of ``location``, else goods from a supplier.

    Goods are ``set_aside`` without a reason: from the shelf into quarantine, below zero back.
    """

    site: str
    document: str
    lines: tuple[Line, ...]
    event_time: datetime
    reason: str | None = None
    location: str = ON_HAND
    set_aside: bool = False


class Revaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit of products (gtin -> minor units of the site's currency) is to be worth from now on at ``site``."""

    site: str
    document: str
    unit_costs_minor: Mapping[str, Decimal]


class Unknown(msgspec.Struct, frozen=True):
    """The site is not there, or not the caller's."""


class Differs(msgspec.Struct, frozen=True):
    """The document was booked before with other content."""

    booked_at: datetime


def book(connection: Connection, document: Document, now: datetime) -> bool | Unknown | Differs:
    """Book a document; False if exactly this one was booked before, or one of its number whose movements are no longer kept."""
    time_zone = _lock_site(connection, document.site)
    if time_zone is None:
        return Unknown()
    wanted = movements_of(document)
    booked = connection.execute(
        """
        SELECT line, gtin, quantity, source, destination, recorded_at FROM movements
         WHERE site_id = %s AND document = %s ORDER BY line
        """,
        (document.site, document.document),
    ).fetchall()
    if booked:
        same = {tuple(row[:5]) for row in booked} == {
            (one.line, one.gtin, one.quantity, one.source, one.destination) for one in wanted
        }
        return False if same else Differs(booked[0][5])
    if _was_booked(connection, document.site, document.document):
        return False
    times = {line.line: line.event_time or document.event_time for line in document.lines}
    postings = [
        _posting(document.site, document.document, movement, times[movement.line], now, time_zone)
        for movement in wanted
    ]
    booking.post(connection, postings, now)
    return True


def movements_of(document: Document) -> list[Movement]:
    """What a document moves."""
    return [movement for line in document.lines for movement in _moved(line, document)]


def revalue(connection: Connection, revaluation: Revaluation, now: datetime) -> bool | Unknown | Differs:
    """Make what is on hand worth what a unit is said to be worth; False if a document of this number was booked before.

    Products of which nothing is there are worth that much from when some comes.
    """
    site, document = revaluation.site, revaluation.document
    time_zone = _lock_site(connection, site)
    if time_zone is None:
        return Unknown()
    booked = connection.execute(
        "SELECT gtin, recorded_at FROM movements WHERE site_id = %s AND document = %s",
        (site, document),
    ).fetchall()
    if booked:
        same = {gtin for gtin, _ in booked} <= set(revaluation.unit_costs_minor)
        return False if same else Differs(booked[0][1])
    if _was_booked(connection, site, document):
        return False
    kept = storage.lock(connection, [(site, gtin) for gtin in revaluation.unit_costs_minor])
    movements = [
        movement
        for number, (gtin, unit_cost) in enumerate(sorted(revaluation.unit_costs_minor.items()), 1)
        for movement in _revalued(number, gtin, kept[site, gtin], unit_cost)
    ]
    booking.post(
        connection,
        [_posting(site, document, movement, now, now, time_zone) for movement in movements],
        now,
    )
    storage.note_unit_costs(connection, site, revaluation.unit_costs_minor)
    return True


def _was_booked(connection: Connection, site: str, document: str) -> bool:
    """Whether a document was booked so long ago that its movements are no longer kept (docs/retention.md)."""
    row = connection.execute(
        "SELECT FROM booked_documents WHERE site_id = %s AND document = %s", (site, document)
    ).fetchone()
    return row is not None


def _lock_site(connection: Connection, site: str) -> str | None:
    """Documents of a site are booked one after the other; its time zone, None for no such site."""
    row = connection.execute(
        "SELECT time_zone FROM sites WHERE site_id = %s FOR NO KEY UPDATE", (site,)
    ).fetchone()
    return None if row is None else str(row[0])


def _posting(
    site: str, document: str, movement: Movement, event_time: datetime, now: datetime, time_zone: str
) -> Posting:
    return Posting(
        site=site,
        movement=movement,
        event_time=event_time,
        recorded_at=now,
        business_day=business_day(event_time, time_zone),
        document=document,
    )


def _moved(line: Line, document: Document) -> Sequence[Movement]:
    source, destination = SUPPLIER, document.location
    if document.set_aside:
        source, destination, cause = ON_HAND, QUARANTINE, "set_aside"
    elif document.reason is None:
        cause = "opening"
    else:
        source = adjustment(document.reason)
        cause = STOCKTAKE if document.reason == STOCKTAKE else "adjustment"
    return moved(line.line, line.gtin, line.quantity, source, destination, cause, line.worth_minor)


def _revalued(number: int, gtin: str, kept: Kept, unit_cost_minor: Decimal) -> list[Movement]:
    gained = revaluing(kept, unit_cost_minor)
    if gained == 0:
        return []
    source, destination = (VALUATION, ON_HAND) if gained > 0 else (ON_HAND, VALUATION)
    return [Movement(number, gtin, ZERO, source, destination, REVALUATION, abs(gained))]
