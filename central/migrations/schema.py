"""Which schema this software needs, and which one a database has. Read without Alembic: most commands only ask."""

from __future__ import annotations

from pathlib import Path

from central.database import Connection, NotMigrated, SchemaTooNew

_STEPS = Path(__file__).parent / "sql"


def known_revisions() -> list[str]:
    """The revisions that this software knows, oldest first: one for each step, named by its number."""
    return sorted(step.stem.partition("_")[0] for step in _STEPS.glob("*.sql"))


def head_revision() -> str:
    """The revision of the schema that this software needs."""
    return known_revisions()[-1]


def schema_revision(connection: Connection) -> str | None:
    """The revision of the schema that is there; None for a database without one."""
    present = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if present is None or present[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def check_schema(connection: Connection) -> None:
    """Nothing, if the schema is the one this software needs; else :class:`NotMigrated` or :class:`SchemaTooNew`."""
    found, wanted = schema_revision(connection), head_revision()
    if found == wanted:
        return
    refuse_newer(connection)
    raise NotMigrated(
        f"database schema: {found or 'none'} found, {wanted} expected; run: countermark-central migrate"
    )


def refuse_newer(connection: Connection) -> None:
    """:class:`SchemaTooNew` for a schema that only a later version knows."""
    found = schema_revision(connection)
    if found is not None and found not in known_revisions():
        raise SchemaTooNew(
            f"database schema: {found} found, newest known here {head_revision()}; update this software, nothing was changed"
        )
