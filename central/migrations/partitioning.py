"""Dividing the large tables by time while everybody goes on working: what step 0007 does before its own transaction.

An existing table becomes the oldest partition of its successor as it is: no row is copied. What takes long (indexes, the proof that a
table holds nothing from the boundary on) is done beside the others. What needs a table for itself is a matter of catalogue entries, in one
short transaction for each table (:mod:`central.migrations.brief`). Killed at any point, it goes on from there when it is run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg
from psycopg import sql

from central.database import Connection, Database
from central.migrations.brief import Pace, Say, briefly

_SQL = Path(__file__).parent / "partitions"
MARGIN = timedelta(days=31)
"""The old table goes on until the month that begins so much later, at least. A run that was killed in the middle of a table's proof leaves
a constraint behind that refuses rows from the boundary on: there is this much time to run it again."""


class Index(msgspec.Struct, frozen=True):
    """An index that the old table needs to become a partition, and the statement that builds it beside everybody."""

    table: str
    name: str
    statement: LiteralString


class Divided(msgspec.Struct, frozen=True):
    """A table, the column it is divided by, and the indexes it lacks."""

    table: str
    column: str
    indexes: tuple[Index, ...] = ()


MOVEMENTS = (
    Index(
        "movements",
        "movements_by_key",
        "CREATE UNIQUE INDEX CONCURRENTLY movements_by_key ON movements (site_id, movement_id, recorded_at)",
    ),
    Index(
        "movements",
        "movements_by_document",
        "CREATE INDEX CONCURRENTLY movements_by_document ON movements (site_id, document) WHERE document IS NOT NULL",
    ),
    Index(
        "movements",
        "movements_by_adjustment",
        "CREATE INDEX CONCURRENTLY movements_by_adjustment ON movements (site_id, business_day)"
        " WHERE starts_with(source, 'adjustment:') OR starts_with(destination, 'adjustment:')",
    ),
)
EVENTS = Index(
    "events",
    "events_by_key",
    "CREATE UNIQUE INDEX CONCURRENTLY events_by_key ON events (journal, seq, site_id, received_at)",
)
ITEM_TRACE = Index(
    "item_trace",
    "item_trace_by_key",
    "CREATE UNIQUE INDEX CONCURRENTLY item_trace_by_key ON item_trace (item, trace_id, recorded_at)",
)
SALE_LINES = Index(
    "sale_lines",
    "sale_lines_by_key",
    "CREATE UNIQUE INDEX CONCURRENTLY sale_lines_by_key ON sale_lines (site_id, journal, seq, line, business_day)",
)
EPOCHS = Index(
    "epochs",
    "epochs_by_journal",
    "CREATE UNIQUE INDEX CONCURRENTLY epochs_by_journal ON epochs (journal, agent_id)",
)
DIVIDED = (
    Divided("movements", "recorded_at", MOVEMENTS),
    Divided("events", "received_at", (EVENTS,)),
    Divided("item_trace", "recorded_at", (ITEM_TRACE,)),
    Divided("sale_lines", "business_day", (SALE_LINES,)),
    Divided("payments", "business_day"),
    Divided("stock_days", "business_day"),
)


def boundary_after(today: date) -> date:
    """The first of the month from which on new partitions take over."""
    later = today + MARGIN
    return (later.replace(day=1) + timedelta(days=31)).replace(day=1)


def divide(database: Database, say: Say, pace: Pace) -> None:
    """Divide what is not divided yet. Raises :class:`~central.database.DatabaseBusy` when somebody stays in the way."""
    with _alone(database) as connection:
        today = connection.execute("SELECT current_date").fetchone()
        assert today is not None
        boundary = boundary_after(today[0])
        connection.execute("SELECT set_config('countermark.boundary', %s, false)", (boundary.isoformat(),))
        briefly(connection, lambda: _run(connection, "tables"), "movements", say, pace)
        for one in DIVIDED:
            if not _is_divided(connection, one.table):
                _divide_one(connection, one, boundary, say, pace)
        _build(connection, EPOCHS, say)


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A connection in which each statement is its own transaction, unless :func:`briefly` makes one."""
    with database.connect() as connection:
        connection.autocommit = True
        connection.execute(
            "SELECT set_config('countermark.sites', '*', false), set_config('statement_timeout', '0', false)"
        )
        yield connection


def _is_divided(connection: Connection, table: str) -> bool:
    row = connection.execute(
        "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", (table,)
    ).fetchone()
    return row is not None and bool(row[0])


def _divide_one(connection: Connection, one: Divided, boundary: date, say: Say, pace: Pace) -> None:
    for index in one.indexes:
        _build(connection, index, say)
    try:
        _prove(connection, one, boundary, say, pace)
        briefly(connection, lambda: _run(connection, one.table), one.table, say, pace)
    except BaseException:
        # Also when a person interrupts: a constraint that is left behind would refuse rows one day.
        _unbind(connection, one.table, say, pace)
        raise
    say(f"{one.table}: divided")
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(one.table)))


def _prove(connection: Connection, one: Divided, boundary: date, say: Say, pace: Pace) -> None:
    """Prove that a table has nothing from the boundary on. If it has, there is no proof: then the short transaction is as long as one reading
    of the table."""
    table, column = sql.Identifier(one.table), sql.Identifier(one.column)
    asked = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} >= {}::date)").format(
        table, column, boundary.isoformat()
    )
    row = connection.execute(asked).fetchone()
    if row is not None and row[0]:
        say(f"{one.table}: has rows from {boundary} on, so it is read once while others wait")
        return
    briefly(
        connection,
        lambda: connection.execute("SELECT bound_by(%s, %s)", (one.table, one.column)),
        one.table,
        say,
        pace,
    )
    say(f"{one.table}: proving that it has nothing from {boundary} on")
    connection.execute(sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT before_boundary").format(table))


def _unbind(connection: Connection, table: str, say: Say, pace: Pace) -> None:
    if connection.broken or _is_divided(connection, table):
        return
    drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS before_boundary").format(sql.Identifier(table))
    briefly(connection, lambda: connection.execute(drop), table, say, pace)


def _build(connection: Connection, index: Index, say: Say) -> None:
    """Build an index beside everybody; one that a killed run has left unfinished is begun anew."""
    row = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (index.name,)
    ).fetchone()
    if row is not None and row[0]:
        return
    if row is not None:
        drop = sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}")
        connection.execute(drop.format(sql.Identifier(index.name)))
    say(f"{index.table}: building {index.name}")
    connection.execute(index.statement)


def _run(connection: Connection, name: str) -> psycopg.Cursor[tuple[object, ...]]:
    return connection.execute((_SQL / f"{name}.sql").read_bytes())
