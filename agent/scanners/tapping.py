"""One device read by a command of its own, beside any agent: what it sends, trigger by trigger."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

from agent.scanners.adoption import AdoptableKind
from agent.scanners.listing import Plugged
from devices import clocks
from devices.connection import Backoff
from devices.errors import DevicesError
from devices.profile import Profile
from devices.recording import BytesRead, Dropped, Entry, KeyEvent
from devices.scan import DeviceState, DeviceStatus, Scan
from devices.source import Source
from devices.tap import Tap

DEFAULT_PROFILES: dict[AdoptableKind, str] = {
    "serial": "generic-serial",
    "evdev": "generic-keyboard",
    "hidpos": "generic-hidpos",
}


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """What came between two silences, and the scans that the driver made of it."""

    entries: tuple[Entry, ...]
    scans: tuple[Scan, ...]


class Tapped:
    """A device at work, as a context: it is opened on entry and let go of on exit."""

    def __init__(
        self, device: Plugged, profile: Profile, *, name: str, on_status: Callable[[DeviceStatus], None]
    ) -> None:
        """``on_status`` is called in the thread of :meth:`next_trigger`. Raises DevicesError when the profile does not fit."""
        self._events: queue.Queue[Entry | Scan | DeviceStatus] = queue.Queue()
        tap = Tap(self._events.put, clocks.monotonic_us())
        self._source = _source(device, profile, name, tap)
        self._on_status = on_status
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._source.run, args=(self._events.put, self._events.put, self._stop), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def until_open(self) -> None:
        """Wait until the device is open; what keeps it from that goes to ``on_status``."""
        while True:
            event = self._events.get()
            if isinstance(event, DeviceStatus):
                self._on_status(event)
                if event.state is DeviceState.OPEN:
                    return

    def next_trigger(self, *, quiet_s: float, patience_s: float | None = None) -> Trigger:
        """Wait for the next trigger. It has ended when nothing came for ``quiet_s`` and, if ``patience_s`` is given, when a
        scan was made of it, or nothing came for that long either."""
        entries: list[Entry] = []
        scans: list[Scan] = []
        while True:
            try:
                event = self._events.get(timeout=self._wait_s(entries, scans, quiet_s, patience_s))
            except queue.Empty:
                return Trigger(entries=tuple(entries), scans=tuple(scans))
            match event:
                case DeviceStatus():
                    self._on_status(event)
                case Scan():
                    scans.append(event)
                case BytesRead() | KeyEvent() | Dropped():
                    entries.append(event)
                case _:
                    pass  # that it was opened or lost is told by its status

    @staticmethod
    def _wait_s(
        entries: list[Entry], scans: list[Scan], quiet_s: float, patience_s: float | None
    ) -> float | None:
        if not entries and not scans:
            return None
        return quiet_s if scans or patience_s is None else max(quiet_s, patience_s)


def _source(device: Plugged, profile: Profile, name: str, tap: Tap) -> Source:
    backoff = Backoff(longest_s=0.5)
    if device.kind == "serial":
        from devices.serial_port import SerialSource  # noqa: PLC0415 - pyserial where there is a serial scanner

        return SerialSource(device.path, profile, name=name, recorder=tap, backoff=backoff)
    if device.identity is None:
        raise DevicesError(
            f"{device.path}: vendor, product, serial number and socket are unknown; plug it in anew"
        )
    if device.kind == "evdev":
        from devices.evdev_input import KeyboardSource  # noqa: PLC0415 - as above

        return KeyboardSource(device.identity, profile, name=name, recorder=tap, backoff=backoff)
    from devices.hid_pos import HidPosSource  # noqa: PLC0415 - as above

    return HidPosSource(device.identity, profile, name=name, recorder=tap, backoff=backoff)
