"""When days close by themselves: the day before, after an hour of the night, once every agent of the site has sent everything of it; and at
the latest some days later, then marked incomplete. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from central.reconciliation.beside import AgentHere, awaited
from central.reconciliation.periods import DAY, end_of_day


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When days close by themselves. ``hour`` is local: from then on the day before may close, when it is complete; ``after_days`` later it
    closes anyway."""

    is_on: bool = True
    hour: int = 5
    after_days: int = 3


DEFAULT = Rule()
LOOK_BACK = 31 * DAY
"""How far beyond the latest day one is looked for of which everything has come."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A closing that is due."""

    day: date
    complete: bool


def local_time(now: datetime, time_zone: str) -> datetime:
    """The time at a site; UTC where this machine does not know its zone."""
    try:
        return now.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return now.astimezone(UTC)


def last_due(rule: Rule, now: datetime, time_zone: str) -> date:
    """The last day that may close at a site now."""
    return (local_time(now, time_zone) - timedelta(hours=rule.hour)).date() - DAY


def due(
    rule: Rule, now: datetime, time_zone: str, closed_through: date | None, here: Sequence[AgentHere]
) -> list[Due]:
    """The closings that are due at a site, the earlier one first. A closing takes all days before it, so there are two at most: up to where
    everything has come, and up to where nobody waits any longer."""
    last = last_due(rule, now, time_zone)
    latest = last - rule.after_days * DAY
    open_from = latest - LOOK_BACK if closed_through is None else closed_through + DAY
    days = ((last - count * DAY) for count in range((last - max(open_from, latest - LOOK_BACK)).days + 1))
    whole = next((day for day in days if not awaited(here, end_of_day(day, time_zone), now)), None)
    found = [] if whole is None else [Due(day=whole, complete=True)]
    through = whole or closed_through
    if through is None or through < latest:
        found.append(Due(day=latest, complete=False))
    return found
