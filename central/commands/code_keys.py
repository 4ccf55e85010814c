"""``codes keys``: the keys that sign item codes and filters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from central.actors import By
from central.codes import keys, keys_storage
from central.codes.key_files import path_of
from central.codes.key_rules import Key, Purpose, Refused, as_document
from central.commands.application import Config, Json, fail, opened, say, say_json, say_table

app = typer.Typer(help="The keys that sign item codes and filters.", no_args_is_help=True)

ACTOR = "command line"
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, 4 characters: the (91) of a label.")]
OfPurpose = Annotated[Purpose, typer.Option(help="What the key signs.")]
Begin = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=["%Y-%m-%d"], help="The new key's first day, by UTC; today where not given."
    ),
]


@app.command("list")
def list_keys(config: Config = None, as_json: Json = False) -> None:
    """All keys there have ever been, oldest first. Of the private half it is said whether this machine has it."""
    with opened(config) as (settings, database):
        with database.transaction() as connection:
            found = keys_storage.every(connection)
        here = {key.key_id: path_of(settings.authority.directory, key.key_id).is_file() for key in found}
    documents = [{**_shown(key), "private_key_here": here[key.key_id]} for key in found]
    if as_json:
        say_json(documents)
        return
    columns = ["key_id", "purpose", "state", "valid_from", "retired_on", "private_key_here", "reason"]
    say_table(columns, [[_cell(one[column]) for column in columns] for one in documents])


@app.command()
def create(
    purpose: OfPurpose = Purpose.CODES, begin: Begin = None, config: Config = None, as_json: Json = False
) -> None:
    """Make a key beside those that are there. The first one makes itself; to replace one, see rotate."""
    by = _by()
    with opened(config) as (settings, database):
        directory, first_day = settings.authority.directory, _day(begin, by)
        made = database.run(lambda connection: keys.create(connection, directory, purpose, first_day, by))
    _say(_done("create", made), as_json=as_json)


@app.command()
def rotate(
    purpose: OfPurpose = Purpose.CODES, begin: Begin = None, config: Config = None, as_json: Json = False
) -> None:
    """Let a new key take over. The old one retires the day before, or today where the new one takes over at once.

    What the old one signed stays good. Counters that are offline hear of the new key when they are back: let it begin some
    days from now where shops are cut off for long.
    """
    by = _by()
    with opened(config) as (settings, database):
        directory, first_day = settings.authority.directory, _day(begin, by)
        done = database.run(lambda connection: keys.rotate(connection, directory, purpose, first_day, by))
    if isinstance(done, Refused):
        fail(f"codes keys rotate: {done.reason}")
    if as_json:
        say_json({"key": _shown(done.key), "retired": [_shown(key) for key in done.retired]})
        return
    _say(done.key, as_json=False)
    for key in done.retired:
        _say(key, as_json=False)


@app.command()
def retire(
    key_id: KeyId,
    last_day: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="Its last day, by UTC; today where not given."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a key sign no more after a day. What it signed until then stays good."""
    by = _by()
    with opened(config) as (_, database):
        done = database.run(lambda connection: keys.retire(connection, key_id, _day(last_day, by), by))
    _say(_done("retire", done, key_id), as_json=as_json)


@app.command()
def revoke(
    key_id: KeyId,
    reason: Annotated[str, typer.Option(help="Why: kept, and shown to whoever asks.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take back every word of a key that got into other hands: no code that it ever signed is proven by it any more."""
    by = _by(reason)
    with opened(config) as (_, database):
        done = database.run(lambda connection: keys.revoke(connection, key_id, by))
    _say(_done("revoke", done, key_id), as_json=as_json)


def _by(reason: str | None = None) -> By:
    return By(actor=ACTOR, at=datetime.now(UTC), reason=reason)


def _day(given: datetime | None, by: By) -> date:
    return (given or by.at).date()


def _shown(key: Key) -> dict[str, Any]:
    return as_document(key, datetime.now(UTC).date())


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _done(command: str, outcome: Key | Refused | None, key_id: str = "") -> Key:
    if outcome is None:
        fail(
            f"codes keys {command}: key {key_id!r}: not known here; see: countermark-central codes keys list"
        )
    if isinstance(outcome, Refused):
        fail(f"codes keys {command}: {outcome.reason}")
    return outcome


def _say(key: Key, *, as_json: bool) -> None:
    if as_json:
        say_json(_shown(key))
        return
    state = key.state(datetime.now(UTC).date())
    until = f", until {key.retired_on}" if key.retired_on else ""
    say(f"{key.key_id}: {state}, signs {key.purpose} from {key.valid_from}{until}")
