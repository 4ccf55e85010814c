"""The port every driver fits: something that gives scans until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from devices.scan import DeviceStatus, Scan


class Source(Protocol):
    """One device. Each runs in its own thread, so that a bad one never holds up the others."""

    @property
    def name(self) -> str:
        """Stable identity; the `device` of every scan and status of this source."""
        ...

    def run(
        self,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        stop: threading.Event,
    ) -> None:
        """Block until `stop` is set (seen within half a second) or, for a recording, until its end.

        Never raises for trouble with the device: that is reported, and the device is opened again after a pause that
        grows and is never quite the same (back-off with jitter). Both callables are called in this thread and must
        return quickly: while they run, nobody reads the device.
        """
        ...
