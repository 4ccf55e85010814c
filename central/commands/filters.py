"""``filters``: what every counter is warned of, as Bloom filters in its feed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from central.commands.application import Config, Json, opened, say_json, say_table
from central.filters.rounds import build_all
from central.filters.storage import status_of

app = typer.Typer(help="Filters of items that were sold, recalled or stolen.", no_args_is_help=True)


@app.command()
def build(
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="Read all items again, not only those that have changed.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Bring the filters up to date now. Central does so by itself: every filters.interval_s, and at once after a recall."""
    with opened(config) as (settings, database):
        done = database.run(
            lambda connection: build_all(
                connection,
                settings.authority.directory,
                datetime.now(UTC),
                limit_items=settings.filters.limit_items,
                from_nothing=from_nothing,
            )
        )
    if as_json:
        say_json(
            [
                {
                    "kind": one.kind,
                    "came": one.came,
                    "went": one.went,
                    "evicted": one.evicted,
                    "rows": one.rows,
                }
                for one in done
            ]
        )
        return
    say_table(
        ["set", "came", "went", "evicted", "rows changed"],
        [[one.kind, *map(str, (one.came, one.went, one.evicted, one.rows))] for one in done],
    )


@app.command()
def status(config: Config = None, as_json: Json = False) -> None:
    """What the filters hold, how large they are, and when they were last built."""
    with opened(config) as (_, database), database.transaction() as connection:
        found = status_of(connection)
    if as_json:
        say_json(found)
        return
    columns = ["kind", "items", "layers", "parts", "gone", "bytes", "built_at"]
    say_table(
        columns, [["" if row[column] is None else str(row[column]) for column in columns] for row in found]
    )
