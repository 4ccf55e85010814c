"""Books that were kept before values were: they get their days and months, and become worth something as their goods move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from central.database import Database
from central.ledger.documents import Document, Line, book
from central.migrations import steps
from tests.integration.books import MILK, Central, assert_values_hold, central

_OLD_BOOKS = """
INSERT INTO dealers (dealer_id, name, path) VALUES ('d', 'd', 'd/');
INSERT INTO sites (site_id, dealer_id, kind, name, currency) VALUES ('north', 'd', 'store', 'north', 'EUR');
INSERT INTO movements (site_id, gtin, quantity, source, destination, cause, journal, seq, document, line, event_time, recorded_at, business_day)
VALUES ('north', '04012345678901', 10, 'supplier', 'on_hand', 'opening', NULL, NULL, 'o', 1, now(), now(), '2026-08-30'),
       ('north', '04012345678901', 3, 'on_hand', 'customer', 'sale', 1, 1, NULL, 0, now(), now(), '2026-08-31'),
       ('north', '04012345678901', 1, 'customer', 'on_hand', 'void', 1, 2, NULL, 0, now(), now(), '2026-08-31'),
       ('north', '04012345678901', 1, 'customer', 'quarantine', 'return', 1, 3, NULL, 0, now(), now(), '2026-09-01'),
       ('north', '04012345678901', 2, 'on_hand', 'in_transit:north>south', 'despatch', NULL, NULL, 'x', 1, now(), now(), '2026-09-01');
INSERT INTO stock (site_id, gtin, location, quantity)
VALUES ('north', '04012345678901', 'supplier', -10), ('north', '04012345678901', 'on_hand', 6), ('north', '04012345678901', 'customer', 1),
       ('north', '04012345678901', 'quarantine', 1), ('north', '04012345678901', 'in_transit:north>south', 2);
INSERT INTO sale_lines (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor, discount_minor, currency, event_time,
    business_day)
VALUES ('north', 1, 1, 0, 'sale', 's', 's', '04012345678901', 3, 600, 0, 'EUR', now(), '2026-08-31'),
       ('north', 1, 2, 0, 'void', 's', 's', '04012345678901', -1, -200, 0, 'EUR', now(), '2026-08-31'),
       ('north', 1, 3, 0, 'return', 's', 's', '04012345678901', -1, -200, 0, 'EUR', now(), '2026-09-01'),
       ('north', 1, 4, 0, 'sale', 't', 't', '04012345678901', 0, 999, 0, 'USD', now(), '2026-09-01');
"""


@pytest.fixture
def books(empty_database_url: str) -> Iterator[Central]:
    with Database(empty_database_url) as database:
        steps.migrate(database, to="0005")
        with database.transaction() as connection:
            connection.execute(_OLD_BOOKS)
        steps.migrate(database)
    with central(empty_database_url) as made:
        yield made


def test_books_that_were_there_before_get_their_days_and_months(books: Central) -> None:
    assert books.rows("SELECT month, flow, quantity, amount_minor FROM stock_months ORDER BY 1, 2") == [
        (date(2026, 8, 1), "received", 10, 0),
        (date(2026, 8, 1), "sold", 2, 400),
        (date(2026, 9, 1), "returned", 0, 200),
        (date(2026, 9, 1), "set_aside", 1, 0),
        (date(2026, 9, 1), "transferred_out", 2, 0),
    ]
    assert_values_hold(books)


def test_their_goods_are_worth_something_from_the_first_movement_after_a_cost_is_known(
    books: Central,
) -> None:
    at = datetime(2026, 9, 21, tzinfo=UTC)
    gone = (Line(line=1, gtin=MILK, quantity=Decimal(-1)),)
    with books.database.transaction() as connection:
        connection.execute("INSERT INTO costs VALUES (%s, 'EUR', '2026-09-20', 150)", (MILK,))
        document = Document(site="north", document="adjustment:a", lines=gone, event_time=at, reason="damage")
        assert book(connection, document, at) is True
    assert books.rows(
        "SELECT location, quantity, value_minor FROM stock WHERE value_minor <> 0 ORDER BY 1"
    ) == [
        ("adjustment:damage", 1, 150),
        ("adjustment:valuation", 0, -900),
        ("on_hand", 5, 750),
    ]
    assert_values_hold(books)
