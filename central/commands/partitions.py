"""``partitions``: the large tables by month, how much they hold, and what their retention would let go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from central.commands.application import Config, Json, app, opened, say, say_json, say_table
from central.database import Connection
from central.partitions.rules import Partition, past
from central.partitions.storage import partitions as partitions_there
from central.partitions.upkeep import Gone, let_go, make_ahead
from central.settings import Settings


@app.command()
def partitions(
    apply: Annotated[
        bool, typer.Option("--apply", help="Make what is missing and let go what is past its retention, now.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show the partitions of the large tables. Central keeps them by itself: three months ahead, and as [retention] says."""
    with opened(config) as (settings, database):
        if apply:
            now = datetime.now(UTC)
            for name in make_ahead(database, now):
                say_aloud(f"made {name}", as_json)
            for one in let_go(database, now, settings.kept):
                outcome = f"let go, {one.rows} rows" if isinstance(one, Gone) else f"kept: {one.reason}"
                say_aloud(f"{one.partition.name}: {outcome}", as_json)
        with database.transaction() as connection:
            rows = _rows(connection, settings)
    if as_json:
        say_json(rows)
        return
    columns = ["table", "partition", "from", "until", "rows_estimated", "bytes", "past_retention"]
    say_table(columns, [[_shown(row[column]) for column in columns] for row in rows])


def say_aloud(text: str, as_json: bool) -> None:
    """A line for a person; a program gets its one document alone."""
    if not as_json:
        say(text)


def _rows(connection: Connection, settings: Settings) -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    rows = []
    for table, of_table in partitions_there(connection).items():
        old = {one.name for one in past(of_table, today, settings.kept.months_of(table))}
        rows += [_row(one, is_past=one.name in old) for one in of_table]
    return rows


def _row(one: Partition, *, is_past: bool) -> dict[str, Any]:
    return {
        "table": str(one.table),
        "partition": one.name,
        "from": None if one.first is None else one.first.isoformat(),
        "until": None if one.end is None else one.end.isoformat(),
        "rows_estimated": one.rows,
        "bytes": one.bytes,
        "past_retention": is_past,
    }


def _shown(value: str | int | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
