"""Who else holds a device, and whether ModemManager was told to keep off. Reads /proc and udev's data; opens no device.

What other users' programs hold can be seen by root alone, so no holder found is no proof that there is none.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_UDEV = Path("/run/udev/data")

# Programs that open serial ports of their own accord, and what makes them stop.
MODEM_MANAGER = "ModemManager"
_SELF_STARTERS = {
    MODEM_MANAGER: "install the udev rules of deploy/udev, which tell it to keep off, and plug the scanner in anew",
    "brltty": "it takes the port for a Braille display: remove the package brltty",
    "gpsd": "it takes the port for a GPS receiver: exclude the port in its configuration",
}


class Holder(msgspec.Struct, frozen=True, order=True):
    """A program that has a device open."""

    name: str
    pid: int

    @property
    def remedy(self) -> str:
        """What to do about it, in words."""
        return _SELF_STARTERS.get(self.name, "close it")


def holders_of(path: str, proc: Path = _PROC) -> list[Holder]:
    """The programs that have a device open, as far as this user may see, this one left out."""
    target = os.path.realpath(path)
    found = set()
    for process in proc.glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            if any(_points_to(descriptor, target) for descriptor in (process / "fd").iterdir()):
                found.add(Holder(name=_name(process), pid=int(process.name)))
        except OSError:
            continue  # another user's process, or one that has just ended
    return sorted(found)


def runs(name: str, proc: Path = _PROC) -> bool:
    """Whether a program of that name runs."""
    return any(_name(process) == name for process in proc.glob("[0-9]*"))


def is_told_to_ignore(path: str, udev: Path = _UDEV) -> bool:
    """Whether udev has a mark on this port that keeps ModemManager off, as the packaged rules set it."""
    try:
        number = Path(path).stat().st_rdev
        about = (udev / f"c{os.major(number)}:{os.minor(number)}").read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return False
    return any(f"E:{mark}=1" in about.splitlines() for mark in ("ID_MM_PORT_IGNORE", "ID_MM_DEVICE_IGNORE"))


def _points_to(descriptor: Path, target: str) -> bool:
    try:
        return str(descriptor.readlink()) == target
    except OSError:
        return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
