"""How far the time of an event may still be off."""

from __future__ import annotations

from datetime import timedelta

import pytest

from central.intake.clocks import BOOT_US, SYNCED_US, uncertainty_us
from central.intake.rules import CLOCK_TOLERANCE_US, event_time
from central.moments import from_microseconds, to_microseconds
from protocol.events import Moment
from tests.central.facts import NOON

NOW_US = to_microseconds(NOON)
MINUTE_US = 60_000_000
BOOTED = NOON - timedelta(hours=1)


def off_by(*, ago_us: int = 0, wrong_us: int = 0, synced: bool = False, boot_known: bool = True) -> int:
    """The uncertainty of an event so long ago, told by a clock that is ``wrong_us`` ahead."""
    true_us = NOW_US - ago_us
    at = Moment(
        event_time_us=true_us + wrong_us,
        record_time_us=true_us + wrong_us,
        monotonic_us=true_us - to_microseconds(BOOTED),
        boot_id="b",
        clock_synced=synced,
    )
    booted = BOOTED if boot_known else None
    return uncertainty_us(at, NOW_US, booted, event_time(at, NOW_US, booted))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"synced": True}, SYNCED_US),
        ({"synced": True, "boot_known": False, "ago_us": 7 * 24 * 60 * MINUTE_US}, SYNCED_US),
        ({"synced": True, "wrong_us": 10 * MINUTE_US}, 10 * MINUTE_US + CLOCK_TOLERANCE_US),
        ({}, BOOT_US),
        ({"wrong_us": MINUTE_US}, BOOT_US + MINUTE_US),
        ({"wrong_us": -60 * MINUTE_US}, BOOT_US),
        ({"boot_known": False}, CLOCK_TOLERANCE_US),
        ({"boot_known": False, "ago_us": 60 * MINUTE_US}, 60 * MINUTE_US),
        ({"boot_known": False, "wrong_us": 60 * MINUTE_US}, 60 * MINUTE_US),
    ],
)
def test_a_time_is_as_good_as_the_clock_that_told_it(given: dict[str, int], expected: int) -> None:
    assert off_by(**given) == expected  # type: ignore[arg-type]


def test_the_true_time_lies_within_what_is_said_of_it() -> None:
    for wrong_minutes in range(-90, 91, 10):
        at = Moment(
            event_time_us=NOW_US + wrong_minutes * MINUTE_US,
            record_time_us=NOW_US + wrong_minutes * MINUTE_US,
            monotonic_us=NOW_US - to_microseconds(BOOTED),
            boot_id="b",
        )
        happened = event_time(at, NOW_US, BOOTED)
        off_us = uncertainty_us(at, NOW_US, BOOTED, happened)
        assert abs(to_microseconds(happened) - NOW_US) <= off_us, wrong_minutes
        assert from_microseconds(NOW_US) == NOON
