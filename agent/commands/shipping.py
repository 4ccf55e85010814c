"""``ship sites``, ``send``, ``show``, ``list``, ``note`` and ``print``: goods that leave, through the running agent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from agent.commands.calling import call
from agent.commands.speaking import (
    ConfigOption,
    JsonOption,
    clear_errors,
    fail,
    say_json,
    say_pairs,
    say_table,
)
from agent.settings import load

app = typer.Typer(
    help="Goods that leave: transfers to other shops, returns to a warehouse.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
DespatchId = Annotated[str, typer.Argument(help="The despatch's id, as its answer told it.")]


@app.command()
def sites(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List where goods may be sent from here."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", "/v1/sites")
    if as_json:
        say_json(told)
        return
    say_table(("site", "name", "kind"), [(one["site"], one["name"], one["kind"]) for one in told["sites"]])


@app.command()
def send(
    to_site: Annotated[str, typer.Argument(help="Where the goods go, as `ship sites` tells it.")],
    codes: Annotated[
        list[str] | None,
        typer.Argument(help="Items and cases, as their labels say; `-` reads more from standard input."),
    ] = None,
    *,
    goods: Annotated[
        list[str] | None,
        typer.Option("--goods", help="GTIN=QUANTITY of goods without codes; once for each product."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    order_id: Annotated[str | None, typer.Option("--order", help="The order that the goods fulfil.")] = None,
    despatch_id: Annotated[
        str | None, typer.Option("--id", help="The document's id; the same again changes nothing.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send goods away. One that may not leave refuses the whole, and nothing is recorded."""
    with clear_errors():
        asked = {
            "to_site": to_site,
            "codes": _all(codes),
            "lines": [_line(text) for text in goods or ()],
            "reason": reason,
            "order_id": order_id,
            "despatch_id": despatch_id,
        }
        told: dict[str, Any] = call(load(config), "POST", "/v1/shipments", asked)
    if as_json:
        say_json(told)
    else:
        typer.echo(
            f"{told['pieces']} pieces left for {told['to_name']} with {told['number']} ({told['despatch_id']})"
        )


@app.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what is being loaded at the counter."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", "/v1/shipping")
    if as_json:
        say_json(told)
        return
    to = told["to"]
    say_pairs([("to", to["name"] if to else "nobody has said"), ("pieces", told["pieces"])])
    rows = [(line["gtin"], line["name"], line["quantity"]) for line in told["lines"]]
    rows += [(f"(00){case['sscc']}", "", case["pieces"]) for case in told["cases"]]
    say_table(("gtin or case", "name", "pieces"), rows)


@app.command(name="list")
def list_shipments(
    limit: Annotated[int, typer.Option(help="At most so many, the latest first.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what has left with this machine."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", f"/v1/shipments?limit={limit}")
    if as_json:
        say_json(told)
        return
    rows = [
        (one["number"], _when(one["at_us"]), one["to_name"], one["pieces"], one["reason"], one["despatch_id"])
        for one in told["shipments"]
    ]
    say_table(("number", "left", "to", "pieces", "reason", "despatch_id"), rows)


@app.command()
def note(despatch_id: DespatchId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show a despatch note."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", f"/v1/shipments/{quote(despatch_id, safe='')}")
    if as_json:
        say_json(told)
        return
    say_pairs(
        [
            ("number", told["number"]),
            ("left", _when(told["at_us"])),
            ("from", told["from_site"]),
            ("to", f"{told['to_name']} ({told['to_site']})"),
            ("order", told["order_id"]),
            ("reason", told["reason"]),
            ("pieces", told["pieces"]),
        ]
    )
    rows = [("", line["gtin"], line["name"], line["quantity"]) for line in told["lines"]]
    for case in told["cases"]:
        inside = case["lines"] or [{"gtin": "", "name": "not known here", "quantity": ""}]
        rows += [(case["sscc"], line["gtin"], line["name"], line["quantity"]) for line in inside]
    say_table(("case", "gtin", "name", "quantity"), rows)


@app.command(name="print")
def print_note(despatch_id: DespatchId, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print a despatch note once more, marked as a copy."""
    with clear_errors():
        path = f"/v1/shipments/{quote(despatch_id, safe='')}/print"
        told: dict[str, Any] = call(load(config), "POST", path)
    if as_json:
        say_json(told)
        return
    trouble = told["printer"]["trouble"]
    typer.echo(f"despatch note {told['number']} is queued" + (f"; {trouble}" if trouble else ""))


def _when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _all(codes: list[str] | None) -> list[str]:
    if not codes or "-" not in codes:
        return codes or []
    read = [line.strip() for line in typer.get_text_stream("stdin") if line.strip()]
    return [code for code in codes if code != "-"] + read


def _line(text: str) -> dict[str, str]:
    gtin, sign, quantity = text.partition("=")
    if not sign or not gtin.strip().isdigit():
        fail(f"--goods {text!r}: expected GTIN=QUANTITY, such as 04006381333931=12")
    return {"gtin": gtin.strip(), "quantity": quantity.strip()}
