"""Rebuild and compare: every balance against its movements, in quantity and value, and against what the days and months say.

Each statement sees one moment of the books, whatever is being booked meanwhile. That of all sites reads the movements once. In batches of
sites none takes long, so that nothing else (a partition that is made or let go) waits for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec
from psycopg.rows import TupleRow

from central.database import Connection, Database
from central.partitions import storage as partitions
from central.partitions.rules import Table
from central.reconciliation.rules import Drift

BATCHES = 20
"""Of sites, at the most: each reads what it needs of all movements, so many small ones would read them many times over."""


class MonthDrift(msgspec.Struct, frozen=True, kw_only=True):
    """A sum of days or months that does not agree. ``kept`` is what is kept, ``summed`` what it should be the sum of.

    ``what`` is ``on_hand`` (all months together against the balance) or the flow of a ``month`` (against its days).
    """

    site: str
    gtin: str
    what: str
    month: date | None
    kept: Decimal
    summed: Decimal
    kept_value_minor: int
    summed_value_minor: int


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What does not agree: nothing, unless central itself is at fault or somebody has changed the books by hand."""

    sites: int
    drifts: tuple[Drift, ...] = ()
    month_drifts: tuple[MonthDrift, ...] = ()
    not_zero: dict[str, Decimal] = msgspec.field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether everything does."""
        return not (self.drifts or self.month_drifts or self.not_zero)


def rebuild(connection: Connection, site: str | None = None) -> list[Drift]:
    """Replay all movements (of one site) and compare: every balance that is not their sum. There should never be any."""
    return rebuild_sites(connection, [site]) if site is not None else _drifts(_rebuild_all(connection))


def rebuild_sites(connection: Connection, sites: Sequence[str]) -> list[Drift]:
    """The same for some sites."""
    found = connection.execute(
        """
        WITH replayed AS (
            SELECT site_id, gtin, location, sum(quantity) AS quantity, sum(value_minor) AS value_minor
            FROM (
                SELECT site_id, gtin, leg.location, leg.quantity, leg.value_minor
                FROM (
                    SELECT site_id, gtin, source, destination, sum(quantity) AS quantity, sum(value_minor) AS value_minor
                    FROM movements WHERE site_id = ANY (%(sites)s) GROUP BY site_id, gtin, source, destination
                ) AS flow
                CROSS JOIN LATERAL (VALUES (destination, quantity, value_minor), (source, -quantity, -value_minor))
                    AS leg (location, quantity, value_minor)
                UNION ALL
                SELECT site_id, gtin, location, quantity, value_minor FROM movements_carried WHERE site_id = ANY (%(sites)s)
            ) AS legs
            GROUP BY site_id, gtin, location
        ), kept AS (
            SELECT site_id, gtin, location, quantity, value_minor FROM stock WHERE site_id = ANY (%(sites)s)
        )
        SELECT site_id, gtin, location, coalesce(kept.quantity, 0), coalesce(replayed.quantity, 0), coalesce(kept.value_minor, 0),
               coalesce(replayed.value_minor, 0)
        FROM kept FULL JOIN replayed USING (site_id, gtin, location)
        WHERE coalesce(kept.quantity, 0) <> coalesce(replayed.quantity, 0)
           OR coalesce(kept.value_minor, 0) <> coalesce(replayed.value_minor, 0)
        ORDER BY site_id, gtin, location
        """,
        {"sites": list(sites)},
    )
    return _drifts(found)


def _rebuild_all(connection: Connection) -> Iterator[TupleRow]:
    return connection.execute(
        """
        WITH replayed AS (
            SELECT site_id, gtin, location, sum(quantity) AS quantity, sum(value_minor) AS value_minor
            FROM (
                SELECT site_id, gtin, leg.location, leg.quantity, leg.value_minor
                FROM (
                    SELECT site_id, gtin, source, destination, sum(quantity) AS quantity, sum(value_minor) AS value_minor
                    FROM movements GROUP BY site_id, gtin, source, destination
                ) AS flow
                CROSS JOIN LATERAL (VALUES (destination, quantity, value_minor), (source, -quantity, -value_minor))
                    AS leg (location, quantity, value_minor)
                UNION ALL
                SELECT site_id, gtin, location, quantity, value_minor FROM movements_carried
            ) AS legs
            GROUP BY site_id, gtin, location
        )
        SELECT site_id, gtin, location, coalesce(kept.quantity, 0), coalesce(replayed.quantity, 0), coalesce(kept.value_minor, 0),
               coalesce(replayed.value_minor, 0)
        FROM stock AS kept FULL JOIN replayed USING (site_id, gtin, location)
        WHERE coalesce(kept.quantity, 0) <> coalesce(replayed.quantity, 0)
           OR coalesce(kept.value_minor, 0) <> coalesce(replayed.value_minor, 0)
        ORDER BY site_id, gtin, location
        """
    )


def _drifts(found: Iterator[TupleRow]) -> list[Drift]:
    return [
        Drift(
            site=site,
            gtin=gtin,
            location=location,
            kept=kept,
            replayed=replayed,
            kept_value_minor=int(kept_value),
            replayed_value_minor=int(replayed_value),
        )
        for site, gtin, location, kept, replayed, kept_value, replayed_value in found
    ]


def zero_sum(connection: Connection) -> dict[str, Decimal]:
    """Products whose balances over all locations of all sites do not add up to zero. There should never be any."""
    found = connection.execute(
        "SELECT gtin, sum(quantity) FROM stock GROUP BY gtin HAVING sum(quantity) <> 0"
    )
    return dict(found.fetchall())


def compare_months(connection: Connection, sites: Sequence[str]) -> list[MonthDrift]:
    """Some sites' months against their balances on hand, and their days against the months. Months whose days are no longer kept are left
    out of the second."""
    found = connection.execute(
        """
        WITH months AS (
            SELECT site_id, gtin, flow, month, quantity, value_minor,
                   CASE flow WHEN 'sold' THEN -1 WHEN 'transferred_out' THEN -1 WHEN 'set_aside' THEN 0 ELSE 1 END AS sense
            FROM stock_months WHERE site_id = ANY (%(sites)s)
        ), hand AS (
            SELECT site_id, gtin, sum(sense * quantity) AS quantity, sum(sense * value_minor) AS value_minor
            FROM months GROUP BY site_id, gtin
        ), kept AS (
            SELECT site_id, gtin, quantity, value_minor FROM stock WHERE site_id = ANY (%(sites)s) AND location = 'on_hand'
        ), days AS (
            SELECT site_id, gtin, flow, date_trunc('month', business_day)::date AS month, sum(quantity) AS quantity,
                   sum(value_minor) AS value_minor
            FROM stock_days WHERE site_id = ANY (%(sites)s) AND business_day >= %(kept_from)s GROUP BY 1, 2, 3, 4
        ), kept_months AS (
            SELECT * FROM months WHERE month >= %(kept_from)s
        )
        SELECT site_id, gtin, 'on_hand', NULL::date, coalesce(kept.quantity, 0), coalesce(hand.quantity, 0),
               coalesce(kept.value_minor, 0), coalesce(hand.value_minor, 0)
        FROM kept FULL JOIN hand USING (site_id, gtin)
        WHERE coalesce(kept.quantity, 0) <> coalesce(hand.quantity, 0)
           OR coalesce(kept.value_minor, 0) <> coalesce(hand.value_minor, 0)
        UNION ALL
        SELECT site_id, gtin, flow, month, coalesce(m.quantity, 0), coalesce(d.quantity, 0), coalesce(m.value_minor, 0),
               coalesce(d.value_minor, 0)
        FROM kept_months m FULL JOIN days d USING (site_id, gtin, flow, month)
        WHERE coalesce(m.quantity, 0) <> coalesce(d.quantity, 0) OR coalesce(m.value_minor, 0) <> coalesce(d.value_minor, 0)
        ORDER BY 1, 2, 4, 3
        """,
        {"sites": list(sites), "kept_from": _first_kept_day(connection)},
    )
    return [
        MonthDrift(
            site=site,
            gtin=gtin,
            what=what,
            month=month,
            kept=kept,
            summed=summed,
            kept_value_minor=int(kept_value),
            summed_value_minor=int(summed_value),
        )
        for site, gtin, what, month, kept, summed, kept_value, summed_value in found
    ]


def _first_kept_day(connection: Connection) -> str:
    day = partitions.kept_from(connection, Table.STOCK_DAYS)
    return "-infinity" if day is None else day.isoformat()


def compare_all(
    database: Database, site: str | None = None, progress: Callable[[int, int], None] | None = None
) -> Compared:
    """Everything (or one site) in batches of sites, each in a transaction of its own. ``progress`` hears how many sites of how many are
    done."""
    with database.transaction() as connection:
        found = connection.execute(
            "SELECT site_id FROM sites WHERE %(site)s::text IS NULL OR site_id = %(site)s ORDER BY site_id",
            {"site": site},
        )
        sites = [row[0] for row in found]
    drifts: list[Drift] = []
    month_drifts: list[MonthDrift] = []
    size = -(-len(sites) // BATCHES)
    for start in range(0, len(sites), max(1, size)):
        batch = sites[start : start + size]
        with database.transaction() as connection:
            drifts += rebuild_sites(connection, batch)
            month_drifts += compare_months(connection, batch)
        if progress is not None:
            progress(start + len(batch), len(sites))
    with database.transaction() as connection:
        not_zero = zero_sum(connection) if site is None else {}
    return Compared(
        sites=len(sites), drifts=tuple(drifts), month_drifts=tuple(month_drifts), not_zero=not_zero
    )
