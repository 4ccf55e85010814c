"""Short transactions that need a table for themselves, in a database in which everybody goes on working.

Whoever waits for such a lock makes everybody else who comes later wait behind him. So nobody here waits for long: less than PostgreSQL's
``deadlock_timeout`` (1 s), so that it is always this side that gives way. Then the others have their turn, and it is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import psycopg

from central.database import Connection, DatabaseBusy

Say = Callable[[str], None]
T = TypeVar("T")


class Pace(msgspec.Struct, frozen=True):
    """How long a lock is waited for, how long the others then have, and how often it is tried: a quarter of an hour altogether."""

    lock_timeout_ms: int = 400
    rest_s: float = 2.0
    attempts: int = 400


def briefly(connection: Connection, work: Callable[[], T], table: str, say: Say, pace: Pace) -> T:
    """What ``work`` returns, done in one transaction of ``connection`` (which is in autocommit mode) that waits for no lock for longer than
    the pace allows. ``table`` is the one that it may have to wait for. Raises as :func:`again`.
    """

    def once() -> T:
        with connection.transaction():
            limit_waiting(connection, pace)
            return work()

    return again(once, connection, table, say, pace)


def limit_waiting(connection: Connection, pace: Pace) -> None:
    """From now on, the transaction gives up where it would wait for a lock for longer."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{pace.lock_timeout_ms}ms",))


def again(once: Callable[[], T], connection: Connection, table: str, say: Say, pace: Pace) -> T:
    """What ``once``, a whole transaction, returns; tried again while others are in its way. ``connection`` is asked who they are.

    Raises :class:`DatabaseBusy`, naming them, when it has been tried often enough; then nothing of it has been done.
    """
    for attempt in range(pace.attempts):
        try:
            return once()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt % 10 == 0:
                say(f"{table}: in use by {holders(connection, table)}; it is tried again until it is free")
            time.sleep(pace.rest_s)
    raise DatabaseBusy(
        f"{table}: in use by {holders(connection, table)}, tried {pace.attempts} times; what was being done to it was undone: end what "
        "holds it, and run this again"
    )


def holders(connection: Connection, table: str) -> str:
    """Whose transactions hold a lock on ``table`` (where there is none of this name, on anything), the longest first, in words."""
    found = connection.execute(
        """
        SELECT pid, coalesce(nullif(application_name, ''), backend_type), xact_start
        FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_database ON pg_database.oid = database AND pg_database.datname = current_database()
        WHERE granted AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND relation = coalesce(to_regclass(%s)::oid, relation)
        GROUP BY 1, 2, 3 ORDER BY 3 LIMIT 3
        """,
        (table,),
    ).fetchall()
    if not found:
        return "others, who come and go"
    return ", ".join(f"{name} (process {pid}, since {since:%H:%M:%S} UTC)" for pid, name, since in found)
