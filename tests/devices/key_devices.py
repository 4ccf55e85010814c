"""Keyboard scanners for tests: sysfs, a pipe as device file, and the kernel's answers to ioctl.

This stands in for the kernel's object only where the machine has none (no uinput): events come through a real file,
in the kernel's own format, and are read by our own reader.
"""

from __future__ import annotations

import errno
import os
import struct
from functools import partial
from pathlib import Path
from typing import Any

from devices.identity import DeviceIdentity
from devices.input_device import (
    EVIOCGBIT_KEYS,
    EVIOCGID,
    EVIOCGKEY,
    EVIOCGNAME,
    EVIOCGPHYS,
    EVIOCGRAB,
    EVIOCGUNIQ,
    InputDevice,
)
from devices.input_nodes import NEEDED_KEYS, InputNode, list_input_nodes
from devices.key_events import EV_KEY, EV_SYN, SYN_DROPPED, SYN_REPORT
from devices.keycodes import KEY_CODES

KEYBOARD_KEYS = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"


def event(kind: int, code: int, value: int) -> bytes:
    """``struct input_event``, as this machine has it."""
    return struct.pack("@llHHi", 1_700_000_000, 42, kind, code, value)


REPORT = event(EV_SYN, SYN_REPORT, 0)
DROPPED = event(EV_SYN, SYN_DROPPED, 0)


def strokes(names: str) -> bytes:
    """Keys such as '4 0 ENTER' or 'LEFTSHIFT+A', down and up, each change with its report."""
    out = b""
    for chord in names.split():
        codes = [KEY_CODES[f"KEY_{name}"] for name in chord.split("+")]
        for code in codes:
            out += event(EV_KEY, code, 1) + REPORT
        for code in reversed(codes):
            out += event(EV_KEY, code, 0) + REPORT
    return out


def digits(code: str) -> bytes:
    """A number and Enter."""
    return strokes(" ".join([*code, "ENTER"]))


class KeyMachine:
    """A machine's input devices; `grabbed` lists the paths of those that were."""

    def __init__(self, root: Path) -> None:
        self.sys = root / "sys"
        self.dev = root / "dev"
        self.dev.mkdir()
        self.grabbed: list[str] = []
        self.held: list[int] = []
        self.busy = False
        self.times_asked_for_held_keys = 0
        self._who: dict[int, DeviceIdentity] = {}
        self._ends: dict[int, int] = {}

    def plug_in(self, number: int, identity: DeviceIdentity) -> None:
        """Appear as /dev/input/event<number>."""
        about = self.sys / f"event{number}" / "device"
        for path, text in {
            "capabilities/key": KEYBOARD_KEYS,
            "id/vendor": f"{identity.vendor_id:04x}",
            "id/product": f"{identity.product_id:04x}",
            "uniq": identity.serial_number,
            "phys": identity.socket,
            "name": "Maker Scanner",
        }.items():
            (about / path).parent.mkdir(parents=True, exist_ok=True)
            (about / path).write_text(text + "\n")
        os.mkfifo(self.dev / f"event{number}")
        self._ends[number] = os.open(self.dev / f"event{number}", os.O_RDWR)
        self._who[number] = identity

    def becomes(self, number: int, identity: DeviceIdentity) -> None:
        """The number passes to another device, before sysfs was read again."""
        self._who[number] = identity

    def unplug(self, number: int) -> None:
        """Vanish; whoever reads is told."""
        (self.sys / f"event{number}").rename(self.sys / f"gone{number}.{len(self._who)}.{len(self._ends)}")
        (self.dev / f"event{number}").unlink()
        os.close(self._ends.pop(number))

    def send(self, number: int, data: bytes) -> None:
        """What the device says, in the kernel's bytes."""
        while data:
            data = data[os.write(self._ends[number], data) :]

    def nodes(self) -> list[InputNode]:
        """What the driver is to see."""
        return list_input_nodes(self.sys, self.dev)

    def open(self, path: str) -> InputDevice:
        """Our own reader on that device file."""
        return InputDevice(path, partial(self._ioctl, path))

    def close(self) -> None:
        """Unplug all."""
        for number in list(self._ends):
            self.unplug(number)

    def _ioctl(self, path: str, fd: int, request: int, answer: Any) -> int:
        os.fstat(fd)
        who = self._who[int(Path(path).name[5:])]
        if request == EVIOCGRAB:
            if self.busy:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            self.grabbed.append(path)
            return 0
        texts = {EVIOCGNAME: "Maker Scanner", EVIOCGPHYS: who.socket, EVIOCGUNIQ: who.serial_number}
        if request in texts:
            if not texts[request]:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            said = texts[request].encode() + b"\0"
        elif request == EVIOCGID:
            said = struct.pack("@HHHH", 3, who.vendor_id, who.product_id, 0x110)
        else:
            self.times_asked_for_held_keys += request == EVIOCGKEY
            keys = {EVIOCGBIT_KEYS: NEEDED_KEYS, EVIOCGKEY: self.held}[request]
            said = sum(1 << key for key in keys).to_bytes(96, "little")
        answer[: len(said)] = type(answer)("B", said)
        return len(said)
