"""Statements of more than one day: of every product over the whole, or day by day, or month by month.

A page of days or months costs what its rows cost, however long the range: what a product opened with is summed up once for the page, and
carried from row to row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from central.database import Connection
from central.ledger.flows import EFFECT, Flow
from central.partitions.rules import Table
from central.partitions.storage import kept_from
from central.reconciliation import flows
from central.reconciliation.periods import DAY, By, Span, month_of
from central.reconciliation.rules import (
    End,
    Moved,
    ProductLine,
    Values,
    faults_of_lines,
    lines_of,
    values_of,
)
from central.reconciliation.statement import NotKept, Site, site_of

DAYS_LIMIT = 366
"""Of a range that is shown day by day."""
FLOWS = len(EFFECT)


class TooLong(NotKept):
    """A range of more days than are shown one by one."""


class PeriodLine(ProductLine, frozen=True, kw_only=True, gc=False):
    """A product over the days from ``first`` to ``last``. By day and by month, products that did not move have no line."""

    first: date
    last: date


class PeriodValues(Values, frozen=True, kw_only=True):
    """A period in money, all products together."""

    first: date
    last: date


class RangeStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Statements of a range, a page of them. ``balanced`` and ``unbalanced`` are about the products of this page; ``totals`` are those of
    the whole range, by period, and stand on the first page. ``next`` is the cursor of the page after it."""

    site: str
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    by: By
    currency: str
    balanced: bool
    unbalanced: tuple[str, ...]
    totals: tuple[PeriodValues, ...]
    items: tuple[PeriodLine, ...]
    next: str | None = None


Place = tuple[date, str]
"""(first day of the period, GTIN): where a page ends."""


def range_statement(
    connection: Connection,
    site: str,
    span: Span,
    by: By,
    *,
    gtin: str | None = None,
    after: Place | None = None,
    limit: int,
) -> tuple[RangeStatement, Place | None]:
    """A page of statements, and the place after which the next one goes on. Raises :class:`UnknownSite`, :class:`NotKept`, :class:`TooLong`."""
    here = site_of(connection, site)
    refuse(connection, span, by)
    lines = page(connection, here, span, by, gtin=gtin, after=after, limit=limit + 1)
    shown = lines[:limit]
    unbalanced = tuple(dict.fromkeys(faults_of_lines(shown)))
    statement = RangeStatement(
        site=site,
        first=span.first,
        last=span.last,
        by=by,
        currency=here.currency,
        balanced=not unbalanced,
        unbalanced=unbalanced,
        totals=() if after is not None else totals(connection, here, span, by, gtin),
        items=tuple(shown),
    )
    return statement, (shown[-1].first, shown[-1].gtin) if len(lines) > limit else None


def refuse(connection: Connection, span: Span, by: By) -> None:
    """Nothing, or why a range cannot be shown."""
    if by is By.DAY and span.days > DAYS_LIMIT:
        raise TooLong(f"{span.days} days: expected at most {DAYS_LIMIT} by day; ask for less, or by month")
    first = kept_from(connection, Table.STOCK_DAYS)
    if first is None:
        return
    cut = [span.first] if span.first.day != 1 else []
    cut += [span.last] if (span.last + DAY).day != 1 else []
    wanted = [span.first] if by is By.DAY else cut
    if any(month_of(day) < first for day in wanted):
        raise NotKept(
            f"days before {first} are kept by month only; ask for whole months, by=month or by=total"
        )


def page(
    connection: Connection,
    here: Site,
    span: Span,
    by: By,
    *,
    gtin: str | None,
    after: Place | None,
    limit: int,
) -> list[PeriodLine]:
    """The lines after a place, at most ``limit``, by period and GTIN."""
    if by is By.TOTAL:
        return _whole(connection, here, span, gtin, after, limit)
    rows = _rows(connection, here.site, span, by, gtin, after, limit)
    if not rows:
        return []
    begin = after[0] if after is not None else rows[0][0]
    gtins = sorted({moved.gtin for _, moved in rows})
    open_with = _openings(connection, here.site, begin, gtins)
    if after is not None:
        # Of the period in which the last page ended, what stood on it belongs to what these products open with.
        told = {moved.gtin for first, moved in rows if first == begin}
        _carry(
            open_with,
            [one for one in _moved_in(connection, here.site, span, by, begin, gtins) if one.gtin not in told],
        )
    return list(_lines(rows, open_with, span, by))[:limit]


class _Opening:
    """What a product opens with, and how far its balance is off all its movements."""

    __slots__ = ("off", "quantity", "value_minor", "value_off_minor")

    def __init__(self, quantity: Decimal, value_minor: int, off: Decimal, value_off_minor: int) -> None:
        self.quantity, self.value_minor = quantity, value_minor
        self.off, self.value_off_minor = off, value_off_minor


def _lines(
    rows: Sequence[tuple[date, Moved]], open_with: dict[str, _Opening], span: Span, by: By
) -> Iterator[PeriodLine]:
    for (first, gtin), moved in _together(rows):
        opening = open_with[gtin]
        before, value_before = opening.quantity, opening.value_minor
        _carry(open_with, moved)
        end = End(
            gtin,
            before,
            value_before,
            opening.quantity + opening.off,
            opening.value_minor + opening.value_off_minor,
        )
        (line,) = lines_of([end], moved) or (ProductLine(gtin=gtin),)
        yield PeriodLine(**msgspec.structs.asdict(line), first=first, last=_last_of(first, span, by))


def _together(rows: Sequence[tuple[date, Moved]]) -> list[tuple[tuple[date, str], list[Moved]]]:
    found: dict[tuple[date, str], list[Moved]] = {}
    for first, moved in rows:
        found.setdefault((first, moved.gtin), []).append(moved)
    return list(found.items())


def _carry(open_with: dict[str, _Opening], moved: Sequence[Moved]) -> None:
    for one in moved:
        effect, opening = EFFECT[Flow(one.flow)], open_with[one.gtin]
        opening.quantity += effect * one.quantity
        opening.value_minor += effect * one.value_minor


def _last_of(first: date, span: Span, by: By) -> date:
    return next(Span(first, span.last).pieces(by)).last


def _whole(
    connection: Connection, here: Site, span: Span, gtin: str | None, after: Place | None, limit: int
) -> list[PeriodLine]:
    gtins = None if gtin is None else [gtin]
    lines = lines_of(
        flows.ends_of(connection, here.site, span, gtins),
        flows.moved_within(connection, here.site, span, gtins),
    )
    following = [line for line in lines if after is None or line.gtin > after[1]]
    return [
        PeriodLine(**msgspec.structs.asdict(line), first=span.first, last=span.last)
        for line in following[:limit]
    ]


def _rows(
    connection: Connection, site: str, span: Span, by: By, gtin: str | None, after: Place | None, limit: int
) -> list[tuple[date, Moved]]:
    """What moved, by period and product, after a place: all flows of at least ``limit`` products and periods, if there are as many."""
    months_from, months_to = span.whole_months if by is By.MONTH else (span.first, span.first)
    after_first, after_gtin = after or (None, None)
    found = connection.execute(
        """
        WITH flows AS (
            SELECT month AS first, gtin, flow, quantity, value_minor, amount_minor FROM stock_months
            WHERE site_id = %(site)s AND month >= %(months_from)s AND month < %(months_to)s
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
              AND (%(after)s::date IS NULL OR (month, gtin) > (%(after)s, %(after_gtin)s::bpchar))
            UNION ALL
            SELECT CASE WHEN %(by)s = 'day' THEN business_day ELSE greatest(date_trunc('month', business_day)::date, %(first)s) END,
                   gtin, flow, quantity, value_minor, amount_minor
            FROM stock_days
            WHERE site_id = %(site)s AND business_day BETWEEN %(first)s AND %(last)s
              AND (business_day < %(months_from)s OR business_day >= %(months_to)s)
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
              AND (%(after)s::date IS NULL OR business_day >= %(after)s)
        )
        SELECT first, gtin, flow, sum(quantity), sum(value_minor)::bigint, sum(amount_minor)::bigint FROM flows
        WHERE %(after)s::date IS NULL OR (first, gtin) > (%(after)s, %(after_gtin)s::bpchar)
        GROUP BY first, gtin, flow ORDER BY first, gtin, flow LIMIT %(limit)s
        """,
        {
            "site": site,
            "first": span.first,
            "last": span.last,
            "months_from": months_from,
            "months_to": months_to,
            "by": by.value,
            "gtin": gtin,
            "after": after_first,
            "after_gtin": after_gtin,
            "limit": limit * FLOWS,
        },
    ).fetchall()
    return [(row[0], Moved(*row[1:])) for row in found]


def _moved_in(
    connection: Connection, site: str, span: Span, by: By, first: date, gtins: list[str]
) -> list[Moved]:
    piece = next(Span(first, span.last).pieces(by))
    return flows.moved_within(connection, site, piece, gtins)


def _openings(connection: Connection, site: str, day: date, gtins: list[str]) -> dict[str, _Opening]:
    """What products open a day with, and by how much their balances now are off everything that ever moved them."""
    found = connection.execute(
        """
        WITH flows AS (
            SELECT gtin, month, quantity, value_minor,
                   CASE flow WHEN 'sold' THEN -1 WHEN 'transferred_out' THEN -1 WHEN 'set_aside' THEN 0 ELSE 1 END AS effect
            FROM stock_months WHERE site_id = %(site)s AND gtin = ANY (%(gtins)s::bpchar[])
        ), months AS (
            SELECT gtin, sum(effect * quantity) FILTER (WHERE month < %(month)s) AS opening,
                   sum(effect * value_minor) FILTER (WHERE month < %(month)s) AS opening_value,
                   sum(effect * quantity) AS every, sum(effect * value_minor) AS every_value
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
    return {row[0]: _Opening(*row[1:]) for row in found}


def totals(
    connection: Connection, here: Site, span: Span, by: By, gtin: str | None
) -> tuple[PeriodValues, ...]:
    """The range in money by period, all products together; periods in which nothing moved are there too."""
    gtins = None if gtin is None else [gtin]
    opened = values_of(
        lines_of(flows.ends_of(connection, here.site, span, gtins), []), here.currency
    ).opening_value_minor
    moved: dict[date, list[Moved]] = {}
    for first, *sums in _summed(connection, here.site, span, by, gtin):
        moved.setdefault(first, []).append(Moved("", sums[0], Decimal(0), sums[1], sums[2]))
    found = []
    for piece in span.pieces(by):
        of_piece = moved.get(piece.first, [])
        closed = opened + sum(EFFECT[Flow(one.flow)] * one.value_minor for one in of_piece)
        lines = lines_of([End("", Decimal(0), opened, Decimal(0), closed)], of_piece)
        values = values_of(lines, here.currency)
        found.append(PeriodValues(**msgspec.structs.asdict(values), first=piece.first, last=piece.last))
        opened = closed
    return tuple(found)


def _summed(connection: Connection, site: str, span: Span, by: By, gtin: str | None) -> list[tuple[Any, ...]]:
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
