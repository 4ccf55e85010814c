"""``devices``: what is plugged in, and what to write into the configuration for it."""

from __future__ import annotations

import typer

from agent.commands.speaking import JsonOption, clear_errors, say_json, say_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(devices)


def devices(as_json: JsonOption = False) -> None:
    """List serial ports and keyboard-like devices, and whether they may be used. Opens none of them."""
    from devices.input_nodes import list_input_nodes  # noqa: PLC0415 - the drivers, only when asked
    from devices.serial_port import list_serial_ports  # noqa: PLC0415

    with clear_errors():
        ports, nodes = list_serial_ports(), list_input_nodes()
    if as_json:
        inputs = [
            {"path": node.path, "identity": str(node.identity), "name": node.name, "usable": node.usable}
            for node in nodes
        ]
        say_json({"serial": ports, "evdev": inputs})
        return
    rows = [("serial", port.stable_path, port.description, port.why_not or "usable") for port in ports]
    rows += [("evdev", str(node.identity), node.name, node.remark) for node in nodes]
    if rows:
        say_table(("kind", "path", "name", ""), rows)
    else:
        typer.echo("no serial port and no keyboard-like device was found")
