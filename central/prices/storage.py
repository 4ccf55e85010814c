"""Prices in PostgreSQL, and the feed of each price list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from central.database import Connection
from central.feeds import publish
from central.prices.rules import PriceRow, feed_row
from protocol.feeds import Feed


def put(connection: Connection, rows: Sequence[PriceRow], now: datetime) -> int:
    """Keep prices and tell the agents those that hold at ``now``; how many were new or different."""
    written = connection.execute(
        """
        INSERT INTO prices AS p (price_list, gtin, valid_from, price_minor, currency)
        SELECT * FROM unnest(%s::text[], %s::bpchar[], %s::timestamptz[], %s::bigint[], %s::bpchar[])
        ON CONFLICT (price_list, gtin, valid_from) DO UPDATE
           SET price_minor = excluded.price_minor, currency = excluded.currency
         WHERE (p.price_minor, p.currency) IS DISTINCT FROM (excluded.price_minor, excluded.currency)
        """,
        (
            [row.price_list for row in rows],
            [row.gtin for row in rows],
            [row.valid_from for row in rows],
            [row.price_minor for row in rows],
            [row.currency for row in rows],
        ),
    ).rowcount
    for price_list in sorted({row.price_list for row in rows}):
        tell(connection, price_list, {row.gtin for row in rows if row.price_list == price_list}, now)
    return written


def put_current(
    connection: Connection, price_list: str, prices: Sequence[tuple[str, int]], currency: str, now: datetime
) -> int:
    """Prices (gtin, minor units) that hold from ``now``. One that holds already is not written again."""
    found = connection.execute(
        """
        SELECT n.gtin, n.price FROM unnest(%s::bpchar[], %s::bigint[]) AS n (gtin, price)
          LEFT JOIN LATERAL (
               SELECT price_minor, currency FROM prices p
                WHERE p.price_list = %s AND p.gtin = n.gtin AND p.valid_from <= %s
                ORDER BY valid_from DESC LIMIT 1) AS held ON true
         WHERE (held.price_minor, held.currency) IS DISTINCT FROM (n.price, %s::bpchar)
        """,
        ([gtin for gtin, _ in prices], [price for _, price in prices], price_list, now, currency),
    ).fetchall()
    rows = [
        PriceRow(price_list=price_list, gtin=gtin, price_minor=price, currency=currency, valid_from=now)
        for gtin, price in found
    ]
    return put(connection, rows, now) if rows else 0


def tell(connection: Connection, price_list: str, gtins: Collection[str], now: datetime) -> None:
    """Publish what these products cost at ``now`` in a price list."""
    found = connection.execute(
        """
        SELECT DISTINCT ON (gtin) gtin, price_minor, currency FROM prices
         WHERE price_list = %s AND gtin = ANY(%s::bpchar[]) AND valid_from <= %s
         ORDER BY gtin, valid_from DESC
        """,
        (price_list, list(gtins), now),
    ).fetchall()
    publish(connection, Feed.PRICES, price_list, [feed_row(*row) for row in found])


def tell_what_began(connection: Connection, after: datetime, now: datetime) -> int:
    """Publish the prices whose time has come since ``after``; how many there were. Doing it twice changes nothing."""
    found = connection.execute(
        """
        SELECT price_list, array_agg(DISTINCT gtin::text) FROM prices WHERE valid_from > %s AND valid_from <= %s
         GROUP BY price_list ORDER BY price_list
        """,
        (after, now),
    ).fetchall()
    for price_list, gtins in found:
        tell(connection, price_list, gtins, now)
    return sum(len(gtins) for _, gtins in found)


def page(
    connection: Connection,
    *,
    price_list: str | None,
    gtin: str | None,
    after: tuple[str, str, datetime] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Prices of the lists that the visible sites use, by list, product and time, after the place ``after``."""
    after_list, after_gtin, after_time = after or (None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT price_list, gtin, valid_from, price_minor, currency FROM prices
             WHERE (may_see('*') OR price_list IN (SELECT price_list FROM sites))
               AND (%(price_list)s::text IS NULL OR price_list = %(price_list)s)
               AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
               AND (%(after_list)s::text IS NULL
                    OR (price_list, gtin, valid_from) > (%(after_list)s, %(after_gtin)s::bpchar, %(after_time)s::timestamptz))
             ORDER BY price_list, gtin, valid_from LIMIT %(limit)s
            """,
            {
                "price_list": price_list,
                "gtin": gtin,
                "after_list": after_list,
                "after_gtin": after_gtin,
                "after_time": after_time,
                "limit": limit,
            },
        ).fetchall()
