"""Dividing the large tables of a database in which everybody goes on working: nothing lost, nobody stopped, killed at any point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.database import Connection, Database, DatabaseBusy
from central.embedded.database import EmbeddedDatabase
from central.migrations import steps
from central.migrations.brief import Pace
from central.migrations.partitioning import DIVIDED
from central.partitions.rules import Table
from central.reconciliation.rebuild import compare_months, rebuild, zero_sum
from tests.integration.books import copy_database
from tests.integration.live_books import ROWS, SITES, OldIntake, fill

QUICK = Pace(lock_timeout_ms=200, rest_s=0.05)
PATIENCE_S = 20.0
"""Of the intake, for one lock: many times what the migration waits. Who waits behind a transaction that does not end runs out of it."""

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
_SCHEMA = """
SELECT 'column', c.relname, attname, format_type(atttypid, atttypmod) || ' ' || coalesce(pg_get_expr(adbin, adrelid), ''), attnotnull
  FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
 WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
UNION ALL
SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid
  FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'table', relname, relkind::text, coalesce(pg_get_expr(relpartbound, oid), '') || coalesce(relacl::text, ''), relrowsecurity
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function', proname, '', pg_get_functiondef(oid), true FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'policy', polrelid::regclass::text, polname, pg_get_expr(polqual, polrelid), true FROM pg_policy
"""


@pytest.fixture(scope="module")
def template(embedded_database: EmbeddedDatabase) -> str:
    """The name of a database with books of the schema before partitions, to copy."""
    with Database(embedded_database.ensure_database("before_partitions")) as opened:
        steps.migrate(opened, to="0006")
        fill(opened)
    return "before_partitions"


@pytest.fixture
def database(embedded_database: EmbeddedDatabase, template: str) -> Iterator[Database]:
    """Books of the schema before partitions."""
    name = f"live_{uuid.uuid4().hex}"
    copy_database(embedded_database, template, name)
    with Database(embedded_database.url(name), pool_size=8) as opened:
        yield opened
    embedded_database.drop_database(name)


def schema(database: Database) -> list[tuple[object, ...]]:
    """Everything that a schema is, in an order."""
    with database.transaction() as connection:
        return sorted(connection.execute(_SCHEMA).fetchall(), key=str)


def counted(connection: Connection) -> dict[str, int]:
    """Rows and different rows of each divided table, as (journal, seq) or as whole rows say."""
    found = connection.execute(
        """
        SELECT 'events', count(*), count(DISTINCT (journal, seq)) FROM events
        UNION ALL SELECT 'movements', count(*), count(DISTINCT movement_id) FROM movements
        UNION ALL SELECT 'sale_lines', count(*), count(DISTINCT (journal, seq)) FROM sale_lines
        UNION ALL SELECT 'payments', count(*), count(DISTINCT (journal, seq)) FROM payments
        UNION ALL SELECT 'item_trace', count(*), count(DISTINCT trace_id) FROM item_trace
        """
    ).fetchall()
    assert [rows for _, rows, _ in found] == [different for _, _, different in found]
    return {name: rows for name, rows, _ in found}


def assert_nothing_is_lost(database: Database, sales: int) -> None:
    with database.transaction() as connection:
        assert counted(connection) == dict.fromkeys(
            ("events", "movements", "sale_lines", "payments", "item_trace"), sales
        )
        assert rebuild(connection) == []
        assert zero_sum(connection) == {}
        assert compare_months(connection, SITES) == []


def test_the_intake_of_the_old_version_goes_on_while_the_tables_are_divided_and_after(
    database: Database,
) -> None:
    intake = OldIntake(database, PATIENCE_S)
    with intake.going_on():
        intake.wait_for_more(20)
        revision = steps.migrate(database, pace=QUICK)
        intake.wait_for_more(20)
    assert (revision, intake.failed) == ("0007", [])
    assert_nothing_is_lost(database, ROWS + intake.count)


@pytest.mark.parametrize("table", ["movements", "filter_changes", "epochs"])
def test_nobody_waits_behind_a_migration_that_waits_for_a_long_transaction(
    database: Database, table: str
) -> None:
    intake, waits = OldIntake(database, PATIENCE_S), threading.Event()

    def say(text: str) -> None:
        if "countermark-central (process " in text:
            waits.set()

    def migrate() -> None:
        done.append(steps.migrate(database, say=say, pace=QUICK))

    done: list[str] = []
    migration = threading.Thread(target=migrate)
    with intake.going_on(), database.connect() as reader:
        reader.execute("SELECT count(*) FROM " + table)
        migration.start()
        assert waits.wait(60)
        intake.wait_for_more(30)
        assert (done, intake.failed) == ([], [])
        reader.rollback()
        migration.join()
        intake.wait_for_more(5)
    assert (done, intake.failed) == (["0007"], [])
    assert_nothing_is_lost(database, ROWS + intake.count)


def test_a_migration_gives_up_in_words_when_somebody_stays_in_the_way_and_undoes_its_constraint(
    database: Database,
) -> None:
    with database.connect() as reader:
        reader.execute("SELECT count(*) FROM payments")
        with pytest.raises(
            DatabaseBusy, match=r"payments: in use by countermark-central \(process \d+, since"
        ):
            steps.migrate(database, pace=Pace(lock_timeout_ms=20, rest_s=0.0, attempts=3))
    with database.transaction() as connection:
        left = connection.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint WHERE conname = 'before_boundary'"
        )
        assert left.fetchall() == []
    assert steps.migrate(database, pace=QUICK) == "0007"
    assert_nothing_is_lost(database, ROWS)


_KILLED = """
import os, signal, sys
from central.database import Database
from central.migrations import steps

said = []

def say(text):
    said.append(text)
    if len(said) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

with Database(sys.argv[1]) as database:
    steps.migrate(database, say=say)
"""


def test_killed_again_and_again_it_comes_to_the_same_schema(
    database: Database, embedded_database: EmbeddedDatabase, migrated_database: str
) -> None:
    killed = 0
    command = [sys.executable, "-c", _KILLED, database.url]
    while (done := subprocess.run(command, check=False, env=_ENVIRONMENT)).returncode == -signal.SIGKILL:
        killed += 1
    assert (done.returncode, killed) == (0, 12)
    assert_nothing_is_lost(database, ROWS)
    with Database(embedded_database.url(migrated_database)) as whole:
        assert schema(database) == schema(whole)


def test_two_migrations_at_once_do_it_once(database: Database) -> None:
    done: list[str] = []
    threads = [
        threading.Thread(target=lambda: done.append(steps.migrate(database, pace=QUICK))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["0007", "0007"]
    assert_nothing_is_lost(database, ROWS)


class Listening(Database):
    """A database whose connections tell what the server says of its work."""

    said: list[str]

    def connect(self) -> Connection:
        connection = super().connect()
        connection.execute("SET client_min_messages = debug1")
        connection.commit()
        connection.add_notice_handler(lambda notice: self.said.append(notice.message_primary or ""))
        return connection


def test_no_table_is_read_while_others_wait_for_it(database: Database) -> None:
    with Listening(database.url) as listening:
        listening.said = []
        steps.migrate(listening, pace=QUICK)
    for one in DIVIDED:
        proven = f'partition constraint for table "{one.table}_set_aside" is implied by existing constraints'
        assert proven in listening.said


def test_rows_of_a_day_to_come_go_into_the_default_partition(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO stock_days (site_id, business_day, gtin, flow, quantity) VALUES ('north', '2090-01-01', 'x', 'sold', 0)"
        )
        connection.execute(
            """
            INSERT INTO movements (site_id, gtin, quantity, source, destination, cause, document, line, event_time, recorded_at, business_day)
            SELECT 'north', '04012345678901', 1, source, destination, 'adjustment', 'odd' || source, 0, now(), '2090-01-01', now()
            FROM (VALUES ('adjustment:x', 'on_hand'), ('on_hand', 'adjustment:x')) AS way (source, destination)
            """
        )
    heard: list[str] = []
    steps.migrate(database, say=heard.append, pace=QUICK)
    with database.transaction() as connection:
        odd = [
            connection.execute("SELECT count(*) FROM stock_days_default").fetchone(),
            connection.execute("SELECT count(*) FROM movements_default").fetchone(),
        ]
        assert (odd, rebuild(connection)) == ([(1,), (2,)], [])
    assert sum("read once while others wait" in text for text in heard) == 2


def test_numbers_of_movements_and_steps_go_on_where_they_were(database: Database) -> None:
    steps.migrate(database, pace=QUICK)
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO item_trace (item, action, to_state, legal, event_time, recorded_at) VALUES ('i', 'sell', 'sold', true, now(), now())
            """
        )
        row = connection.execute("SELECT trace_id FROM item_trace WHERE item = 'i'").fetchone()
    assert row == (ROWS + 1,)


def test_every_index_of_an_old_table_has_its_like_on_all_partitions(database: Database) -> None:
    steps.migrate(database, pace=QUICK)
    with database.transaction() as connection:
        alone = connection.execute(
            """
            SELECT indexrelid::regclass::text FROM pg_index JOIN pg_inherits part ON part.inhrelid = indrelid
            WHERE part.inhparent = ANY (%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
            """,
            ([str(table) for table in Table],),
        ).fetchall()
    assert alone == []


def test_who_was_given_rights_to_a_table_has_them_still_and_none_to_its_partitions(
    database: Database,
) -> None:
    with database.transaction() as connection:
        connection.execute("CREATE ROLE analyst")
        connection.execute("GRANT SELECT ON movements TO analyst")
    try:
        steps.migrate(database, pace=QUICK)
        with database.transaction() as connection:
            rights = connection.execute(
                """
                SELECT relname, has_table_privilege('analyst', oid, 'SELECT'), has_table_privilege('countermark_api', oid, 'SELECT')
                FROM pg_class WHERE relname ~ '^movements' AND relkind IN ('r', 'p') AND relname <> 'movements_carried' AND
                      (has_table_privilege('analyst', oid, 'SELECT') OR has_table_privilege('countermark_api', oid, 'SELECT'))
                """
            ).fetchall()
        assert rights == [("movements", True, True)]
    finally:
        with database.transaction() as connection:
            connection.execute("DROP OWNED BY analyst")
            connection.execute("DROP ROLE analyst")
