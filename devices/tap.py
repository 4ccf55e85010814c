"""Everything a driver reads, handed on as it happens: what a recorder writes to a file, for a view or a calibration."""

from __future__ import annotations

from collections.abc import Callable

from devices.recording import Entry, Header, Recorder


class Tap(Recorder):
    """A recorder without a file; times count from `started_us`, a reading of the driver's monotonic clock."""

    def __init__(self, take: Callable[[Entry], None], started_us: int) -> None:
        """`take` is called in the driver's thread and must return at once."""
        self._take = take
        self._started_us = started_us
        self._failure = None

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, line: Header | Entry) -> None:
        if not isinstance(line, Header):
            self._take(line)
