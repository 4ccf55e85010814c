"""What the exports read: sums by day for accounting, movements one by one for analysts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from central.database import Connection
from central.exports.rules import CashDifference, CashMoved, Paid, Sold, Sum, ValueMoved

MOVEMENT_COLUMNS = (
    "site_id", "movement_id", "gtin", "quantity", "value_minor", "currency", "source", "destination", "cause", "journal", "seq",
    "document", "line", "event_time", "recorded_at", "business_day",
)  # fmt: skip


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which days (business days, both inclusive), and whose: one site, a dealer's subtree, or all that may be seen."""

    first: date
    last: date
    site: str | None = None
    dealer: str | None = None

    def values(self) -> dict[str, object]:
        """As the queries take it."""
        return {"first": self.first, "last": self.last, "site": self.site, "dealer": self.dealer}


_SITES = """
WITH wanted AS (
    SELECT site_id, currency FROM sites JOIN dealers USING (dealer_id)
     WHERE (%(site)s::text IS NULL OR site_id = %(site)s)
       AND (%(dealer)s::text IS NULL OR starts_with(path, (SELECT path FROM dealers WHERE dealer_id = %(dealer)s)))
)
"""
_VALUES = (
    _SITES
    + """
SELECT site_id, business_day, currency, source, destination, sum(value_minor)::bigint
  FROM movements JOIN wanted USING (site_id)
 WHERE business_day BETWEEN %(first)s AND %(last)s AND value_minor <> 0
 GROUP BY site_id, business_day, currency, source, destination
"""
)
_SOLD = (
    _SITES
    + """
SELECT site_id, business_day, sale_lines.currency, kind, sum(amount_minor)::bigint
  FROM sale_lines JOIN wanted USING (site_id)
 WHERE business_day BETWEEN %(first)s AND %(last)s
 GROUP BY site_id, business_day, sale_lines.currency, kind
"""
)
_PAID = (
    _SITES
    + """
SELECT site_id, business_day, payments.currency, method, sum(amount_minor)::bigint
  FROM payments JOIN wanted USING (site_id)
 WHERE business_day BETWEEN %(first)s AND %(last)s AND method NOT IN ('unstated', 'unknown')
 GROUP BY site_id, business_day, payments.currency, method
"""
)
_CASH_MOVED = (
    _SITES
    + """
SELECT site_id, business_day, cash_moves.currency, reason, sum(amount_minor)::bigint
  FROM cash_moves JOIN wanted USING (site_id)
 WHERE business_day BETWEEN %(first)s AND %(last)s
 GROUP BY site_id, business_day, cash_moves.currency, reason
"""
)
_CASH_DIFFERENCES = (
    _SITES
    + """
SELECT site_id, business_day, shifts.currency, method, sum(counted_minor - booked_minor)::bigint
  FROM shifts JOIN shift_counts USING (site_id, shift_id) JOIN wanted USING (site_id)
 WHERE business_day BETWEEN %(first)s AND %(last)s AND closed_at IS NOT NULL AND counted_minor IS NOT NULL
 GROUP BY site_id, business_day, shifts.currency, method
"""
)
_MOVEMENTS = (
    _SITES
    + """
SELECT site_id, movement_id, gtin, quantity, value_minor, currency, source, destination, cause, journal, seq, document, line, event_time,
       recorded_at, business_day
  FROM movements JOIN wanted USING (site_id)
 WHERE business_day BETWEEN %(first)s AND %(last)s
 ORDER BY site_id, movement_id
"""
)
_COUNT = (
    _SITES
    + """
SELECT count(*) FROM movements JOIN wanted USING (site_id) WHERE business_day BETWEEN %(first)s AND %(last)s
"""
)


def sums(connection: Connection, wanted: Wanted) -> list[Sum]:
    """What the days come to, as central knows it now."""
    values = wanted.values()
    found: list[Sum] = [
        ValueMoved(
            site=site, day=day, currency=currency, source=source, destination=destination, value_minor=value
        )
        for site, day, currency, source, destination, value in connection.execute(_VALUES, values)
    ]
    found += [
        Sold(site=site, day=day, currency=currency, kind=kind, amount_minor=amount)
        for site, day, currency, kind, amount in connection.execute(_SOLD, values)
    ]
    found += [
        Paid(site=site, day=day, currency=currency, method=method, amount_minor=amount)
        for site, day, currency, method, amount in connection.execute(_PAID, values)
    ]
    found += [
        CashMoved(site=site, day=day, currency=currency, reason=reason, amount_minor=amount)
        for site, day, currency, reason, amount in connection.execute(_CASH_MOVED, values)
    ]
    found += [
        CashDifference(site=site, day=day, currency=currency, method=method, amount_minor=amount)
        for site, day, currency, method, amount in connection.execute(_CASH_DIFFERENCES, values)
    ]
    return found


def count_movements(connection: Connection, wanted: Wanted) -> int:
    """How many movements there are."""
    row = connection.execute(_COUNT, wanted.values()).fetchone()
    assert row is not None
    return int(row[0])


def movements(
    connection: Connection, wanted: Wanted, rows_at_once: int = 50_000
) -> Iterator[list[tuple[Any, ...]]]:
    """Movements in the order of their booking at each site, in pieces: columns as :data:`MOVEMENT_COLUMNS`.

    They are read through a cursor of the server, within the transaction of ``connection``: a year of a large brand does not fit in memory.
    """
    with connection.cursor("exported_movements") as cursor:
        cursor.itersize = rows_at_once
        cursor.execute(_MOVEMENTS, wanted.values())
        while rows := cursor.fetchmany(rows_at_once):
            yield rows


def knows_site(connection: Connection, site: str) -> bool:
    """Whether there is such a site, for whoever asks."""
    return connection.execute("SELECT FROM sites WHERE site_id = %s", (site,)).fetchone() is not None


def knows_dealer(connection: Connection, dealer: str) -> bool:
    """Whether there is such a dealer with a site, its own or of a dealer below, for whoever asks."""
    found = connection.execute(
        """
        SELECT FROM sites JOIN dealers USING (dealer_id)
         WHERE starts_with(path, (SELECT path FROM dealers WHERE dealer_id = %s)) LIMIT 1
        """,
        (dealer,),
    )
    return found.fetchone() is not None
