"""``pack`` and ``unpack``, through the running agent."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.commands.calling import call
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json
from agent.settings import load

Sscc = Annotated[str, typer.Argument(help="The case or pallet: 18 digits.")]
Codes = Annotated[list[str] | None, typer.Argument(help="Items and smaller cases, as their labels say.")]
Id = Annotated[str | None, typer.Option("--id", help="The document's id; the same again changes nothing.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(pack)
    app.command()(unpack)


def pack(
    sscc: Sscc,
    codes: Codes = None,
    goods: Annotated[
        list[str] | None,
        typer.Option("--goods", help="GTIN=QUANTITY of goods without codes; give it once for each product."),
    ] = None,
    document_id: Id = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put items, smaller cases and goods into a case; `-` among the codes reads more from standard input."""
    with clear_errors():
        asked = {
            "sscc": _digits(sscc),
            "codes": _all(codes),
            "lines": [_line(text) for text in goods or ()],
            "packing_id": document_id,
        }
        told: dict[str, Any] = call(load(config), "POST", "/v1/packings", asked)
    _say(told, "packed", as_json)


def unpack(
    sscc: Sscc,
    codes: Codes = None,
    document_id: Id = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take items and smaller cases out of a case; without codes, everything."""
    with clear_errors():
        asked = {"sscc": _digits(sscc), "codes": _all(codes), "unpacking_id": document_id}
        told: dict[str, Any] = call(load(config), "POST", "/v1/unpackings", asked)
    _say(told, "unpacked", as_json)


def _say(told: dict[str, Any], done: str, as_json: bool) -> None:
    if as_json:
        say_json(told)
    else:
        typer.echo(f"case {told['sscc']} is {done} ({told['number']})")


def _digits(sscc: str) -> str:
    """The SSCC as a label prints it, with or without its (00)."""
    return sscc.removeprefix("(00)")


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
