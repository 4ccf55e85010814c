"""``items``: what the brand does to items that are out in the world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from psycopg.types.json import Jsonb

from central.actors import By
from central.commands.application import Config, Json, fail, opened, say, say_json
from central.database import Connection
from central.imports.rules import Wrong
from central.items import actions
from central.items.actions import Deed, Done, Which
from central.items.issuance import named
from central.products.rules import gtin_14

app = typer.Typer(
    help="What the brand does to items: one batch, a list, or single ones.", no_args_is_help=True
)
ACTOR = "command line"
ITEMS_LIMIT = 1_000_000

Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the trace of every item.")]
Gtin = Annotated[
    str | None, typer.Option("--gtin", help="With --batch: all items of one batch of a product.")
]
BatchOf = Annotated[str | None, typer.Option("--batch", help="With --gtin.")]
Items = Annotated[
    list[str] | None,
    typer.Option(
        "--item", help="A code as it is scanned or typed, or an item's id. May be given several times."
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--file", dir_okay=False, help="A text file with one code a line, up to a million."),
]


def _add(deed: Deed, help_text: str) -> None:
    def command(
        reason: Reason,
        gtin: Gtin = None,
        batch: BatchOf = None,
        item: Items = None,
        file: File = None,
        config: Config = None,
        as_json: Json = False,
    ) -> None:
        which = _which(deed, gtin, batch, item or [], file)
        by = By(actor=ACTOR, at=datetime.now(UTC), reason=reason)
        with opened(config) as (settings, database):
            done = database.run(_deed(deed, which, by, settings.authority.directory))
        _say(deed, done, as_json=as_json)
        if done.unknown:
            raise typer.Exit(1)

    app.command(deed.value, help=help_text)(command)


def _deed(deed: Deed, asked: Which, by: By, directory: Path | None) -> Callable[[Connection], Done]:
    def work(connection: Connection) -> Done:
        which = Which(items=named(connection, asked.items), gtin=asked.gtin, batch=asked.batch)
        done = actions.act(connection, deed, which, by, directory)
        detail = {"reason": by.reason, "gtin": which.gtin, "batch": which.batch, **msgspec.to_builtins(done)}
        connection.execute(
            "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
            (by.actor, f"items {deed}", done.document, Jsonb(detail)),
        )
        return done

    return work


_add(Deed.HOLD, "Stop items where they are: no counter sells them until they are released.")
_add(Deed.RELEASE, "Let held or recalled items go on where they were.")
_add(Deed.RECALL, "Recall items; what a customer has is recalled when it comes back.")
_add(Deed.STOLEN, "Report items stolen; they leave the stock of their site.")
_add(Deed.RECOVER, "Take stolen items back, into quarantine.")
_add(Deed.DESTROY, "Report items destroyed; they leave the stock of their site.")


def _which(deed: Deed, gtin: str | None, batch: str | None, named: list[str], file: Path | None) -> Which:
    by_batch = gtin is not None or batch is not None
    if by_batch == bool(named or file) or (gtin is None) != (batch is None):
        fail(f"items {deed}: expected --gtin with --batch, or --item, or --file", 2)
    if gtin is not None:
        found = gtin_14(gtin)
        if isinstance(found, Wrong):
            fail(f"items {deed}: --gtin {found.value!r}: expected {found.expected}", 2)
        return Which(gtin=found, batch=batch)
    codes = [*named, *(_lines(deed, file) if file else [])]
    return Which(items=tuple(codes))


def _lines(deed: Deed, file: Path) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        fail(f"items {deed}: {file}: {error}; expected a text file in UTF-8 with one code a line")
    if not 0 < len(lines) <= ITEMS_LIMIT:
        fail(f"items {deed}: {file}: {len(lines)} lines; expected 1 to {ITEMS_LIMIT:,} codes")
    return lines


def _say(deed: Deed, done: Done, *, as_json: bool) -> None:
    if as_json:
        say_json(msgspec.to_builtins(done))
        return
    say(f"{deed}: {done.changed} items; the counters of {done.sites} sites hear of it")
    if done.marked:
        say(
            f"  {done.marked} are with customers: "
            + ("recalled when they come back" if deed is Deed.RECALL else "no longer recalled")
        )
    for state, count in sorted(done.refused.items()):
        say(f"  {count} stay as they are: {state}")
    if done.unknown:
        say(f"  {done.unknown} codes are not known here")
