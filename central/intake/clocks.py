"""How far the time of an event may still be off, once it is corrected. Pure.

Needed to rank two sales of one item: where their uncertainties overlap, the clocks do not say which came first.
"""

from __future__ import annotations

from datetime import datetime

from central.intake.rules import CLOCK_TOLERANCE_US
from central.moments import to_microseconds
from protocol.events import Moment

SYNCED_US = 1_000_000
"""A clock kept by NTP, with the delay of a cashier's hand."""
BOOT_US = 10_000_000
"""When a boot began is known from a hello, which may have been seconds on its way."""


def uncertainty_us(at: Moment, received_us: int, booted_at: datetime | None, happened: datetime) -> int:
    """By how much ``happened`` may be wrong, either way.

    ``happened`` and ``booted_at`` as in :func:`central.intake.rules.event_time`. A clock that was not synchronised in a boot that central
    does not know may have stood anywhere: the event lies between what it said and its arrival.
    """
    moved_us = abs(to_microseconds(happened) - at.event_time_us)
    if at.clock_synced:
        # Moved all the same: it lay in the future, or before anybody used this.
        return SYNCED_US if moved_us == 0 else moved_us + CLOCK_TOLERANCE_US
    if booted_at is not None:
        wrong_us = abs(to_microseconds(booted_at) + at.monotonic_us - at.record_time_us)
        # A small error is left as it is, so it counts; a large one was put right.
        return BOOT_US + (wrong_us if wrong_us <= CLOCK_TOLERANCE_US else 0)
    return max(CLOCK_TOLERANCE_US, moved_us, received_us - to_microseconds(happened))
