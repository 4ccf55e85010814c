"""Promises: what of a site's stock is reserved for orders.

A promise may never exceed what is available, however many ask at once: the balance row is locked before it is read, in the
order of the product codes, so that two allocations wait for each other and never deadlock.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from psycopg.rows import tuple_row

from central.database import Connection
from central.orders import rules
from central.orders.documents import Order


def reserve(connection: Connection, order: Order) -> tuple[Order, dict[str, Decimal]]:
    """Reserve what a (locked) order lacks, as far as the stock of its serving site goes; and how much of each product."""
    wanted = sorted({line.gtin for line in order.lines if line.to_allocate})
    with connection.cursor(row_factory=tuple_row) as cursor:
        available = cursor.execute(
            """
            SELECT gtin, quantity - reserved FROM stock
             WHERE site_id = %s AND gtin = ANY(%s::bpchar[]) AND location = 'on_hand' ORDER BY gtin FOR UPDATE
            """,
            (order.from_site, wanted),
        ).fetchall()
    allocation = rules.allocate(order.lines, dict(available))
    _change_reserved(connection, order.from_site, allocation.taken)
    return msgspec.structs.replace(order, lines=allocation.lines), allocation.taken


def release_all(connection: Connection, order: Order) -> Order:
    """Give back everything that is reserved for a (locked) order."""
    given_back, lines = rules.release(order.lines)
    release(connection, order.from_site, given_back)
    return msgspec.structs.replace(order, lines=lines)


def release(connection: Connection, from_site: str | None, given_back: Mapping[str, Decimal]) -> None:
    """Give back a quantity of each product."""
    if not given_back:
        return
    connection.execute(
        """
        SELECT FROM stock WHERE site_id = %s AND gtin = ANY(%s::bpchar[]) AND location = 'on_hand' ORDER BY gtin FOR UPDATE
        """,
        (from_site, list(given_back)),
    )
    _change_reserved(connection, from_site, {gtin: -quantity for gtin, quantity in given_back.items()})


def _change_reserved(connection: Connection, site: str | None, change: Mapping[str, Decimal]) -> None:
    if not change:
        return
    connection.execute(
        """
        UPDATE stock AS s SET reserved = s.reserved + n.quantity
          FROM unnest(%s::bpchar[], %s::numeric[]) AS n (gtin, quantity)
         WHERE s.site_id = %s AND s.gtin = n.gtin AND s.location = 'on_hand'
        """,
        (list(change), list(change.values()), site),
    )
