"""Which keyboard-like devices this machine has, and who they are. Reads sysfs; opens, and grabs, none of them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from devices.identity import SCANNER_MAKERS, DeviceIdentity

_SYS = Path("/sys/class/input")
_DEV = Path("/dev/input")

# KEY_1 to KEY_0 and KEY_ENTER: what a scanner needs to send a product number. All lie in the bitmap's lowest 32 bits.
NEEDED_KEYS = frozenset({*range(2, 12), 28})
_NEEDED_BITS = sum(1 << code for code in NEEDED_KEYS)


class InputNode(msgspec.Struct, frozen=True, kw_only=True):
    """One keyboard-like device as it is plugged in now."""

    path: str
    name: str
    identity: DeviceIdentity
    usable: bool
    remark: str
    """Why it may, or may not, be used, in words."""


def list_input_nodes(sys_class: Path = _SYS, dev: Path = _DEV) -> list[InputNode]:
    """Every device that can press digits and Enter, in the kernel's order."""
    nodes = []
    for folder in sorted(sys_class.glob("event*"), key=lambda path: int(path.name[5:])):
        about = folder / "device"
        keys = _read(about / "capabilities" / "key").split()
        if not keys or int(keys[-1], 16) & _NEEDED_BITS != _NEEDED_BITS:
            continue
        path = dev / folder.name
        identity = DeviceIdentity(
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


def _remark(identity: DeviceIdentity, *, usable: bool) -> str:
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
