"""``decode``: what a code is, without an agent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, say_json, say_pairs


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(decode)


def decode(
    code: Annotated[
        str, typer.Argument(help="What the scanner would send; <GS> or \\x1d is the group separator.")
    ],
    config: ConfigOption = None,
    symbology: Annotated[str | None, typer.Option(help="AIM symbology identifier, such as ]d2.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what a code is. The rules of a configuration count only where --config names it.

    Without --json, exit code 2 says that it is none; a program reads ``refusal``.
    """
    from agent.settings import load  # noqa: PLC0415 - not needed for what standards say
    from protocol.codes import Rules, parse_typed, recognise  # noqa: PLC0415

    with clear_errors():
        rules = load(config).codes.rules() if config else Rules()
        today = datetime.now(tz=UTC).date()
        found = recognise(parse_typed(code), symbology=symbology, rules=rules, today=today)
    if as_json:
        say_json(found)
    elif found.refusal:
        typer.echo(f"no code ({found.refusal_cause}): {found.refusal}")
        raise typer.Exit(2)
    else:
        told = [
            (name, getattr(found, name))
            for name in found.__struct_fields__
            if name not in {"attributes", "warnings"}
        ]
        say_pairs([*told, *found.attributes.items(), *(("warning", warning) for warning in found.warnings)])
