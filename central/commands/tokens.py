"""``tokens``: who may use the HTTP interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from central.commands.application import Config, Json, fail, opened, say, say_json, say_table
from central.tokens import storage
from central.tokens.bearer import Role, new_token, token_hash

app = typer.Typer(help="Tokens of the HTTP interface.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Whose it is: a person or a program.")]


@app.command()
def create(
    name: Name,
    role: Annotated[Role, typer.Option(help="What it may be used for.")],
    dealer: Annotated[
        str | None, typer.Option(help="Of a dealer's token: the dealer. It sees all below it.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Of a store's token: the site.")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="How long it is good; without end where not given.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a token. It is printed this once: central keeps only its hash."""
    if (role is Role.DEALER) != (dealer is not None) or (role is Role.STORE) != (site is not None):
        fail(
            "tokens create: --dealer goes with --role dealer, --site with --role store, and neither with the others",
            2,
        )
    token = new_token()
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    new = storage.NewToken(name=name, role=role.value, dealer=dealer, site=site, expires_at=expires_at)
    with opened(config) as (_, database):
        why_not = database.run(lambda connection: storage.add(connection, token_hash(token), new))
    if why_not is not None:
        fail(f"tokens create: {why_not}")
    if as_json:
        say_json(
            {
                "token": token,
                "name": name,
                "role": role,
                "dealer": dealer,
                "site": site,
                "expires_at": expires_at,
            }
        )
    else:
        say(token)


@app.command("list")
def list_tokens(config: Config = None, as_json: Json = False) -> None:
    """The tokens there are; none of them is shown."""
    with opened(config) as (_, database), database.transaction() as connection:
        rows = storage.every(connection)
    if as_json:
        say_json(rows)
        return
    columns = ["name", "role", "dealer", "site", "created_at", "expires_at", "revoked_at"]
    say_table(columns, [[str(row[column] or "") for column in columns] for row in rows])


@app.command()
def revoke(name: Name, config: Config = None) -> None:
    """Take a token back, at once."""
    with opened(config) as (_, database):
        count = database.run(lambda connection: storage.revoke(connection, name))
    if count == 0:
        fail(f"tokens revoke: no token of the name {name!r} is good; see: countermark-central tokens list")
    say(f"{name}: revoked")
