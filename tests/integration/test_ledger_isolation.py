"""Row-level security and the ledger: a scope sees and changes its own sites, whoever asks, and the intake works under it too."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql

from central import migrations
from central.database import Database, DatabaseUnavailable, NotMigrated, SchemaTooNew
from central.embedded.database import EmbeddedDatabase
from central.items import storage as items
from central.items.lives import Step
from central.ledger.booking import post
from central.ledger.rules import ON_HAND, SUPPLIER, Movement, Posting
from protocol.chain import genesis
from protocol.items import Action
from tests.integration.books import (
    MILK,
    Central,
    assert_books_hold,
    batch,
    central,
    epoch_id,
    event,
    laid_out,
    lay_out,
    line,
    sale,
)

API = "countermark_api"
AT = datetime(2026, 9, 21, 12, tzinfo=UTC)
ITEM = "010401234567890121ABC"
BY_SITE = {
    "sites": "site_id", "agents": "site_id", "events": "site_id", "quarantine": "site_id", "movements": "site_id",
    "stock": "site_id", "sale_lines": "site_id", "items": "site_id", "item_trace": "site_id",
    "discrepancies": "site_id", "discrepancy_audit": "site_id", "payments": "site_id", "stock_days": "site_id",
    "stock_months": "site_id",
}  # fmt: skip


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def trade(books: Central) -> list[bytes]:
    """The same at both sites: a sale of a coded item, and garbage."""
    accepted = []
    for number, agent in enumerate(("north-1", "south-1"), 1):
        bodies = [event(sale(line(item=f"{ITEM}{agent}"))), b"garbage " + agent.encode()]
        opening = genesis(agent, epoch_id(number))
        books.tell(agent, batch(epoch_id(number), 1, opening, bodies))
        accepted += bodies
    return accepted


def posting(site: str, document: str) -> Posting:
    movement = Movement(0, MILK, Decimal(5), SUPPLIER, ON_HAND, "opening")
    return Posting(
        site=site, movement=movement, event_time=AT, recorded_at=AT, business_day=AT.date(), document=document
    )


@pytest.mark.parametrize("table", sorted(BY_SITE))
def test_a_scope_sees_the_rows_of_its_own_sites_only(books: Central, table: str) -> None:
    trade(books)
    query = sql.SQL("SELECT DISTINCT {} FROM {}").format(
        sql.Identifier(BY_SITE[table]), sql.Identifier(table)
    )
    with books.database.transaction(["north"], role=API) as connection:
        assert connection.execute(query).fetchall() == [("north",)]
    with books.database.transaction([], role=API) as connection:
        assert connection.execute(query).fetchall() == []


def test_a_transaction_that_names_no_scope_sees_nothing(books: Central) -> None:
    trade(books)
    with psycopg.connect(books.database.url) as connection:
        connection.execute("SET LOCAL ROLE countermark_api")
        assert connection.execute("SELECT count(*) FROM movements").fetchone() == (0,)


def test_a_scope_does_not_outlive_its_transaction(books: Central) -> None:
    trade(books)
    with Database(books.database.url, pool_size=1) as one:
        with one.transaction("*", role=API) as connection:
            connection.execute("SELECT 1")
        with one.transaction(["south"], role=API) as connection:
            assert connection.execute("SELECT DISTINCT site_id FROM stock").fetchall() == [("south",)]


def test_the_interface_books_documents_of_its_own_sites(books: Central) -> None:
    with books.database.transaction(["north"], role=API) as connection:
        post(connection, [posting("north", "opening:1")], AT)
        items.apply(
            connection,
            [
                Step(
                    item=ITEM,
                    gtin=MILK,
                    action=Action.COMMISSION,
                    site="north",
                    event_time=AT,
                    recorded_at=AT,
                )
            ],
            AT,
        )
    assert books.rows("SELECT site_id, quantity FROM stock WHERE location = 'on_hand'") == [
        ("north", Decimal(5))
    ]


def test_the_interface_cannot_book_at_another_site(books: Central) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        books.database.transaction(["north"], role=API) as connection,
    ):
        post(connection, [posting("south", "opening:1")], AT)
    assert books.rows("SELECT * FROM movements") == []


def test_the_same_document_cannot_be_booked_twice(books: Central) -> None:
    with books.database.transaction() as connection:
        post(connection, [posting("north", "opening:1")], AT)
    with (
        pytest.raises(psycopg.errors.UniqueViolation),
        books.database.transaction() as connection,
    ):
        post(connection, [posting("north", "opening:1")], AT)


@pytest.fixture
def plain_owner_url(embedded_database: EmbeddedDatabase) -> Iterator[str]:
    """A database that belongs to a user who is no superuser and is subject to row-level security, as in production."""
    name = f"plain_{uuid.uuid4().hex}"
    with psycopg.connect(embedded_database.url("postgres"), autocommit=True) as connection:
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(identifier))
        connection.execute(sql.SQL("GRANT countermark_api TO {} WITH ADMIN OPTION").format(identifier))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(identifier, identifier))
        yield embedded_database.url(name, user=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(identifier))
        connection.execute(sql.SQL("DROP ROLE {}").format(identifier))


def test_the_intake_works_for_an_owner_who_is_subject_to_row_level_security(
    books: Central, plain_owner_url: str
) -> None:
    with central(plain_owner_url) as plain:
        lay_out(plain.database)
        assert plain.rows("SELECT row_security_active('movements')") == [(True,)]
        accepted = trade(plain)
        assert_books_hold(plain, accepted)
        with plain.database.transaction(["north"], role=API) as connection:
            assert connection.execute("SELECT DISTINCT site_id FROM movements").fetchall() == [("north",)]


def test_a_database_without_a_schema_says_what_to_run(empty_database_url: str) -> None:
    with (
        Database(empty_database_url) as database,
        database.transaction() as connection,
        pytest.raises(NotMigrated, match="countermark-central migrate"),
    ):
        migrations.check_schema(connection)


def test_a_database_of_a_newer_version_is_left_alone(books: Central) -> None:
    with books.database.transaction() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="9999 found"):
        migrations.migrate(books.database)
    with books.database.transaction() as connection, pytest.raises(SchemaTooNew):
        migrations.check_schema(connection)


def test_migrating_again_changes_nothing(books: Central) -> None:
    before = books.rows("SELECT table_name, column_name FROM information_schema.columns ORDER BY 1, 2")
    assert migrations.migrate(books.database) == migrations.head_revision()
    assert (
        books.rows("SELECT table_name, column_name FROM information_schema.columns ORDER BY 1, 2") == before
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("nowhere", "there is no such database"),
        ("user", "there is no user"),
        ("socket", "no server has its socket there"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_with_what_to_do(
    books: Central, embedded_database: EmbeddedDatabase, change: str, said: str
) -> None:
    url = {
        "nowhere": embedded_database.url("nowhere"),
        "user": embedded_database.url("postgres", user="nobody_here"),
        "socket": "postgresql://postgres@/postgres?host=/nonexistent",
    }[change]
    with Database(url) as database, pytest.raises(DatabaseUnavailable, match=said):
        database.check()


def test_a_refused_connection_names_host_and_port_and_no_password() -> None:
    with (
        Database("postgresql://someone:secret@127.0.0.1:1/books") as database,
        pytest.raises(DatabaseUnavailable) as refused,
    ):
        database.check()
    assert str(refused.value) == (
        "database 'books' at 127.0.0.1:1: nothing listens there; start PostgreSQL, or correct host and port in database.url"
    )
