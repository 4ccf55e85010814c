"""The statement of a day: the goods by product, what stands beside them, and what does not add up.

Of a closed day it shows three things: the day as we know it now, what has been heard since the closing, and the day as it was closed. Asked
for an instant, it shows what central knew then beside what it knows now.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from central.database import Connection
from central.errors import CentralError
from central.partitions.rules import Table
from central.partitions.storage import kept_from
from central.reconciliation import beside, closing, flows, reading
from central.reconciliation.beside import (
    Awaited,
    Closed,
    CodedStock,
    JournalState,
    LastStocktake,
    OpenCase,
    PaidBy,
    QuarantinedEvent,
    Restatement,
    ShiftOfDay,
    Totals,
)
from central.reconciliation.periods import DAY, Span, end_of_day, month_of
from central.reconciliation.rules import (
    FlowDrift,
    Late,
    ProductLine,
    Values,
    as_it_was,
    faults_of_flows,
    faults_of_lines,
    lines_of,
    values_of,
)


class StatementError(CentralError):
    """A statement that cannot be made."""


class UnknownSite(StatementError):
    """A site that is not there, or not to be seen."""


class NotKept(StatementError):
    """A day of which central no longer keeps what the statement takes."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The site of a statement."""

    site: str
    name: str
    currency: str
    time_zone: str


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """The goods of a day as they once stood: those products that stood otherwise than now, and all together in money."""

    values: Values
    products: tuple[ProductLine, ...]


class AsOf(msgspec.Struct, frozen=True, kw_only=True):
    """What central knew of the day at an instant: every product."""

    instant: datetime
    values: Values
    products: tuple[ProductLine, ...]


class DayStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The day of a site. ``unbalanced`` says in words what does not add up; there is none when the books balance.

    ``discrepancies``, ``quarantined``, ``coded`` and shifts that do not agree are what a person still has to look at: they do not
    unbalance the books, and are never left out. ``complete`` says that no agent of the site is ``awaited`` with events of the day.
    Of a closed day ``restatements`` are what was heard since (the first of ``restated``), and ``as_closed`` the products they changed.
    """

    site: str
    day: date
    currency: str
    balanced: bool
    complete: bool
    unbalanced: tuple[str, ...]
    totals: Totals
    values: Values
    products: tuple[ProductLine, ...]
    payments: tuple[PaidBy, ...]
    shifts: tuple[ShiftOfDay, ...]
    journals: tuple[JournalState, ...]
    awaited: tuple[Awaited, ...]
    discrepancies: tuple[OpenCase, ...]
    quarantined: tuple[QuarantinedEvent, ...]
    coded: tuple[CodedStock, ...]
    last_stocktake: LastStocktake | None
    closed: Closed | None
    restated: int
    restatements: tuple[Restatement, ...]
    as_closed: Before | None
    as_of: AsOf | None


def day_statement(
    connection: Connection,
    site: str,
    day: date,
    *,
    now: datetime | None = None,
    as_of: datetime | None = None,
) -> DayStatement:
    """The statement of ``site`` for ``day`` (its local date). Raises :class:`UnknownSite`, :class:`NotKept`."""
    here = site_of(connection, site)
    refuse_forgotten(connection, day, as_of)
    end = end_of_day(day, here.time_zone)
    products = products_of(connection, site, day)
    journals = reading.journals(connection, site, day)
    totals = reading.totals(connection, site, day)
    unbalanced = (
        *faults_of_lines(products),
        *faults_of_flows(_drifts(connection, site, day)),
        *_faults_of_takings(connection, here, day, totals, products),
        *beside.faults_of_journals(journals),
    )
    awaited = beside.awaited(reading.agents(connection, site), end, now or datetime.now(UTC))
    closed = closing.closing_of(connection, site, day)
    late = [] if closed is None else flows.restated(connection, site, day, closed.restated_through)
    restated = (
        []
        if closed is None or not late
        else closing.restatements(connection, site, day, closed.restated_through)
    )
    return DayStatement(
        site=site,
        day=day,
        currency=here.currency,
        balanced=not unbalanced,
        complete=not awaited,
        unbalanced=unbalanced,
        totals=totals,
        values=values_of(products, here.currency),
        products=products,
        payments=reading.paid_by(connection, site, day),
        shifts=reading.shifts(connection, site, day),
        journals=journals,
        awaited=awaited,
        discrepancies=reading.open_cases(connection, site, end_of_day(day - DAY, here.time_zone), end),
        quarantined=reading.quarantined(connection, site),
        coded=reading.coded(connection, site),
        last_stocktake=reading.last_stocktake(connection, site, end),
        closed=closed,
        restated=closing.count_restated(connection, site, day, closed),
        restatements=tuple(one for _, one in restated),
        as_closed=None if closed is None else _before(products, late, here.currency),
        as_of=None if as_of is None else _as_of(connection, here, day, as_of, products),
    )


def site_of(connection: Connection, site: str) -> Site:
    """A site that may be seen, or :class:`UnknownSite`."""
    row = connection.execute(
        "SELECT name, currency, time_zone FROM sites WHERE site_id = %s", (site,)
    ).fetchone()
    if row is None:
        raise UnknownSite(f"site {site!r}: there is none of this id; GET /v1/sites lists those you may see")
    return Site(site=site, name=row[0], currency=row[1], time_zone=row[2])


def products_of(connection: Connection, site: str, day: date) -> tuple[ProductLine, ...]:
    """The goods of a day by product."""
    return lines_of(flows.ends_of(connection, site, Span(day, day)), flows.moved_on(connection, site, day))


def refuse_forgotten(connection: Connection, day: date, as_of: datetime | None = None) -> None:
    """Nothing, or :class:`NotKept` for a day, or an instant, before what retention has left."""
    first = kept_from(connection, Table.STOCK_DAYS)
    if first is not None and month_of(day) < first:
        raise NotKept(
            f"day {day}: days before {first} are kept by month only; ask for a range of whole months, by=month"
        )
    heard = kept_from(connection, Table.MOVEMENTS)
    if as_of is not None and heard is not None and as_of.date() < heard:
        raise NotKept(
            f"as_of {as_of.isoformat()}: what central learned before {heard} is no longer kept one by one"
        )


def _drifts(connection: Connection, site: str, day: date) -> list[FlowDrift]:
    """The day against its movements; they may have come months after it, so none may have gone by retention since."""
    first = kept_from(connection, Table.MOVEMENTS)
    return [] if first is not None and day < first else flows.drifts_of_day(connection, site, day)


def _faults_of_takings(
    connection: Connection, here: Site, day: date, totals: Totals, products: tuple[ProductLine, ...]
) -> tuple[str, ...]:
    first = kept_from(connection, Table.SALE_LINES)
    if first is not None and day < first:
        return ()
    taken = sum(one.amount_minor for one in totals.takings if one.currency == here.currency)
    booked = sum(line.amount_minor for line in products)
    if taken == booked:
        return ()
    return (
        f"takings: the receipts of the day come to {taken} {here.currency}, what was sold to {booked} (minor units)",
    )


def _before(products: tuple[ProductLine, ...], late: list[Late], currency: str) -> Before:
    then = {line.gtin: line for line in as_it_was(products, late)}
    now = {line.gtin: line for line in products}
    changed = sorted({one.moved.gtin for one in late})
    return Before(
        values=values_of(then.values(), currency),
        products=tuple(
            then.get(gtin) or ProductLine(gtin=gtin) for gtin in changed if then.get(gtin) != now.get(gtin)
        ),
    )


def _as_of(
    connection: Connection, here: Site, day: date, instant: datetime, products: tuple[ProductLine, ...]
) -> AsOf:
    then = as_it_was(products, flows.heard_after(connection, here.site, day, instant))
    return AsOf(instant=instant, values=values_of(then, here.currency), products=then)
