"""Serial scanners: RS-232, USB serial (CDC) and Bluetooth SPP. The only file that knows pyserial."""

from __future__ import annotations

import errno
import glob
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import serial
from serial.tools import list_ports

from devices import clocks
from devices.assembler import Assembler
from devices.connection import Backoff, Connection, Trouble
from devices.feedback import Signal
from devices.feedback_line import FeedbackLine
from devices.identity import DeviceIdentity
from devices.profile import Profile
from devices.recording import Recorder
from devices.scan import DeviceState, DeviceStatus, Scan
from devices.serial_identity import FoundPort, identity_in, port_of

# How long a read waits on a silent line before it looks whether to stop: two wake-ups a second cost next to nothing.
_IDLE_WAIT_S = 0.5

# A code under way while the port is opened would be read from its middle on; a line silent this long is between codes.
_SETTLE_S = 0.03

# After so long, what a scanner has not taken is dropped.
_WRITE_TIMEOUT_S = 0.2

_PARITY = {
    "none": serial.PARITY_NONE,
    "even": serial.PARITY_EVEN,
    "odd": serial.PARITY_ODD,
    "mark": serial.PARITY_MARK,
    "space": serial.PARITY_SPACE,
}


if sys.platform == "win32":
    _PORT_GONE: tuple[type[Exception], ...] = (OSError,)
else:
    import termios

    _PORT_GONE = (OSError, termios.error)


class SerialSource:
    """One serial scanner.

    `path` names the port: best a stable link such as /dev/serial/by-id/usb-…, or a pattern with * that fits exactly
    one port, so that a replug under another number changes nothing. On Windows, COM3. For a USB port it may be the
    scanner's identity instead, as `DeviceIdentity` writes it: it is looked for under every number.
    """

    def __init__(
        self,
        path: str,
        profile: Profile,
        *,
        name: str | None = None,
        backoff: Backoff | None = None,
        recorder: Recorder | None = None,
        wall_us: Callable[[], int] = clocks.wall_us,
        monotonic_us: Callable[[], int] = clocks.monotonic_us,
    ) -> None:
        """`name` is the stable identity in scans and statuses; without it, the last part of the path.

        Raises ProfileError when the profile is one for a keyboard.
        """
        profile.require_link("serial")
        self.name: str = name or Path(path).name
        self._path = path
        self._profile = profile
        self._backoff = backoff or Backoff()
        self._recorder = recorder
        self._wall_us = wall_us
        self._monotonic_us = monotonic_us
        self._port: serial.Serial | None = None
        self._port_lock = threading.Lock()
        self._feedback = FeedbackLine(self.name, self._write)

    def run(
        self,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        stop: threading.Event,
    ) -> None:
        """See `Source.run`. A scan is delivered as soon as the read that brought its terminator returns."""
        connection = Connection(
            device=self.name, kind="serial", deliver=deliver, report=report, wall_us=self._wall_us
        )
        with self._feedback.at_work():
            connection.keep_open(lambda: self._attempt(connection, stop), stop, self._backoff)

    def give_feedback(self, signal: Signal) -> bool:
        """Have the scanner sound and show the verdict; False where it has no command for this one, or is not there.

        May be called from any thread, and returns at once.
        """
        command = self._profile.feedback.command(signal)
        if not command or self._port is None:
            return False
        return self._feedback.send(command)

    def _write(self, command: bytes) -> bool:
        with self._port_lock:
            if self._port is None:
                return False
            try:
                self._port.write(command)
            except OSError:
                return self._forget_unsent(self._port)
        return True

    @staticmethod
    def _forget_unsent(port: serial.Serial) -> bool:
        """What a stalled scanner has not taken must not sound at a later scan."""
        with suppress(*_PORT_GONE):  # the reading side notices that too, and reports it
            port.reset_output_buffer()
        return False

    def _attempt(self, connection: Connection, stop: threading.Event) -> Trouble | None:
        found = _resolve(self._path)
        if isinstance(found, Trouble):
            return found
        try:
            port = self._open(found)
        except (OSError, ValueError) as error:
            return _trouble_with(error, found, self._profile)
        with port:
            assembler = Assembler(self.name, self._profile)
            try:
                self._read(port, assembler, connection, stop)
            except OSError as error:
                now_us = self._now(assembler)
                if self._recorder:
                    self._recorder.lost(self.name, now_us, str(error))
                connection.pass_on(assembler.abandon("the connection was lost in the middle of this code"))
                return Trouble(
                    state=DeviceState.ABSENT,
                    detail=f"{found} was unplugged or switched off ({error}); plug it in, it is opened by itself",
                )
            finally:
                self._publish(None)
        return None

    def _open(self, path: str) -> serial.Serial:
        line = self._profile.serial
        port = serial.Serial(
            path,
            baudrate=line.baud_rate,
            bytesize=line.data_bits,
            parity=_PARITY[line.parity],
            stopbits=line.stop_bits,
            rtscts=line.rts_cts,
            xonxoff=line.xon_xoff,
            timeout=_SETTLE_S,
            write_timeout=_WRITE_TIMEOUT_S,
            exclusive=True,
        )
        _lower_latency(port)
        return port

    def _read(
        self, port: serial.Serial, assembler: Assembler, connection: Connection, stop: threading.Event
    ) -> None:
        if self._recorder:
            self._recorder.opened(self.name, self._monotonic_us(), kind="serial", profile=self._profile.name)
        early = port.read(self._profile.framing.max_length)
        if early:
            now_us = self._now(assembler)
            assembler.distrust("the port was opened in the middle of this code; scan it again", now_us)
            self._take(early, now_us, assembler, connection)
        self._publish(port)
        connection.become(DeviceState.OPEN)
        while not stop.is_set():
            timeout_us = assembler.timeout_us
            wait_s = _IDLE_WAIT_S if timeout_us is None else timeout_us / 1_000_000
            if port.timeout != wait_s:  # setting it is a system call or two
                port.timeout = wait_s
            data = port.read(1)
            if data:
                data += port.read(port.in_waiting)
                self._take(data, self._now(assembler), assembler, connection)
            else:
                connection.pass_on(assembler.tick(self._now(assembler)))
        connection.pass_on(assembler.abandon("the agent stopped in the middle of this code"))

    def _take(self, data: bytes, now_us: int, assembler: Assembler, connection: Connection) -> None:
        connection.pass_on(assembler.bytes_read(data, now_us))
        if self._recorder:  # after the scan is on its way: the disk must not delay it
            self._recorder.bytes_read(self.name, now_us, data)

    def _now(self, assembler: Assembler) -> int:
        now_us = self._monotonic_us()
        assembler.wall_offset_us = self._wall_us() - now_us
        return now_us

    def _publish(self, port: serial.Serial | None) -> None:
        with self._port_lock:
            self._port = port


def _resolve(path: str) -> str | Trouble:
    """The port a path or pattern names now."""
    if sys.platform == "win32" and path.upper().startswith("COM"):
        return path
    identity = identity_in(path)
    if identity is not None:
        return port_of(identity, list_serial_ports())
    if not glob.has_magic(path):
        if os.path.lexists(path) and not Path(path).exists():
            return Trouble(
                state=DeviceState.ABSENT, detail=f"{path} points to a port that is gone; plug the scanner in"
            )
        if not Path(path).exists():
            return Trouble(
                state=DeviceState.ABSENT,
                detail=f"{path} is not there; plug the scanner in, or correct its path in the configuration",
            )
        return path
    matches = sorted(glob.glob(path))  # noqa: PTH207 - the pattern is absolute, which Path.glob refuses
    if len(matches) == 1:
        return matches[0]
    if matches:
        return Trouble(
            state=DeviceState.FAILED,
            detail=f"{path} fits {len(matches)} ports ({', '.join(matches)}); make it fit exactly one",
        )
    return Trouble(
        state=DeviceState.ABSENT, detail=f"nothing fits {path}; plug the scanner in, or correct the pattern"
    )


def _trouble_with(error: Exception, path: str, profile: Profile) -> Trouble:
    """What a failed opening means. Windows gives pyserial no error number, only the text of its error."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO} or "FileNotFoundError" in text:
        return Trouble(state=DeviceState.ABSENT, detail=f"{path} is not there; plug the scanner in")
    if number in {errno.EACCES, errno.EPERM} and sys.platform != "win32":
        return Trouble(
            state=DeviceState.NO_PERMISSION,
            detail=f"{path}: no permission; add the agent's user to the group that owns the port, "
            "mostly 'dialout', and start the agent anew",
        )
    if number in {errno.EBUSY, errno.EAGAIN} or "PermissionError" in text:
        return Trouble(
            state=DeviceState.BUSY,
            detail=f"{path} is held by another program; close it (often ModemManager or a second agent)",
        )
    return Trouble(
        state=DeviceState.FAILED,
        detail=f"{path} cannot be used: {text}; check that it is a serial port and fits profile {profile.name}",
    )


def _lower_latency(port: serial.Serial) -> None:
    """Ask the driver not to wait for more bytes: FTDI adapters otherwise hold them back for 16 ms."""
    if sys.platform == "linux":
        try:
            port.set_low_latency_mode(True)
        except ValueError:
            return  # the driver knows no such mode, and so has nothing to be hurried


def list_serial_ports() -> list[FoundPort]:
    """Every serial port of this machine, whether and why not it may be used. Opens none of them."""
    links = {os.path.realpath(link): link for link in sorted(glob.glob("/dev/serial/by-id/*"))}  # noqa: PTH207
    found = []
    for port in sorted(list_ports.comports()):
        usable = sys.platform == "win32" or os.access(port.device, os.R_OK | os.W_OK)
        found.append(
            FoundPort(
                path=port.device,
                stable_path=links.get(os.path.realpath(port.device), port.device),
                description=port.description,
                vendor_id=port.vid,
                product_id=port.pid,
                serial_number=port.serial_number,
                identity=None
                if port.vid is None or port.pid is None or not (port.serial_number or port.location)
                else DeviceIdentity(
                    vendor_id=port.vid,
                    product_id=port.pid,
                    serial_number=port.serial_number or "",
                    socket=port.location or "",
                ),
                usable=usable,
                why_not="" if usable else "no permission; add the user to the port's group, mostly 'dialout'",
            )
        )
    return found
