"""Statements of more than one day: of every product over the whole, or day by day, or month by month.

A page of days or months costs what its rows cost, however long the range: what a product opened with is summed up once for the page, and
carried from row to row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from central.database import Connection
from central.ledger.flows import EFFECT, Flow
from central.partitions.rules import Table
from central.partitions.storage import kept_from
from central.reconciliation import flows
from central.reconciliation.flows import closings
from central.reconciliation.periods import DAY, By, Span, month_of
from central.reconciliation.range_rows import Opening, Place, openings, rows_after, summed
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
    rows = rows_after(connection, here.site, span, by, gtin, after, limit)
    if not rows:
        return []
    begin = after[0] if after is not None else rows[0][0]
    gtins = sorted({moved.gtin for _, moved in rows})
    open_with = openings(connection, here.site, begin, gtins)
    if after is not None:
        # Of the period in which the last page ended, what stood on it belongs to what these products open with.
        told = {moved.gtin for first, moved in rows if first == begin}
        _carry(
            open_with,
            [one for one in _moved_in(connection, here.site, span, by, begin, gtins) if one.gtin not in told],
        )
    return list(_lines(rows, open_with, span, by))[:limit]


def _lines(
    rows: Sequence[tuple[date, Moved]], open_with: dict[str, Opening], span: Span, by: By
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


def _carry(open_with: dict[str, Opening], moved: Sequence[Moved]) -> None:
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


def _moved_in(
    connection: Connection, site: str, span: Span, by: By, first: date, gtins: list[str]
) -> list[Moved]:
    piece = next(Span(first, span.last).pieces(by))
    return flows.moved_within(connection, site, piece, gtins)


def totals(
    connection: Connection, here: Site, span: Span, by: By, gtin: str | None
) -> tuple[PeriodValues, ...]:
    """The range in money by period, all products together; periods in which nothing moved are there too. From what is on hand at its end back to
    what was at its beginning."""
    moved: dict[date, list[Moved]] = {}
    for first, flow, value, amount in summed(connection, here.site, span, by, gtin):
        moved.setdefault(first, []).append(Moved("", flow, Decimal(0), value, amount))
    closed, _ = closings(connection, [here.site], span.last, gtin).get(here.site, (0, Decimal(0)))
    found = []
    for piece in reversed(list(span.pieces(by))):
        of_piece = moved.get(piece.first, [])
        opened = closed - sum(EFFECT[Flow(one.flow)] * one.value_minor for one in of_piece)
        lines = lines_of([End("", Decimal(0), opened, Decimal(0), closed)], of_piece)
        values = values_of(lines, here.currency)
        found.append(PeriodValues(**msgspec.structs.asdict(values), first=piece.first, last=piece.last))
        closed = opened
    return tuple(reversed(found))
