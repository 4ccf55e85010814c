"""How commands speak: a table or a line for a person, JSON for a program, one clear line for what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from agent.errors import AgentError
from devices.errors import DevicesError
from protocol.errors import ProtocolError

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The TOML file; default ./countermark-agent.toml or /etc/countermark/agent.toml.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON, for a program.")]


@contextmanager
def clear_errors() -> Iterator[None]:
    """What the packages refuse becomes one line on standard error, and exit code 1."""
    try:
        yield
    except (AgentError, DevicesError, ProtocolError) as error:
        fail(str(error))


def fail(text: str) -> NoReturn:
    """Say what went wrong, and end."""
    typer.echo(f"countermark-agent: {text}", err=True)
    raise typer.Exit(1)


def say_json(value: object) -> None:
    """A value as indented JSON on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """A table."""
    from rich.console import Console  # noqa: PLC0415 - only where there is a table to show
    from rich.table import Table  # noqa: PLC0415

    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 240).print(
        table
    )  # a program that reads it wants a row on a line


def say_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one on a line."""
    found = [(name, value) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in found), default=0)
    for name, value in found:
        typer.echo(f"{name:<{width}}  {value}")
