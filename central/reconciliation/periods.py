"""Days, months, and what of a range is whole months. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

DAY = timedelta(days=1)


class By(StrEnum):
    """Into what pieces a range is divided."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def month_after(day: date) -> date:
    """The first day of the month after that of ``day``. OverflowError after the year 9999."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


class Span(msgspec.Struct, frozen=True):
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def whole_months(self) -> tuple[date, date]:
        """From which month on (its first day), and up to which (not included any more), the span holds months as a whole."""
        begin = self.first if self.first.day == 1 else month_after(self.first)
        end = month_after(self.last) if (self.last + DAY).day == 1 else month_of(self.last)
        return begin, max(begin, end)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def pieces(self, by: By) -> Iterator[Span]:
        """The days, the months (the first and the last may be cut off), or the whole."""
        start = self.first
        while start <= self.last:
            end = self.last
            if by is By.DAY:
                end = start
            elif by is By.MONTH:
                end = min(self.last, month_after(start) - DAY)
            yield Span(start, end)
            start = end + DAY


def end_of_day(day: date, time_zone: str) -> datetime:
    """The first moment (UTC) after a local day. A zone that this machine does not know is taken for UTC, as booking does."""
    try:
        zone: ZoneInfo | None = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    return datetime.combine(day + DAY, time(), zone or UTC).astimezone(UTC)
