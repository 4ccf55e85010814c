"""Movements and balances in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from central.database import Connection
from central.database.bulk import Bulk, load
from central.ledger.rules import BalanceKey, Posting, deltas

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


class Balance(msgspec.Struct, frozen=True):
    """A balance after postings, and by how much they changed it."""

    site: str
    gtin: str
    location: str
    quantity: Decimal
    change: Decimal


def book(connection: Connection, postings: Sequence[Posting]) -> list[Balance]:
    """Append movements and carry the balances along; the balances that changed.

    The order of the balances is the order in which they are locked. A ``document`` that has been booked before is refused by the
    database (UniqueViolation): whoever books documents asks first.
    """
    if not postings:
        return []
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


def _carry(connection: Connection, changes: dict[BalanceKey, Decimal]) -> list[Balance]:
    if not changes:
        return []
    sites, gtins, locations = zip(*changes, strict=True)
    rows = connection.execute(
        """
        INSERT INTO stock AS balance (site_id, gtin, location, quantity)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]::numeric[])
        ON CONFLICT (site_id, gtin, location) DO UPDATE SET quantity = balance.quantity + EXCLUDED.quantity
        RETURNING site_id, gtin, location, quantity
        """,
        (list(sites), list(gtins), list(locations), [str(change) for change in changes.values()]),
    ).fetchall()
    return [
        Balance(site, gtin, location, quantity, changes[site, gtin, location])
        for site, gtin, location, quantity in rows
    ]
