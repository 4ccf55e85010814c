"""Shrinkage: what corrections took away from the stock of sites over some days, in quantity, in value, and against what was sold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection

UNEXPLAINED = "stocktake"
"""The reason under which counts are booked: what is gone, and nobody knows why."""
NO_LOSS = ("valuation", "own_use")
"""Reasons for which nothing is lost: what goods became worth, and what the shop used itself."""


class By(StrEnum):
    """What the figures are for."""

    SITE = "site"
    PRODUCT = "product"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which days of which sites: of one, of a dealer with all dealers below it, or of all that may be seen. Both days are included."""

    by: By
    first: date
    last: date
    site: str | None = None
    dealer: str | None = None


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What is gone at a site, or of a product at all sites of a currency; below zero: found. ``reasons`` is reason -> (quantity, value)."""

    key: str
    name: str | None
    currency: str
    quantity: Decimal
    value_minor: int
    unexplained_minor: int
    sales_minor: int
    reasons: dict[str, tuple[Decimal, int]]

    @property
    def percent_of_sales(self) -> Decimal | None:
        """The value that is gone for every hundred that was taken; None where nothing was sold."""
        if self.sales_minor <= 0:
            return None
        return (Decimal(self.value_minor) * 100 / self.sales_minor).quantize(Decimal("0.01"))


_LOSSES = """
WITH chosen AS (
    SELECT site_id, currency, sites.name FROM sites JOIN dealers USING (dealer_id)
     WHERE (%(site)s::text IS NULL OR site_id = %(site)s)
       AND (%(dealer)s::text IS NULL OR starts_with(path, (SELECT path FROM dealers WHERE dealer_id = %(dealer)s)))
), lost AS (
    SELECT CASE WHEN %(by_site)s THEN site_id ELSE gtin END AS key, currency,
           substr(CASE WHEN starts_with(destination, 'adjustment:') THEN destination ELSE source END, 12) AS reason,
           sum(CASE WHEN starts_with(destination, 'adjustment:') THEN m.quantity ELSE -m.quantity END) AS quantity,
           sum(CASE WHEN starts_with(destination, 'adjustment:') THEN m.value_minor ELSE -m.value_minor END) AS value_minor
      FROM chosen JOIN movements AS m USING (site_id)
     WHERE m.business_day BETWEEN %(first)s AND %(last)s
       AND (starts_with(m.source, 'adjustment:') OR starts_with(m.destination, 'adjustment:'))
     GROUP BY 1, 2, 3
), summed AS (
    SELECT key, currency, sum(quantity) AS quantity, sum(value_minor)::bigint AS value_minor,
           coalesce(sum(value_minor) FILTER (WHERE reason = %(unexplained)s), 0)::bigint AS unexplained_minor,
           jsonb_object_agg(reason, jsonb_build_array(quantity::text, value_minor)) AS reasons
      FROM lost WHERE reason <> ALL (%(no_loss)s) GROUP BY key, currency
), sold AS (
    SELECT CASE WHEN %(by_site)s THEN site_id ELSE gtin END AS key, currency,
           sum(CASE flow WHEN 'sold' THEN amount_minor ELSE -amount_minor END)::bigint AS sales_minor
      FROM chosen JOIN stock_days USING (site_id)
     WHERE business_day BETWEEN %(first)s AND %(last)s AND flow IN ('sold', 'returned') GROUP BY 1, 2
)
SELECT key, CASE WHEN %(by_site)s THEN chosen.name ELSE products.name END AS name, currency, quantity, value_minor, unexplained_minor,
       coalesce(sales_minor, 0) AS sales_minor, reasons
  FROM summed LEFT JOIN sold USING (key, currency)
  LEFT JOIN (SELECT site_id AS key, name FROM chosen) AS chosen USING (key) LEFT JOIN products ON products.gtin = key
 WHERE %(after_key)s::text IS NULL
    OR (-value_minor, key, currency) > (%(after_value)s::bigint, %(after_key)s::text, %(after_currency)s::text)
 ORDER BY -value_minor, key, currency LIMIT %(limit)s
"""


def is_dealer_seen(connection: Connection, dealer: str) -> bool:
    """Whether there is such a dealer, with a site of its subtree that this transaction may see."""
    row = connection.execute(
        """
        SELECT FROM dealers AS d
         WHERE dealer_id = %s AND (sees_every_site() OR EXISTS (
               SELECT FROM sites JOIN dealers AS below USING (dealer_id) WHERE starts_with(below.path, d.path)))
        """,
        (dealer,),
    ).fetchone()
    return row is not None


def find(
    connection: Connection,
    asked: Asked,
    *,
    after: tuple[int, str, str] | None = None,
    limit: int | None = None,
) -> list[Loss]:
    """Losses, the greatest value first, after the place ``after`` (value below zero, key, currency) in that order."""
    value, key, currency = after or (None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _LOSSES,
            {
                "by_site": asked.by is By.SITE, "site": asked.site, "dealer": asked.dealer, "first": asked.first,
                "last": asked.last, "unexplained": UNEXPLAINED, "no_loss": list(NO_LOSS), "after_value": value,
                "after_key": key, "after_currency": currency, "limit": limit,
            },
        ).fetchall()  # fmt: skip
    return [_loss(row) for row in rows]


def _loss(row: dict[str, Any]) -> Loss:
    reasons = {
        reason: (Decimal(quantity), int(value))
        for reason, (quantity, value) in sorted(row.pop("reasons").items())
    }
    return Loss(**row, reasons=reasons)
