"""``journal verify`` and ``journal export``: for a support person, also beside a running agent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, say_json

app = typer.Typer(help="The journal of this machine.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Prove every row by its hash, and the database page by page. Exit code 1: something is damaged."""
    from agent.identity import storage  # noqa: PLC0415 - commands load what they need when they are called
    from agent.journal.rounds import wish_for_round  # noqa: PLC0415
    from agent.journal.verification import verify_everything  # noqa: PLC0415
    from agent.main import JOURNAL_FILE  # noqa: PLC0415
    from agent.settings import load  # noqa: PLC0415
    from agent.store import Store  # noqa: PLC0415

    with clear_errors():
        settings = load(config)
        identity = storage.load(settings.data_dir)
        store = Store.inspect(settings.data_dir / JOURNAL_FILE)
        try:
            progress = None if as_json or not sys.stderr.isatty() else _show_progress
            found = store.read(lambda connection: verify_everything(connection, identity.agent, progress))
        finally:
            store.close()
        if not found.is_sound:
            wish_for_round(settings.data_dir / JOURNAL_FILE)
    if as_json:
        say_json({"rows": found.rows, "sound": found.is_sound, "damaged": found.damaged})
    elif found.is_sound:
        typer.echo(f"the journal is sound: {found.rows} rows, each proven by its hash")
    else:
        for finding in found.damaged:
            typer.echo(finding.text)
        typer.echo(
            f"the journal is damaged: {len(found.damaged)} findings in {found.rows} rows; keep this machine as it is. The agent, "
            "when it runs and has a link, fetches back what central has of them: see its notices, and verify again"
        )
    if not found.is_sound:
        raise typer.Exit(1)


@app.command()
def export(
    to: Annotated[
        Path | None, typer.Option("--to", help="The file to write; default: standard output.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write every row that is kept as a line of JSON, decoded, oldest first."""
    from agent.journal.export import export as lines  # noqa: PLC0415 - as above
    from agent.main import JOURNAL_FILE  # noqa: PLC0415
    from agent.settings import load  # noqa: PLC0415
    from agent.store import Connection, Store  # noqa: PLC0415

    with clear_errors():
        settings = load(config)
        store = Store.inspect(settings.data_dir / JOURNAL_FILE)

        def write(connection: Connection) -> int:
            count = 0
            with _opened(to) as file:
                for line in lines(connection):
                    file.write(line + b"\n")
                    count += 1
            return count

        try:
            count = store.read(write)
        finally:
            store.close()
    if to is not None:
        typer.echo(f"{count} rows written to {to}")


@contextmanager
def _opened(to: Path | None) -> Iterator[BinaryIO]:
    if to is None:
        yield sys.stdout.buffer
        return
    with to.open("wb") as file:
        yield file


def _show_progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done} of {total} rows" + ("\n" if done == total else ""))
