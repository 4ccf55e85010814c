"""Scanners that pose as a keyboard, on Linux. The only file that knows evdev, and it loads it when it is first used.

A device is grabbed, so that its keys go nowhere else; therefore only one that was adopted by its identity is ever
opened, and a person's keyboard never. Where the module is not installed (there are no wheels of it for ARM64), our own
reader of the same kernel interface takes its place.
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
from devices.identity import DeviceIdentity
from devices.input_nodes import NEEDED_KEYS, InputNode, list_input_nodes
from devices.key_events import EV_KEY, Action, DropWatch
from devices.layout import load_layout
from devices.profile import Profile
from devices.recording import Recorder
from devices.scan import DeviceState, DeviceStatus, Scan

if TYPE_CHECKING:
    from devices.input_device import KeyDevice, KeyDeviceEvent

# How long to wait for a key before looking whether to stop.
_IDLE_WAIT_S = 0.5

# A code under way while the device is opened would be read from its middle on.
_SETTLE_S = 0.03


def open_key_device(path: str) -> KeyDevice:
    """Open an input device, ungrabbed, with the module `evdev` or without it.

    Raises OSError as the kernel has it, DriverMissingError where there is no Linux underneath.
    """
    try:
        import evdev  # noqa: PLC0415 - absent on Windows, macOS and ARM64
    except ImportError:
        pass
    else:
        return evdev.InputDevice(path)
    try:
        from devices.input_device import InputDevice  # noqa: PLC0415 - it needs a Unix
    except ImportError as error:
        raise DriverMissingError(
            "keyboard scanners can be read on Linux only; set the scanner to USB serial"
        ) from error
    return InputDevice(path)


class KeyboardSource:
    """One adopted keyboard scanner."""

    def __init__(
        self,
        identity: DeviceIdentity,
        profile: Profile,
        *,
        name: str | None = None,
        backoff: Backoff | None = None,
        recorder: Recorder | None = None,
        list_nodes: Callable[[], list[InputNode]] = list_input_nodes,
        open_device: Callable[[str], KeyDevice] = open_key_device,
    ) -> None:
        """`identity` is the adoption; `list_nodes` says what is plugged in now.

        Raises ProfileError or LayoutError when the profile does not fit.
        """
        profile.require_link("keyboard")
        self.name: str = name or str(identity)
        self._identity = identity
        self._profile = profile
        self._layout = load_layout(profile.keyboard.layout)
        self._backoff = backoff or Backoff()
        self._recorder = recorder
        self._list_nodes = list_nodes
        self._open_device = open_device

    def run(
        self,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        stop: threading.Event,
    ) -> None:
        """See `Source.run`."""
        connection = Connection(
            device=self.name, kind="keyboard", deliver=deliver, report=report, wall_us=clocks.wall_us
        )
        connection.keep_open(lambda: self._attempt(connection, stop), stop, self._backoff)

    def _attempt(self, connection: Connection, stop: threading.Event) -> Trouble | None:
        node = self._find()
        if isinstance(node, Trouble):
            return node
        try:
            device = self._open_device(node.path)
        except DriverMissingError as error:
            return Trouble(state=DeviceState.FAILED, detail=str(error))
        except OSError as error:
            return _trouble_with(error, node)
        with closing(device):
            if not _is(device, self._identity):
                return Trouble(
                    state=DeviceState.ABSENT,
                    detail=f"{node.path} was another device by the time it was opened; it was not grabbed",
                )
            try:
                device.grab()
            except OSError as error:
                return _trouble_with(error, node)
            assembler = Assembler(self.name, self._profile, self._layout)
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

    def _find(self) -> InputNode | Trouble:
        fitting = [node for node in self._list_nodes() if self._identity.fits(node.identity)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            return Trouble(
                state=DeviceState.ABSENT,
                detail=f"no keyboard scanner {self._identity} is there; plug it in or switch it on",
            )
        known = ", ".join(str(node.identity) for node in fitting)
        return Trouble(
            state=DeviceState.FAILED,
            detail=f"{self._identity} fits {len(fitting)} devices ({known}); adopt the one meant with its socket",
        )

    def _read(
        self, device: KeyDevice, assembler: Assembler, connection: Connection, stop: threading.Event
    ) -> None:
        if self._recorder:
            self._recorder.opened(
                self.name, clocks.monotonic_us(), kind="keyboard", profile=self._profile.name
            )
        watch = DropWatch()
        # Asked for once and before anything counts: the kernel throws away the key events that wait when it answers.
        held = device.active_keys()
        assembler.keys_held(held)
        if held or select.select([device.fd], [], [], _SETTLE_S)[0]:
            assembler.distrust(
                "the scanner was opened in the middle of this code; scan it again", self._now(assembler)
            )
        connection.become(DeviceState.OPEN)
        while not stop.is_set():
            timeout_us = assembler.timeout_us
            wait_s = _IDLE_WAIT_S if timeout_us is None else timeout_us / 1_000_000
            ready, _, _ = select.select([device.fd], [], [], wait_s)
            now_us = self._now(assembler)
            if not ready:
                connection.pass_on(assembler.tick(now_us))
                continue
            for event in device.read():
                connection.pass_on(self._take(event, now_us, assembler, watch))
        connection.pass_on(assembler.abandon("the agent stopped in the middle of this code"))

    def _take(
        self,
        event: KeyDeviceEvent,
        now_us: int,
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
            case Action.SKIP:
                pass
        return []

    def _now(self, assembler: Assembler) -> int:
        now_us = clocks.monotonic_us()
        assembler.wall_offset_us = clocks.wall_us() - now_us
        return now_us


def _is(device: KeyDevice, identity: DeviceIdentity) -> bool:
    """Whether the device that is open is the adopted one: its number may have passed to a person's keyboard."""
    opened = DeviceIdentity(
        vendor_id=device.info.vendor,
        product_id=device.info.product,
        serial_number=device.uniq,
        socket=device.phys,
    )
    return identity.fits(opened) and NEEDED_KEYS.issubset(device.capabilities().get(EV_KEY, ()))


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
