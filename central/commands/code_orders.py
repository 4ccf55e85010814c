"""``codes orders`` and ``codes commission``: which codes were issued, and which of them are on products."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from central.actors import By
from central.codes import commissioning, orders_storage, placing
from central.codes.commissioning import Commissioned, Refused
from central.codes.orders import Order, OrderError, OrderState
from central.commands.application import Config, Json, errors, fail, opened, say, say_json, say_table
from central.commands.code_issue import Tag
from central.commands.code_keys import ACTOR
from central.imports.rules import Wrong

orders_app = typer.Typer(help="Orders of codes.", no_args_is_help=True)
SHOWN_REFUSALS = 100
_LISTED = 1000


@orders_app.command("list")
def list_orders(
    gtin: Annotated[str | None, typer.Option(help="Of this product only, 14 digits.")] = None,
    state: Annotated[OrderState | None, typer.Option(help="In this state only.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The orders there are, the newest first (a thousand at most)."""
    with opened(config) as (_, database), database.transaction() as connection:
        found = orders_storage.page(connection, gtin=gtin, state=state, after=None, limit=_LISTED)
    if as_json:
        say_json([_shown(order) for order in found])
        return
    columns = [
        "order",
        "gtin",
        "count",
        "written",
        "on_products",
        "format",
        "batch",
        "expiry",
        "state",
        "placed_at",
    ]
    say_table(columns, [[str(_shown(order)[column] or "") for column in columns] for order in found])


@orders_app.command()
def show(tag: Tag, config: Config = None, as_json: Json = False) -> None:
    """One order."""
    with opened(config) as (_, database), database.transaction() as connection:
        order = orders_storage.find(connection, tag.upper())
    if order is None:
        _unknown(tag)
    if as_json:
        say_json(_shown(order))
        return
    for name, value in _shown(order).items():
        if value is not None:
            say(f"{name:12} {value}")


@orders_app.command()
def cancel(
    tag: Tag,
    reason: Annotated[str, typer.Option(help="Why: kept, and shown to whoever asks.")],
    config: Config = None,
) -> None:
    """Take an order back: its codes count as never issued. Not once its codes are on products."""
    by = By(actor=ACTOR, at=datetime.now(UTC), reason=reason)
    with opened(config) as (_, database):
        done = database.run(lambda connection: placing.cancel(connection, tag.upper(), by))
    if done is None:
        _unknown(tag)
    if isinstance(done, Wrong):
        fail(f"codes orders cancel: {done.column} {done.value!r}: expected {done.expected}")
    say(f"order {done.tag}: cancelled, its codes count as never issued")


def commission(
    tag: Tag,
    site: Annotated[str, typer.Option(help="Where the products stand.")],
    first: Annotated[int | None, typer.Option("--from", min=1, help="The first running number.")] = None,
    last: Annotated[int | None, typer.Option("--to", min=1, help="The last one.")] = None,
    items: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="A file with a code, item or serial a line: those that were used."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put codes of an order on products: all of them, a span of numbers, or those in a file.

    The items are sellable at a store or a dealer, commissioned at a warehouse. Done again, it changes nothing.
    """
    if items is not None and (first is not None or last is not None):
        fail("codes commission: --items goes without --from and --to", 2)
    by = By(actor=ACTOR, at=datetime.now(UTC))
    with opened(config) as (settings, database):
        with database.transaction() as connection:
            order = orders_storage.find(connection, tag.upper())
        if order is None:
            _unknown(tag)
        directory = settings.authority.directory
        refused: tuple[Refused, ...] = ()
        serials: Iterable[str]
        if items is not None:
            serials, refused = commissioning.read_items(directory, order, _lines(items))
            total = len(serials)
        else:
            total = (last or order.count) - (first or 1) + 1
            serials = commissioning.serials_between(directory, order, first or 1, last or order.count)
        with Progress(console=Console(stderr=True), disable=total < commissioning.ITEMS_LIMIT) as progress:
            task = progress.add_task(f"order {order.tag}", total=total)
            done = commissioning.commission_all(
                database, order, site, serials, by, lambda count: progress.update(task, completed=count)
            )
    _report(order, site, msgspec.structs.replace(done, refused=refused), as_json=as_json)
    if refused:
        raise typer.Exit(1)


def _report(order: Order, site: str, done: Commissioned, *, as_json: bool) -> None:
    if as_json:
        say_json({"order": order.tag, "site": site, **msgspec.to_builtins(done)})
        return
    for one in done.refused[:SHOWN_REFUSALS]:
        errors.print(f"line {one.line}: {one.reason}")
    if len(done.refused) > SHOWN_REFUSALS:
        errors.print(f"and {len(done.refused) - SHOWN_REFUSALS} more lines")
    known = f", {done.known:,} were known before and stay as they are" if done.known else ""
    left = f", {len(done.refused):,} lines refused" if done.refused else ""
    say(f"order {order.tag}: {done.commissioned:,} items are at {site}{known}{left}")


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split("\n")  # GS is no end of a line
    except OSError as error:
        raise OrderError(f"{path}: {error.strerror}; expected a file with a code a line") from None


def _shown(order: Order) -> dict[str, object]:
    fields = msgspec.structs.asdict(order)
    del fields["secrets_check"]
    return {"order": fields.pop("tag"), **fields, "on_products": fields.pop("commissioned")}


def _unknown(tag: str) -> NoReturn:
    fail(f"order {tag!r}: not known here; see: countermark-central codes orders list")
