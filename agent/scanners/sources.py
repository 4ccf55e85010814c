"""From a line of the configuration to a device. Drivers are loaded only for the kinds that are configured."""

from __future__ import annotations

from pathlib import Path

from agent.settings import ScannerSettings, SettingsError
from devices.errors import DevicesError
from devices.profile import load_profile
from devices.recording import Recorder
from devices.source import Source

_DEFAULT_PROFILES = {"serial": "generic-serial", "evdev": "generic-keyboard", "hidpos": "generic-hidpos"}


def make_sources(scanners: tuple[ScannerSettings, ...], recorder: Recorder | None = None) -> list[Source]:
    """The configured devices, none of them opened yet; ``recorder`` keeps what they send. Raises :class:`SettingsError` for what can never work."""
    sources: list[Source] = []
    for number, scanner in enumerate(scanners, 1):
        try:
            source = _make(scanner, recorder)
        except DevicesError as error:
            raise SettingsError(f"configuration: scanner[{number}]: {error}") from error
        if any(other.name == source.name for other in sources):
            raise SettingsError(
                f"configuration: scanner[{number}].name = {source.name!r}: two scanners are called so; give each its own name"
            )
        sources.append(source)
    return sources


def _make(scanner: ScannerSettings, recorder: Recorder | None) -> Source:
    if scanner.kind == "serial":
        from devices.serial_port import SerialSource  # noqa: PLC0415 - pyserial is loaded where there is a serial scanner

        profile = load_profile(scanner.profile or _DEFAULT_PROFILES["serial"])
        return SerialSource(scanner.path, profile, name=scanner.name, recorder=recorder)
    if scanner.kind == "evdev":
        from devices.evdev_input import KeyboardSource  # noqa: PLC0415 - as above
        from devices.identity import DeviceIdentity  # noqa: PLC0415

        profile = load_profile(scanner.profile or _DEFAULT_PROFILES["evdev"])
        return KeyboardSource(
            DeviceIdentity.parse(scanner.path), profile, name=scanner.name, recorder=recorder
        )
    if scanner.kind == "hidpos":
        from devices.hid_pos import HidPosSource  # noqa: PLC0415 - as above
        from devices.identity import DeviceIdentity  # noqa: PLC0415

        profile = load_profile(scanner.profile or _DEFAULT_PROFILES["hidpos"])
        return HidPosSource(DeviceIdentity.parse(scanner.path), profile, name=scanner.name, recorder=recorder)
    from devices.recording import read_recording  # noqa: PLC0415 - as above
    from devices.replay import ReplaySource  # noqa: PLC0415

    given = load_profile(scanner.profile) if scanner.profile else None
    return ReplaySource(
        read_recording(Path(scanner.path)),
        device=scanner.name,
        profile=given,
        full_speed=scanner.full_speed,
    )
