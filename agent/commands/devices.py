"""``devices``: what is plugged in and may be used, and which of it this counter's scanners are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands import calibrating, testing
from agent.commands.calling import NotRunning, running
from agent.commands.choosing import DeviceArgument, Known, look, may_be_opened, profile_for
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json, say_table
from agent.settings import Settings, load

if TYPE_CHECKING:
    from agent.scanners.listing import Listed

app = typer.Typer(
    help="List, adopt, test and calibrate scanners.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.command("test")(testing.watch)
app.command("calibrate")(calibrating.calibrate)


@app.callback()
def devices(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List serial ports, keyboard-like devices and HID-POS scanners, and why each may or may not be used. Opens none of them."""
    if context.invoked_subcommand is not None:
        return
    with clear_errors():
        known = look(config)
    if as_json:
        listed = [_as_json(known, place) for place in range(len(known.listed))]
        say_json({"devices": listed, "notices": known.notices})
        return
    rows = [
        (
            one.device.kind,
            one.device.path,
            one.device.stable,
            one.name or one.device.title,
            one.standing,
            one.why,
        )
        for one in known.listed
    ]
    if rows:
        say_table(("kind", "path", "identity", "name", "standing", ""), rows)
    else:
        typer.echo("no serial port, no keyboard-like device and no HID-POS scanner was found")
    for notice in known.notices:
        typer.echo(f"notice: {notice}")


def _as_json(known: Known, place: int) -> dict[str, Any]:
    one = known.listed[place]
    return {
        "kind": one.device.kind,
        "path": one.device.path,
        "identity": one.device.stable,
        "title": one.device.title,
        "name": one.name,
        "standing": one.standing,
        "why": one.why,
        "holders": [{"name": holder.name, "pid": holder.pid} for holder in one.device.holders],
    }


@app.command()
def adopt(
    device: DeviceArgument,
    profile: Annotated[
        str | None, typer.Option(help="A shipped profile's name, or the path of a .toml file.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call it; default: its identity.")] = None,
    it_is_a_scanner: Annotated[
        bool,
        typer.Option(
            "--it-is-a-scanner", help="Adopt what may be a person's keyboard: it types nowhere else then."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Make a device one of this counter's scanners. A running agent takes it up within seconds."""
    from agent.scanners import adoption  # noqa: PLC0415 - only when asked
    from agent.scanners.listing import Standing, chosen  # noqa: PLC0415

    with clear_errors():
        settings = load(config)
        known = look(config)
        found = chosen(known.listed, device)
        if found.standing is Standing.CONFIGURED:
            fail(f"device {device!r} is in the configuration already, as {found.name}; it needs no adoption")
        may_be_opened(found, it_is_a_scanner=it_is_a_scanner)
        called = name or found.name or _name_of(found, known.identity_for(found))
        if any(called == (one.name or Path(one.path).name) for one in settings.scanner):
            fail(f"name {called!r}: a scanner of the configuration has it already; give another with --name")
        used = profile_for(found.device.kind, profile)
        adoption.adopt(
            settings.data_dir,
            adoption.Adopted(
                kind=found.device.kind,
                identity=known.identity_for(found),
                name=called,
                profile=used,
                since_wall_us=time.time_ns() // 1000,
            ),
        )
    typer.echo(f"adopted: {found.device.kind} {known.identity_for(found)} as {called}, profile {used}")
    if found.standing in {Standing.BUSY, Standing.NO_PERMISSION}:
        typer.echo(f"but it cannot be opened yet: {found.why}")
    typer.echo(_when(settings))


@app.command()
def forget(device: DeviceArgument, config: ConfigOption = None) -> None:
    """Let go of an adopted device, by its name or identity. A scanner of the configuration stays."""
    from agent.errors import AgentError  # noqa: PLC0415 - only when asked
    from agent.scanners import adoption  # noqa: PLC0415
    from agent.scanners.listing import chosen  # noqa: PLC0415

    with clear_errors():
        settings = load(config)
        try:
            listed = chosen(look(config).listed, device)
            wanted = listed.name or device
        except AgentError:
            wanted = device  # not plugged in
        gone = adoption.forget(settings.data_dir, wanted)
    typer.echo(f"forgotten: {gone.kind} {gone.identity}, which was {gone.name}")
    typer.echo(_when(settings))


def _name_of(found: Listed, identity: str) -> str:
    return Path(identity).name if found.device.identity is None else identity


def _when(settings: Settings) -> str:
    try:
        running(settings)
    except NotRunning:
        return "no agent runs now; it counts from the next start"
    return "the running agent follows within seconds; see: countermark-agent status"
