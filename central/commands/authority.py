"""``authority``: the certificates of an installation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from central.authority.files import certificate_path, key_path
from central.authority.installation import BROKER_NAME, ensure
from central.authority.names import CENTRAL_NAME
from central.commands.application import Json, failing_clearly, say, say_json

app = typer.Typer(help="The certificate authority of this installation.", no_args_is_help=True)


@app.callback()
def _authority() -> None:
    """The certificate authority of this installation."""


@app.command()
def init(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where it is kept: authority.directory of the configuration.")
    ],
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name or address under which agents reach the broker; may be repeated."),
    ] = None,
    name: Annotated[str, typer.Option(help="What the authority is called.")] = "Countermark",
    as_json: Json = False,
) -> None:
    """Make the authority and the certificates of the broker and of central; what is there and still good stays as it is."""
    hosts = host or ["localhost", "127.0.0.1"]
    with failing_clearly():
        ensure(directory, name, hosts, datetime.now(UTC))
    files = {
        "ca": certificate_path(directory, "ca"),
        "broker_certificate": certificate_path(directory, BROKER_NAME),
        "broker_key": key_path(directory, BROKER_NAME),
        "central_certificate": certificate_path(directory, CENTRAL_NAME),
        "central_key": key_path(directory, CENTRAL_NAME),
    }
    if as_json:
        say_json(files)
    else:
        for what, path in files.items():
            say(f"{what:20} {path}")
