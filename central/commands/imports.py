"""``import``: CSV files into central."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, TransferSpeedColumn

from central.actors import By
from central.commands.application import Config, Json, errors, opened, say, say_json
from central.database import Database
from central.imports import files
from central.imports.files import Imported
from central.imports.files import Progress as Told
from central.invoices.files import import_invoices
from central.prices.rules import CURRENCY

app = typer.Typer(
    help="Take a CSV file in. A bad line is named and left out, the rest is imported; the exit code is then 1.",
    no_args_is_help=True,
)
File = Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with a header line.", dir_okay=False)]
SHOWN_FAULTS = 100
LARGE_BYTES = 1_000_000


def _currency(text: str) -> str:
    if not CURRENCY.fullmatch(text):
        raise typer.BadParameter(f"{text!r}: expected a currency of ISO 4217, such as CNY")
    return text


Currency = Annotated[
    str, typer.Option("--currency", callback=_currency, help="Where the file names none (ISO 4217).")
]


@app.command()
def products(file: File, currency: Currency = "CNY", config: Config = None, as_json: Json = False) -> None:
    """The catalogue: gtin,name[,department,category,package_size,list_price,unit,serialised].

    A list_price goes into the price list "default".
    """
    _take(
        file,
        config,
        as_json,
        lambda database, told: files.import_products(database, file, currency, _now(), told),
    )


@app.command()
def sites(file: File, currency: Currency = "CNY", config: Config = None, as_json: Json = False) -> None:
    """Sites: site,name,kind[,dealer,dealer_name,dealer_parent,time_zone,currency,serving_site,price_list,latitude,longitude].

    kind is store, dealer or warehouse; serving_site is the warehouse that its orders go to.
    """
    _take(file, config, as_json, lambda database, told: files.import_sites(database, file, currency, told))


@app.command()
def prices(file: File, config: Config = None, as_json: Json = False) -> None:
    """Price lists: price_list,gtin,price,currency[,valid_from]. Without valid_from a price holds from now."""
    _take(file, config, as_json, lambda database, told: files.import_prices(database, file, _now(), told))


@app.command()
def costs(file: File, config: Config = None, as_json: Json = False) -> None:
    """What a unit costs the brand: gtin,cost,currency[,valid_from]. Without valid_from a cost holds from now.

    Goods whose worth no document says come in at it. What is in stock already is worth it only if its worth was never known.
    """
    _take(file, config, as_json, lambda database, told: files.import_costs(database, file, _now(), told))


@app.command()
def stock(
    file: File,
    at: Annotated[
        datetime | None, typer.Option(help="When it lay there (UTC), for a past day; now where not given.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Opening stock: site,gtin,quantity[,reorder_point,order_up_to,unit_cost]. The same file again changes nothing.

    unit_cost is in the currency of the site.
    """
    counted_at = at.replace(tzinfo=UTC) if at else None
    _take(
        file,
        config,
        as_json,
        lambda database, told: files.import_stock(database, file, _now(), told, counted_at=counted_at),
    )


@app.command()
def invoices(file: File, config: Config = None, as_json: Json = False) -> None:
    """Invoices: site,invoice,issued,currency,line,gtin,quantity,price[,type,order,despatch,order_line,supplier,billing_reference].

    One line for each line of an invoice; type 381 is a credit note. Each is matched with what was ordered and received.
    """
    with opened(config) as (settings, database), _progress(file) as progress:
        task = progress.add_task(file.name, total=file.stat().st_size if file.exists() else None)
        by = By(actor="command line", at=_now())
        done = import_invoices(
            database, file, by, lambda count: progress.advance(task, count), settings.case_limits
        )
    _report(file, done, as_json)
    if done.faults:
        raise typer.Exit(1)


def _take(file: Path, config: Path | None, as_json: bool, take: Callable[[Database, Told], Imported]) -> None:
    with opened(config) as (_, database), _progress(file) as progress:
        task = progress.add_task(file.name, total=file.stat().st_size if file.exists() else None)
        done = take(database, lambda count: progress.advance(task, count))
    _report(file, done, as_json)
    if done.faults:
        raise typer.Exit(1)


def _progress(file: Path) -> Progress:
    is_large = file.exists() and file.stat().st_size >= LARGE_BYTES
    return Progress(
        *Progress.get_default_columns(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        disable=not is_large,
    )


def _report(file: Path, done: Imported, as_json: bool) -> None:
    if as_json:
        say_json({"file": str(file), **msgspec.to_builtins(done)})
        return
    for fault in done.faults[:SHOWN_FAULTS]:
        errors.print(f"{file}: {fault}")
    if len(done.faults) > SHOWN_FAULTS:
        errors.print(f"{file}: and {len(done.faults) - SHOWN_FAULTS} more lines")
    said = f"{file}: {done.imported} lines imported, {done.changed} rows new or changed"
    say(f"{said}, {len(done.faults)} lines not imported" if done.faults else said)


def _now() -> datetime:
    return datetime.now(UTC)
