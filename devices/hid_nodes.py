"""Which HID-POS scanners this machine has, and who they are. Reads sysfs; opens none of them.

A device is one by its report descriptor alone: it has a report with decoded data of the bar code scanner page. A
keyboard, a mouse or the keyboard half of a scanner has none and is never listed.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from devices.errors import DescriptorError
from devices.hid_scan_report import find_scan_reports
from devices.identity import SCANNER_MAKERS, DeviceIdentity

_SYS = Path("/sys/class/hidraw")
_DEV = Path("/dev")


class HidNode(msgspec.Struct, frozen=True, kw_only=True):
    """One HID-POS scanner as it is plugged in now."""

    path: str
    name: str
    identity: DeviceIdentity
    descriptor: bytes
    usable: bool
    remark: str
    """Why it may, or may not, be used, in words."""


def list_hid_nodes(sys_class: Path = _SYS, dev: Path = _DEV) -> list[HidNode]:
    """Every HID-POS scanner, in the kernel's order."""
    nodes = []
    for folder in sorted(sys_class.glob("hidraw*"), key=lambda path: int(path.name[6:])):
        about = folder / "device"
        try:
            descriptor = (about / "report_descriptor").read_bytes()
            properties = _properties((about / "uevent").read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue  # unplugged while we looked
        try:
            if not find_scan_reports(descriptor):
                continue
        except DescriptorError:
            continue  # nothing that could be read as a scanner; other drivers may know better
        path = dev / folder.name
        usable = os.access(path, os.R_OK)
        identity = _identity(properties)
        nodes.append(
            HidNode(
                path=str(path),
                name=properties.get("HID_NAME", ""),
                identity=identity,
                descriptor=descriptor,
                usable=usable,
                remark=_remark(identity, usable=usable),
            )
        )
    return nodes


def _properties(uevent: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in uevent.splitlines())
    return {key: value.strip() for key, _, value in pairs}


def _identity(properties: dict[str, str]) -> DeviceIdentity:
    # HID_ID is bus, vendor and product in hexadecimal, such as 0003:00000C2E:00000B61.
    _, _, vendor_product = properties.get("HID_ID", "").partition(":")
    vendor, _, product = vendor_product.partition(":")
    return DeviceIdentity(
        vendor_id=int(vendor or "0", 16) & 0xFFFF,
        product_id=int(product or "0", 16) & 0xFFFF,
        serial_number=properties.get("HID_UNIQ", ""),
        socket=properties.get("HID_PHYS", ""),
    )


def _remark(identity: DeviceIdentity, *, usable: bool) -> str:
    maker = SCANNER_MAKERS.get(identity.vendor_id)
    what = f"a HID-POS scanner made by {maker}" if maker else "a HID-POS scanner"
    if not usable:
        return f"{what}; no permission: let a udev rule give it to the agent's group"
    return f"{what}; it is used only once it is adopted"
