"""``migrate``, ``status``, and the embedded ``database`` and ``broker`` in the foreground."""

from __future__ import annotations

import asyncio
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from central.authority.files import certificate_path, key_path
from central.authority.installation import BROKER_NAME, ensure
from central.commands.application import (
    Config,
    Json,
    app,
    errors,
    failing_clearly,
    opened,
    say,
    say_json,
    say_table,
)
from central.database import Database
from central.embedded.database import start_database
from central.embedded.listener import BrokerSettings
from central.migrations import migrate as bring_up_to_date
from central.settings import load
from central.status import status_of


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the database to the schema of this version, while a central of the version before may go on. Running it again changes nothing."""
    with failing_clearly():
        settings = load(config)
        with Database(settings.database_url, pool_size=2) as database:
            revision = bring_up_to_date(database, say=errors.print)
    say(f"database schema: {revision}")


@app.command()
def status(config: Config = None, as_json: Json = False) -> None:
    """The books at a glance: agents, events applied and quarantined, open discrepancies, orders, and whether stock agrees."""
    with opened(config) as (_, database), database.transaction() as connection:
        found = status_of(connection)
    if as_json:
        say_json(found)
        return
    say_table(["", ""], [[name.replace("_", " "), _in_words(value)] for name, value in found.items()])


@app.command("database")
def embedded_database(
    directory: Annotated[Path, typer.Option("--dir", help="Where its files are kept; made on first use.")],
    name: Annotated[str, typer.Option(help="The database in it.")] = "countermark",
    as_json: Json = False,
) -> None:
    """Run the embedded PostgreSQL until Ctrl-C. Prints the URL for database.url. Needs no installation and no root."""
    ended = _until_signal()
    with failing_clearly(), start_database(directory) as server:
        url = server.ensure_database(name)
        if as_json:
            say_json({"url": url, "pid": server.pid})
        else:
            say(url)
        ended.wait()


@app.command("broker")
def embedded_broker(
    directory: Annotated[Path, typer.Option("--dir", help="The certificate authority: authority.directory.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8883,
    name: Annotated[
        list[str] | None, typer.Option(help="A name or address under which agents reach it; may be repeated.")
    ] = None,
    max_connections: Annotated[
        int, typer.Option(min=1, help="Connections at the same time, at most.")
    ] = 1000,
) -> None:
    """Run the embedded MQTT broker until Ctrl-C: TLS with client certificates. Prints {"port": …} when it listens."""
    from central.embedded.broker_process import serve  # noqa: PLC0415 - the broker; no other command needs it

    with failing_clearly():
        names = name or list(dict.fromkeys(["localhost", "127.0.0.1", host]))
        ensure(directory, "Countermark", names, datetime.now(UTC))
        settings = BrokerSettings(
            certificate_path(directory, "ca"),
            certificate_path(directory, BROKER_NAME),
            key_path(directory, BROKER_NAME),
            host,
            port,
            max_connections,
        )
        asyncio.run(serve(settings, until_input_ends=False))


def _until_signal() -> threading.Event:
    """Set when the process is asked to end."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    return ended


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    return str(value)
