"""Bringing a database to this software's schema, by Alembic."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command, op
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from central.database import Database, DatabaseFault
from central.migrations.schema import head_revision, refuse_newer

_HERE = Path(__file__).parent
_MIGRATION_LOCK = 0x434F554E  # any number that only we use: 'COUN'


def migrate(database: Database) -> str:
    """Bring ``database`` to the newest schema; its revision. Running it again, or twice at once, changes nothing more.

    Raises :class:`~central.database.SchemaTooNew` for a database of a newer version, :class:`DatabaseFault` when the server refuses a step.
    """
    # Alembic wants an SQLAlchemy engine; the connection under it is made where every other one is.
    engine = create_engine("postgresql+psycopg://", creator=database.connect, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            raw.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            raw.execute("SELECT set_config('countermark.sites', '*', true)")
            refuse_newer(raw)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseFault(
            f"migration: the server refuses it: {error.diag.message_primary}; expected a user that owns the database and "
            "may create roles (CREATEROLE)"
        ) from None
    finally:
        engine.dispose()
    return head_revision()


def run_step(name: str) -> None:
    """Run ``sql/<name>.sql`` in the migration that is under way."""
    raw = op.get_bind().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    # Straight through the driver, without parameters: a file of many statements, in which '%' and ':' mean themselves.
    raw.execute((_HERE / "sql" / f"{name}.sql").read_bytes())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
