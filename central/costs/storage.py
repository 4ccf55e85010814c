"""Costs in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from central.costs.rules import CostList, CostRow
from central.database import Connection


def put(connection: Connection, rows: Sequence[CostRow]) -> int:
    """Keep costs; how many were new or different."""
    return connection.execute(
        """
        INSERT INTO costs AS c (gtin, currency, valid_from, cost_minor)
        SELECT * FROM unnest(%s::bpchar[], %s::bpchar[], %s::timestamptz[], %s::numeric[])
        ON CONFLICT (gtin, currency, valid_from) DO UPDATE SET cost_minor = excluded.cost_minor
         WHERE c.cost_minor <> excluded.cost_minor
        """,
        (
            [row.gtin for row in rows],
            [row.currency for row in rows],
            [row.valid_from for row in rows],
            [row.cost_minor for row in rows],
        ),
    ).rowcount


def held_at(
    connection: Connection, gtins: Collection[str], currency: str, moment: datetime
) -> dict[str, Any]:
    """gtin -> the cost of a unit that holds at ``moment``."""
    found = connection.execute(
        """
        SELECT DISTINCT ON (gtin) gtin, cost_minor FROM costs
         WHERE gtin = ANY (%s::bpchar[]) AND currency = %s AND valid_from <= %s ORDER BY gtin, valid_from DESC
        """,
        (sorted(gtins), currency, moment),
    )
    return dict(found.fetchall())


def cost_list(connection: Connection, gtins: Collection[str], currencies: Collection[str]) -> CostList:
    """All costs of products in currencies, past and future ones."""
    if not gtins:
        return CostList()
    found = connection.execute(
        """
        SELECT gtin, currency, valid_from, cost_minor FROM costs
         WHERE gtin = ANY (%s::bpchar[]) AND currency = ANY (%s::bpchar[])
        """,
        (sorted(gtins), sorted(currencies)),
    )
    return CostList(
        CostRow(gtin=gtin, currency=currency, valid_from=valid_from, cost_minor=cost_minor)
        for gtin, currency, valid_from, cost_minor in found
    )


def page(
    connection: Connection, *, gtin: str | None, after: tuple[str, str, datetime] | None, limit: int
) -> list[dict[str, Any]]:
    """Costs by product, currency and time, after the place ``after``."""
    after_gtin, after_currency, after_time = after or (None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT gtin, currency, valid_from, cost_minor FROM costs
             WHERE (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
               AND (%(after_gtin)s::bpchar IS NULL
                    OR (gtin, currency, valid_from) > (%(after_gtin)s::bpchar, %(after_currency)s::bpchar, %(after_time)s::timestamptz))
             ORDER BY gtin, currency, valid_from LIMIT %(limit)s
            """,
            {
                "gtin": gtin,
                "after_gtin": after_gtin,
                "after_currency": after_currency,
                "after_time": after_time,
                "limit": limit,
            },
        ).fetchall()
