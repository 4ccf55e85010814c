"""Scanners at the counter: real ones on pseudo-terminals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.scanners.service import Scanners
from agent.scanners.sources import make_sources
from agent.settings import ScannerSettings, SettingsError
from agent.till.frames import Outcome, ScanFrame
from devices.scan import DeviceState, Scan
from tests.agent.shop_kit import WATCH_1, Counter
from tests.devices.pseudo_terminal import PtyScanner

PATIENCE_S = 20


class Running:
    """Scanners that run, with what came of their scans."""

    def __init__(self, counter: Counter, settings: tuple[ScannerSettings, ...], window_ms: int) -> None:
        self.frames: list[ScanFrame] = []
        self._changed = threading.Condition()
        self._counter = counter
        self.scanners = Scanners(make_sources(settings), self._take, self._note, window_ms)

    def _take(self, scan: Scan, *, repeated: bool) -> Future[ScanFrame]:
        judged = self._counter.parts.counter.scanned(scan, repeated=repeated)
        judged.add_done_callback(lambda done: self._keep(done.result()))
        return judged

    def _keep(self, frame: ScanFrame) -> None:
        with self._changed:
            self.frames.append(frame)
            self._changed.notify_all()

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until_state(self, device: str, state: DeviceState) -> str:
        """Wait for a device; the detail it tells."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.states().get(device) is state, PATIENCE_S), (
                self.states()
            )
        return next(status.detail for status in self.scanners.statuses() if status.device == device)

    def until_frames(self, count: int) -> list[ScanFrame]:
        """Wait for so many scans."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.frames) >= count, PATIENCE_S), self.frames
            return list(self.frames)

    def states(self) -> dict[str, DeviceState]:
        """Where each device stands."""
        return {status.device: status.state for status in self.scanners.statuses()}


@contextmanager
def running(counter: Counter, *settings: ScannerSettings, window_ms: int = 500) -> Iterator[Running]:
    found = Running(counter, settings, window_ms)
    found.scanners.start()
    try:
        yield found
    finally:
        found.scanners.stop()


def serial(path: Path, name: str) -> ScannerSettings:
    return ScannerSettings(kind="serial", path=str(path), name=name)


def test_a_scan_on_the_line_becomes_a_verdict(counter: Counter, tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    with running(counter, serial(scanner.link, "front")) as counted:
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(WATCH_1.encode() + b"\r")
        (frame,) = counted.until_frames(1)
    assert (frame.outcome, frame.scan.device, frame.scan.code) == (Outcome.ADDED, "front", WATCH_1)
    scanner.unplug()


def test_the_status_tells_every_scan_and_not_only_when_the_device_changes(
    counter: Counter, tmp_path: Path
) -> None:
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    with running(counter, serial(scanner.link, "front")) as counted:
        counted.until_state("front", DeviceState.OPEN)
        told = []
        for number, code in enumerate(("4006381333931", "5000112637922", "4006381333931"), 1):
            scanner.send(code.encode() + b"\r")
            counted.until_frames(number)
            told.append(counted.scanners.statuses()[0].scans)
    assert told == [1, 2, 3]
    scanner.unplug()


def test_a_trigger_that_fires_twice_counts_once(counter: Counter, tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    with running(counter, serial(scanner.link, "front"), window_ms=10_000) as counted:
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(b"4006381333931\r4006381333931\r")
        frames = counted.until_frames(2)
    assert [frame.key for frame in frames] == ["added", "repeated"]
    assert counter.parts.desk.frame().total_minor == 450
    scanner.unplug()


def test_a_missing_scanner_is_told_and_stops_no_other(counter: Counter, tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    with running(counter, serial(tmp_path / "gone", "back"), serial(scanner.link, "front")) as counted:
        detail = counted.until_state("back", DeviceState.ABSENT)
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(b"4006381333931\r")
        counted.until_frames(1)
    assert "gone is not there; plug the scanner in" in detail
    scanner.unplug()


def test_broken_devices_of_every_kind_stop_no_good_one(counter: Counter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    broken = (
        serial(tmp_path / "file", "no serial port"),
        ScannerSettings(kind="evdev", path="ffff:ffff#none", name="no keyboard"),
        ScannerSettings(kind="hidpos", path="ffff:ffff#none", name="no HID-POS"),
    )
    with running(counter, *broken, serial(scanner.link, "front")) as counted:
        counted.until_state("no serial port", DeviceState.FAILED)
        counted.until_state("no keyboard", DeviceState.ABSENT)
        detail = counted.until_state("no HID-POS", DeviceState.ABSENT)
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(b"4006381333931\r")
        (frame,) = counted.until_frames(1)
    assert detail == "no HID-POS scanner ffff:ffff#none is there; plug it in or switch it on"
    assert (frame.outcome, frame.scan.device) == (Outcome.ADDED, "front")
    scanner.unplug()


def test_a_hid_pos_scanner_needs_an_identity_and_not_a_path() -> None:
    with pytest.raises(SettingsError, match="expected vendor:product#serial or vendor:product@socket"):
        make_sources((ScannerSettings(kind="hidpos", path="/dev/hidraw0"),))
