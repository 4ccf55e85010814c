"""Scanners that pose as a keyboard, on Linux. The only file that knows evdev, and it loads it when it is first used.

A device is grabbed, so that its keys go nowhere else; therefore only one that was adopted by its identity is ever
opened, and a person's keyboard never.
"""

from __future__ import annotations

import errno
import select
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from devices import clocks
from devices.assembler import Assembler
from devices.connection import Backoff, Connection, Trouble
from devices.errors import DriverMissingError
from devices.input_nodes import InputNode, KeyboardIdentity, list_input_nodes
from devices.key_events import Action, DropWatch
from devices.layout import load_layout
from devices.profile import Profile
from devices.recording import Recorder
from devices.scan import DeviceState, DeviceStatus, Scan

if TYPE_CHECKING:
    from evdev import InputDevice, InputEvent

# How long to wait for a key before looking whether to stop.
_IDLE_WAIT_S = 0.5


class KeyboardSource:
    """One adopted keyboard scanner."""

    def __init__(
        self,
        identity: KeyboardIdentity,
        profile: Profile,
        *,
        name: str | None = None,
        backoff: Backoff | None = None,
        recorder: Recorder | None = None,
        wall_us: Callable[[], int] = clocks.wall_us,
        monotonic_us: Callable[[], int] = clocks.monotonic_us,
    ) -> None:
        """`identity` is the adoption. Raises ProfileError or LayoutError when the profile does not fit."""
        profile.require_link("keyboard")
        self.name: str = name or str(identity)
        self._identity = identity
        self._profile = profile
        self._layout = load_layout(profile.keyboard.layout)
        self._backoff = backoff or Backoff()
        self._recorder = recorder
        self._wall_us = wall_us
        self._monotonic_us = monotonic_us

    def run(
        self,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        stop: threading.Event,
    ) -> None:
        """See `Source.run`."""
        connection = Connection(
            device=self.name, kind="keyboard", deliver=deliver, report=report, wall_us=self._wall_us
        )
        connection.keep_open(lambda: self._attempt(connection, stop), stop, self._backoff)

    def _attempt(self, connection: Connection, stop: threading.Event) -> Trouble | None:
        node = _find(self._identity)
        if isinstance(node, Trouble):
            return node
        try:
            device = _open(node.path)
        except DriverMissingError as error:
            return Trouble(state=DeviceState.FAILED, detail=str(error))
        except OSError as error:
            return _trouble_with(error, node)
        with closing(device):
            try:
                device.grab()
            except OSError as error:
                return _trouble_with(error, node)
            assembler = Assembler(self.name, self._profile, self._layout)
            connection.become(DeviceState.OPEN)
            try:
                self._read(device, assembler, connection, stop)
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
        self, device: InputDevice[str], assembler: Assembler, connection: Connection, stop: threading.Event
    ) -> None:
        if self._recorder:
            self._recorder.opened(
                self.name, self._monotonic_us(), kind="keyboard", profile=self._profile.name
            )
        watch = DropWatch()
        assembler.keys_held(device.active_keys())
        while not stop.is_set():
            timeout_us = assembler.timeout_us
            wait_s = _IDLE_WAIT_S if timeout_us is None else timeout_us / 1_000_000
            ready, _, _ = select.select([device.fd], [], [], wait_s)
            now_us = self._now(assembler)
            if not ready:
                connection.pass_on(assembler.tick(now_us))
                continue
            for event in device.read():
                connection.pass_on(self._take(event, now_us, device, assembler, watch))
        connection.pass_on(assembler.abandon("the agent stopped in the middle of this code"))

    def _take(
        self,
        event: InputEvent,
        now_us: int,
        device: InputDevice[str],
        assembler: Assembler,
        watch: DropWatch,
    ) -> list[Scan]:
        match watch.see(event.type, event.code):
            case Action.KEY:
                if self._recorder:
                    self._recorder.key(self.name, now_us, event.code, event.value)
                return assembler.key(event.code, event.value, now_us)
            case Action.DROPPED:
                if self._recorder:
                    self._recorder.dropped(self.name, now_us)
                assembler.keys_dropped(now_us)
            case Action.RESYNCHRONISE:
                assembler.keys_held(device.active_keys())
            case Action.SKIP:
                pass
        return []

    def _now(self, assembler: Assembler) -> int:
        now_us = self._monotonic_us()
        assembler.wall_offset_us = self._wall_us() - now_us
        return now_us


def _open(path: str) -> InputDevice[str]:
    try:
        import evdev  # noqa: PLC0415 - absent on Windows and macOS, where the rest of the agent runs
    except ImportError as error:
        raise DriverMissingError(
            "keyboard scanners need the module 'evdev', which is not installed; on Linux run "
            "'pip install evdev-binary', elsewhere set the scanner to USB serial"
        ) from error
    return evdev.InputDevice(path)


def _find(identity: KeyboardIdentity) -> InputNode | Trouble:
    fitting = [node for node in list_input_nodes() if identity.fits(node.identity)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        return Trouble(
            state=DeviceState.ABSENT,
            detail=f"no keyboard scanner {identity} is there; plug it in or switch it on",
        )
    known = ", ".join(str(node.identity) for node in fitting)
    return Trouble(
        state=DeviceState.FAILED,
        detail=f"{identity} fits {len(fitting)} devices ({known}); adopt the one meant with its socket",
    )


def _trouble_with(error: OSError, node: InputNode) -> Trouble:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Trouble(
            state=DeviceState.NO_PERMISSION,
            detail=f"{node.path}: no permission; add the agent's user to the group 'input'",
        )
    if error.errno == errno.EBUSY:
        return Trouble(
            state=DeviceState.BUSY,
            detail=f"{node.path} is grabbed by another program; close it (a second agent?)",
        )
    if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return Trouble(state=DeviceState.ABSENT, detail=f"{node.name} was just unplugged; plug it in")
    return Trouble(state=DeviceState.FAILED, detail=f"{node.path} cannot be used: {error}; plug it in anew")
