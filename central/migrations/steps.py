"""Bringing a database to this software's schema, by Alembic, while a central of the version before may go on working in it.

Each step is one transaction, and what has been done stays done: a run that was killed goes on where it was. No step waits for a lock for long
(:mod:`central.migrations.brief`). A step whose module has a ``before`` does its long work there, outside its transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from central.database import Connection, Database, DatabaseFault
from central.migrations.brief import Pace, Say, again, limit_waiting
from central.migrations.schema import head_revision, refuse_newer, schema_revision

_HERE = Path(__file__).parent
_MIGRATION_LOCK = 0x434F554E  # any number that only we use: 'COUN'
_POLL_S = 0.1
_PACE = Pace()


def _silent(_: str) -> None:
    pass


def migrate(database: Database, *, to: str = "head", say: Say = _silent, pace: Pace = _PACE) -> str:
    """Bring ``database`` to the newest schema, or up to the revision ``to``; its revision. Running it again, or twice at once, changes
    nothing more. ``say`` hears what is being done.

    Raises :class:`~central.database.SchemaTooNew` for a database of a newer version, :class:`DatabaseFault` when the server refuses a step,
    :class:`~central.database.DatabaseBusy` when somebody stays in the way of one.
    """
    try:
        with _only_one(database) as connection:
            refuse_newer(connection)
            for step in _pending(schema_revision(connection), to):
                _take(database, connection, step, say, pace)
            return schema_revision(connection) or head_revision()
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseFault(
            f"migration: the server refuses it: {error.diag.message_primary}; expected a user that owns the database and "
            "may create roles (CREATEROLE)"
        ) from None


def run_step(name: str) -> None:
    """Run ``sql/<name>.sql`` in the migration that is under way."""
    raw = op.get_bind().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    # Straight through the driver, without parameters: a file of many statements, in which '%' and ':' mean themselves.
    raw.execute((_HERE / "sql" / f"{name}.sql").read_bytes())


def _take(database: Database, connection: Connection, step: Script, say: Say, pace: Pace) -> None:
    before: Callable[[Database, Say, Pace], None] | None = getattr(step.module, "before", None)
    if before is not None:
        before(database, say, pace)
    again(lambda: _upgrade(database, step.revision, pace), connection, f"step {step.revision}", say, pace)


def _upgrade(database: Database, revision: str, pace: Pace) -> None:
    """One step, in one transaction."""
    # Alembic wants an SQLAlchemy engine; the connection under it is made where every other one is.
    engine = create_engine("postgresql+psycopg://", creator=database.connect, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            raw.execute("SELECT set_config('countermark.sites', '*', true)")
            limit_waiting(raw, pace)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _pending(present: str | None, to: str) -> list[Script]:
    """The steps after ``present``, in their order."""
    steps = ScriptDirectory.from_config(_config()).iterate_revisions(to, present or "base")
    return list(reversed(list(steps)))


@contextmanager
def _only_one(database: Database) -> Iterator[Connection]:
    """A connection that keeps other migrations waiting for as long as it is open, and holds nothing else."""
    with closing(database.connect()) as connection:
        connection.autocommit = True
        # Asked again and again, not waited for: an index that is built beside everybody waits for every transaction that is under way.
        while True:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_MIGRATION_LOCK,)).fetchone()
            if row is not None and row[0]:
                break
            time.sleep(_POLL_S)
        yield connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
