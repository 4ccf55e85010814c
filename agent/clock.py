"""The agent's clocks: wall time for people, time since boot for waiting and for ordering.

Nothing in the agent waits, retries or forgets by the wall clock: a battery that died sets it back ten years, and a sale taken
on that day is still a sale. Wall time is only written down, next to what central needs to correct it.
"""

from __future__ import annotations

import ctypes
import time
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

from protocol.events import Moment

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux, less on 32-bit
_TIME_ERROR = 5  # adjtimex(2): "the system clock is not synchronised"


class Clock:
    """The machine's clocks. All times are integer microseconds."""

    def __init__(self) -> None:
        self.boot_id = _read_boot_id()
        """Names the boot that :meth:`monotonic_us` counts from; where the system has no name for it, this process."""

    def wall_us(self) -> int:
        """UTC since 1970, as the machine believes."""
        return time.time_ns() // 1000

    def today(self) -> date:
        """The date in UTC: near enough for the century of a label's date."""
        return datetime.fromtimestamp(self.wall_us() / 1_000_000, UTC).date()

    def monotonic_us(self) -> int:
        """Since boot; counts through a suspend where the system offers such a clock, and never jumps."""
        return time.clock_gettime_ns(_SINCE_BOOT) // 1000

    def clock_synced(self) -> bool:
        """Whether a time service steers the wall clock now, by the kernel's own word (any of ntpd, chrony, timesyncd)."""
        return _kernel_says_synced()

    def moment(self, event_time_us: int | None = None) -> Moment:
        """Now, as an event records it; ``event_time_us`` where the thing happened earlier."""
        wall_us = self.wall_us()
        return Moment(
            event_time_us=wall_us if event_time_us is None else event_time_us,
            record_time_us=wall_us,
            monotonic_us=self.monotonic_us(),
            boot_id=self.boot_id,
            clock_synced=self.clock_synced(),
        )


class ManualClock(Clock):
    """A clock that stands still until it is moved: the twin for tests and simulation."""

    def __init__(
        self, wall_us: int = 1_700_000_000_000_000, monotonic_us: int = 0, *, boot_id: str = "manual-boot"
    ) -> None:
        self.boot_id = boot_id
        self.synced = True
        self._wall_us = wall_us
        self._monotonic_us = monotonic_us

    def wall_us(self) -> int:
        return self._wall_us

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def clock_synced(self) -> bool:
        return self.synced

    def advance(self, duration_us: int) -> None:
        """Let time pass."""
        self._wall_us += duration_us
        self._monotonic_us += duration_us

    def step_wall(self, difference_us: int) -> None:
        """Let the wall clock jump, forward or back, while no time passes."""
        self._wall_us += difference_us


_SINCE_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


def _kernel_says_synced() -> bool:
    adjtimex = getattr(_LIBC, "adjtimex", None)
    if adjtimex is None:
        return False  # not Linux: nobody vouches for the clock
    # With modes = 0 the call only reads. It answers -1 where a sandbox forbids it: not known is not synchronised.
    return 0 <= int(adjtimex(_TIMEX)) < _TIME_ERROR


_LIBC = ctypes.CDLL(None)
_TIMEX = ctypes.create_string_buffer(_TIMEX_BYTES)
"""Asked for with every event, so made once. Threads may share it: nobody reads what the kernel writes there."""
