"""Documents of central that move stock: an opening stock, an adjustment. A document is booked once, whoever sends it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from central.database import Connection
from central.ledger import booking
from central.ledger.rules import ON_HAND, SUPPLIER, Movement, Posting, adjustment, moved


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of a product; the sign says in which direction."""

    line: int
    gtin: str
    quantity: Decimal


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be booked at ``site``: goods from a supplier, or with a ``reason`` an adjustment."""

    site: str
    document: str
    lines: tuple[Line, ...]
    event_time: datetime
    reason: str | None = None


class Unknown(msgspec.Struct, frozen=True):
    """The site is not there, or not the caller's."""


class Differs(msgspec.Struct, frozen=True):
    """The document was booked before with other content."""

    booked_at: datetime


def book(connection: Connection, document: Document, now: datetime) -> bool | Unknown | Differs:
    """Book a document; False if exactly this one was booked before, or one of its number whose movements are no longer kept."""
    site = connection.execute(
        "SELECT time_zone FROM sites WHERE site_id = %s FOR NO KEY UPDATE", (document.site,)
    ).fetchone()
    if site is None:
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
    if _was_booked(connection, document):
        return False
    day = document.event_time.astimezone(ZoneInfo(site[0])).date()
    booking.post(
        connection,
        [
            Posting(
                site=document.site,
                movement=movement,
                event_time=document.event_time,
                recorded_at=now,
                business_day=day,
                document=document.document,
            )
            for movement in wanted
        ],
        now,
    )
    return True


def _was_booked(connection: Connection, document: Document) -> bool:
    """Whether a document was booked so long ago that its movements are no longer kept (docs/retention.md)."""
    row = connection.execute(
        "SELECT FROM booked_documents WHERE site_id = %s AND document = %s",
        (document.site, document.document),
    ).fetchone()
    return row is not None


def movements_of(document: Document) -> list[Movement]:
    """What a document moves."""
    return [movement for line in document.lines for movement in _moved(line, document.reason)]


def _moved(line: Line, reason: str | None) -> Sequence[Movement]:
    source, cause = (SUPPLIER, "opening") if reason is None else (adjustment(reason), "adjustment")
    return moved(line.line, line.gtin, line.quantity, source, ON_HAND, cause)
