"""A recording as a source: the same bytes and keys, at the pace they came or as fast as it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from devices import clocks
from devices.assembler import Assembler
from devices.connection import Connection
from devices.errors import RecordingError
from devices.layout import load_layout
from devices.profile import Profile, load_profile
from devices.recording import BytesRead, Dropped, Entry, KeyEvent, Lost, Opened, Recording
from devices.scan import DeviceState, DeviceStatus, Scan


class ReplaySource:
    """One device of a recording.

    The scans carry the recorded pauses whatever the pace: their clocks start at the moment of the replay and move as
    they did in the shop, so that a double trigger stays one.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        device: str | None = None,
        profile: Profile | None = None,
        full_speed: bool = False,
        wall_us: Callable[[], int] = clocks.wall_us,
        monotonic_us: Callable[[], int] = clocks.monotonic_us,
    ) -> None:
        """`device` may be left out where the recording has one; `profile` where the recorded one is to be used.

        Raises RecordingError when the device is not in the recording, or one of several must be named; ProfileError
        when the recorded profile is not known here.
        """
        known = recording.devices
        if device is None and len(known) == 1:
            device = known[0]
        if device not in known:
            raise RecordingError(
                f"recording: device {device!r} is not in it; expected one of {', '.join(known)}"
            )
        self.name: str = device
        self._entries = [entry for entry in recording.entries if entry.device == device]
        self._profile = profile or load_profile(_recorded_profile(self._entries, device))
        self._layout = (
            load_layout(self._profile.keyboard.layout) if self._profile.link == "keyboard" else None
        )
        self._full_speed = full_speed
        self._wall_us = wall_us
        self._monotonic_us = monotonic_us

    def run(
        self,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        stop: threading.Event,
    ) -> None:
        """Play to the end or until `stop`; the last state reported is CLOSED."""
        connection = Connection(
            device=self.name, kind="replay", deliver=deliver, report=report, wall_us=self._wall_us
        )
        connection.become(DeviceState.OPEN)
        start_us = self._monotonic_us()
        offset_us = self._wall_us() - start_us
        assembler = self._fresh(offset_us)
        for entry in self._entries:
            at_us = start_us + entry.at_us
            if not self._quiet_until(at_us, assembler, connection, stop):
                break
            if isinstance(entry, Opened):
                assembler = self._fresh(offset_us)
            connection.pass_on(_play(entry, assembler, at_us))
        else:
            self._quiet_until(assembler.deadline_us or 0, assembler, connection, stop)
        connection.become(DeviceState.CLOSED)

    def _fresh(self, offset_us: int) -> Assembler:
        assembler = Assembler(self.name, self._profile, self._layout)
        assembler.wall_offset_us = offset_us
        return assembler

    def _quiet_until(
        self, at_us: int, assembler: Assembler, connection: Connection, stop: threading.Event
    ) -> bool:
        """Let the time up to `at_us` pass, with the pauses that end a code; False when told to stop."""
        while (deadline_us := assembler.deadline_us) is not None and deadline_us <= at_us:
            if not self._wait(deadline_us, stop):
                return False
            connection.pass_on(assembler.tick(deadline_us))
        return self._wait(at_us, stop)

    def _wait(self, until_us: int, stop: threading.Event) -> bool:
        if self._full_speed:
            return not stop.is_set()
        return not stop.wait(max(0, until_us - self._monotonic_us()) / 1_000_000)


def _play(entry: Entry, assembler: Assembler, at_us: int) -> list[Scan]:
    match entry:
        case BytesRead():
            return assembler.bytes_read(entry.data, at_us)
        case KeyEvent():
            return assembler.key(entry.code, entry.value, at_us)
        case Dropped():
            assembler.keys_dropped(at_us)
        case Lost():
            return assembler.abandon(entry.cause)
        case Opened():
            pass
    return []


def _recorded_profile(entries: list[Entry], device: str) -> str:
    for entry in entries:
        if isinstance(entry, Opened):
            return entry.profile
    raise RecordingError(
        f"recording: device {device!r} has no 'opened' line; name the profile to read it with"
    )
