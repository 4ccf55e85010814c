"""Dates of element strings: six digits, YYMMDD (GS1 General Specifications 3.4 and 7.12)."""

from __future__ import annotations

import calendar
import datetime as dt

REFERENCE_DAY = dt.date(2025, 1, 1)
"""Stands in for today where a caller gives none, so that the same label always reads the same: the years
1976 to 2075. It first misreads a date more than fifty years ahead of it."""


def full_date(yymmdd: str, today: dt.date | None = None) -> dt.date | None:
    """The date meant by `yymmdd`, or None where there is no such date.

    The century is the one that puts the year 49 years back to 50 years ahead of today; day 00 is the last
    day of the month.
    """
    current = (today or REFERENCE_DAY).year
    year = current - current % 100 + int(yymmdd[:2])
    if year - current >= 51:
        year -= 100
    elif year - current <= -50:
        year += 100
    month, day = int(yymmdd[2:4]), int(yymmdd[4:6])
    if not (dt.MINYEAR <= year <= dt.MAXYEAR and 1 <= month <= 12):
        return None
    last = calendar.monthrange(year, month)[1]
    return dt.date(year, month, day or last) if day <= last else None
