"""When the events of a journal happened. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from central.moments import from_microseconds, to_microseconds
from protocol.events import Moment

CLOCK_TOLERANCE_US = 120_000_000
"""A machine without NTP drifts by seconds a day; two minutes are a wrong clock."""
EARLIEST_US = to_microseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""Before it lies only a clock that has never been set."""


def event_time(at: Moment, received_us: int, booted_at: datetime | None) -> datetime:
    """When something happened (UTC), as well as that can be known.

    ``booted_at`` is when the agent's boot began by central's clock, None if this is not the boot that central knows. The time
    since the boot does not jump when somebody sets the clock; so if the two disagree by more than the tolerance and the agent's
    clock was not synchronised, the event is moved by the difference. What would lie in the future, or before anybody used
    this, happened at the latest when it arrived: that moment is taken.
    """
    happened_us = at.event_time_us
    if booted_at is not None and not at.clock_synced:
        wrong_us = to_microseconds(booted_at) + at.monotonic_us - at.record_time_us
        if abs(wrong_us) > CLOCK_TOLERANCE_US:
            happened_us += wrong_us
    if not EARLIEST_US <= happened_us <= received_us + CLOCK_TOLERANCE_US:
        happened_us = received_us
    return from_microseconds(happened_us)
