"""``discrepancies``: what contradicts itself, and what is decided about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from psycopg.types.json import Jsonb
from rich import box
from rich.console import Console
from rich.table import Table

from central.actors import By
from central.commands.application import Config, Json, fail, opened, say, say_json
from central.database import Connection
from central.discrepancies import decisions, views
from central.discrepancies.decisions import Choice, Decision, Refused
from central.discrepancies.rules import DiscrepancyClass
from central.discrepancies.views import Filters
from central.prices.rules import decimals_of

app = typer.Typer(help="What contradicts itself, and what is decided about it.", no_args_is_help=True)
ACTOR = "command line"
OPEN = ["open", "assigned"]
STATES = (*OPEN, "settled", "dismissed")
WIDTH = 200

Site = Annotated[str | None, typer.Option(help="Of one site.")]
Dealer = Annotated[str | None, typer.Option(help="Of a dealer's sites and of all below it.")]
Classes = Annotated[
    list[DiscrepancyClass] | None, typer.Option("--class", help="May be given several times.")
]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state", help="open, assigned, settled, dismissed; open and assigned where none is given."
    ),
]
Cause = Annotated[
    list[str] | None, typer.Option(help="A likely cause, such as lost_receipt. May be repeated.")
]
Older = Annotated[float | None, typer.Option("--older-than", help="Days since it was opened.", min=0)]
Ids = Annotated[list[UUID], typer.Argument(help="The ids, as `list` shows them.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the history.")]


@app.command("list")
def list_cases(
    *,
    site: Site = None,
    dealer: Dealer = None,
    classes: Classes = None,
    states: States = None,
    cause: Cause = None,
    gtin: Annotated[str | None, typer.Option(help="Of one product, 14 digits.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Assigned to somebody.")] = None,
    currency: Annotated[str | None, typer.Option(help="With a value in this currency.")] = None,
    value_min: Annotated[int | None, typer.Option(help="In minor units; with --currency.", min=0)] = None,
    value_max: Annotated[int | None, typer.Option(help="In minor units; with --currency.", min=0)] = None,
    older_than: Older = None,
    by_value: Annotated[bool, typer.Option("--by-value", help="The dearest first, not the newest.")] = False,
    limit: Annotated[int, typer.Option(help="So many at most.", min=1, max=100_000)] = 100,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Discrepancies, the newest or the dearest first."""
    if (value_min is not None or value_max is not None) and currency is None:
        fail(
            "discrepancies list: --value-min and --value-max are compared in one currency: give --currency", 2
        )
    filters = Filters(
        site=site,
        dealer=dealer,
        classes=_words(classes),
        states=_states(states),
        causes=cause or None,
        gtin=gtin,
        assignee=assignee,
        currency=currency,
        value_min=value_min,
        value_max=value_max,
        opened_before=_before(older_than),
    )
    with opened(config) as (_, database), database.transaction() as connection:
        find = views.dearest if by_value else views.newest
        rows = find(connection, filters, None, limit)
    if as_json:
        say_json(rows)
        return
    columns = ("id", "site", "class", "state", "cause", "product", "quantity", "value", "opened", "assignee")
    _table(columns, [_line(row) for row in rows])


@app.command()
def summary(
    *,
    site: Site = None,
    dealer: Dealer = None,
    classes: Classes = None,
    states: States = None,
    older_than: Older = None,
    sites: Annotated[int, typer.Option(help="So many sites, those with the most value.", min=0)] = 20,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """How many there are and what is at stake, by class and by site."""
    filters = Filters(
        site=site,
        dealer=dealer,
        classes=_words(classes),
        states=_states(states),
        opened_before=_before(older_than),
    )
    with opened(config) as (_, database), database.transaction() as connection:
        found = views.summary(connection, filters, sites)
    if as_json:
        say_json(_plain(found))
        return
    columns = ("class", "cases", "assigned", "value", "oldest")
    _table(columns, [_sum(one) for one in (*found.by_class, found.total)])
    _table(("site", *columns[1:]), [_sum(one) for one in found.by_site])


@app.command()
def show(
    discrepancy_id: Annotated[UUID, typer.Argument(help="The id, as `list` shows it.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """One discrepancy with its evidence, what settling it would book, and everything that was done about it."""
    with opened(config) as (_, database), database.transaction() as connection:
        site = _site_of(connection, discrepancy_id)
        row = views.find(connection, site, discrepancy_id)
        steps = views.history(connection, site, discrepancy_id)
    assert row is not None
    if as_json:
        say_json({**row, "history": steps})
        return
    about = [
        (name, str(row[name]))
        for name in row
        if name not in ("evidence", "settlement") and row[name] is not None
    ]
    _table(("", ""), about, header=False)
    _table(("evidence", "when", "where", "what"), [_fact(fact) for fact in row["evidence"]])
    if row["settlement"]:
        settled = [
            (str(one.get("site") or site), one["gtin"], str(one["quantity"]), one.get("source") or "", one.get("destination") or "")
            for one in row["settlement"].get("lines", ())
        ]  # fmt: skip
        kind = (
            f"settling it books: {row['settlement'].get('kind', 'movements')} ({row['settlement']['reason']})"
        )
        _table((kind, "product", "quantity", "from", "to"), settled)
    _table(
        ("done", "by", "what", "reason"),
        [
            (f"{step['at']:%Y-%m-%d %H:%M}", step["actor"], step["action"], step["reason"] or "")
            for step in steps
        ],
    )


@app.command()
def assign(
    ids: Ids,
    to: Annotated[str, typer.Option(help="Who is to look into it.")],
    reason: Reason,
    config: Config = None,
) -> None:
    """Say who is to look into discrepancies."""
    _decide(ids, Decision.ASSIGN, reason, config, assignee=to)


@app.command()
def comment(ids: Ids, reason: Reason, config: Config = None) -> None:
    """Say something about discrepancies: it stands in their history."""
    _decide(ids, Decision.COMMENT, reason, config)


@app.command()
def settle(
    ids: Ids,
    reason: Reason,
    proposed: Annotated[
        bool, typer.Option("--proposed", help="Book what each proposes; else nothing is booked.")
    ] = False,
    config: Config = None,
) -> None:
    """Settle discrepancies."""
    _decide(ids, Decision.SETTLE, reason, config, by_proposal=proposed)


@app.command()
def dismiss(ids: Ids, reason: Reason, config: Config = None) -> None:
    """Decide that they are none: the same cause does not open them again."""
    _decide(ids, Decision.DISMISS, reason, config)


@app.command()
def reopen(ids: Ids, reason: Reason, config: Config = None) -> None:
    """Open settled or dismissed ones again."""
    _decide(ids, Decision.REOPEN, reason, config)


def _decide(
    ids: list[UUID],
    decision: Decision,
    reason: str,
    config: Any,
    *,
    assignee: str | None = None,
    by_proposal: bool = False,
) -> None:
    by = By(actor=ACTOR, at=datetime.now(UTC), reason=reason)
    refused = 0
    with opened(config) as (settings, database):
        choice = Choice(
            decision=decision, by=by, assignee=assignee, by_proposal=by_proposal, limits=settings.case_limits
        )
        for one in ids:
            done = database.run(lambda connection, one=one: _carry_out(connection, one, choice))  # type: ignore[misc]
            if isinstance(done, Refused):
                refused += 1
                say(f"{one}: {done.reason}")
            else:
                say(f"{one}: {done['state']}")
    if refused:
        raise typer.Exit(1)


def _carry_out(connection: Connection, discrepancy_id: UUID, choice: Choice) -> dict[str, Any] | Refused:
    site = _site_of(connection, discrepancy_id)
    done = decisions.decide(connection, site, discrepancy_id, choice)
    assert done is not None, "it was there a moment ago, and none is ever deleted"
    if not isinstance(done, Refused):
        detail = Jsonb({"reason": choice.by.reason, "proposed": choice.by_proposal})
        connection.execute(
            "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
            (choice.by.actor, f"discrepancy {choice.decision}", f"{site}/{discrepancy_id}", detail),
        )
    return done


def _site_of(connection: Connection, discrepancy_id: UUID) -> str:
    row = connection.execute(
        "SELECT site_id FROM discrepancies WHERE discrepancy_id = %s", (discrepancy_id,)
    ).fetchone()
    if row is None:
        fail(f"discrepancy {discrepancy_id}: not known here; see: countermark-central discrepancies list")
    return str(row[0])


def _words(classes: list[DiscrepancyClass] | None) -> list[str] | None:
    return [one.value for one in classes] if classes else None


def _states(states: list[str] | None) -> list[str]:
    wrong = [one for one in states or () if one not in STATES]
    if wrong:
        fail(f"discrepancies: --state {wrong[0]!r}: expected one of {', '.join(STATES)}", 2)
    return states or OPEN


def _before(days: float | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) - timedelta(days=days)


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(row["discrepancy_id"]),
        row["site"],
        row["class"],
        row["state"],
        row["cause"] or "",
        row["gtin"] or "",
        "" if row["quantity"] is None else str(row["quantity"]),
        _money(row["value_minor"], row["currency"]),
        f"{row['opened_at']:%Y-%m-%d %H:%M}",
        row["assignee"] or "",
    )


def _sum(one: views.Sum) -> tuple[str, ...]:
    oldest = "" if one.oldest_opened_at is None else f"{one.oldest_opened_at:%Y-%m-%d %H:%M}"
    values = ", ".join(_money(value.value_minor, value.currency) for value in one.values if value.currency)
    return one.name or "all", str(one.cases), str(one.assigned), values, oldest


def _fact(fact: dict[str, Any]) -> tuple[str, ...]:
    told = ("event", "event_time", "site")
    rest = ", ".join(f"{name} {value}" for name, value in fact.items() if name not in told)
    return str(fact.get("event", "")), str(fact.get("event_time", ""))[:19], str(fact.get("site", "")), rest


def _money(minor: int | None, currency: str | None) -> str:
    if minor is None or currency is None:
        return ""
    decimals = decimals_of(currency)
    return f"{minor / 10**decimals:,.{decimals}f} {currency}"


def _plain(found: views.Summary) -> dict[str, Any]:
    def plain(one: views.Sum) -> dict[str, Any]:
        return {
            "name": one.name,
            "cases": one.cases,
            "assigned": one.assigned,
            "oldest_opened_at": one.oldest_opened_at,
            "values": [
                {"currency": value.currency, "cases": value.cases, "value_minor": value.value_minor}
                for value in one.values
            ],
        }

    return {
        "total": plain(found.total),
        "by_class": [plain(one) for one in found.by_class],
        "by_site": [plain(one) for one in found.by_site],
    }


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, header: bool = True) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=WIDTH, no_color=True)
    table = Table(*columns, box=box.SIMPLE, show_header=header, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
