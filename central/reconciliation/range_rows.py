"""What ranges are made of: rows in the order of a page, what products open with, and sums by period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from central.database import Connection
from central.ledger.flows import EFFECT
from central.reconciliation.periods import DAY, By, Span, month_of
from central.reconciliation.rules import Moved

FLOWS = len(EFFECT)
Place = tuple[date, str]
"""(first day of the period, GTIN): where a page ends."""


class Opening:
    """What a product opens with, and how far its balance is off all its movements."""

    __slots__ = ("off", "quantity", "value_minor", "value_off_minor")

    def __init__(self, quantity: Decimal, value_minor: int, off: Decimal, value_off_minor: int) -> None:
        self.quantity, self.value_minor = quantity, value_minor
        self.off, self.value_off_minor = off, value_off_minor


def rows_after(
    connection: Connection, site: str, span: Span, by: By, gtin: str | None, after: Place | None, limit: int
) -> list[tuple[date, Moved]]:
    """What moved, by period and product, after a place: all flows of at least ``limit`` products and periods, if there are as many.

    Days and whole months are read in the order in which they are kept, and no further than the page goes.
    """
    if by is By.DAY:
        return _days(connection, site, span, gtin, after, limit)
    begin, end = span.whole_months
    head, tail = Span(span.first, min(span.last, begin - DAY)), Span(max(end, span.first), span.last)
    rows: list[tuple[date, Moved]] = []
    if span.first < begin and (after is None or after[0] == span.first):
        rows += _part_of_month(connection, site, head, gtin, after, limit)
    if begin < end and len(rows) < limit * FLOWS:
        rows += _months(connection, site, Span(begin, end - DAY), gtin, after, limit)
    if span.last >= end and len(rows) < limit * FLOWS:
        rows += _part_of_month(
            connection, site, tail, gtin, after if after and after[0] == tail.first else None, limit
        )
    return rows


def _days(
    connection: Connection, site: str, span: Span, gtin: str | None, after: Place | None, limit: int
) -> list[tuple[date, Moved]]:
    first, after_gtin = after or (span.first, "")
    found = connection.execute(
        """
        SELECT business_day, gtin, flow, quantity, value_minor, amount_minor FROM stock_days
        WHERE site_id = %(site)s AND business_day BETWEEN %(first)s AND %(last)s
          AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
          AND (business_day, gtin) > (%(first)s, %(after)s::bpchar)
        ORDER BY business_day, gtin, flow LIMIT %(limit)s
        """,
        {
            "site": site,
            "first": first,
            "last": span.last,
            "after": after_gtin,
            "gtin": gtin,
            "limit": limit * FLOWS,
        },
    )
    return [(row[0], Moved(*row[1:])) for row in found]


def _months(
    connection: Connection, site: str, span: Span, gtin: str | None, after: Place | None, limit: int
) -> list[tuple[date, Moved]]:
    first, after_gtin = after if after is not None and after[0] >= span.first else (span.first, "")
    found = connection.execute(
        """
        SELECT month, gtin, flow, quantity, value_minor, amount_minor FROM stock_months
        WHERE site_id = %(site)s AND month BETWEEN %(first)s AND %(last)s
          AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
          AND (month, gtin) > (%(first)s, %(after)s::bpchar)
        ORDER BY month, gtin, flow LIMIT %(limit)s
        """,
        {
            "site": site,
            "first": first,
            "last": span.last,
            "after": after_gtin,
            "gtin": gtin,
            "limit": limit * FLOWS,
        },
    )
    return [(row[0], Moved(*row[1:])) for row in found]


def _part_of_month(
    connection: Connection, site: str, span: Span, gtin: str | None, after: Place | None, limit: int
) -> list[tuple[date, Moved]]:
    found = connection.execute(
        """
        SELECT gtin, flow, sum(quantity), sum(value_minor)::bigint, sum(amount_minor)::bigint FROM stock_days
        WHERE site_id = %(site)s AND business_day BETWEEN %(first)s AND %(last)s
          AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar) AND gtin > %(after)s::bpchar
        GROUP BY gtin, flow ORDER BY gtin, flow LIMIT %(limit)s
        """,
        {
            "site": site,
            "first": span.first,
            "last": span.last,
            "after": after[1] if after is not None else "",
            "gtin": gtin,
            "limit": limit * FLOWS,
        },
    )
    return [(span.first, Moved(*row)) for row in found]


def openings(connection: Connection, site: str, day: date, gtins: list[str]) -> dict[str, Opening]:
    """What products open a day with, and by how much their balances now are off everything that ever moved them."""
    found = connection.execute(
        """
        WITH flows AS (
            SELECT gtin, month, CASE WHEN flow IN ('sold', 'transferred_out') THEN -quantity ELSE quantity END AS quantity,
                   CASE WHEN flow IN ('sold', 'transferred_out') THEN -value_minor ELSE value_minor END AS value_minor
            FROM stock_months WHERE site_id = %(site)s AND gtin = ANY (%(gtins)s::bpchar[]) AND flow <> 'set_aside'
        ), months AS (
            SELECT gtin, sum(quantity) FILTER (WHERE month < %(month)s) AS opening,
                   sum(value_minor) FILTER (WHERE month < %(month)s) AS opening_value,
                   sum(quantity) AS every, sum(value_minor) AS every_value
            FROM flows GROUP BY gtin
        ), days AS (
            SELECT gtin, sum(effect * quantity) AS opening, sum(effect * value_minor) AS opening_value
            FROM stock_days CROSS JOIN LATERAL (SELECT
                   CASE flow WHEN 'sold' THEN -1 WHEN 'transferred_out' THEN -1 WHEN 'set_aside' THEN 0 ELSE 1 END AS effect) AS in_sense
            WHERE site_id = %(site)s AND business_day >= %(month)s AND business_day < %(day)s AND gtin = ANY (%(gtins)s::bpchar[])
            GROUP BY gtin
        )
        SELECT wanted.gtin, coalesce(months.opening, 0) + coalesce(days.opening, 0),
               (coalesce(months.opening_value, 0) + coalesce(days.opening_value, 0))::bigint,
               coalesce(stock.quantity, 0) - coalesce(every, 0), (coalesce(stock.value_minor, 0) - coalesce(every_value, 0))::bigint
        FROM unnest(%(gtins)s::bpchar[]) AS wanted (gtin) LEFT JOIN months USING (gtin) LEFT JOIN days USING (gtin)
        LEFT JOIN stock ON stock.site_id = %(site)s AND stock.gtin = wanted.gtin AND stock.location = 'on_hand'
        """,
        {"site": site, "day": day, "month": month_of(day), "gtins": gtins},
    )
    return {row[0]: Opening(*row[1:]) for row in found}


def summed(connection: Connection, site: str, span: Span, by: By, gtin: str | None) -> list[tuple[Any, ...]]:
    months_from, months_to = (span.first, span.first) if by is By.DAY else span.whole_months
    return connection.execute(
        """
        WITH flows AS (
            SELECT CASE WHEN %(by)s = 'total' THEN %(first)s ELSE month END AS first, flow, value_minor, amount_minor FROM stock_months
            WHERE site_id = %(site)s AND month >= %(months_from)s AND month < %(months_to)s
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
            UNION ALL
            SELECT CASE %(by)s WHEN 'day' THEN business_day WHEN 'total' THEN %(first)s
                        ELSE greatest(date_trunc('month', business_day)::date, %(first)s) END, flow, value_minor, amount_minor
            FROM stock_days
            WHERE site_id = %(site)s AND business_day BETWEEN %(first)s AND %(last)s
              AND (business_day < %(months_from)s OR business_day >= %(months_to)s)
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
        )
        SELECT first, flow, sum(value_minor)::bigint, sum(amount_minor)::bigint FROM flows GROUP BY first, flow
        """,
        {
            "site": site,
            "first": span.first,
            "last": span.last,
            "months_from": months_from,
            "months_to": months_to,
            "by": by.value,
            "gtin": gtin,
        },
    ).fetchall()
