"""``stocktake list``, ``begin``, ``show``, ``count`` and ``send``, through the running agent."""

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
from agent.settings import Settings, load

app = typer.Typer(help="Counting the shop, area by area.", no_args_is_help=True, rich_markup_mode=None)

StocktakeId = Annotated[str, typer.Argument(help="The stocktake's id, as `stocktake list` tells it.")]
Area = Annotated[str, typer.Argument(help="A shelf, a room: whatever is counted in one go.")]


@app.command(name="list")
def list_stocktakes(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List what is being counted here, with how far it is."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", "/v1/stocktakes")
    if as_json:
        say_json(told)
        return
    rows = [
        (
            one["name"],
            one["round"],
            "blind" if one["blind"] else "guided",
            len(one["areas"]),
            one["counted"],
            one["wanted"] or "everything",
            one["stocktake_id"],
        )
        for one in told["stocktakes"]
    ]
    say_table(("name", "round", "", "areas", "products counted", "of", "stocktake_id"), rows)


@app.command()
def begin(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    stocktake_id: Annotated[
        str | None, typer.Option("--id", help="Its id; the same again changes nothing.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a stocktake here, online or not. Central hears of it with its first count."""
    with clear_errors():
        asked = {"name": name, "stocktake_id": stocktake_id}
        told: dict[str, Any] = call(load(config), "POST", "/v1/stocktakes", asked)
    if as_json:
        say_json(told)
    else:
        typer.echo(f"stocktake {told['name']} is begun ({told['stocktake_id']})")


@app.command()
def show(
    stocktake_id: StocktakeId,
    area: Annotated[str | None, typer.Argument(help="An area that is being counted.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far a stocktake is and what is still missing; or what has been counted of an area."""
    with clear_errors():
        path = _path(stocktake_id) if area is None else _path(stocktake_id, area)
        told: dict[str, Any] = call(load(config), "GET", path)
    if as_json:
        say_json(told)
    elif area is None:
        _say_stocktake(told)
    else:
        _say_area(told)


@app.command()
def count(
    stocktake_id: StocktakeId,
    area: Area,
    codes: Annotated[
        list[str] | None, typer.Argument(help="What the scanner would send; `-` reads from standard input.")
    ] = None,
    goods: Annotated[
        list[str] | None,
        typer.Option(
            "--goods", help="GTIN=QUANTITY, the whole of it as it was counted; once for each product."
        ),
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(help="For an area that was sent: `continue` adds to that, `anew` replaces it."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count codes into an area, one after the other. What does not count is told, and the exit code is 1."""
    if again not in {None, "continue", "anew"}:
        fail(f"--again {again!r}: expected continue or anew")
    with clear_errors():
        settings, path = load(config), _path(stocktake_id, area)
        lines = [_line(text) for text in goods or ()]
        call(settings, "PUT", path, {"again": again, "chosen": False})
        refused = [one for code in _all(codes) if (one := _refused(settings, path, code)) is not None]
        for gtin, quantity in lines:
            call(settings, "PUT", f"{path}/lines/{quote(gtin, safe='')}", {"quantity": quantity})
        told: dict[str, Any] = call(settings, "GET", path)
    if as_json:
        say_json({"area": told, "refused": refused})
    else:
        _say_area(told)
        for said in refused:
            typer.echo(f"not counted: {said['code']}: {said['reason']}", err=True)
    if refused:
        raise typer.Exit(1)


@app.command()
def send(
    stocktake_id: StocktakeId,
    area: Area,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete/--part", help="Whether what was not counted is not there, or only not counted yet."
        ),
    ],
    count_id: Annotated[
        str | None, typer.Option("--id", help="The document's id; the same again changes nothing.")
    ] = None,
    clerk: Annotated[str | None, typer.Option(help="Who counted.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send what was counted of an area. Sent again, it replaces what was sent before."""
    with clear_errors():
        asked = {"complete": complete, "count_id": count_id, "clerk": clerk}
        told: dict[str, Any] = call(load(config), "POST", f"{_path(stocktake_id, area)}/send", asked)
    if as_json:
        say_json(told)
    else:
        parts = f", in {told['parts']} parts" if told["parts"] > 1 else ""
        typer.echo(f"area {told['area']} is sent ({told['number']}{parts})")


def _path(stocktake_id: str, area: str | None = None) -> str:
    path = f"/v1/stocktakes/{quote(stocktake_id, safe='')}"
    return path if area is None else f"{path}/areas/{quote(area, safe='')}"


def _refused(settings: Settings, path: str, code: str) -> dict[str, str] | None:
    frame: dict[str, Any] = call(settings, "POST", f"{path}/scans", {"code": code})
    if frame["outcome"] == "counted" or frame["key"] in {"counted_all_the_same", "counted_case_in_part"}:
        return None
    return {"code": code, "reason": frame["message"], "key": frame["key"]}


def _say_stocktake(told: dict[str, Any]) -> None:
    one = told["stocktake"]
    say_pairs(
        [
            ("name", one["name"]),
            ("round", one["round"]),
            ("products counted", one["counted"]),
            ("products wanted", one["wanted"] or "everything"),
        ]
    )
    rows = [
        (
            area["area"],
            _stand(area),
            area["products"] or "",
            area["pieces"] if area["products"] else "",
            _when(area["at_us"]),
        )
        for area in one["areas"]
    ]
    say_table(("area", "", "products", "pieces", "counted"), rows)
    if told["missing"]:
        missing = [
            (line["gtin"], line["name"], line["quantity"], ", ".join(line["areas"]))
            for line in told["missing"]
        ]
        say_table(("missing", "name", "quantity", "found before in"), missing)


def _say_area(told: dict[str, Any]) -> None:
    rows = [
        (line["gtin"], line["name"], line["quantity"], line["items"] or "", line["expected"])
        for line in told["lines"]
    ]
    say_table(("gtin", "name", "counted", "by code", "expected"), rows)


def _stand(area: dict[str, Any]) -> str:
    if area["is_open"]:
        return "being counted"
    return f"sent ({area['number']})" if area["number"] else "by another till"


def _when(at_us: int) -> str:
    return "" if not at_us else datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _all(codes: list[str] | None) -> list[str]:
    if not codes or "-" not in codes:
        return codes or []
    read = [line.strip() for line in typer.get_text_stream("stdin") if line.strip()]
    return [code for code in codes if code != "-"] + read


def _line(text: str) -> tuple[str, str]:
    gtin, sign, quantity = text.partition("=")
    if not sign or not gtin.strip().isdigit():
        fail(f"--goods {text!r}: expected GTIN=QUANTITY, such as 04006381333931=12")
    return gtin.strip(), quantity.strip()
