"""``decode`` and ``control-code``: what a code is, and a card with a command to the till; without an agent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json, say_pairs


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(decode)
    app.command()(control_code)


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


def control_code(
    command: Annotated[str, typer.Argument(help="MODE, UNDO, AREA, SITE, CLERK or SUPERVISOR.")],
    argument: Annotated[
        str,
        typer.Argument(
            help="Of MODE: SALE, VERIFY, RECEIVE, REORDER, RETURN, PACK, UNPACK, STOCKTAKE, SHIP or ADJUST; of AREA: what a"
            " shelf is called; of SITE: where goods go; of CLERK and SUPERVISOR: whose card it is."
        ),
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Print the content of a control card, signed with the first of codes.control_keys: for any QR or Code 128 printer."""
    from agent.settings import load  # noqa: PLC0415 - as above
    from protocol.codes import render_control  # noqa: PLC0415

    with clear_errors():
        keys = load(config).codes.rules().control_keys
        if not keys:
            fail("no codes.control_keys in the configuration; make one with: openssl rand -base64 24")
        typer.echo(render_control(command.upper(), argument.upper(), keys[0]))
