"""``codes issue`` and ``codes export``: item codes into files."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from central.actors import By
from central.codes import exports, issuing, orders_storage, placing
from central.codes.exports import Export
from central.codes.orders import Asked, Format, Order, OrderError, OrderState
from central.codes.printers import DOTS_PER_MM, Media
from central.commands.application import Config, Json, fail, opened, say, say_json
from central.commands.code_keys import ACTOR
from central.database import Database
from central.imports.rules import Wrong
from central.products.rules import gtin_14
from central.settings import Settings

Tag = Annotated[str, typer.Argument(metavar="ORDER", help="The tag of the order, 4 characters.")]
INTERRUPTED = 130


def issue(
    *,
    gtin: Annotated[str | None, typer.Option(help="The product, 8, 12, 13 or 14 digits.")] = None,
    count: Annotated[int | None, typer.Option(help="How many codes, 10,000,000 at most.")] = None,
    batch: Annotated[str | None, typer.Option(help="Batch or lot (10).")] = None,
    expiry: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Expiry date (17), such as 2027-12-31.")
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="What a label carries.")] = None,
    domain: Annotated[
        str | None,
        typer.Option(
            help="What stands in front of a web address, such as https://id.example.com; else codes.domain."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="The file; codes-ORDER.csv in this directory where not given."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="ORDER", help="Go on with an order that was cut off, or write its file again."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="How many sign side by side; one for each processor where not given."
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Issue codes of a product into a CSV file: number,item,code,human_readable.

    Cut off, the same command goes on where the file ends. Nothing is ever issued twice.
    """
    given = [gtin, count, batch, expiry, form, domain]
    if resume is not None and any(value is not None for value in given):
        fail("codes issue: --resume goes on with an order as it was placed; it goes with --output only", 2)
    if resume is None and (gtin is None or count is None or form is None):
        fail("codes issue: expected --gtin, --count and --format, or --resume ORDER", 2)
    with opened(config) as (settings, database):
        if resume is not None:
            order = _known(database, resume.upper())
        else:
            assert gtin is not None
            assert count is not None
            assert form is not None
            asked = _asked(settings, gtin, count, form, batch, expiry.date() if expiry else None, domain)
            order = _placed(settings, database, asked, output)
        path = (output or (Path(order.file) if order.file else Path(f"codes-{order.tag}.csv"))).absolute()
        done, before = _write(settings, database, order, path, processes)
    _say_issued(done, path, before, as_json=as_json)


def export(
    tag: Tag,
    kind: Annotated[
        Export, typer.Option("--as", help="CSV, ZPL for label printers, or sheets of labels as PDF.")
    ],
    output: Annotated[Path, typer.Option(dir_okay=False, help="The file; - for standard output.")],
    first: Annotated[int, typer.Option("--from", min=1, help="The first running number.")] = 1,
    last: Annotated[
        int | None, typer.Option("--to", min=1, help="The last one; the order's where not given.")
    ] = None,
    dots_per_inch: Annotated[int, typer.Option("--dpi", help="Of the label printer: 203, 300 or 600.")] = 203,
    config: Config = None,
) -> None:
    """Write codes of an order for whoever prints them. They are the same codes, however often this is done."""
    if dots_per_inch not in DOTS_PER_MM:
        fail(f"codes export: --dpi {dots_per_inch}: expected 203, 300 or 600", 2)
    with opened(config) as (settings, database):
        order = _known(database, tag.upper())
        with database.transaction() as connection:
            labels = placing.open_labels(connection, settings.authority.directory, order)
        end = last or order.count
        exports.check_span(labels, kind, first, end)
        stdout = str(output) == "-"
        try:
            with _progress(shown=end - first > issuing.PAUSE_CODES and not stdout) as progress:
                task = progress.add_task(order.tag, total=None)
                with os.fdopen(1, "wb", closefd=False) if stdout else _private(output) as file:
                    for piece in exports.pieces(labels, kind, first, end, Media(dots_per_inch)):
                        file.write(piece)
                        progress.advance(task)
        except OSError as error:
            raise OrderError(
                f"{output}: {error.strerror}; what it holds is not whole, write it again"
            ) from None
    if not stdout:
        say(f"{output}: codes {first} to {end} of order {order.tag}")


def _asked(
    settings: Settings,
    gtin: str,
    count: int,
    form: Format,
    batch: str | None,
    expiry: date | None,
    domain: str | None,
) -> Asked:
    found = gtin_14(gtin)
    if isinstance(found, Wrong):
        fail(f"codes issue: {_words(found)}")
    default = settings.codes.domain if form is Format.DIGITAL_LINK else None
    return Asked(gtin=found, count=count, format=form, batch=batch, expiry=expiry, domain=(domain or default))


def _placed(settings: Settings, database: Database, asked: Asked, output: Path | None) -> Order:
    """The order of this that was cut off before, else a new one."""
    file = str(output.absolute()) if output else None
    with database.transaction() as connection:
        unfinished = orders_storage.unfinished(connection, asked, file)
    if unfinished is not None:
        return unfinished
    if output is not None and output.exists() and output.stat().st_size:
        fail(
            f"codes issue: {output}: exists, and is not the file of an order that was cut off; name another file, move this one away, "
            "or name its order with --resume"
        )
    by = By(actor=ACTOR, at=datetime.now(UTC))
    done = database.run(
        lambda connection: placing.place(
            connection,
            settings.authority.directory,
            asked,
            by,
            share_mac_key=settings.codes.share_mac_keys,
            file=file,
        )
    )
    if isinstance(done, Wrong):
        fail(f"codes issue: {_words(done)}")
    return done


def _known(database: Database, tag: str) -> Order:
    with database.transaction() as connection:
        order = orders_storage.find(connection, tag)
    if order is None:
        fail(f"order {tag!r}: not known here; see: countermark-central codes orders list")
    return order


def _write(
    settings: Settings, database: Database, order: Order, path: Path, processes: int | None
) -> tuple[Order, int]:
    """The order afterwards, and how many codes its file held before."""
    held: list[int] = []
    try:
        with _progress(shown=order.count > issuing.PAUSE_CODES) as progress:
            task = progress.add_task(f"order {order.tag}", total=order.count)

            def told(written: int) -> None:
                if not held:
                    held.append(written)
                progress.update(task, completed=written)

            directory = settings.authority.directory
            done = issuing.write(database, directory, order, path, lambda: datetime.now(UTC), told, processes)
    except KeyboardInterrupt:
        fail(f"interrupted; go on with: countermark-central codes issue --resume {order.tag}", INTERRUPTED)
    return done, held[0]


def _say_issued(order: Order, path: Path, before: int, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "order": order.tag,
                "state": order.state,
                "gtin": order.gtin,
                "count": order.count,
                "format": order.format,
                "batch": order.batch,
                "expiry": order.expiry,
                "key_id": order.key_id,
                "file": str(path),
                "resumed_from": before,
            }
        )
        return
    assert order.state is not OrderState.OPEN
    went_on = f", of which {before:,} were there before" if before else ""
    say(f"order {order.tag}: {order.count:,} codes of {order.gtin} in {path}{went_on}")


def _progress(*, shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )


def _private(path: Path) -> BinaryIO:
    """A new or emptied file that is its owner's alone: codes are secrets of a kind."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _words(fault: Wrong) -> str:
    shown = f" {fault.value[:80]!r}" if fault.value else ""
    return f"{fault.column}{shown}: expected {fault.expected}"
