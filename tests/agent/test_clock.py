"""The agent's clocks."""

from __future__ import annotations

from pathlib import Path

from agent.clock import Clock, ManualClock


def test_a_moment_says_when_it_happened_and_when_it_was_written() -> None:
    clock = ManualClock(wall_us=50, monotonic_us=7)
    moment = clock.moment(event_time_us=30)
    assert (moment.event_time_us, moment.record_time_us, moment.monotonic_us) == (30, 50, 7)


def test_a_wall_clock_that_is_set_back_does_not_stop_time() -> None:
    clock = ManualClock(wall_us=50, monotonic_us=7)
    clock.step_wall(-40)
    clock.advance(3)
    assert (clock.wall_us(), clock.monotonic_us()) == (13, 10)


def test_the_boot_is_named_by_the_system() -> None:
    assert Clock().boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_monotonic_time_only_grows() -> None:
    clock = Clock()
    times = [clock.monotonic_us() for _ in range(100)]
    assert times == sorted(times)


def test_whether_the_clock_is_synchronised_is_known_or_denied() -> None:
    assert Clock().clock_synced() in (True, False)
