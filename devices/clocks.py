"""The two clocks a driver is given; a test or a replay gives its own."""

from __future__ import annotations

import time


def wall_us() -> int:
    """Microseconds since 1970-01-01 UTC; may be set by a person or by NTP."""
    return time.time_ns() // 1000


def monotonic_us() -> int:
    """Microseconds from an arbitrary moment; never steps back."""
    return time.monotonic_ns() // 1000
