"""``export``: the books for others, as files."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from central.commands.application import Config, errors, fail, opened, say
from central.exports import storage
from central.exports.beancount import beancount_lines
from central.exports.parquet import write_movements
from central.exports.rules import transactions
from central.exports.storage import Wanted
from central.exports.tables import csv_rows

app = typer.Typer(help="The books for others: accounting, analysts.", no_args_is_help=True)


class JournalFormat(StrEnum):
    """How a journal is written."""

    BEANCOUNT = "beancount"
    CSV = "csv"


File = Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.")]
First = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first business day.")]
Last = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last business day.")]
Site = Annotated[str | None, typer.Option(help="One site only.")]
Dealer = Annotated[str | None, typer.Option(help="One dealer with all dealers below it.")]


@app.command()
def accounting(
    file: File,
    first: First,
    last: Last,
    site: Site = None,
    dealer: Dealer = None,
    as_format: Annotated[
        JournalFormat | None, typer.Option("--format", help="By the file's ending, else csv.")
    ] = None,
    config: Config = None,
) -> None:
    """The double-entry journal of sales, cost of goods, stock and differences. A later export of the same days replaces an earlier one."""
    wanted = _wanted(first.date(), last.date(), site, dealer)
    chosen = as_format or (
        JournalFormat.BEANCOUNT if file.suffix in (".beancount", ".bean") else JournalFormat.CSV
    )
    with opened(config) as (_, database), database.transaction() as connection:
        journal = transactions(storage.sums(connection, wanted))
    lines = (
        csv_rows(journal)
        if chosen is JournalFormat.CSV
        else (f"{line}\n" for line in beancount_lines(journal))
    )
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as out:
            out.writelines(lines)
        unfinished.replace(file)
    except OSError as error:
        fail(f"{file}: {error.strerror}; expected a folder that can be written, with room")
    finally:
        unfinished.unlink(missing_ok=True)
    say(f"{file}: {len(journal)} transactions, {first.date()} to {last.date()}")


@app.command()
def movements(
    file: File, first: First, last: Last, site: Site = None, dealer: Dealer = None, config: Config = None
) -> None:
    """Movements one by one as a Parquet file, by the business day on which they happened."""
    wanted = _wanted(first.date(), last.date(), site, dealer)
    with (
        opened(config) as (_, database),
        database.transaction() as connection,
        Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar,
    ):
        task = bar.add_task("movements", total=storage.count_movements(connection, wanted))
        try:
            written = write_movements(
                file, storage.movements(connection, wanted), lambda done: bar.update(task, completed=done)
            )
        except OSError as error:
            fail(f"{file}: {error.strerror or error}; expected a folder that can be written, with room")
    say(f"{file}: {written} movements, {first.date()} to {last.date()}")


def _wanted(first: date, last: date, site: str | None, dealer: str | None) -> Wanted:
    if last < first:
        fail(f"--from {first} --to {last}: expected a first day that is not after the last", code=2)
    return Wanted(first=first, last=last, site=site, dealer=dealer)
