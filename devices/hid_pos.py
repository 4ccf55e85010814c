"""HID-POS scanners, on Linux, by way of hidraw: no keys, no layout, each report whole and with its symbology.

hidraw has no grab, and needs none: nothing else on a till reads such reports. A lock on the open device keeps a second
agent away. Only a device that was adopted by its identity is ever opened.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import threading
from collections.abc import Callable

from devices import clocks
from devices.connection import Backoff, Connection, Trouble
from devices.hid_nodes import HidNode, list_hid_nodes
from devices.hid_scan_report import find_scan_reports
from devices.identity import DeviceIdentity
from devices.profile import Profile
from devices.recording import Recorder
from devices.report_assembler import ReportAssembler
from devices.scan import DeviceState, DeviceStatus, Scan

# How long to wait for a report before looking whether to stop.
_IDLE_WAIT_S = 0.5

# A long code under way while the device is opened would be read from its middle on.
_SETTLE_S = 0.03

# The kernel keeps this many unread reports of a device and drops the next ones without a word (HIDRAW_BUFFER_SIZE, of
# which one place stays empty). So whoever finds them all waiting must take it that some are gone.
_KERNEL_KEEPS = 63

# More than the longest report there is on full speed USB, where all of these scanners are.
_READ_SIZE = 4096


class HidPosSource:
    """One adopted HID-POS scanner."""

    def __init__(
        self,
        identity: DeviceIdentity,
        profile: Profile,
        *,
        name: str | None = None,
        backoff: Backoff | None = None,
        recorder: Recorder | None = None,
        list_nodes: Callable[[], list[HidNode]] = list_hid_nodes,
    ) -> None:
        """`identity` is the adoption; `list_nodes` says what is plugged in now.

        Raises ProfileError when the profile is for another link.
        """
        profile.require_link("hidpos")
        self.name: str = name or str(identity)
        self._identity = identity
        self._profile = profile
        self._backoff = backoff or Backoff()
        self._recorder = recorder
        self._list_nodes = list_nodes

    def run(
        self,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        stop: threading.Event,
    ) -> None:
        """See `Source.run`."""
        connection = Connection(
            device=self.name, kind="hidpos", deliver=deliver, report=report, wall_us=clocks.wall_us
        )
        connection.keep_open(lambda: self._attempt(connection, stop), stop, self._backoff)

    def _attempt(self, connection: Connection, stop: threading.Event) -> Trouble | None:
        node = self._find()
        if isinstance(node, Trouble):
            return node
        try:
            fd = os.open(node.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            return _trouble_with(error, node)
        try:
            _lock(fd)
            # Looked up again now that it is open: its number may have passed to another device in between.
            if self._find() != node:
                return Trouble(
                    state=DeviceState.ABSENT, detail=f"{node.name} was unplugged just as it was opened"
                )
            return self._read_until_lost(fd, node, connection, stop)
        except OSError as error:
            return _trouble_with(error, node)
        finally:
            os.close(fd)

    def _find(self) -> HidNode | Trouble:
        fitting = [node for node in self._list_nodes() if self._identity.fits(node.identity)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            return Trouble(
                state=DeviceState.ABSENT,
                detail=f"no HID-POS scanner {self._identity} is there; plug it in or switch it on",
            )
        known = ", ".join(str(node.identity) for node in fitting)
        return Trouble(
            state=DeviceState.FAILED,
            detail=f"{self._identity} fits {len(fitting)} devices ({known}); adopt the one meant with its socket",
        )

    def _read_until_lost(
        self, fd: int, node: HidNode, connection: Connection, stop: threading.Event
    ) -> Trouble | None:
        reports = find_scan_reports(node.descriptor)
        if self._recorder:
            self._recorder.opened(
                self.name,
                clocks.monotonic_us(),
                kind="hidpos",
                profile=self._profile.name,
                descriptor=node.descriptor,
            )
        assembler = ReportAssembler(self.name, self._profile, reports)
        try:
            self._read(fd, assembler, connection, stop)
        except OSError as error:
            now_us = self._now(assembler)
            if self._recorder:
                self._recorder.lost(self.name, now_us, str(error))
            connection.pass_on(assembler.abandon("the connection was lost in the middle of this code"))
            return Trouble(
                state=DeviceState.ABSENT,
                detail=f"{node.name} was unplugged or switched off ({error}); plug it in, it is opened by itself",
            )
        return None

    def _read(
        self, fd: int, assembler: ReportAssembler, connection: Connection, stop: threading.Event
    ) -> None:
        if select.select([fd], [], [], _SETTLE_S)[0]:
            assembler.distrust(
                "the scanner was opened in the middle of this code; scan it again", self._now(assembler)
            )
        connection.become(DeviceState.OPEN)
        while not stop.is_set():
            timeout_us = assembler.timeout_us
            wait_s = _IDLE_WAIT_S if timeout_us is None else timeout_us / 1_000_000
            ready, _, _ = select.select([fd], [], [], wait_s)
            now_us = self._now(assembler)
            if not ready:
                connection.pass_on(assembler.tick(now_us))
                continue
            waiting = _take_waiting(fd)
            for report in waiting:
                connection.pass_on(assembler.bytes_read(report, now_us))
                if self._recorder:
                    self._recorder.bytes_read(self.name, now_us, report)
            if len(waiting) == _KERNEL_KEEPS:
                assembler.dropped(now_us)
                if self._recorder:
                    self._recorder.dropped(self.name, now_us)
        connection.pass_on(assembler.abandon("the agent stopped in the middle of this code"))

    def _now(self, assembler: ReportAssembler) -> int:
        now_us = clocks.monotonic_us()
        assembler.wall_offset_us = clocks.wall_us() - now_us
        return now_us


def _take_waiting(fd: int) -> list[bytes]:
    """Every report that waits, none of them decoded yet: what is full must be emptied first."""
    waiting: list[bytes] = []
    while len(waiting) < _KERNEL_KEEPS:
        try:
            report = os.read(fd, _READ_SIZE)
        except BlockingIOError:
            break
        except OSError:
            if waiting:
                break  # decoded first; the next read tells of the loss
            raise
        if not report:
            if waiting:
                break
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        waiting.append(report)
    return waiting


def _lock(fd: int) -> None:
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - absent on Windows, where this file must still load

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _trouble_with(error: OSError, node: HidNode) -> Trouble:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Trouble(
            state=DeviceState.NO_PERMISSION,
            detail=f"{node.path}: no permission; install the udev rules, which give it to the agent's group",
        )
    if error.errno in {errno.EBUSY, errno.EAGAIN}:
        return Trouble(
            state=DeviceState.BUSY,
            detail=f"{node.path} is read by another program (a second agent?); close it",
        )
    if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}:
        return Trouble(state=DeviceState.ABSENT, detail=f"{node.name} was just unplugged; plug it in")
    return Trouble(state=DeviceState.FAILED, detail=f"{node.path} cannot be used: {error}; plug it in anew")
