"""``run`` and ``config check``."""

from __future__ import annotations

from typing import Annotated

import typer

from central.commands.application import Config, Json, app, failing_clearly, say, say_json
from central.database import Database
from central.migrations import check_schema
from central.settings import load

config_app = typer.Typer(help="The configuration.", no_args_is_help=True)


@app.command()
def run(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say that it is ready as one JSON line.")] = False,
) -> None:
    """Run central until Ctrl-C: HTTP interface, intake and link to the broker in one process."""
    from central.main import run as run_central  # noqa: PLC0415 - the whole service; other commands start without it

    with failing_clearly():
        settings = load(config)
        run_central(settings, as_json=as_json)


@config_app.callback()
def _config() -> None:
    """The configuration."""


@config_app.command()
def check(
    config: Config = None,
    connect: Annotated[bool, typer.Option("--connect", help="Try the database too.")] = False,
    as_json: Json = False,
) -> None:
    """Read the configuration and show what central would work with, defaults included; passwords are not shown."""
    with failing_clearly():
        settings = load(config)
        if connect:
            with (
                Database(settings.database_url, pool_size=2) as database,
                database.transaction() as connection,
            ):
                check_schema(connection)
    values = settings.model_dump(mode="json")
    if as_json:
        say_json(values)
        return
    for table, keys in values.items():
        say(f"[{table}]")
        for key, value in keys.items():
            say(f"  {key} = {value!r}")
    say("the configuration is good" + ("; the database is there and has its schema" if connect else ""))
