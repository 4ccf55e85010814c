"""A Linux input device, read without any library: what this program needs of the module `evdev`, under the same names.

For machines for which that module comes only as source. The kernel's interface is fixed (linux/input.h): events of one
size, and a few questions by ioctl. Their numbers below hold for x86, ARM and RISC-V; MIPS, PowerPC and SPARC have
others. Imports on Linux and other Unixes only.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from devices.key_events import EV_KEY


class KeyDeviceInfo(Protocol):
    """Who made it."""

    @property
    def vendor(self) -> int: ...
    @property
    def product(self) -> int: ...


class KeyDeviceEvent(Protocol):
    """One event; the kernel's numbers."""

    @property
    def type(self) -> int: ...
    @property
    def code(self) -> int: ...
    @property
    def value(self) -> int: ...


class KeyDevice(Protocol):
    """An open input device, as this program and the module `evdev` both have it."""

    @property
    def fd(self) -> int: ...
    @property
    def info(self) -> KeyDeviceInfo: ...
    @property
    def name(self) -> str: ...
    @property
    def phys(self) -> str: ...
    @property
    def uniq(self) -> str: ...
    def capabilities(self) -> Mapping[int, Any]:
        """By type of event, the codes it can send."""
        ...

    def active_keys(self) -> list[int]:
        """The keys that are down now."""
        ...

    def grab(self) -> None:
        """Have its events go here alone."""
        ...

    def read(self) -> Iterable[KeyDeviceEvent]:
        """The events that wait; BlockingIOError where none does."""
        ...

    def close(self) -> None: ...


class Info(NamedTuple):
    """``struct input_id``."""

    bustype: int
    vendor: int
    product: int
    version: int


class Event(NamedTuple):
    """``struct input_event``; the time is the kernel's wall clock."""

    sec: int
    usec: int
    type: int
    code: int
    value: int


# Two longs for the time: 24 bytes on 64-bit systems, 16 on 32-bit ones, where the kernel keeps them so for old programs.
_EVENT = struct.Struct("@llHHi")
_ID = struct.Struct("@HHHH")
_EVENTS_PER_READ = 64
_STRING_SIZE = 256
_KEY_BITS_SIZE = 96  # KEY_MAX is 0x2FF

_WRITE, _READ = 1, 2


def _request(direction: int, number: int, size: int) -> int:
    """``_IOC(direction, 'E', number, size)``."""
    return direction << 30 | size << 16 | ord("E") << 8 | number


EVIOCGID = _request(_READ, 0x02, _ID.size)
EVIOCGNAME = _request(_READ, 0x06, _STRING_SIZE)
EVIOCGPHYS = _request(_READ, 0x07, _STRING_SIZE)
EVIOCGUNIQ = _request(_READ, 0x08, _STRING_SIZE)
EVIOCGKEY = _request(_READ, 0x18, _KEY_BITS_SIZE)
EVIOCGBIT_KEYS = _request(_READ, 0x20 + EV_KEY, _KEY_BITS_SIZE)
EVIOCGRAB = _request(_WRITE, 0x90, struct.calcsize("@i"))

Ioctl = Callable[[int, int, Any], int]


class InputDevice:
    """One open device; close it."""

    def __init__(self, path: str, ioctl: Ioctl = fcntl.ioctl) -> None:
        """Raises OSError when it cannot be opened or is no input device."""
        self.path = path
        self._ioctl = ioctl
        self._rest = b""
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self.info = Info(*_ID.unpack(self._asked(EVIOCGID, _ID.size)))
            self.name = self._text(EVIOCGNAME)
            self.phys = self._text(EVIOCGPHYS)
            self.uniq = self._text(EVIOCGUNIQ)
        except BaseException:
            os.close(self.fd)
            raise

    def capabilities(self) -> dict[int, list[int]]:
        """The keys it can press, under EV_KEY."""
        return {EV_KEY: _bits(self._asked(EVIOCGBIT_KEYS, _KEY_BITS_SIZE))}

    def active_keys(self) -> list[int]:
        """See `KeyDevice`."""
        return _bits(self._asked(EVIOCGKEY, _KEY_BITS_SIZE))

    def grab(self) -> None:
        """See `KeyDevice`. Raises OSError (EBUSY) when another program has it."""
        self._ioctl(self.fd, EVIOCGRAB, 1)

    def read(self) -> list[Event]:
        """See `KeyDevice`. Raises OSError (ENODEV) when the device is gone."""
        data = os.read(self.fd, _EVENTS_PER_READ * _EVENT.size)
        if not data:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))  # the stream has no other end
        data = self._rest + data
        whole = len(data) - len(data) % _EVENT.size
        self._rest = data[whole:]
        return [Event(*fields) for fields in _EVENT.iter_unpack(data[:whole])]

    def close(self) -> None:
        """Let go of it, and of the grab."""
        os.close(self.fd)

    def _asked(self, request: int, size: int) -> bytes:
        answer = array.array("B", bytes(size))
        self._ioctl(self.fd, request, answer)
        return answer.tobytes()

    def _text(self, request: int) -> str:
        try:
            answer = self._asked(request, _STRING_SIZE)
        except FileNotFoundError:
            return ""  # the kernel's way to say that this device has none
        return answer.partition(b"\0")[0].decode("utf-8", errors="replace")


def _bits(bitmap: bytes) -> list[int]:
    return [place for place in range(len(bitmap) * 8) if bitmap[place // 8] >> place % 8 & 1]
