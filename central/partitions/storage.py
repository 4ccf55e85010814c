"""Partitions in PostgreSQL: what is there, making one, letting one go with what must be kept of it."""

from __future__ import annotations

import time
from datetime import date, datetime

import psycopg
from psycopg import sql

from central.database import Connection
from central.partitions.rules import Partition, Table, bounds_of

LOCK_TIMEOUT_MS = 400
"""Below PostgreSQL's deadlock_timeout: whoever else is there, it is housekeeping that gives way, and comes again."""

DROP_ATTEMPTS = 10
DROP_REST_S = 1.0


def give_way(connection: Connection) -> None:
    """From now on, this transaction gives up (LockNotAvailable) where it would keep others waiting for long."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{LOCK_TIMEOUT_MS}ms",))


def partitions(connection: Connection) -> dict[Table, list[Partition]]:
    """The partitions of every divided table, the oldest first, the default one last."""
    found = connection.execute(
        """
        SELECT parent.relname, child.relname, pg_get_expr(child.relpartbound, child.oid),
               greatest(child.reltuples::bigint, pg_stat_get_live_tuples(child.oid), 0), pg_total_relation_size(child.oid)
        FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
        WHERE parent.oid = ANY (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
        """,
        ([str(table) for table in Table],),
    )
    there: dict[Table, list[Partition]] = {table: [] for table in Table}
    for table, name, text, rows, size in found:
        first, end = bounds_of(text)
        there[Table(table)].append(
            Partition(table=Table(table), name=name, first=first, end=end, rows=rows, bytes=size)
        )
    for of_table in there.values():
        of_table.sort(key=lambda one: one.end or date.max)
    return there


def make(connection: Connection, table: Table, month: date) -> bool:
    """Make the partition of a month; False if it is there already."""
    row = connection.execute("SELECT make_partition(%s, %s)", (table, month)).fetchone()
    return row is not None and bool(row[0])


def analyze(connection: Connection, table: Table) -> None:
    """Gather what the planner should know of a divided table as a whole."""
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def claim(connection: Connection, partition: Partition) -> bool:
    """From now on, until the end of the transaction, nobody else lets this partition go and nothing is added to it (nothing would be: it is
    old). False if it is not there any more."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('countermark partitions'), hashtext(%s))", (partition.table,)
    )
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (partition.name,)).fetchone()
    if row is None or not row[0]:
        return False
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(partition.name)))
    return True


def drop(connection: Connection, partition: Partition, at: datetime) -> int:
    """Let a partition go, and note that it has gone; how many rows it had."""
    counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(partition.name))
    row = connection.execute(counted).fetchone()
    assert row is not None
    connection.execute(
        "INSERT INTO dropped_partitions (table_name, name, until_day, row_count, dropped_at) VALUES (%s, %s, %s, %s, %s)",
        (partition.table, partition.name, partition.end, row[0], at),
    )
    _drop_patiently(connection, sql.SQL("DROP TABLE {}").format(sql.Identifier(partition.name)))
    return int(row[0])


def _drop_patiently(connection: Connection, command: sql.Composed) -> None:
    """The table that a partition is taken from is needed for a moment, alone. What was summed up before need not be again for that."""
    for attempt in range(1, DROP_ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(command)
        except psycopg.errors.LockNotAvailable:
            if attempt == DROP_ATTEMPTS:
                raise
            time.sleep(DROP_REST_S)
        else:
            return


def kept_from(connection: Connection, table: Table) -> date | None:
    """The first day whose rows are kept; None if all are."""
    row = connection.execute(
        "SELECT max(until_day) FROM dropped_partitions WHERE table_name = %s", (table,)
    ).fetchone()
    return None if row is None else row[0]


def carry_movements(connection: Connection, partition: Partition) -> None:
    """Add what the movements of a partition come to, at every location, to what is carried; and remember which documents they were of."""
    span = {"first": partition.first or "-infinity", "end": partition.end}
    connection.execute(
        """
        INSERT INTO movements_carried AS carried (site_id, gtin, location, quantity, value_minor)
        SELECT site_id, gtin, location, sum(leg.quantity), sum(leg.value_minor)
        FROM (
            SELECT site_id, gtin, source, destination, sum(quantity) AS quantity, sum(value_minor) AS value_minor
            FROM movements WHERE recorded_at >= %(first)s::timestamptz AND recorded_at < %(end)s::timestamptz
            GROUP BY site_id, gtin, source, destination
        ) AS flow
        CROSS JOIN LATERAL (VALUES (destination, quantity, value_minor), (source, -quantity, -value_minor))
            AS leg (location, quantity, value_minor)
        GROUP BY site_id, gtin, location
        ON CONFLICT (site_id, gtin, location) DO UPDATE
            SET quantity = carried.quantity + excluded.quantity, value_minor = carried.value_minor + excluded.value_minor
        """,
        span,
    )
    connection.execute(
        """
        INSERT INTO booked_documents (site_id, document, recorded_at)
        SELECT site_id, document, min(recorded_at) FROM movements
        WHERE recorded_at >= %(first)s::timestamptz AND recorded_at < %(end)s::timestamptz AND document IS NOT NULL
        GROUP BY site_id, document
        ON CONFLICT DO NOTHING
        """,
        span,
    )


def digest_events(connection: Connection, partition: Partition) -> None:
    """Keep of the events of a partition what tells journals and facts apart, in pieces of a thousand or so without a gap."""
    connection.execute(
        """
        WITH named AS MATERIALIZED ( -- before they are sorted, so that the bodies are not
            SELECT site_id, journal, seq, hash, substr(sha256(body), 1, 16) AS fact_id
            FROM events WHERE received_at >= %(first)s::timestamptz AND received_at < %(end)s::timestamptz
        )
        INSERT INTO event_digests (site_id, journal, first_seq, last_seq, hashes, fact_ids)
        SELECT site_id, journal, min(seq), max(seq), string_agg(hash, ''::bytea ORDER BY seq), string_agg(fact_id, ''::bytea ORDER BY seq)
        FROM (
            SELECT *, seq - row_number() OVER (PARTITION BY site_id, journal ORDER BY seq) AS run FROM named
        ) AS numbered
        GROUP BY site_id, journal, run, seq / 1024
        """,
        {"first": partition.first or "-infinity", "end": partition.end},
    )


def dark_agents(connection: Connection, partition: Partition, until: date) -> list[str]:
    """Enrolled agents with events in a partition that have not been heard since ``until``: they may still want them back."""
    found = connection.execute(
        """
        SELECT agent_id FROM agents
        WHERE state = 'enrolled' AND (seen_at IS NULL OR seen_at < %(until)s::timestamptz) AND EXISTS (
            SELECT FROM epochs JOIN events USING (journal)
            WHERE epochs.agent_id = agents.agent_id
              AND received_at >= %(first)s::timestamptz AND received_at < %(end)s::timestamptz
        )
        ORDER BY agent_id
        """,
        {"until": until, "first": partition.first or "-infinity", "end": partition.end},
    )
    return [agent for (agent,) in found]
