"""HID-POS scanners for tests: report descriptors as makers lay them out, reports, and device files to read them from."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from devices.hid_nodes import HidNode, list_hid_nodes
from devices.identity import DeviceIdentity

SCANNER = DeviceIdentity(
    vendor_id=0x0C2E, product_id=0x0B81, serial_number="17032B0E96", socket="usb-1.3/input0"
)

# Report 2: byte count, three bytes of AIM identifier, 56 bytes of data, two of the maker's own, a flag of one bit.
COUNTED = bytes.fromhex(
    "058c 0902 a101 8502 0912 a102 1500 26ff00 7508 9501 0501 093b 8102 9503 058c 09fb 09fc 09fd 8102 9538 09fe 820201"
    "0666ff 9502 0904 0905 8102 058c 2501 7501 9501 09ff 8102 9507 8103 c0 8504 0913 a102 9508 7508 09fe b102 c0 c0"
)
# Report 1: the identifier, the data up to their first zero, a flag of one byte. No count.
ZERO_FILLED = bytes.fromhex(
    "058c 0902 a101 8501 1500 26ff00 7508 9503 09fb 09fc 09fd 8102 9510 09fe 8102 9501 09ff 8102 c0"
)
# Reports without numbers, and without identifier.
UNNUMBERED = bytes.fromhex(
    "058c 0902 a101 1500 26ff00 7508 9501 0501 093b 8102 058c 9510 09fe 8102 9501 09ff 8102 c0"
)
KEYBOARD = bytes.fromhex(
    "0501 0906 a101 0507 19e0 29e7 1500 2501 7501 9508 8102 9501 7508 8101 9506 7508 1500 25ff 0507 1900 29ff 8100 c0"
)


def counted(data: bytes, *, more: bool = False, aim: bytes = b"]d2", says: int | None = None) -> bytes:
    """One report of `COUNTED`, 64 bytes."""
    count = len(data) if says is None else says
    return b"\x02" + bytes([count]) + aim.ljust(3, b"\0") + data.ljust(56, b"\0") + b"qr" + bytes([more])


def pieces(code: bytes, aim: bytes = b"]d2") -> list[bytes]:
    """A whole code in as many reports as it takes."""
    parts = [code[at : at + 56] for at in range(0, len(code), 56)]
    return [counted(part, more=place < len(parts) - 1, aim=aim) for place, part in enumerate(parts)]


class HidMachine:
    """A machine's hidraw devices: sysfs as the kernel lays it out, and pipes that keep reports apart as device files."""

    def __init__(self, root: Path) -> None:
        self.sys = root / "sys"
        self.dev = root / "dev"
        self.dev.mkdir()
        self._ends: dict[int, int] = {}

    def plug_in(
        self, number: int, identity: DeviceIdentity, descriptor: bytes = COUNTED, *, bus: int = 3
    ) -> None:
        """Appear as /dev/hidraw<number>."""
        about = self.sys / f"hidraw{number}" / "device"
        about.mkdir(parents=True)
        (about / "report_descriptor").write_bytes(descriptor)
        (about / "uevent").write_text(
            f"DRIVER=hid-generic\nHID_ID={bus:04X}:{identity.vendor_id:08X}:{identity.product_id:08X}\n"
            f"HID_NAME=Maker Scanner\nHID_PHYS={identity.socket}\nHID_UNIQ={identity.serial_number}\n"
        )
        path = self.dev / f"hidraw{number}"
        os.mkfifo(path)
        # Opened for reading too, so that the pipe is there before its reader; O_DIRECT keeps each write apart.
        self._ends[number] = os.open(path, os.O_RDWR)
        fcntl.fcntl(self._ends[number], fcntl.F_SETFL, os.O_DIRECT)

    def roomy(self, number: int) -> None:
        """Let more reports wait than hidraw would."""
        fcntl.fcntl(self._ends[number], fcntl.F_SETPIPE_SZ, 128 * 4096)

    def unplug(self, number: int) -> None:
        """Vanish; whoever reads is told."""
        about = self.sys / f"hidraw{number}" / "device"
        for path in about.iterdir():
            path.unlink()
        about.rmdir()
        about.parent.rmdir()
        (self.dev / f"hidraw{number}").unlink()
        os.close(self._ends.pop(number))

    def send(self, number: int, *reports: bytes) -> None:
        """What the scanner says, report by report."""
        for report in reports:
            os.write(self._ends[number], report)

    def nodes(self) -> list[HidNode]:
        """What the driver is to see."""
        return list_hid_nodes(self.sys, self.dev)

    def close(self) -> None:
        """Unplug all."""
        for number in list(self._ends):
            self.unplug(number)
