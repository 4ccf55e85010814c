"""``replay``: a recording's scans again, on any machine, without an agent or a scanner."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.speaking import clear_errors
from devices.scan import Scan

_OUT = threading.Lock()


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(replay)


def replay(
    recording: Annotated[Path, typer.Argument(help="What was kept by: countermark-agent run --record FILE")],
    full_speed: Annotated[
        bool, typer.Option("--full-speed", help="Without the recorded pauses; the scans' times keep them.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="Only this device; default: all.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Read it with this profile instead of the recorded one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for a program.")] = False,
) -> None:
    """Play a recording: every scan as it came, with its raw bytes and what was wrong with it.

    To play it into a counter, name it in the configuration: a [[scanner]] with kind = "replay".
    """
    from devices.profile import load_profile  # noqa: PLC0415 - the drivers, only when asked
    from devices.recording import read_recording  # noqa: PLC0415
    from devices.replay import ReplaySource  # noqa: PLC0415

    with clear_errors():
        found = read_recording(recording)
        given = None if profile is None else load_profile(profile)
        names = found.devices if device is None else [device]
        sources = [ReplaySource(found, device=name, profile=given, full_speed=full_speed) for name in names]
    if found.cut:
        typer.echo("the last line was cut short, by a power cut perhaps, and is left out", err=True)
    stop = threading.Event()
    began_us: list[int] = []

    def deliver(scan: Scan) -> None:
        with _OUT:
            began_us.append(scan.monotonic_us)
            _say(scan, scan.monotonic_us - began_us[0], as_json=as_json)

    threads = [
        threading.Thread(target=source.run, args=(deliver, lambda _: None, stop), daemon=True)
        for source in sources
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _say(scan: Scan, after_us: int, *, as_json: bool) -> None:
    if as_json:
        import msgspec  # noqa: PLC0415

        told = {
            "after_us": after_us, "device": scan.device, "symbology": scan.symbology, "hex": scan.raw.hex(),
            "text": scan.raw.decode("utf-8", "backslashreplace"), "fault": scan.fault,
        }  # fmt: skip
        typer.echo(msgspec.json.encode(told).decode())
        return
    text = scan.raw.decode("utf-8", "backslashreplace").replace("\x1d", "<GS>")
    shown = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
    fault = "" if scan.fault is None else f"  FAULT: {scan.fault}"
    typer.echo(f"{after_us / 1_000_000:10.3f} s  {scan.device}  {scan.symbology or '-'}  {shown}{fault}")
