"""What is plugged in, and for each device whether it may be used, and why. Opens none of them."""

from __future__ import annotations

import os
import stat
import sys
from enum import StrEnum
from pathlib import Path

import msgspec

from agent.errors import AgentError
from agent.scanners.adoption import AdoptableKind, Adopted
from agent.settings import ScannerSettings
from devices import holders
from devices.errors import DevicesError
from devices.hid_nodes import list_hid_nodes
from devices.identity import SCANNER_MAKERS, DeviceIdentity
from devices.input_nodes import list_input_nodes
from devices.serial_port import list_serial_ports


class Standing(StrEnum):
    """Where a device stands with this agent."""

    ADOPTED = "adopted"
    CONFIGURED = "configured"
    FREE = "free"
    KEYBOARD = "keyboard"
    """It may be a person's: it is adopted only by someone who says that it is a scanner."""
    BUILT_IN = "built-in keyboard"
    """Never used."""
    NO_PERMISSION = "no permission"
    BUSY = "busy"
    ABSENT = "absent"
    """Adopted or configured, and not plugged in."""


class Plugged(msgspec.Struct, frozen=True, kw_only=True):
    """One device as the machine shows it."""

    kind: AdoptableKind
    path: str
    title: str
    identity: DeviceIdentity | None = None
    readable: bool = True
    group: str | None = None
    """The group that may use it; None where none may."""
    holders: tuple[holders.Holder, ...] = ()
    modem_manager: bool = False
    """Whether ModemManager runs and was not told to keep off."""

    @property
    def stable(self) -> str:
        """What it is adopted by: the same after a replug. The serial number if it has one, else the socket, else the path."""
        if self.identity is None:
            return self.path
        if self.identity.serial_number:
            return str(msgspec.structs.replace(self.identity, socket=""))
        return str(self.identity)

    @property
    def is_built_in(self) -> bool:
        """The keyboard of a laptop, or one on a PS/2 plug: the kernel's i8042 driver names its socket so."""
        return (
            self.kind == "evdev" and self.identity is not None and self.identity.socket.startswith("isa0060")
        )

    @property
    def maker(self) -> str | None:
        """The maker, where it makes scanners."""
        return SCANNER_MAKERS.get(self.identity.vendor_id) if self.identity else None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A device with its standing."""

    device: Plugged
    standing: Standing
    why: str
    name: str | None = None
    """What it is called, once adopted or configured."""


def standing_of(
    device: Plugged, adopted: tuple[Adopted, ...], configured: tuple[ScannerSettings, ...]
) -> Listed:
    """The standing of one device. A device that is ours already says what keeps it from working, too."""
    trouble = _trouble(device)
    own = next((one for one in configured if _is(device, one.kind, one.path)), None)
    if own is not None:
        why = _joined("in the configuration", trouble)
        return Listed(
            device=device, standing=Standing.CONFIGURED, why=why, name=own.name or Path(own.path).name
        )
    ours = next((one for one in adopted if _is(device, one.kind, one.identity)), None)
    if ours is not None:
        why = _joined(f"with profile {ours.profile}", trouble)
        return Listed(device=device, standing=Standing.ADOPTED, why=why, name=ours.name)
    if device.is_built_in:
        return Listed(device=device, standing=Standing.BUILT_IN, why="never used: it is this machine's own")
    if trouble is not None:
        standing = Standing.BUSY if device.readable else Standing.NO_PERMISSION
        return Listed(device=device, standing=standing, why=trouble)
    if device.kind == "evdev" and device.maker is None:
        why = "may be a person's keyboard; if it is a scanner: devices adopt --it-is-a-scanner"
        return Listed(device=device, standing=Standing.KEYBOARD, why=why)
    made = f"made by {device.maker}; " if device.maker else ""
    return Listed(device=device, standing=Standing.FREE, why=_joined(f"{made}not adopted", _warning(device)))


def chosen(listed: list[Listed], wanted: str) -> Listed:
    """The device that a person means by its path, a link to it, its identity, or its name here.

    A serial port that the machine does not list, such as a pseudo-terminal, is taken by its path. Raises
    :class:`AgentError` when there is no such device, or several.
    """
    fitting = [one for one in listed if one.name == wanted or _is(one.device, one.device.kind, wanted)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        known = ", ".join(f"{one.device.kind} {one.device.path}" for one in fitting)
        raise AgentError(
            f"device {wanted!r} fits {len(fitting)} devices ({known}); name the one meant by its path"
        )
    if _is_port(wanted):
        return standing_of(_plugged("serial", wanted, "serial port"), (), ())
    known = ", ".join(one.device.path for one in listed) or "none is plugged in"
    raise AgentError(f"device {wanted!r} is not there; expected one that `devices` lists: {known}")


def list_devices(
    adopted: tuple[Adopted, ...], configured: tuple[ScannerSettings, ...], *, agent_pid: int | None
) -> list[Listed]:
    """Every device with its standing; then what is ours and was not found. ``agent_pid`` is the agent that runs, if one does."""
    plugged = [_without(device, agent_pid) for device in plugged_in()]
    ours = [(one.kind, one.path, one.name) for one in configured if one.kind != "replay"]
    ours += [(one.kind, one.identity, one.name) for one in adopted]
    for kind, written, _ in ours:  # a port that no list names, such as a pseudo-terminal or /dev/rfcomm0
        if kind == "serial" and not any(_is(device, kind, written) for device in plugged):
            plugged += (
                [_without(_plugged("serial", written, "serial port"), agent_pid)] if _is_port(written) else []
            )
    listed = [standing_of(device, adopted, configured) for device in plugged]
    return listed + [
        Listed(
            device=Plugged(kind=kind, path=written, title=""),
            standing=Standing.ABSENT,
            why="not plugged in, or switched off",
            name=name or Path(written).name,
        )
        for kind, written, name in ours
        if not any(_is(device, kind, written) for device in plugged)
    ]


def modem_manager_notice(devices: list[Plugged]) -> str | None:
    """What a person should do about ModemManager, if anything."""
    open_to_it = [device.path for device in devices if device.modem_manager]
    if not open_to_it:
        return None
    return (
        f"ModemManager runs and was not told to keep off {', '.join(open_to_it)}; install the udev rules of deploy/udev, "
        "or a scanner's first codes are lost to it"
    )


def _without(device: Plugged, pid: int | None) -> Plugged:
    """That our own agent holds a device is no trouble."""
    return msgspec.structs.replace(device, holders=tuple(one for one in device.holders if one.pid != pid))


def plugged_in() -> list[Plugged]:
    """Every device of this machine that could be a scanner."""
    serial = [_plugged("serial", port.path, port.description, port.identity) for port in list_serial_ports()]
    keyboards = [_plugged("evdev", node.path, node.name, node.identity) for node in list_input_nodes()]
    positions = [_plugged("hidpos", node.path, node.name, node.identity) for node in list_hid_nodes()]
    return serial + keyboards + positions


def _plugged(kind: AdoptableKind, path: str, title: str, identity: DeviceIdentity | None = None) -> Plugged:
    wanted = os.R_OK | os.W_OK if kind == "serial" else os.R_OK
    is_linux = sys.platform == "linux"
    return Plugged(
        kind=kind,
        path=path,
        title=title,
        identity=identity,
        readable=sys.platform == "win32" or os.access(path, wanted),
        group=_group_of(path),
        holders=tuple(holders.holders_of(path)) if is_linux else (),
        modem_manager=is_linux
        and kind == "serial"
        and holders.runs(holders.MODEM_MANAGER)
        and not holders.is_told_to_ignore(path),
    )


def _group_of(path: str) -> str | None:
    """The group that may read and write a device, if there is one besides root's."""
    if sys.platform == "win32":
        return None
    import grp  # noqa: PLC0415 - not there on Windows

    try:
        found = Path(path).stat()
        if found.st_gid == 0 or found.st_mode & 0o060 != 0o060:
            return None
        return grp.getgrgid(found.st_gid).gr_name
    except (OSError, KeyError):
        return None


def _is_port(path: str) -> bool:
    """Whether this could be a serial port: a character device, and none of those that are read otherwise."""
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode) and not os.path.realpath(path).startswith(
            ("/dev/input/", "/dev/hidraw")
        )
    except OSError:
        return False


def _is(device: Plugged, kind: str, written: str) -> bool:
    if kind != device.kind:
        return False
    try:
        identity = DeviceIdentity.parse(written)
    except DevicesError:
        return os.path.realpath(written) == os.path.realpath(device.path)
    return device.identity is not None and identity.fits(device.identity)


def _trouble(device: Plugged) -> str | None:
    if not device.readable:
        if device.group is None:
            return "no permission, and no group has one: install the udev rules of deploy/udev, and plug it in anew"
        return f"no permission: add the agent's user to the group {device.group!r}, and start the agent anew"
    if device.holders and device.kind == "serial":
        first = device.holders[0]
        return f"opened by {first.name} (process {first.pid}): {first.remedy}"
    return None


def _warning(device: Plugged) -> str | None:
    if device.modem_manager:
        return "ModemManager runs and may open it first: install the udev rules of deploy/udev"
    return None


def _joined(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)
