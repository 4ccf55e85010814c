"""Which keyboard-like devices this machine has, and who they are. Reads sysfs; opens, and grabs, none of them.

The number in /dev/input/event7 changes with every replug, so a device is known by vendor, product and serial number
(for Bluetooth, its address), or, where it has no serial number, by the socket it is plugged into.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from devices.errors import DevicesError

_SYS = Path("/sys/class/input")
_DEV = Path("/dev/input")

# USB vendor numbers of makers whose keyboards are scanners; a hint for the listing, never a reason to grab.
SCANNER_MAKERS = {
    0x0536: "Hand Held Products (Honeywell)",
    0x05E0: "Symbol (Zebra)",
    0x05F9: "PSC (Datalogic)",
    0x065A: "Opticon",
    0x0C2E: "Metrologic (Honeywell)",
    0x1EAB: "Newland",
}

# KEY_1 to KEY_0 and KEY_ENTER: what a scanner needs to send a product number. All lie in the bitmap's lowest 32 bits.
_NEEDED_KEYS = sum(1 << code for code in (*range(2, 12), 28))

_WRITTEN = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})(?:#([^@]+))?(?:@(.+))?", re.IGNORECASE)


class KeyboardIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a device is; written as '0c2e:0b6a#serial' or, without a serial number, '0c2e:0b6a@socket'."""

    vendor_id: int
    product_id: int
    serial_number: str = ""
    socket: str = ""
    """The kernel's physical path, such as 'usb-0000:01:00.0-1.3/input0'."""

    @classmethod
    def parse(cls, text: str) -> KeyboardIdentity:
        """Read the written form. Raises DevicesError for any other."""
        written = _WRITTEN.fullmatch(text)
        if written is None or not (written[3] or written[4]):
            raise DevicesError(
                f"keyboard identity {text!r}: expected vendor:product#serial or vendor:product@socket, "
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

    def fits(self, other: KeyboardIdentity) -> bool:
        """Whether the device `other` is the one meant; what this identity leaves out is not compared."""
        return (
            (self.vendor_id, self.product_id) == (other.vendor_id, other.product_id)
            and self.serial_number in {"", other.serial_number}
            and self.socket in {"", other.socket}
        )


class InputNode(msgspec.Struct, frozen=True, kw_only=True):
    """One keyboard-like device as it is plugged in now."""

    path: str
    name: str
    identity: KeyboardIdentity
    usable: bool
    remark: str
    """Why it may, or may not, be used, in words."""


def list_input_nodes(sys_class: Path = _SYS, dev: Path = _DEV) -> list[InputNode]:
    """Every device that can press digits and Enter, in the kernel's order."""
    nodes = []
    for folder in sorted(sys_class.glob("event*"), key=lambda path: int(path.name[5:])):
        about = folder / "device"
        keys = _read(about / "capabilities" / "key").split()
        if not keys or int(keys[-1], 16) & _NEEDED_KEYS != _NEEDED_KEYS:
            continue
        path = dev / folder.name
        identity = KeyboardIdentity(
            vendor_id=int(_read(about / "id" / "vendor") or "0", 16),
            product_id=int(_read(about / "id" / "product") or "0", 16),
            serial_number=_read(about / "uniq"),
            socket=_read(about / "phys"),
        )
        usable = os.access(path, os.R_OK)
        nodes.append(
            InputNode(
                path=str(path),
                name=_read(about / "name"),
                identity=identity,
                usable=usable,
                remark=_remark(identity, usable=usable),
            )
        )
    return nodes


def _remark(identity: KeyboardIdentity, *, usable: bool) -> str:
    maker = SCANNER_MAKERS.get(identity.vendor_id)
    what = f"made by {maker}, so most likely a scanner" if maker else "may be a person's keyboard"
    if not usable:
        return f"{what}; no permission: add the agent's user to the group 'input'"
    return f"{what}; it is used only once it is adopted"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""  # unplugged while we looked, or a device without this property
