"""Which partitions must be there, and which may go. Pure.

A large table is divided by month, either by when central learned of a row or by the site's day. Its oldest partition is everything
before a first of a month (what was there when the table was divided), its default one takes what belongs into no month that is there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

MONTHS_AHEAD = 3
"""Made beforehand; so many months central may stand still before rows go into the default partition, which does no harm either."""


class Table(StrEnum):
    """The tables that are divided."""

    MOVEMENTS = "movements"
    EVENTS = "events"
    ITEM_TRACE = "item_trace"
    SALE_LINES = "sale_lines"
    PAYMENTS = "payments"
    STOCK_DAYS = "stock_days"


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One partition: from ``first`` (None: from the beginning) up to ``end``, which is not in it any more (None: the default partition).

    ``rows`` is PostgreSQL's estimate, ``bytes`` counts indexes too.
    """

    table: Table
    name: str
    first: date | None
    end: date | None
    rows: int = 0
    bytes: int = 0

    @property
    def is_default(self) -> bool:
        """Whether it takes what belongs into no other."""
        return self.end is None


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """For how many whole months the rows of a table are kept, the present month not counted; None: for ever."""

    movements_months: int | None = None
    events_months: int | None = None
    item_trace_months: int | None = None
    sale_lines_months: int | None = None
    stock_days_months: int | None = None

    def months_of(self, table: Table) -> int | None:
        """For how long a table is kept. Payments are kept as long as the receipts they paid."""
        match table:
            case Table.MOVEMENTS:
                return self.movements_months
            case Table.EVENTS:
                return self.events_months
            case Table.ITEM_TRACE:
                return self.item_trace_months
            case Table.SALE_LINES | Table.PAYMENTS:
                return self.sale_lines_months
            case Table.STOCK_DAYS:
                return self.stock_days_months


_BOUND = r"(MINVALUE|MAXVALUE|'([0-9]{4,}-[0-9]{2}-[0-9]{2})[^']*')"
_RANGE = re.compile(rf"FOR VALUES FROM \({_BOUND}\) TO \({_BOUND}\)")


def bounds_of(text: str) -> tuple[date | None, date | None]:
    """(first, end) of a partition from PostgreSQL's own words for it, in a session that speaks UTC; (None, None) for the default one.

    >>> bounds_of("FOR VALUES FROM (MINVALUE) TO ('2027-01-01 00:00:00+00')")
    (None, datetime.date(2027, 1, 1))
    """
    if text == "DEFAULT":
        return None, None
    found = _RANGE.fullmatch(text)
    if found is None or found[4] is None:
        raise ValueError(f"partition {text!r}: expected DEFAULT, or a range of days with an end")
    return (None if found[2] is None else date.fromisoformat(found[2])), date.fromisoformat(found[4])


def first_of_month(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def months_later(month: date, count: int) -> date:
    """The first day of the month ``count`` months after (or before) that of ``month``."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def missing(partitions: Sequence[Partition], today: date, ahead: int = MONTHS_AHEAD) -> list[date]:
    """The months (by their first days) for which one table lacks a partition, up to ``ahead`` months from now."""
    ends = [one.end for one in partitions if one.end is not None]
    if not ends:
        return []  # a table that is not divided
    month, last, due = max(ends), months_later(today, ahead), []
    while month <= last:
        due.append(month)
        month = months_later(month, 1)
    return due


def past(partitions: Sequence[Partition], today: date, months: int | None) -> list[Partition]:
    """The partitions of one table that are wholly older than ``months`` whole months before the present one, the oldest first."""
    if months is None:
        return []
    cutoff = months_later(today, -months)
    old = [(one.end, one) for one in partitions if one.end is not None and one.end <= cutoff]
    return [one for _, one in sorted(old, key=lambda pair: pair[0])]


def settled_by(partition: Partition, contact_days: int) -> date:
    """From when on an agent that was heard no longer keeps the events of a partition: it forgets them so many days after they were
    acknowledged, and can ask for none of them then."""
    assert partition.end is not None
    return partition.end + timedelta(days=contact_days)
