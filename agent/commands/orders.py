"""``orders list``, ``propose``, ``submit`` and ``cancel``, through the running agent."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.commands.calling import call
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json, say_table
from agent.settings import load

app = typer.Typer(help="Orders of this dealer.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="list")
def list_orders(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the orders, with central's answers."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", "/v1/orders")
    if as_json:
        say_json(told)
        return
    rows = []
    for entry in told["orders"]:
        order = entry["order"]
        state = order["state"] + ("" if entry["answered"] else ", not answered yet")
        rows.append((order["number"], state, len(order["lines"]), order["order_id"], order.get("reason")))
    say_table(("number", "state", "lines", "order_id", ""), rows)


@app.command()
def propose(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Tell what runs short and how much to order."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", "/v1/orders/proposal")
    if as_json:
        say_json(told)
        return
    rows = [
        (
            line["gtin"],
            line["name"],
            line["quantity"],
            line["position"],
            line["reorder_point"],
            line["order_up_to"],
        )
        for line in told["lines"]
    ]
    say_table(("gtin", "name", "order", "here or coming", "reorder at", "up to"), rows)


@app.command()
def submit(
    line: Annotated[
        list[str] | None, typer.Option("--line", help="GTIN=QUANTITY; give it once for each product.")
    ] = None,
    proposed: Annotated[bool, typer.Option("--proposed", help="Order what is proposed.")] = False,
    order_id: Annotated[
        str | None, typer.Option(help="The order's id; the same again changes nothing.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A word to whoever answers.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit an order: the lines given, or what is proposed."""
    with clear_errors():
        settings = load(config)
        lines = [_line(text) for text in line or ()]
        if proposed:
            found = call(settings, "GET", "/v1/orders/proposal")["lines"]
            lines += [{"gtin": entry["gtin"], "quantity": entry["quantity"]} for entry in found]
        if not lines:
            fail("nothing to order: give --line GTIN=QUANTITY, or --proposed where something runs short")
        asked = {"order_id": order_id, "lines": lines, "note": note}
        told: dict[str, Any] = call(settings, "POST", "/v1/orders", asked)
    if as_json:
        say_json(told)
    else:
        typer.echo(f"order {told['number']} is submitted ({told['order_id']})")


@app.command()
def cancel(
    order_id: Annotated[str, typer.Argument(help="The order's id.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask central to cancel an order. It is granted while nothing has been despatched."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "POST", f"/v1/orders/{order_id}/cancel", {"reason": reason})
    if as_json:
        say_json(told)
    else:
        typer.echo(f"asked to cancel order {told['number']}; central's answer shows in `orders list`")


def _line(text: str) -> dict[str, str]:
    gtin, sign, quantity = text.partition("=")
    if not sign or not gtin.strip().isdigit():
        fail(f"--line {text!r}: expected GTIN=QUANTITY, such as 04006381333931=12")
    return {"gtin": gtin.strip(), "quantity": quantity.strip()}
