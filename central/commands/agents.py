"""``agents``: let machines join, see how they fare, shut them out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from central.agents import enrolment, storage
from central.agents.enrolment import Refusal
from central.commands.application import Config, Json, fail, opened, say, say_json, say_table

app = typer.Typer(help="The machines at the counters.", no_args_is_help=True)


@app.command()
def enrol(
    site: Annotated[str, typer.Option(help="Where the machine stands.")],
    lane: Annotated[
        str | None, typer.Option(help="Its till number; the next free one where not given.")
    ] = None,
    hours: Annotated[
        int | None, typer.Option(min=1, help="How long the token is good; else enrolment.token_hours.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print a token with which one machine may join. On that machine: countermark-agent enrol --central URL --token TOKEN."""
    with opened(config) as (settings, database):
        expires_at = datetime.now(UTC) + timedelta(hours=hours or settings.enrolment.token_hours)
        token = database.run(lambda connection: enrolment.issue_token(connection, site, lane, expires_at))
    if isinstance(token, Refusal):
        fail(f"agents enrol: {token.reason}")
    if as_json:
        say_json({"token": token, "site": site, "lane": lane, "expires_at": expires_at})
    else:
        say(token)


@app.command("list")
def list_agents(
    site: Annotated[str | None, typer.Option(help="Of one site.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The fleet: who is there, and who is behind."""
    with opened(config) as (_, database), database.transaction() as connection:
        rows = storage.fleet(connection, site=site, state=None, after=None, limit=100_000)
    if as_json:
        say_json(rows)
        return
    columns = [
        "agent",
        "site",
        "lane",
        "state",
        "online",
        "seen_at",
        "unsent",
        "accepted",
        "applied",
        "quarantined",
        "forks",
    ]
    say_table(
        columns, [["" if row[column] is None else str(row[column]) for column in columns] for row in rows]
    )


@app.command()
def revoke(agent: Annotated[str, typer.Argument(help="The machine's id.")], config: Config = None) -> None:
    """Shut a machine out. What it has sent stays in the books."""
    with opened(config) as (_, database):
        found = database.run(lambda connection: storage.revoke(connection, agent))
    if not found:
        fail(f"agents revoke: agent {agent!r}: not known here; see: countermark-central agents list")
    say(f"{agent}: revoked")
