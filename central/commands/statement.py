"""``statement``: what a site had, what came and went, what it has, for a day or a range of days."""

from __future__ import annotations

import calendar
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
import typer

from central.commands.application import Config, app, fail, opened, say
from central.commands.statement_tables import show_day, show_range
from central.database import Connection
from central.reconciliation import tables
from central.reconciliation.periods import By, Span
from central.reconciliation.ranges import PeriodLine, RangeStatement, page, range_statement
from central.reconciliation.statement import DayStatement, day_statement, site_of

_PAGE_LINES = 20_000


@app.command()
def statement(
    site: Annotated[str, typer.Argument(help="The site.")],
    when: Annotated[
        str,
        typer.Argument(help="A day (2026-03-02), a month (2026-03), or two days (2026-03-01..2026-03-15)."),
    ],
    by: Annotated[
        By, typer.Option(help="Of a range: one line a product over the whole, by day or by month.")
    ] = By.TOTAL,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Of a day: what central knew at this moment (ISO 8601 with offset)."),
    ] = None,
    config: Config = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="The products as CSV (RFC 4180).")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, as the HTTP interface has it.")
    ] = False,
) -> None:
    """The statement of a site, in quantity and value. Ends with exit code 1 where the books do not balance; it says then what does not."""
    if as_csv and as_json:
        fail("statement: --csv and --json: expected one of them", 2)
    span, instant = _span(when), _instant(as_of)
    if instant is not None and span.days > 1:
        fail("--as-of: expected a single day with it", 2)
    with opened(config) as (_, database), database.transaction(snapshot=True) as connection:
        if span.days == 1:
            is_balanced = _day(connection, site, span.first, instant, as_csv=as_csv, as_json=as_json)
        else:
            is_balanced = _range(connection, site, span, by, as_csv=as_csv, as_json=as_json)
    if not is_balanced:
        raise typer.Exit(1)


def _day(
    connection: Connection, site: str, day: date, instant: datetime | None, *, as_csv: bool, as_json: bool
) -> bool:
    found: DayStatement = day_statement(connection, site, day, now=datetime.now(UTC), as_of=instant)
    products = found.products if found.as_of is None else found.as_of.products
    if as_json:
        say(msgspec.json.encode(found).decode())
    elif as_csv:
        sys.stdout.write(tables.text_of(tables.PRODUCT_COLUMNS, map(tables.product_row, products)))
    else:
        show_day(found, site_of(connection, site), _names(connection, [line.gtin for line in products]))
    return found.balanced


def _range(connection: Connection, site: str, span: Span, by: By, *, as_csv: bool, as_json: bool) -> bool:
    found, _ = range_statement(connection, site, span, by, limit=1)
    lines, is_balanced = [], True
    for line in _lines(connection, site, span, by):
        lines.append(line)
        is_balanced = is_balanced and not line.difference and not line.value_difference_minor
    if as_csv:
        rows: Iterator[list[Any]] = ([line.first, line.last, *tables.product_row(line)] for line in lines)
        sys.stdout.write(tables.text_of(tables.PERIOD_COLUMNS, rows))
        return is_balanced
    whole: RangeStatement = msgspec.structs.replace(found, items=tuple(lines), balanced=is_balanced)
    if as_json:
        say(msgspec.json.encode(whole).decode())
    else:
        show_range(whole, site_of(connection, site), _names(connection, [line.gtin for line in lines]))
    return is_balanced


def _lines(connection: Connection, site: str, span: Span, by: By) -> Iterator[PeriodLine]:
    here, after = site_of(connection, site), None
    while True:
        lines = page(connection, here, span, by, gtin=None, after=after, limit=_PAGE_LINES)
        yield from lines
        if len(lines) < _PAGE_LINES:
            return
        after = lines[-1].first, lines[-1].gtin


def _names(connection: Connection, gtins: list[str]) -> dict[str, str]:
    found = connection.execute(
        "SELECT gtin, name FROM products WHERE gtin = ANY (%s::bpchar[])", (sorted(set(gtins)),)
    )
    return dict(found.fetchall())


def _span(when: str) -> Span:
    first, dots, last = when.partition("..")
    try:
        if len(when) == 7:
            month = date.fromisoformat(f"{when}-01")
            return Span(month, month.replace(day=calendar.monthrange(month.year, month.month)[1]))
        span = Span(date.fromisoformat(first), date.fromisoformat(last if dots else first))
    except ValueError:
        fail(
            f"{when!r}: expected a day such as 2026-03-02, a month such as 2026-03, or 2026-03-01..2026-03-15",
            2,
        )
    if span.last < span.first:
        fail(f"{when!r}: expected the earlier day first", 2)
    return span


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        fail(f"--as-of {text!r}: expected a moment with its offset, such as 2026-03-03T08:00:00+08:00", 2)
    return found
