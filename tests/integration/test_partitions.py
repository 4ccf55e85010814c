"""Partitions: made ahead, by several at once; let go with what must be kept of them; no way around row-level security."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from central.commands import app
from central.database import Database
from central.embedded.database import EmbeddedDatabase
from central.housekeeping import Housekeeping
from central.ledger.documents import Differs, Document, Line, book
from central.partitions import storage
from central.partitions.rules import Retention, Table, months_later
from central.partitions.upkeep import Gone, let_go, make_ahead
from central.reconciliation.rebuild import compare_all, rebuild, zero_sum
from tests.integration.books import BREAD, MILK, Central, central, laid_out

API = "countermark_api"
NOW = datetime.now(UTC)
_MONTH = months_later(NOW.date(), 12)
LATER = datetime(_MONTH.year, _MONTH.month, 15, 12, tzinfo=UTC)
LAST = f"_{months_later(LATER.date(), 3):%Y_%m}"
"""The last month that is made by then."""
KEPT_MONTHS = 6


@pytest.fixture
def url(embedded_database: EmbeddedDatabase) -> Iterator[str]:
    with laid_out(embedded_database) as made:
        yield made


@pytest.fixture
def books(url: str) -> Iterator[Central]:
    with central(url) as made:
        yield made


def adjust(books: Central, number: str, quantity: int, at: datetime = NOW, gtin: str = MILK) -> bool | object:
    """Book a correction; whether it was booked now."""
    document = Document(
        site="north",
        document=number,
        lines=(Line(line=1, gtin=gtin, quantity=Decimal(quantity)),),
        event_time=at,
        reason="found",
    )
    with books.database.transaction() as connection:
        return book(connection, document, at)


def names(database: Database) -> dict[Table, list[str]]:
    with database.transaction() as connection:
        return {table: [one.name for one in parts] for table, parts in storage.partitions(connection).items()}


def test_partitions_are_made_three_months_ahead_and_only_once(books: Central) -> None:
    made = make_ahead(books.database, LATER)
    assert make_ahead(books.database, LATER) == []
    for table, there in names(books.database).items():
        assert there[-2:] == [f"{table}{LAST}", f"{table}_default"]
        assert f"{table}{LAST}" in made


def test_several_processes_make_them_at_once(books: Central) -> None:
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend(make_ahead(books.database, LATER))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(set(made))
    assert all(there[-2].endswith(LAST) for there in names(books.database).values())


def test_rows_that_came_before_their_month_was_made_go_into_it(books: Central) -> None:
    adjust(books, "ahead", 5, LATER)
    assert books.rows("SELECT count(*) FROM movements_default") == [(1,)]
    make_ahead(books.database, LATER)
    assert books.rows("SELECT tableoid::regclass::text FROM movements") == [(f"movements_{LATER:%Y_%m}",)]
    assert compare_all(books.database).agrees


def test_housekeeping_makes_them_at_its_start_and_lets_go_what_is_past(books: Central) -> None:
    adjust(books, "old", 5)
    keeper = Housekeeping(
        books.database, lambda _: None, lambda: LATER, retention=Retention(movements_months=KEPT_MONTHS)
    )
    keeper.start()
    keeper.stop()
    assert names(books.database)[Table.MOVEMENTS][-2] == f"movements{LAST}"
    keeper.once()
    assert books.rows("SELECT count(*) FROM movements") == [(0,)]


def test_movements_that_go_are_carried_so_that_the_balances_stay_provable(books: Central) -> None:
    adjust(books, "one", 5)
    adjust(books, "two", -2)
    adjust(books, "three", 7, gtin=BREAD)
    outcomes = let_go(books.database, LATER, Retention(movements_months=KEPT_MONTHS))
    gone = [(one.partition.table, one.rows) for one in outcomes if isinstance(one, Gone) and one.rows]
    assert gone == [(Table.MOVEMENTS, 3)]
    carried = books.rows("SELECT gtin, quantity FROM movements_carried WHERE location = 'on_hand' ORDER BY 1")
    assert carried == [(MILK, Decimal(3)), (BREAD, Decimal(7))]
    adjust(books, "four", 1, LATER)
    with books.database.transaction() as connection:
        assert (rebuild(connection), rebuild(connection, "north"), zero_sum(connection)) == ([], [], {})


def test_what_goes_in_several_years_adds_up(books: Central) -> None:
    adjust(books, "one", 5)
    make_ahead(books.database, LATER)
    adjust(books, "two", 3, LATER)
    let_go(books.database, LATER, Retention(movements_months=KEPT_MONTHS))
    let_go(books.database, LATER + timedelta(days=300), Retention(movements_months=KEPT_MONTHS))
    assert books.rows("SELECT count(*) FROM movements") == [(0,)]
    assert books.rows("SELECT quantity FROM movements_carried WHERE location = 'on_hand'") == [(Decimal(8),)]
    assert compare_all(books.database).agrees


def test_a_balance_that_was_wrong_before_is_still_wrong_after(books: Central) -> None:
    adjust(books, "one", 5)
    with books.database.transaction() as connection:
        connection.execute("UPDATE stock SET quantity = quantity + 1 WHERE location = 'on_hand'")
    let_go(books.database, LATER, Retention(movements_months=KEPT_MONTHS))
    with books.database.transaction() as connection:
        assert [(one.gtin, one.kept - one.replayed) for one in rebuild(connection)] == [(MILK, Decimal(1))]


def test_a_document_whose_movements_have_gone_is_not_booked_again(books: Central) -> None:
    assert adjust(books, "one", 5) is True
    assert isinstance(adjust(books, "one", 6), Differs)
    let_go(books.database, LATER, Retention(movements_months=KEPT_MONTHS))
    assert adjust(books, "one", 5, LATER) is False
    assert books.rows("SELECT quantity FROM stock WHERE location = 'on_hand'") == [(Decimal(5),)]


def test_a_document_that_the_version_before_had_booked_is_remembered_when_its_movements_go(
    books: Central,
) -> None:
    adjust(books, "one", 5)
    with books.database.transaction() as connection:
        connection.execute("DELETE FROM booked_documents")
    let_go(books.database, LATER, Retention(movements_months=KEPT_MONTHS))
    assert adjust(books, "one", 5, LATER) is False


def test_it_is_told_from_which_day_on_rows_are_kept(books: Central) -> None:
    oldest = names(books.database)[Table.STOCK_DAYS][0]
    let_go(books.database, LATER, Retention(stock_days_months=KEPT_MONTHS))
    with books.database.transaction() as connection:
        kept = storage.kept_from(connection, Table.STOCK_DAYS), storage.kept_from(connection, Table.MOVEMENTS)
    make_ahead(books.database, LATER)
    assert oldest not in names(books.database)[Table.STOCK_DAYS]
    assert kept[1] is None
    assert kept[0] is not None
    assert months_later(NOW.date(), 1) < kept[0] <= months_later(LATER.date(), -KEPT_MONTHS)


def test_two_processes_let_the_same_months_go_once(books: Central) -> None:
    adjust(books, "one", 5)
    done: list[object] = []
    retention = Retention(movements_months=KEPT_MONTHS)
    threads = [
        threading.Thread(target=lambda: done.extend(let_go(books.database, LATER, retention)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gone = [one.partition.name for one in done if isinstance(one, Gone)]
    assert sorted(gone) == sorted(set(gone))
    assert compare_all(books.database).agrees


def test_a_reader_that_stays_keeps_its_partition_and_nothing_is_carried_twice(books: Central) -> None:
    adjust(books, "one", 5)
    retention = Retention(movements_months=KEPT_MONTHS)
    with books.database.connect() as reader:
        reader.execute("SELECT count(*) FROM movements")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage, "LOCK_TIMEOUT_MS", 10)
            patch.setattr(storage, "DROP_REST_S", 0.0)
            with pytest.raises(Exception, match="other transactions were in the way"):
                let_go(books.database, LATER, retention)
    assert books.rows("SELECT count(*) FROM movements_carried") == [(0,)]
    let_go(books.database, LATER, retention)
    assert compare_all(books.database).agrees


def _sees(connection: psycopg.Connection[tuple[object, ...]], partition: str) -> list[tuple[object, ...]]:
    return connection.execute(
        sql.SQL("SELECT DISTINCT site_id FROM {}").format(sql.Identifier(partition))
    ).fetchall()


@pytest.mark.parametrize("table", list(Table))
def test_the_role_of_the_interface_cannot_name_a_partition(books: Central, table: Table) -> None:
    make_ahead(books.database, LATER)
    for partition in names(books.database)[table]:
        with (
            books.database.transaction(["north"], role=API) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            _sees(connection, partition)


@pytest.mark.parametrize("table", list(Table))
def test_who_is_let_in_to_a_partition_by_mistake_sees_its_own_sites_all_the_same(
    books: Central, table: Table
) -> None:
    make_ahead(books.database, LATER)
    rows = {
        Table.MOVEMENTS: "INSERT INTO movements (site_id, gtin, quantity, source, destination, cause, document, line, event_time, recorded_at,"
        " business_day) SELECT site, 'x', 1, 'a', 'b', 'c', 'd', 0, at, at, at FROM given",
        Table.EVENTS: "INSERT INTO events (site_id, journal, seq, hash, kind, received_at, body) SELECT site, 1, extract(epoch FROM at), '', '',"
        " at, '' FROM given",
        Table.ITEM_TRACE: "INSERT INTO item_trace (item, action, legal, site_id, event_time, recorded_at) SELECT 'i', 'a', true, site, at, at"
        " FROM given",
        Table.SALE_LINES: "INSERT INTO sale_lines (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor,"
        " discount_minor, currency, event_time, business_day) SELECT site, 1, 1, 0, 'sale', '', '', 'x', 1, 1, 0, 'EUR', at, at FROM given",
        Table.PAYMENTS: "INSERT INTO payments (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, currency,"
        " event_time) SELECT site, at, 1, 1, 0, 'sale', '', 'cash', 1, 'EUR', at FROM given",
        Table.STOCK_DAYS: "INSERT INTO stock_days (site_id, business_day, gtin, flow) SELECT site, at, 'x', 'sold' FROM given",
    }[table]
    given = (
        "WITH given AS (SELECT site, at::timestamptz FROM unnest(ARRAY['north', 'south']) AS site,"
        " unnest(ARRAY['2020-01-01', current_setting('test.later'), '2990-01-01']) AS at) "
    )
    with books.database.transaction() as connection:
        connection.execute("SELECT set_config('test.later', %s, true)", (f"{LATER:%Y-%m-%d}",))
        connection.execute((given + rows).encode())
    seen = set()
    for partition in names(books.database)[table]:
        with books.database.transaction() as connection:
            connection.execute(
                sql.SQL("GRANT SELECT ON {} TO countermark_api").format(sql.Identifier(partition))
            )
        with books.database.transaction(["north"], role=API) as connection:
            seen |= {(partition, site) for (site,) in _sees(connection, partition)}
        with books.database.transaction([], role=API) as connection:
            assert _sees(connection, partition) == []
    assert {partition.removeprefix(table)[:8] for partition, _ in seen} == {
        "_before_", "_default", f"_{LATER:%Y_%m}"
    }  # fmt: skip
    assert {site for _, site in seen} == {"north"}


def test_every_partition_has_the_policies_of_its_table(books: Central) -> None:
    make_ahead(books.database, LATER)
    different = books.rows(
        """
        SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
        WHERE parent.relkind = 'p' AND (
            NOT (child.relrowsecurity AND child.relforcerowsecurity AND parent.relrowsecurity AND parent.relforcerowsecurity)
            OR (SELECT array_agg((polname, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))::text)
                FROM pg_policy WHERE polrelid = inhrelid)
            IS DISTINCT FROM
               (SELECT array_agg((polname, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))::text)
                FROM pg_policy WHERE polrelid = inhparent))
        """
    )
    assert different == []


def test_the_command_lists_partitions_and_keeps_them(url: str, books: Central, tmp_path: Path) -> None:
    adjust(books, "one", 5, datetime(2020, 1, 1, tzinfo=UTC))
    config = tmp_path / "central.toml"
    config.write_text(f'[database]\nurl = "{url}"\n\n[retention]\nmovements_months = 6\n')
    listed = CliRunner().invoke(app, ["partitions", "--json", "--config", str(config)])
    assert listed.exit_code == 0, listed.output
    rows = json.loads(listed.stdout)
    assert {row["table"] for row in rows} == set(Table)
    assert [row["past_retention"] for row in rows if row["table"] == "movements"] == [False] * 5
    assert min(row["bytes"] for row in rows) > 0
    applied = CliRunner().invoke(app, ["partitions", "--apply", "--config", str(config)])
    assert applied.exit_code == 0, applied.output
    assert "movements_default" in applied.stdout


def test_the_rebuild_command_names_what_does_not_agree(url: str, books: Central, tmp_path: Path) -> None:
    adjust(books, "one", 5)
    config = tmp_path / "central.toml"
    config.write_text(f'[database]\nurl = "{url}"\n')
    good = CliRunner().invoke(app, ["rebuild", "--json", "--config", str(config)])
    with books.database.transaction() as connection:
        connection.execute("UPDATE stock SET value_minor = value_minor + 7 WHERE location = 'on_hand'")
    bad = CliRunner().invoke(app, ["rebuild", "--site", "north", "--config", str(config)])
    none = CliRunner().invoke(app, ["rebuild", "--site", "nowhere", "--config", str(config)])
    assert (good.exit_code, json.loads(good.stdout)["agrees"]) == (0, True)
    assert bad.exit_code == 1
    assert f"north, {MILK}, on_hand: 5 (value " in bad.stdout
    assert (none.exit_code, none.stdout) == (1, "")
