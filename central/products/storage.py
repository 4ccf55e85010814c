"""The catalogue in PostgreSQL, and its feed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from psycopg.rows import dict_row

from central.database import Connection
from central.feeds import publish
from central.products.rules import feed_row
from protocol.feeds import Feed, Product

_COLUMNS = "gtin, name, unit, department, category, package_size, serialised, active"
_PRODUCT = f"SELECT {_COLUMNS}, updated_at FROM products "  # noqa: S608 - a constant in two places
_CATALOGUE = ""
"""The scope of the catalogue: it belongs to everyone."""


def find(connection: Connection, gtin: str) -> dict[str, Any] | None:
    """A product, None if it is not in the catalogue."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_PRODUCT + "WHERE gtin = %s", (gtin,)).fetchone()


def page(
    connection: Connection, *, name: str | None, active: bool | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Products by GTIN, after ``after``; ``name`` is a part of the name, in any case."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _PRODUCT
            + """
            WHERE (%(name)s::text IS NULL OR strpos(lower(name), lower(%(name)s)) > 0)
              AND (%(active)s::boolean IS NULL OR active = %(active)s)
              AND (%(after)s::bpchar IS NULL OR gtin > %(after)s::bpchar)
            ORDER BY gtin LIMIT %(limit)s
            """,
            {"name": name, "active": active, "after": after, "limit": limit},
        ).fetchall()


def put(connection: Connection, rows: Sequence[Product]) -> int:
    """Add or change products and tell the agents; how many were new or different."""
    written = connection.execute(
        """
        INSERT INTO products AS p (gtin, name, unit, department, category, package_size, serialised, active)
        SELECT * FROM unnest(%s::bpchar[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::bool[])
        ON CONFLICT (gtin) DO UPDATE
           SET name = excluded.name, unit = excluded.unit, department = excluded.department, category = excluded.category,
               package_size = excluded.package_size, serialised = excluded.serialised, active = excluded.active,
               updated_at = now()
         WHERE (p.name, p.unit, p.department, p.category, p.package_size, p.serialised, p.active)
               IS DISTINCT FROM (excluded.name, excluded.unit, excluded.department, excluded.category, excluded.package_size,
                                 excluded.serialised, excluded.active)
        """,
        (
            [row.gtin for row in rows],
            [row.name for row in rows],
            [row.unit for row in rows],
            [row.department for row in rows],
            [row.category for row in rows],
            [row.package_size for row in rows],
            [row.serialised for row in rows],
            [row.active for row in rows],
        ),
    ).rowcount
    publish(connection, Feed.CATALOGUE, _CATALOGUE, (feed_row(row) for row in rows))
    return written


def unknown(connection: Connection, gtins: Collection[str]) -> set[str]:
    """Those of ``gtins`` that are not in the catalogue."""
    found = connection.execute(
        "SELECT gtin FROM products WHERE gtin = ANY(%s::bpchar[])", (list(gtins),)
    ).fetchall()
    return set(gtins) - {gtin for (gtin,) in found}
