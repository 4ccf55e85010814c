"""A recording as a source: the same bytes and keys, at the pace they came or as fast as it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from devices import clocks
from devices.assembler import Assembler
from devices.connection import Connection
from devices.errors import RecordingError
from devices.hid_scan_report import ScanReport, find_scan_reports
from devices.layout import load_layout
from devices.profile import Link, Profile, load_profile
from devices.recording import BytesRead, Dropped, Entry, KeyEvent, Lost, Opened, Recording
from devices.report_assembler import ReportAssembler
from devices.scan import DeviceState, DeviceStatus, Scan

AnyAssembler = Assembler | ReportAssembler


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

        Raises RecordingError when the device is not in the recording, one of several must be named, or what it sent
        is not what its link sends; ProfileError when the recorded profile is not known here; DescriptorError for a
        recorded report descriptor that makes no sense.
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
        self._reports = _recorded_reports(self._entries, self._profile.link)
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
        assembler = self._fresh(self._entries[0], offset_us)
        for entry in self._entries:
            at_us = start_us + entry.at_us
            if not self._quiet_until(at_us, assembler, connection, stop):
                break
            if isinstance(entry, Opened):
                assembler = self._fresh(entry, offset_us)
            connection.pass_on(_play(entry, assembler, at_us))
        else:
            self._quiet_until(assembler.deadline_us or 0, assembler, connection, stop)
        connection.become(DeviceState.CLOSED)

    def _fresh(self, entry: Entry, offset_us: int) -> AnyAssembler:
        assembler: AnyAssembler
        if self._profile.link == "hidpos" and isinstance(entry, Opened):
            assembler = ReportAssembler(self.name, self._profile, self._reports[entry.descriptor])
        else:
            assembler = Assembler(self.name, self._profile, self._layout)
        assembler.wall_offset_us = offset_us
        return assembler

    def _quiet_until(
        self, at_us: int, assembler: AnyAssembler, connection: Connection, stop: threading.Event
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


def _play(entry: Entry, assembler: AnyAssembler, at_us: int) -> list[Scan]:
    match entry, assembler:
        case BytesRead(), _:
            return assembler.bytes_read(entry.data, at_us)
        case KeyEvent(), Assembler():
            return assembler.key(entry.code, entry.value, at_us)
        case Dropped(), Assembler():
            assembler.keys_dropped(at_us)
        case Dropped(), ReportAssembler():
            assembler.dropped(at_us)
        case Lost(), _:
            return assembler.abandon(entry.cause)
    return []


def _recorded_reports(entries: list[Entry], link: Link) -> dict[str, dict[int, ScanReport]]:
    """What a HID-POS device said of its reports, by descriptor; checks that the device sent what its link sends."""
    strange = BytesRead if link == "keyboard" else KeyEvent
    for entry in entries:
        if isinstance(entry, strange):
            raise RecordingError(
                f"recording: device {entry.device!r} sent what no {link} scanner sends, {entry.at_us} us from its "
                "start; name a profile of the right link"
            )
    if link != "hidpos":
        return {}
    reports = {
        entry.descriptor: find_scan_reports(bytes.fromhex(entry.descriptor))
        for entry in entries
        if isinstance(entry, Opened)
    }
    if not isinstance(entries[0], Opened) or not all(reports.values()):
        raise RecordingError(
            f"recording: device {entries[0].device!r} has an 'opened' line too few, or one without the descriptor of a "
            "scanner; record it anew"
        )
    return reports


def _recorded_profile(entries: list[Entry], device: str) -> str:
    for entry in entries:
        if isinstance(entry, Opened):
            return entry.profile
    raise RecordingError(
        f"recording: device {device!r} has no 'opened' line; name the profile to read it with"
    )
