"""Counts that have been booked, to be asked for the one that a late fact comes before. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime


class Counts:
    """When products were counted: (site, gtin, counted_at, stocktake) of each count that has been booked."""

    def __init__(self, booked: Iterable[tuple[str, str, datetime, str]] = ()) -> None:
        self._counts: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
        for site, gtin, counted_at, stocktake in sorted(booked):
            self._counts.setdefault((site, gtin), []).append((counted_at, stocktake))

    def after(self, site: str, gtin: str, moment: datetime) -> tuple[datetime, str] | None:
        """(counted_at, stocktake) of the first count after ``moment``, which is the one that took its effect for something else."""
        counts = self._counts.get((site, gtin), [])
        place = bisect_right(counts, moment, key=lambda count: count[0])
        return counts[place] if place < len(counts) else None
