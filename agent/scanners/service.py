"""Runs the scanners and hands their scans to the counter; the scanner's own beep follows the verdict, not the decode."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Protocol, runtime_checkable

from agent.till.frames import Outcome, ScanFrame
from devices.double_trigger import DoubleTrigger
from devices.scan import DeviceStatus, Scan
from devices.source import Source

_GOOD = frozenset({Outcome.ADDED, Outcome.FOUND, Outcome.RECEIVED})
_SILENT = frozenset({Outcome.IGNORED})

TakeScan = Callable[..., Future[ScanFrame]]
"""``Counter.scanned``."""


@runtime_checkable
class _GivesFeedback(Protocol):
    def give_feedback(self, *, accepted: bool) -> bool: ...


class Scanners:
    """Starts and stops the devices; knows how each stands."""

    def __init__(
        self, sources: list[Source], take: TakeScan, on_change: Callable[[], None], double_trigger_ms: int
    ) -> None:
        self._sources = sources
        self._take = take
        self._on_change = on_change
        self._double_trigger_ms = double_trigger_ms
        self._stop = threading.Event()
        self._statuses: dict[str, DeviceStatus] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start every device."""
        for source in self._sources:
            thread = threading.Thread(
                target=self._run, args=(source,), name=f"scanner-{source.name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let go of every device."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def statuses(self) -> list[DeviceStatus]:
        """How each device stands, by name."""
        return [status for _, status in sorted(self._statuses.items())]

    def _run(self, source: Source) -> None:
        window = DoubleTrigger(self._double_trigger_ms)
        source.run(partial(self._deliver, source, window), self._report, self._stop)

    def _deliver(self, source: Source, window: DoubleTrigger, scan: Scan) -> None:
        judged = self._take(scan, repeated=window.repeated(scan))
        if isinstance(source, _GivesFeedback):
            judged.add_done_callback(partial(_feed_back, source))

    def _report(self, status: DeviceStatus) -> None:
        self._statuses[status.device] = status
        self._on_change()


def _feed_back(source: _GivesFeedback, judged: Future[ScanFrame]) -> None:
    frame = judged.result()
    if frame.outcome not in _SILENT:
        source.give_feedback(accepted=frame.outcome in _GOOD)
