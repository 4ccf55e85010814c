"""``devices calibrate``: a sheet to scan, and the profile that comes of it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from agent.commands.choosing import is_free, look, may_be_opened, profile_for
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json, say_pairs

if TYPE_CHECKING:
    from agent.commands.choosing import Known
    from agent.scanners.listing import Listed
    from agent.settings import Settings
    from devices.calibration.rules import Found
    from devices.profile import Profile
    from devices.scan import DeviceStatus

# Far longer than any scanner pauses within a code, and far shorter than a person needs for the next.
_QUIET_S = 0.5


def calibrate(
    device: Annotated[
        str | None, typer.Argument(help="As `devices` lists it; left out, only the sheet is made.")
    ] = None,
    sheet: Annotated[Path, typer.Option(help="Where to write the sheet, a PDF to print.")] = Path(
        "countermark-calibration.pdf"
    ),
    to: Annotated[
        Path | None, typer.Option(help="Where to write the profile; default: profiles/ in data_dir.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write a profile even if the scanner's settings spoil codes.")
    ] = False,
    it_is_a_scanner: Annotated[
        bool, typer.Option("--it-is-a-scanner", help="Open what may be a person's keyboard.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a sheet of symbols, have them scanned, and write the profile that fits the scanner.

    Exit code 2: the scanner has to be set differently first, and it is said how.
    """
    from agent.scanners.listing import chosen  # noqa: PLC0415 - the drivers, only when asked
    from devices.calibration.writing import profile_of  # noqa: PLC0415

    with clear_errors():
        _write_sheet(sheet)
        if device is None:
            return
        known = look(config)
        found = chosen(known.listed, device)
        if found.device.kind == "hidpos":
            fail(
                f"{found.device.path} is a HID-POS scanner: no layout, no suffix; there is nothing to calibrate"
            )
        may_be_opened(found, it_is_a_scanner=it_is_a_scanner)
        is_free(known, found)
        target = _target(to, known, found)
        try:
            told = _hear(found)
        except KeyboardInterrupt:
            fail("calibration was broken off; nothing was written")
        _say(told, as_json=as_json)
        if told.must_change and not anyway:
            raise typer.Exit(2)
        profile = profile_of(told, target.stem)
        _write_profile(target, profile)
        typer.echo(f"profile written: {target}", err=True)
        typer.echo(_use(known, found, target), err=True)


def _write_sheet(path: Path) -> None:
    from devices.calibration.sheet import sheet_pdf  # noqa: PLC0415 - as above

    try:
        path.write_bytes(sheet_pdf())
    except OSError as error:
        fail(f"--sheet {path}: cannot be written: {error.strerror}; name a place where you may write")
    typer.echo(f"print {path} at 100 %", err=True)


def _target(to: Path | None, known: Known, found: Listed) -> Path:
    if to is not None:
        if to.suffix != ".toml":
            fail(f"--to {to}: expected a name that ends in .toml")
        return to.absolute()
    if known.settings is None:
        fail("no configuration, so no data_dir for the profile; name a file with --to")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", found.name or known.identity_for(found)).strip("-")
    return known.settings.data_dir.absolute() / "profiles" / f"{name}.toml"


def _hear(found: Listed) -> Found:
    """Ask for symbol after symbol until the settings are known."""
    from agent.scanners.tapping import Tapped  # noqa: PLC0415 - as above
    from devices.calibration.hearing import RecordedScan  # noqa: PLC0415
    from devices.calibration.rules import ScanNext, settings_of  # noqa: PLC0415
    from devices.calibration.symbols import symbol  # noqa: PLC0415
    from devices.profile import load_profile  # noqa: PLC0415

    used = load_profile(profile_for(found.device.kind, None))
    name = found.name or found.device.path
    scans: list[RecordedScan] = []
    told = settings_of(scans)
    while isinstance(told, ScanNext):
        rate = told.baud_rate or used.serial.baud_rate
        used = msgspec.structs.replace(used, serial=msgspec.structs.replace(used.serial, baud_rate=rate))
        with Tapped(found.device, used, name=name, on_status=_say_trouble) as tapped:
            tapped.until_open()  # what is scanned before is not read
            while isinstance(told, ScanNext) and told.baud_rate in {None, rate}:
                wanted = symbol(told.symbol)
                typer.echo(f"scan symbol {wanted.number}, {wanted.title} ({told.why})", err=True)
                trigger = tapped.next_trigger(quiet_s=_QUIET_S)
                scans.append(RecordedScan(entries=trigger.entries, baud_rate=rate))
                told = settings_of(scans)
    return told


def _say_trouble(status: DeviceStatus) -> None:
    if status.detail:
        typer.echo(f"{status.device} is {status.state}: {status.detail}", err=True)


def _say(told: Found, *, as_json: bool) -> None:
    if as_json:
        say_json(told)
        return
    separator = told.separator_key or (repr(told.separator) if told.separator else "left out")
    say_pairs(
        [
            ("link", told.link),
            ("layout", told.layout or None),
            ("Caps Lock", "assumed on" if told.caps_lock else None),
            ("letters", told.letters),
            ("separator", "GS" if told.separator == "\x1d" else separator),
            ("suffix", " ".join(told.suffix) or "none"),
            ("STX", "before each code" if told.stx else None),
            ("AIM identifier", "sent" if told.aim_prefix else "not sent"),
            ("longest pause", f"{told.longest_gap_ms} ms"),
            (
                "line",
                f"{told.baud_rate} baud, {told.data_bits} bits, parity {told.parity}"
                if not told.layout
                else None,
            ),
            *(("CHANGE", words) for words in told.must_change),
            *(("advice", words) for words in told.advice),
        ]
    )


def _write_profile(path: Path, profile: Profile) -> None:
    from agent.scanners.adoption import make_folder, write_owned  # noqa: PLC0415 - as above
    from devices.calibration.writing import profile_toml  # noqa: PLC0415

    make_folder(path.parent)
    write_owned(path, profile_toml(profile).encode())


def _use(known: Known, found: Listed, target: Path) -> str:
    """Give the profile to the device where it is adopted; else say how."""
    from agent.scanners.adoption import adopt  # noqa: PLC0415 - as above

    settings: Settings | None = known.settings
    adopted = next((one for one in known.adopted if one.name == found.name), None)
    if adopted is None or settings is None:
        if found.name:
            return f'write into the table of {found.name} in the configuration: profile = "{target}"'
        return f"now adopt it: countermark-agent devices adopt {found.device.path} --profile {target}"
    now_us = time.time_ns() // 1000
    adopt(settings.data_dir, msgspec.structs.replace(adopted, profile=str(target), since_wall_us=now_us))
    return f"{adopted.name} is used with it from the next start of the agent"
