"""Who a device is, however often it is plugged in anew. Pure.

The number in /dev/input/event7 or /dev/hidraw2 changes with every replug, so a device is known by vendor, product and
serial number (for Bluetooth, its address), or, where it has no serial number, by the socket it is plugged into.
"""

from __future__ import annotations

import re

import msgspec

from devices.errors import DevicesError

# USB vendor numbers of makers whose keyboards are scanners; a hint for a listing, never a reason to grab.
SCANNER_MAKERS = {
    0x0536: "Hand Held Products (Honeywell)",
    0x05E0: "Symbol (Zebra)",
    0x05F9: "PSC (Datalogic)",
    0x065A: "Opticon",
    0x0C2E: "Metrologic (Honeywell)",
    0x1EAB: "Newland",
}

_WRITTEN = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})(?:#([^@]+))?(?:@(.+))?", re.IGNORECASE)


class DeviceIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a device is; written as '0c2e:0b6a#serial' or, without a serial number, '0c2e:0b6a@socket'."""

    vendor_id: int
    product_id: int
    serial_number: str = ""
    socket: str = ""
    """The kernel's physical path, such as 'usb-0000:01:00.0-1.3/input0'."""

    @classmethod
    def parse(cls, text: str) -> DeviceIdentity:
        """Read the written form. Raises DevicesError for any other."""
        written = _WRITTEN.fullmatch(text)
        if written is None or not (written[3] or written[4]):
            raise DevicesError(
                f"device identity {text!r}: expected vendor:product#serial or vendor:product@socket, "
                "such as 0c2e:0b6a#17032B0E96"
            )
        return cls(
            vendor_id=int(written[1], 16),
            product_id=int(written[2], 16),
            serial_number=written[3] or "",
            socket=written[4] or "",
        )

    def __str__(self) -> str:
        serial_number = f"#{self.serial_number}" if self.serial_number else ""
        socket = f"@{self.socket}" if self.socket else ""
        return f"{self.vendor_id:04x}:{self.product_id:04x}{serial_number}{socket}"

    def fits(self, other: DeviceIdentity) -> bool:
        """Whether the device `other` is the one meant; what this identity leaves out is not compared."""
        return (
            (self.vendor_id, self.product_id) == (other.vendor_id, other.product_id)
            and self.serial_number in {"", other.serial_number}
            and self.socket in {"", other.socket}
        )
