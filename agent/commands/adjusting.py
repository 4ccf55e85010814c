"""``adjust``: a correction of stock with its reason, through the running agent."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.commands.calling import call
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json
from agent.settings import load


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(adjust)


def adjust(
    reason: Annotated[
        str, typer.Argument(help="damage, expired, theft, lost, own_use, sample, donation or found.")
    ],
    code: Annotated[
        str,
        typer.Argument(
            help="A product, an item or a case, as its label says; `-` reads codes from standard input."
        ),
    ],
    quantity: Annotated[str | None, typer.Argument(help="Of goods without codes; default 1.")] = None,
    *,
    uncoded: Annotated[
        bool,
        typer.Option("--uncoded", help="A piece of a product with codes, whose own nobody can read or has."),
    ] = False,
    clerk: Annotated[str | None, typer.Option(help="Who does it.")] = None,
    adjustment_id: Annotated[
        str | None, typer.Option("--id", help="The adjustment's id; the same again changes nothing.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take goods off the stock, or add what was found, with the reason."""
    with clear_errors():
        if code == "-" and quantity is not None:
            fail("QUANTITY: belongs to one code; codes from standard input count one each")
        codes = [code] if code != "-" else _read()
        asked = {
            "reason": reason,
            "lines": [{"code": one, "quantity": quantity, "uncoded": uncoded} for one in codes],
            "adjustment_id": adjustment_id,
            "clerk": clerk,
        }
        told: dict[str, Any] = call(load(config), "POST", "/v1/adjustments", asked)
    if as_json:
        say_json(told)
    else:
        typer.echo(
            f"{told['pieces']} pieces are {_DONE.get(reason, 'taken off as ' + reason)} ({told['number']})"
        )


_DONE = {"found": "added as found"}


def _read() -> list[str]:
    return [line.strip() for line in typer.get_text_stream("stdin") if line.strip()]
