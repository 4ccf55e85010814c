"""Devices the kernel itself makes: a keyboard by uinput, a HID device by uhid. For a machine whose kernel has both."""

from __future__ import annotations

import os
import struct

from evdev import UInput

from devices.identity import DeviceIdentity
from devices.keycodes import KEY_CODES

_EV_KEY, _EV_SYN = 1, 0

# linux/uhid.h
_UHID_DESTROY, _UHID_CREATE2, _UHID_INPUT2 = 1, 11, 12
USB, BLUETOOTH = 3, 5


class VirtualKeyboard:
    """A scanner that types; uinput gives it no serial number, so it is known by its socket."""

    def __init__(self, identity: DeviceIdentity) -> None:
        self._device = UInput(
            {_EV_KEY: list(KEY_CODES.values())},
            name="Virtual scanner",
            vendor=identity.vendor_id,
            product=identity.product_id,
            phys=identity.socket,
        )

    def press(self, names: str) -> None:
        """Keys such as '4 0 LEFTSHIFT+A ENTER', each change with its report."""
        for chord in names.split():
            codes = [KEY_CODES[f"KEY_{name}"] for name in chord.split("+")]
            changes = [(code, 1) for code in codes] + [(code, 0) for code in reversed(codes)]
            for code, value in changes:
                self._device.write(_EV_KEY, code, value)
                self._device.write(_EV_SYN, 0, 0)

    def type(self, code: str) -> None:
        """A number and Enter."""
        self.press(" ".join([*code, "ENTER"]))

    def unplug(self) -> None:
        """Vanish."""
        self._device.close()


class VirtualHid:
    """Any HID device, by its report descriptor."""

    def __init__(self, identity: DeviceIdentity, descriptor: bytes, *, bus: int = USB) -> None:
        self._fd = os.open("/dev/uhid", os.O_RDWR)
        self._write(
            _UHID_CREATE2,
            struct.pack(
                "=128s64s64sHHIIII4096s",
                b"Virtual scanner",
                identity.socket.encode(),
                identity.serial_number.encode(),
                len(descriptor),
                bus,
                identity.vendor_id,
                identity.product_id,
                0x110,
                0,
                descriptor,
            ),
        )

    def send(self, *reports: bytes) -> None:
        """What the device says, report by report."""
        for report in reports:
            self._write(_UHID_INPUT2, struct.pack("=H", len(report)) + report)

    def unplug(self) -> None:
        """Vanish."""
        self._write(_UHID_DESTROY, b"")
        os.close(self._fd)

    def _write(self, kind: int, payload: bytes) -> None:
        os.write(self._fd, struct.pack("=I", kind) + payload)
