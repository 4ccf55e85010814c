"""Which machine should have been heard of. Pure.

A machine says that it is there every minute while it has a network. A shop is closed at night and on some days; so silence alone means
little. It is a case when one of these speaks against a closed shop: another machine of the site has been heard since; a day has gone by on
which this machine, by its own rhythm, would have been at work; or it is silent for longer than it ever was.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

RHYTHM_WEEKS = 4
RHYTHM_AT_LEAST = 3
"""Of the last four such weekdays, so many must have seen the machine at work."""
WITHOUT_RHYTHM = 3
"""A machine of which no rhythm is known may be silent for so many times the limit."""
GAPS = 2


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with what is known of its rhythm.

    ``seen_on`` is the local date at its site when it was last heard, ``today`` the local date now. ``others_seen_at`` is when the last
    other machine of the site was heard. ``active_on`` are the days of the last weeks on which it wrote receipts.
    """

    agent: str
    site: str
    seen_at: datetime
    seen_on: date
    today: date
    unsent: int = 0
    others_seen_at: datetime | None = None
    active_on: frozenset[date] = frozenset()


class Why(StrEnum):
    """What says that it should have been heard."""

    OTHERS_HEARD = "others_heard"
    USUAL_DAY = "usual_day"
    LONGER_THAN_EVER = "longer_than_ever"


def silence(machine: Machine, now: datetime, limit: timedelta) -> Why | None:
    """Why a silence is one; None while it may just be a closed shop."""
    silent_for = now - machine.seen_at
    if silent_for < limit:
        return None
    if machine.others_seen_at is not None and machine.others_seen_at - machine.seen_at >= limit:
        return Why.OTHERS_HEARD
    days = (machine.today - machine.seen_on).days
    if any(_is_usual(machine, machine.seen_on + timedelta(days=day)) for day in range(1, days)):
        return Why.USUAL_DAY
    longest = longest_gap(machine.active_on)
    allowed = limit * WITHOUT_RHYTHM if longest is None else max(longest * GAPS, limit * WITHOUT_RHYTHM)
    return Why.LONGER_THAN_EVER if silent_for >= allowed else None


def longest_gap(active_on: frozenset[date]) -> timedelta | None:
    """The longest time between two days of work; None where there are too few to tell."""
    days = sorted(active_on)
    if len(days) < RHYTHM_AT_LEAST:
        return None
    return max(after - before for before, after in pairwise(days))


def _is_usual(machine: Machine, day: date) -> bool:
    """Whether the machine worked on most such weekdays before it fell silent."""
    before = [day - timedelta(weeks=week) for week in range(1, 2 * RHYTHM_WEEKS + 1)]
    same = [one for one in before if one <= machine.seen_on][:RHYTHM_WEEKS]
    return sum(one in machine.active_on for one in same) >= RHYTHM_AT_LEAST
