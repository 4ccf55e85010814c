"""Which devices were adopted by command. They are kept beside the journal, in `devices.json`; the configuration stays as it is.

A scanner of the configuration wins over an adopted one: over one of the same name, and over one that is the same device.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from agent.errors import AgentError
from agent.settings import ScannerSettings
from devices.errors import DevicesError
from devices.identity import DeviceIdentity

FILE = "devices.json"
_VERSION: Literal[1] = 1

AdoptableKind = Literal["serial", "evdev", "hidpos"]


class AdoptionError(AgentError):
    """A device that cannot be adopted or forgotten, or a record of adopted ones that cannot be read."""


class Adopted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device. ``identity`` is vendor, product and serial number or socket; for a port without any, its path."""

    kind: AdoptableKind
    identity: str
    name: str
    profile: str
    """A shipped profile's name, or the path of a file."""
    since_wall_us: int
    """When it was adopted or calibrated; anew each time, so that a running agent notices."""

    def as_settings(self) -> ScannerSettings:
        """The same as a table of the configuration."""
        return ScannerSettings(kind=self.kind, path=self.identity, profile=self.profile, name=self.name)


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    devices: tuple[Adopted, ...]


def read_adopted(data_dir: Path) -> tuple[Adopted, ...]:
    """The adopted devices, in the order of adoption. Raises :class:`AdoptionError` for a record that cannot be read."""
    path = data_dir / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Record).devices
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        raise AdoptionError(
            f"{path}: {error}; expected the record of adopted devices; remove it, and adopt them anew"
        ) from None


def adopt(data_dir: Path, device: Adopted) -> None:
    """Add a device, or replace what was adopted under its identity.

    Raises :class:`AdoptionError` when another device has this name already.
    """
    others = [one for one in read_adopted(data_dir) if one.identity != device.identity]
    namesake = next((one for one in others if one.name == device.name), None)
    if namesake is not None:
        raise AdoptionError(
            f"name {device.name!r}: device {namesake.identity} has it already; give another with --name"
        )
    _write(data_dir, (*others, device))


def forget(data_dir: Path, wanted: str) -> Adopted:
    """Take out the device of this name or identity. Raises :class:`AdoptionError` when there is none."""
    adopted = read_adopted(data_dir)
    found = next((one for one in adopted if wanted in {one.name, one.identity}), None)
    if found is None:
        known = ", ".join(one.name for one in adopted) or "none is adopted"
        raise AdoptionError(f"device {wanted!r} is not adopted; expected one of: {known}")
    _write(data_dir, tuple(one for one in adopted if one is not found))
    return found


def not_configured(
    adopted: tuple[Adopted, ...], configured: tuple[ScannerSettings, ...]
) -> tuple[Adopted, ...]:
    """Those that the configuration does not name itself."""
    return tuple(one for one in adopted if not any(_is_same(one, other) for other in configured))


def _is_same(adopted: Adopted, configured: ScannerSettings) -> bool:
    if adopted.name == configured.name:
        return True
    if adopted.kind != configured.kind:
        return False
    one, other = _identity(adopted.identity), _identity(configured.path)
    if one is not None and other is not None:
        return one.fits(other) or other.fits(one)
    return os.path.realpath(adopted.identity) == os.path.realpath(configured.path)


def _identity(text: str) -> DeviceIdentity | None:
    try:
        return DeviceIdentity.parse(text)
    except DevicesError:
        return None  # a path


def _write(data_dir: Path, devices: tuple[Adopted, ...]) -> None:
    """Whole, or not at all: a power cut leaves the record as it was or as it shall be."""
    content = msgspec.json.format(msgspec.json.encode(_Record(_VERSION, devices)), indent=2) + b"\n"
    write_owned(data_dir / FILE, content)


def make_folder(path: Path) -> None:
    """Make a folder for files of the agent, if it is not there; its owner is that of the folder it stands in.

    Raises :class:`AdoptionError` when it cannot be made.
    """
    try:
        path.mkdir(exist_ok=True)
        if os.name == "posix" and os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise AdoptionError(f"{path}: cannot be made: {error.strerror}; is data_dir right?") from None


def write_owned(path: Path, content: bytes) -> None:
    """Write a file of the data directory so that the agent can read it, whoever runs the command.

    Raises :class:`AdoptionError` when it cannot be written.
    """
    draft = path.with_name(path.name + ".new")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":
            owner = path.parent.stat()
            if os.geteuid() == 0:  # the agent may be another user, who owns the directory
                os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)
    except OSError as error:
        raise AdoptionError(f"{path}: cannot be written: {error.strerror}; is data_dir right?") from None
