"""``stocktake``: count a site, and decide on what was found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from psycopg.types.json import Jsonb

from central.actors import By
from central.commands.application import Config, Json, fail, opened, say, say_json, say_table
from central.database import Connection
from central.imports.rules import Wrong
from central.products import storage as products
from central.products.rules import gtin_14
from central.stocktakes import decisions, settling, starting, tables
from central.stocktakes.documents import Limits, Line, LineState, Refused, Stocktake, StocktakeState
from central.stocktakes.starting import New, NoSite

app = typer.Typer(
    help="Count a site while it goes on selling, and decide on what was found.", no_args_is_help=True
)
ACTOR = "command line"
LINES_SHOWN = 50

Site = Annotated[str, typer.Argument(help="The site.")]
Number = Annotated[str, typer.Argument(help="The stocktake, as `stocktake list` names it.")]
Gtins = Annotated[
    list[str] | None, typer.Option("--gtin", help="This product alone; may be given several times. Else all.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with it.")]
Why = Annotated[str | None, typer.Option("--reason", help="Why, if there is more to say.")]


@app.command()
def start(
    site: Site,
    *,
    name: Annotated[str, typer.Option("--name", help="What people call it.")],
    gtin: Gtins = None,
    department: Annotated[
        list[str] | None, typer.Option("--department", help="All products of it; may be given several times.")
    ] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Counters do not show what the books say.")] = False,
    limit_quantity: Annotated[
        str | None, typer.Option("--recount-quantity", help="A variance beyond it is counted again.")
    ] = None,
    limit_minor: Annotated[
        int | None, typer.Option("--recount-value", help="The same by value at cost, in minor units.", min=0)
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Start a stocktake of a whole shop, of departments or of products. Its counters show it at once."""
    new = New(
        site=site,
        name=name,
        blind=blind,
        gtins=tuple(_products(gtin) or ()),
        departments=tuple(dict.fromkeys(department or ())),
        limits=Limits(quantity=_quantity(limit_quantity), value_minor=limit_minor),
    )

    def work(connection: Connection) -> Stocktake:
        unknown = products.unknown(connection, new.gtins)
        if unknown:
            fail(f"stocktake start: product {min(unknown)}: not in the catalogue")
        done = starting.start(connection, new, _by(None))
        match done:
            case NoSite():
                fail(f"stocktake start: site {site!r}: not known here")
            case Refused(reason=why):
                fail(f"stocktake start: {why}")
        _audit(connection, done, "start", None)
        return done

    with opened(config) as (_, database):
        started = database.run(work)
    if as_json:
        say_json(_shown(started))
        return
    what = f"{len(started.gtins)} products" if started.gtins else "the whole shop"
    say(f"{started.stocktake_id}: {started.name}: {what} at {started.site}")


@app.command("list")
def list_stocktakes(
    site: Annotated[str | None, typer.Option("--site", help="Of this site alone.")] = None,
    state: Annotated[StocktakeState | None, typer.Option("--state", help="In this state alone.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 100,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Stocktakes, the newest first."""
    with opened(config) as (_, database), database.transaction() as connection:
        found = tables.page(connection, site=site, state=state, after=None, limit=limit)
    if as_json:
        say_json({"items": [_shown(one) for one in found]})
        return
    rows = [
        [
            one.site,
            one.stocktake_id,
            one.state.value,
            str(one.round),
            f"{one.started_at:%Y-%m-%d %H:%M}",
            one.name,
            one.started_by,
        ]
        for one in found
    ]
    say_table(["site", "stocktake", "state", "round", "started (UTC)", "name", "by"], rows)


@app.command()
def show(site: Site, stocktake: Number, config: Config = None, as_json: Json = False) -> None:
    """A stocktake with its lines: first what nobody counted, then what differs, by its value."""
    with opened(config) as (_, database), database.transaction() as connection:
        kept = tables.find(connection, site, stocktake)
        if kept is None:
            fail(f"stocktake show: {site}/{stocktake}: not known here")
        sums = tables.sums(connection, kept)
        lines = tables.page_of_lines(connection, kept, state=None, after=None, limit=100_000)
        history = tables.history(connection, site, stocktake)
    if as_json:
        shown_lines = [{**msgspec.structs.asdict(line), "variance": line.variance} for line in lines]
        say_json(
            {**_shown(kept), "sums": msgspec.to_builtins(sums), "lines": shown_lines, "history": history}
        )
        return
    say(f"{kept.name}: {kept.state}, round {kept.round}, {sums.counts} counts of {sums.areas} areas")
    say("  ".join(f"{number} {state}" for state, number in sums.lines.items()) or "nothing counted yet")
    say_table(
        ["gtin", "state", "counted", "expected", "variance", "value", ""],
        [_row(line) for line in lines if line.variance or line.state is not LineState.AGREES][:LINES_SHOWN],
    )


@app.command()
def close(
    site: Site,
    stocktake: Number,
    no_recount: Annotated[
        bool,
        typer.Option("--no-recount", help="Send nothing back to be counted again, whatever its variance."),
    ] = False,
    reason: Why = None,
    config: Config = None,
) -> None:
    """Say that everything has been counted: what nobody named is not there."""
    _decide(
        "close",
        (site, stocktake),
        reason,
        config,
        lambda connection, kept, by: decisions.close_counting(connection, kept, by, recount=not no_recount),
    )


@app.command()
def recount(
    site: Site, stocktake: Number, gtin: Gtins = None, reason: Why = None, config: Config = None
) -> None:
    """Have products counted again: these, or all beyond the limits."""
    gtins = _products(gtin)
    _decide(
        "recount",
        (site, stocktake),
        reason,
        config,
        lambda connection, kept, by: decisions.recount(connection, kept, by, gtins),
    )


@app.command()
def approve(site: Site, stocktake: Number, reason: Reason, gtin: Gtins = None, config: Config = None) -> None:
    """Approve what was counted: of these products, or of all that wait for it."""
    gtins = _products(gtin)
    _decide(
        "approve",
        (site, stocktake),
        reason,
        config,
        lambda connection, kept, by: decisions.approve(connection, kept, by, gtins),
    )


@app.command()
def refuse(site: Site, stocktake: Number, reason: Reason, gtin: Gtins = None, config: Config = None) -> None:
    """Refuse what was counted: of these products, or of all that nobody has approved."""
    gtins = _products(gtin)
    _decide(
        "refuse",
        (site, stocktake),
        reason,
        config,
        lambda connection, kept, by: decisions.refuse(connection, kept, by, gtins),
    )


@app.command()
def book(
    site: Site,
    stocktake: Number,
    keep_missing: Annotated[
        bool, typer.Option("--keep-missing-items", help="Leave coded items that nobody scanned on the books.")
    ] = False,
    reason: Why = None,
    config: Config = None,
) -> None:
    """Book what was approved, as of the moment of each count, and end the stocktake."""
    _decide(
        "book",
        (site, stocktake),
        reason,
        config,
        lambda connection, kept, by: settling.book(connection, kept, by, missing_are_stolen=not keep_missing),
    )


@app.command()
def cancel(site: Site, stocktake: Number, reason: Reason, config: Config = None) -> None:
    """End a stocktake without booking anything of it."""
    _decide("cancel", (site, stocktake), reason, config, decisions.cancel)


Decision = Callable[[Connection, Stocktake, By], Stocktake | Refused]


def _decide(
    command: str, key: tuple[str, str], reason: str | None, config: Path | None, decision: Decision
) -> None:
    def work(connection: Connection) -> Stocktake:
        kept = tables.lock(connection, *key)
        if kept is None:
            fail(f"stocktake {command}: {key[0]}/{key[1]}: not known here")
        done = decision(connection, kept, _by(reason))
        if isinstance(done, Refused):
            fail(f"stocktake {command}: {done.reason}")
        _audit(connection, done, command, reason)
        return done

    with opened(config) as (_, database):
        after = database.run(work)
        with database.transaction() as connection:
            sums = tables.sums(connection, after)
    found = ", ".join(f"{number} {state}" for state, number in sums.lines.items())
    say(f"{after.stocktake_id}: {after.state}, round {after.round}: {found or 'no lines'}")


def _audit(connection: Connection, stocktake: Stocktake, command: str, reason: str | None) -> None:
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
        (
            ACTOR,
            f"stocktake {command}",
            f"{stocktake.site}/{stocktake.stocktake_id}",
            Jsonb({"reason": reason}),
        ),
    )


def _by(reason: str | None) -> By:
    return By(actor=ACTOR, at=datetime.now(UTC), reason=reason)


def _products(named: list[str] | None) -> list[str] | None:
    if not named:
        return None
    gtins = []
    for text in named:
        found = gtin_14(text)
        if isinstance(found, Wrong):
            fail(f"--gtin {found.value!r}: expected {found.expected}", 2)
        gtins.append(found)
    return gtins


def _quantity(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        quantity = Decimal(text)
    except InvalidOperation:
        quantity = Decimal(-1)
    if not quantity.is_finite() or quantity < 0:
        fail(f"--recount-quantity {text!r}: expected a number of 0 or more", 2)
    return quantity


def _row(line: Line) -> list[str]:
    value = "" if line.value_minor is None else str(line.value_minor)
    note = "nobody counted it" if line.is_unnamed else line.reason or ""
    return [
        line.gtin,
        line.state.value,
        str(line.counted),
        str(line.expected),
        f"{line.variance:+}",
        value,
        note,
    ]


def _shown(stocktake: Stocktake) -> dict[str, Any]:
    shown = msgspec.to_builtins(stocktake)
    assert isinstance(shown, dict)
    return shown
