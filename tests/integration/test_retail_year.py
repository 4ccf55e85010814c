"""A year of real sale lines of five shops, through the real sender and intake: weighed goods, offers, zero quantities and all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from central.database import Database
from central.reconciliation import day_statement
from central.reconciliation.periods import By, Span
from central.reconciliation.ranges import range_statement
from central.sales.totals import totals
from deploy.demonstration.paper import Paper, Totals
from deploy.demonstration.sales_file import Receipt, SalesFile, read_products, read_sales
from protocol.events import Sale, SaleLine
from tests.integration.books import Central, assert_books_hold, central, event, exchange, lay_out, machine

DATA = Path(__file__).parents[2] / "deploy" / "data" / "retail"


@pytest.fixture(scope="module")
def year() -> SalesFile:
    return read_sales(DATA / "sales.csv", "EUR")


@pytest.fixture
def trade(database_url: str, year: SalesFile) -> Iterator[tuple[Central, dict[str, str]]]:
    with Database(database_url) as database:
        epochs = lay_out(database, year.stores)
        products, bad_lines = read_products(DATA / "products.csv")
        assert bad_lines == []
        with database.transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO products (gtin, name) VALUES (%s, %s)",
                [(one.gtin, one.name) for one in products],
            )
            # Costs of odd fractions: with weighed goods, the worth of hardly a line is a whole number of cents.
            cursor.executemany(
                "INSERT INTO costs (gtin, currency, valid_from, cost_minor) VALUES (%s, 'EUR', '2000-01-01', %s)",
                [(one.gtin, Decimal(number % 1_000) / 7 + 13) for number, one in enumerate(products)],
            )
    with central(database_url) as books:
        yield books, epochs


def sale_of(receipt: Receipt) -> bytes:
    lines = tuple(
        SaleLine(
            gtin=line.gtin,
            quantity=line.quantity,
            amount_minor=line.amount_minor,
            discount_minor=line.discount_minor,
        )
        for line in receipt.lines
    )
    number = f"{receipt.store}-{receipt.number}"
    at_us = int(receipt.sold_at.replace(tzinfo=UTC).timestamp() * 1_000_000)
    return event(Sale(sale_id=number, receipt=number, currency="EUR", lines=lines), at_us=at_us)


def test_every_line_of_the_year_is_sold_once_and_the_totals_are_those_of_the_file(
    trade: tuple[Central, dict[str, str]], year: SalesFile
) -> None:
    books, epochs = trade
    tills = {store: machine(f"{store}-1", epochs[f"{store}-1"]) for store in year.stores}
    paper, accepted = Paper(), []
    for receipt in year.receipts:
        paper.sell(receipt.store, receipt)
        accepted.append(sale_of(receipt))
        tills[receipt.store].disk.append([accepted[-1]])

    exchange(books, list(tills.values()))

    with books.database.transaction() as connection:
        found = {
            row["site"]: Totals(row["lines"], row["receipts"], Decimal(row["quantity"]), row["amount_minor"])
            for row in totals(connection, site=None, first=None, last=None)
        }
    assert found == dict(paper.sold)
    assert sum(one.lines for one in found.values()) == 7_720
    on_hand = books.rows("SELECT site_id, gtin, quantity FROM stock WHERE location = 'on_hand'")
    assert paper.differences(on_hand) == []
    assert_books_hold(books, accepted)
    for store in year.stores:
        assert_statements_hold(books, store, found[store])


def assert_statements_hold(books: Central, store: str, sold: Totals) -> None:
    """The year balances as a whole, by month and day by day, in quantity and value, and says in each way what was sold."""
    ((first, last),) = books.rows(
        "SELECT min(business_day), max(business_day) FROM sale_lines WHERE site_id = %s", store
    )
    with books.database.transaction(snapshot=True) as connection:
        by_day, by_month, whole = [
            range_statement(connection, store, Span(first, last), by, limit=100_000)[0] for by in By
        ]
        days = {one.first for one in by_day.items}
        statements = [day_statement(connection, store, day) for day in sorted(days)[:: len(days) // 8]]
        ((worth,),) = connection.execute(
            "SELECT -sum(value_minor)::bigint FROM stock WHERE site_id = %s AND location = 'customer'",
            (store,),
        ).fetchall()
    assert whole.balanced
    assert by_month.balanced
    assert by_day.balanced
    assert [one.unbalanced for one in statements] == [()] * len(statements)
    assert [sum(one.amount_minor for one in found.totals) for found in (whole, by_month, by_day)] == [
        sold.amount_minor
    ] * 3
    assert [sum(one.sold_value_minor for one in found.totals) for found in (whole, by_month, by_day)] == [
        -worth
    ] * 3
    assert sum(one.sold for one in whole.items) == sold.quantity
    assert whole.totals[0].closing_value_minor == worth
