"""``codes pack``: cases and pallets out of a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from central.actors import By
from central.commands.application import Config, Json, errors, opened, say, say_json
from central.containers import files

SHOWN_FAULTS = 100


def pack(
    file: Annotated[
        Path, typer.Argument(help="CSV: sscc,child; a child is an item's code or an SSCC.", dir_okay=False)
    ],
    site: Annotated[
        str | None, typer.Option(help="Where the cases stand; else where the items in them are.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Kept in the trace of the cases.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Pack items into cases and cases onto pallets. A case is packed as a whole or not at all; the exit code is then 1.

    The same file again changes nothing."""
    by = By(actor="command line", at=datetime.now(UTC), reason=reason)
    with opened(config) as (_, database):
        done = files.pack_file(database, file, by, site)
    if as_json:
        say_json({"file": str(file), **msgspec.to_builtins(done)})
    else:
        for fault in done.faults[:SHOWN_FAULTS]:
            errors.print(f"{file}: {fault}")
        if len(done.faults) > SHOWN_FAULTS:
            errors.print(f"{file}: and {len(done.faults) - SHOWN_FAULTS} more")
        say(
            f"{file}: {done.items} items and {done.nested} containers packed into {done.containers} containers"
        )
    if done.faults:
        raise typer.Exit(1)
