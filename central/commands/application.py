"""What every command shares: the configuration it is given, how it speaks, how it fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from central.database import Database
from central.errors import CentralError
from central.migrations import check_schema
from central.settings import Settings, load

app = typer.Typer(
    name="countermark-central",
    help="Central: receives every counter's journal, keeps the stock ledger, the item codes and the orders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="TOML file; else ./countermark-central.toml or /etc/countermark/central.toml.",
        envvar="COUNTERMARK_CONFIG",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document, for a program.")]


def fail(error: CentralError | str, code: int = 1) -> NoReturn:
    """End with one line on standard error."""
    errors.print(f"countermark-central: {error}")
    raise typer.Exit(code)


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn central's own errors into one line and exit code 1. Anything else is a fault of the program and keeps its trace."""
    try:
        yield
    except CentralError as error:
        fail(error)


@contextmanager
def opened(config: Path | None) -> Iterator[tuple[Settings, Database]]:
    """The settings and a database whose schema fits; errors of central end the command with one line."""
    with failing_clearly():
        settings = load(config)
        with Database(settings.database_url, pool_size=2) as database:
            with database.transaction() as connection:
                check_schema(connection)
            yield settings, database


def say(text: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say_json(document: Any) -> None:
    """A JSON document on standard output."""
    say(json.dumps(document, default=str, ensure_ascii=False))


def say_table(columns: list[str], rows: list[list[str]]) -> None:
    """A table on standard output, one line a row whatever the width of the terminal: it is also read by grep."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows) if any(columns) else rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
