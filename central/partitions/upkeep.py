"""Keeping the partitions: the coming months made, the old ones let go. By the clock, and on command.

Several processes may do so at once: each thing is done once. Every partition has a transaction of its own, which gives way to everybody else; what
could not be done now is done the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
import psycopg

from central.database import Connection, Database, DatabaseFault
from central.partitions import storage
from central.partitions.rules import MONTHS_AHEAD, Partition, Retention, Table, missing, past, settled_by

AGENTS_KEEP_DAYS = 90
"""For so many days on which central was heard an agent keeps what was acknowledged (its ``retention_days``, unless changed)."""

T = TypeVar("T")


class Gone(msgspec.Struct, frozen=True):
    """A partition that was let go, and how many rows it had."""

    partition: Partition
    rows: int


class Kept(msgspec.Struct, frozen=True):
    """A partition that is old enough to go and is kept all the same, with the reason."""

    partition: Partition
    reason: str


def make_ahead(database: Database, now: datetime, ahead: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions of the coming months; the names of new ones.

    Raises :class:`~central.database.DatabaseBusy` when others are in the way, :class:`DatabaseFault` when central may not make tables.
    """
    made: list[str] = []
    for table, of_table in database.run(storage.partitions).items():
        new = [
            f"{table}_{month:%Y_%m}"
            for month in missing(of_table, now.date(), ahead)
            if _giving_way(database, partial(storage.make, table=table, month=month))
        ]
        if new:
            # PostgreSQL does so by itself for every partition, and never for the whole.
            _giving_way(database, partial(storage.analyze, table=table))
        made += new
    return made


def let_go(database: Database, now: datetime, retention: Retention) -> list[Gone | Kept]:
    """Let go what is past its retention, the oldest first. Raises as :func:`make_ahead`."""
    there = database.run(storage.partitions)
    done: list[Gone | Kept] = []
    for table, of_table in there.items():
        for partition in past(of_table, now.date(), retention.months_of(table)):
            outcome = _giving_way(database, partial(_let_one_go, partition=partition, now=now))
            if outcome is not None:
                done.append(outcome)
            if isinstance(outcome, Kept):
                break
    return done


def _let_one_go(connection: Connection, partition: Partition, now: datetime) -> Gone | Kept | None:
    """Let a partition go with what must be kept of it; None if another process has."""
    if not storage.claim(connection, partition):
        return None
    match partition.table:
        case Table.MOVEMENTS:
            storage.carry_movements(connection, partition)
        case Table.EVENTS:
            dark = storage.dark_agents(connection, partition, settled_by(partition, AGENTS_KEEP_DAYS))
            if dark:
                return Kept(partition, _why_kept(dark))
            storage.digest_events(connection, partition)
        case _:
            pass
    return Gone(partition, storage.drop(connection, partition, now))


def _why_kept(dark: list[str]) -> str:
    named = ", ".join(dark[:5]) + (f" and {len(dark) - 5} more" if len(dark) > 5 else "")
    return f"not heard of since it could have forgotten these events: {named}; revoke an agent that will not come back"


def _giving_way(database: Database, work: Callable[[Connection], T]) -> T:
    def limited(connection: Connection) -> T:
        storage.give_way(connection)
        return work(connection)

    try:
        return database.run(limited)
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseFault(
            f"partitions: the server refuses: {error.diag.message_primary}; expected database.url to name the owner of the tables"
        ) from None
