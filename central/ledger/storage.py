"""Movements and balances in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from central.database import Connection
from central.database.bulk import Bulk, load
from central.ledger.rules import ON_HAND, BalanceKey, Posting, deltas

_MOVEMENTS = Bulk(
    "movements",
    """
    COPY movements (site_id, gtin, quantity, source, destination, cause, journal, seq, document, line, event_time, recorded_at,
        business_day)
    FROM STDIN
    """,
    """
    INSERT INTO movements (site_id, gtin, quantity, source, destination, cause, journal, seq, document, line, event_time, recorded_at,
        business_day)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)


class Crossing(msgspec.Struct, frozen=True):
    """A shelf that postings took below zero or back, and what they left on it."""

    site: str
    gtin: str
    quantity: Decimal


def book(connection: Connection, postings: Sequence[Posting]) -> list[Crossing]:
    """Append movements and carry the balances along; the shelves that crossed zero.

    The order of the changes is the order in which the balances are locked. A ``document`` that has been booked before is refused by the
    database (UniqueViolation): whoever books documents asks first.
    """
    if not postings:
        return []
    _book_documents(connection, postings)
    load(
        connection,
        _MOVEMENTS,
        (
            (
                posting.site,
                posting.movement.gtin,
                posting.movement.quantity,
                posting.movement.source,
                posting.movement.destination,
                posting.movement.cause,
                posting.journal,
                posting.seq,
                posting.document,
                posting.movement.line,
                posting.event_time,
                posting.recorded_at,
                posting.business_day,
            )
            for posting in postings
        ),
    )
    return _carry(connection, deltas(postings))


def _book_documents(connection: Connection, postings: Sequence[Posting]) -> None:
    """A document is booked once, and in one go."""
    documents = {
        (posting.site, posting.document): posting.recorded_at
        for posting in postings
        if posting.document is not None
    }
    if not documents:
        return
    keys = sorted(documents)
    connection.execute(
        """
        INSERT INTO booked_documents (site_id, document, recorded_at)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[])
        """,
        ([site for site, _ in keys], [document for _, document in keys], [documents[key] for key in keys]),
    )


def _carry(connection: Connection, changes: dict[BalanceKey, Decimal]) -> list[Crossing]:
    if not changes:
        return []
    sites, gtins, locations = zip(*changes, strict=True)
    # One text a column: a list would be quoted element by element, which costs more than the balances themselves.
    columns = (sites, gtins, locations, map(str, changes.values()))
    rows = connection.execute(
        """
        WITH carried AS (
            INSERT INTO stock AS balance (site_id, gtin, location, quantity)
            SELECT * FROM unnest(string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::bpchar[],
                                 string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::numeric[])
            ON CONFLICT (site_id, gtin, location) DO UPDATE SET quantity = balance.quantity + EXCLUDED.quantity
            RETURNING site_id, gtin, location, quantity
        )
        SELECT site_id, gtin, quantity FROM carried WHERE location = 'on_hand'
        """,
        tuple("\x1f".join(column) for column in columns),
    ).fetchall()
    return [
        Crossing(site, gtin, quantity)
        for site, gtin, quantity in rows
        if (quantity < 0) != (quantity - changes[site, gtin, ON_HAND] < 0)
    ]
