"""``print`` and ``drawer``: the receipt printer of the running agent."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from agent.commands.calling import call
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, say_json
from agent.settings import load


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("print")(print_receipt)
    app.command()(drawer)


def print_receipt(
    sale_id: Annotated[str, typer.Argument(help="The sale's id, as its answer told it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a sale's receipt once more, marked as a copy."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "POST", f"/v1/sales/{quote(sale_id, safe='')}/print")
    if as_json:
        say_json(told)
        return
    trouble = told["printer"]["trouble"]
    typer.echo(f"receipt {told['receipt']} is queued" + (f"; {trouble}" if trouble else ""))


def drawer(
    reason: Annotated[str, typer.Argument(help="Why, for the journal.")],
    clerk: Annotated[str | None, typer.Option(help="Who opens it.")] = None,
    config: ConfigOption = None,
) -> None:
    """Open the cash drawer without a sale. The reason goes into the journal."""
    with clear_errors():
        call(load(config), "POST", "/v1/drawer/open", {"reason": reason, "clerk": clerk})
    typer.echo("the drawer is open")
