"""What the commands of ``devices`` share: the devices with their standing, and whether one may be opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from agent.commands.calling import NotRunning, running
from agent.commands.speaking import fail
from agent.settings import DEFAULT_PATHS, Settings, load

if TYPE_CHECKING:
    from agent.scanners.adoption import AdoptableKind, Adopted
    from agent.scanners.listing import Listed

DeviceArgument = Annotated[
    str, typer.Argument(help="Its name, its identity, its path or a link to it, as `devices` lists them.")
]


class Known(NamedTuple):
    """What is there, and what is known of it."""

    listed: list[Listed]
    adopted: tuple[Adopted, ...]
    settings: Settings | None
    agent_pid: int | None
    notices: list[str]

    def identity_for(self, one: Listed) -> str:
        """What to adopt a device by: with its socket, too, where another one plugged in has the same number."""
        identity = one.device.identity
        if identity is None:
            return one.device.stable
        twins = [
            other
            for other in self.listed
            if other.device.kind == one.device.kind and other.device.stable == one.device.stable
        ]
        return str(identity) if len(twins) > 1 else one.device.stable


def look(config: Path | None) -> Known:
    """Every device. Without any configuration, the devices alone."""
    from agent.scanners.adoption import read_adopted  # noqa: PLC0415 - the drivers, only when asked
    from agent.scanners.listing import list_devices, modem_manager_notice  # noqa: PLC0415

    is_configured = config is not None or any(path.exists() for path in DEFAULT_PATHS)
    settings = load(config) if is_configured else None
    adopted = () if settings is None else read_adopted(settings.data_dir)
    pid = None if settings is None else _agent_pid(settings)
    listed = list_devices(adopted, () if settings is None else settings.scanner, agent_pid=pid)
    notice = modem_manager_notice([one.device for one in listed])
    return Known(listed, adopted, settings, pid, [notice] if notice else [])


def _agent_pid(settings: Settings) -> int | None:
    try:
        return running(settings).pid
    except NotRunning:
        return None


def may_be_opened(one: Listed, *, it_is_a_scanner: bool) -> None:
    """End with the reason unless this device may be opened by an explicit command: a person's keyboard never by mistake."""
    from agent.scanners.listing import Standing  # noqa: PLC0415 - as above

    if one.standing is Standing.BUILT_IN:
        fail(f"{one.device.path} is this machine's own keyboard; it is never used as a scanner")
    if one.standing is Standing.KEYBOARD and not it_is_a_scanner:
        fail(
            f"{one.device.path} ({one.device.title}) may be a person's keyboard, which would type nowhere else then; "
            "if it is a scanner, say so with --it-is-a-scanner"
        )


def is_free(known: Known, one: Listed) -> None:
    """End with the reason when the running agent has this device open, which can be read by one program at a time."""
    if known.agent_pid is not None and one.name is not None:
        fail(
            f"{one.name} is read by the agent that runs (process {known.agent_pid}); stop it first, "
            "with: systemctl stop countermark-agent"
        )


def profile_for(kind: AdoptableKind, wanted: str | None) -> str:
    """The profile to use, a path made absolute. Raises DevicesError when it cannot be used for this kind."""
    from agent.scanners.tapping import DEFAULT_PROFILES  # noqa: PLC0415 - as above
    from devices.profile import load_profile  # noqa: PLC0415

    used = wanted or DEFAULT_PROFILES[kind]
    if used.endswith(".toml"):
        used = str(Path(used).absolute())
    load_profile(used).require_link("keyboard" if kind == "evdev" else kind)
    return used
