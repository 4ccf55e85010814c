"""Runs the scanners and hands their scans to the counter; the scanner's own beep follows the verdict, not the decode."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from agent.scanners.signals import SIGNALS
from agent.till.frames import ScanFrame
from devices.double_trigger import DoubleTrigger
from devices.feedback import Signal
from devices.scan import DeviceStatus, Scan
from devices.source import Source

TakeScan = Callable[..., Future[ScanFrame]]
"""``Counter.scanned``."""


@runtime_checkable
class _GivesFeedback(Protocol):
    def give_feedback(self, signal: Signal) -> bool: ...


class _Counts(msgspec.Struct):
    scans: int = 0
    faults: int = 0


class _AtWork(NamedTuple):
    thread: threading.Thread
    stop: threading.Event


class Scanners:
    """Starts and stops the devices; knows how each stands."""

    def __init__(
        self, sources: list[Source], take: TakeScan, on_change: Callable[[], None], double_trigger_ms: int
    ) -> None:
        self._sources = sources
        self._take = take
        self._on_change = on_change
        self._double_trigger_ms = double_trigger_ms
        self._statuses: dict[str, DeviceStatus] = {}
        self._counts: dict[str, _Counts] = {}
        self._at_work: dict[str, _AtWork] = {}

    def start(self) -> None:
        """Start every device."""
        for source in self._sources:
            self.add(source)

    def add(self, source: Source) -> None:
        """Start one more device; its name is no other's."""
        stop = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(source, stop), name=f"scanner-{source.name}", daemon=True
        )
        self._at_work[source.name] = _AtWork(thread, stop)
        thread.start()

    def remove(self, source: Source) -> None:
        """Let go of one device and forget how it stood. Waits until it has let go, for 2 s at most."""
        at_work = self._at_work.pop(source.name)
        at_work.stop.set()
        at_work.thread.join(timeout=2.0)
        self._statuses.pop(source.name, None)
        self._counts.pop(source.name, None)
        self._on_change()

    def stop(self) -> None:
        """Let go of every device."""
        leaving = list(self._at_work.values())
        for one in leaving:
            one.stop.set()
        for one in leaving:
            one.thread.join(timeout=2.0)

    @property
    def names(self) -> set[str]:
        """The devices that were started and not let go of."""
        return set(self._at_work)

    def statuses(self) -> list[DeviceStatus]:
        """How each device stands, by name, with what it has scanned up to now: a device itself tells that only when its state changes."""
        return [self._counted(status) for _, status in sorted(self._statuses.copy().items())]

    def _counted(self, status: DeviceStatus) -> DeviceStatus:
        counts = self._counts.get(status.device, _Counts())
        return msgspec.structs.replace(
            status, scans=max(status.scans, counts.scans), faults=max(status.faults, counts.faults)
        )

    def _run(self, source: Source, stop: threading.Event) -> None:
        window = DoubleTrigger(self._double_trigger_ms)
        counts = self._counts[source.name] = _Counts()
        source.run(partial(self._deliver, source, window, counts), self._report, stop)

    def _deliver(self, source: Source, window: DoubleTrigger, counts: _Counts, scan: Scan) -> None:
        counts.scans += scan.intact
        counts.faults += not scan.intact
        judged = self._take(scan, repeated=window.repeated(scan))
        if isinstance(source, _GivesFeedback):
            judged.add_done_callback(partial(_feed_back, source))

    def _report(self, status: DeviceStatus) -> None:
        self._statuses[status.device] = status
        self._on_change()


def _feed_back(source: _GivesFeedback, judged: Future[ScanFrame]) -> None:
    source.give_feedback(SIGNALS[judged.result().outcome])
