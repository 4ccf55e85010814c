"""The day statement and the replay: they add up, and when something was tampered with they say where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from central.embedded.database import EmbeddedDatabase
from central.reconciliation import DayStatement, day_statement, rebuild, zero_sum
from central.reconciliation.beside import Takings
from central.reconciliation.rules import ProductLine
from central.reconciliation.statement import UnknownSite
from protocol.chain import genesis
from protocol.codec import encode
from protocol.events import GoodsLine, GoodsReceived, StockAdjusted
from tests.integration.books import (
    BREAD,
    CHEESE,
    MILK,
    NOW_US,
    Central,
    batch,
    central,
    epoch_id,
    event,
    laid_out,
    line,
    returned,
    sale,
    void,
)

AGENT, EPOCH = "north-1", epoch_id(1)
DAY = date(2026, 9, 21)
DAY_US = 86_400_000_000


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def trade(books: Central) -> list[bytes]:
    """A day before with a delivery, a day with everything in it, and a day after."""
    books.rows(
        """
        INSERT INTO costs (gtin, currency, valid_from, cost_minor)
        VALUES (%s, 'EUR', '2020-01-01', 100), (%s, 'EUR', '2020-01-01', 150), (%s, 'EUR', '2020-01-01', 1000) RETURNING 1
        """,
        MILK, BREAD, CHEESE,
    )  # fmt: skip
    milk, bread = sale(line(MILK, "2", 398)), sale(line(BREAD, "1", 250), line(MILK, "0", 0))
    cheese = sale(line(CHEESE, "0.350", 612))
    delivery = GoodsReceived(
        receipt_advice_id="r1",
        lines=tuple(GoodsLine(gtin=gtin, quantity=Decimal(20)) for gtin in (MILK, BREAD, CHEESE)),
    )
    bodies = [
        event(delivery, at_us=NOW_US - DAY_US),
        event(milk),
        event(bread),
        event(cheese),
        event(void(bread)),
        event(returned(milk, "restock")),
        event(returned(cheese, "quarantine")),
        event(
            StockAdjusted(
                adjustment_id="a", reason="damage", lines=(GoodsLine(gtin=BREAD, quantity=Decimal(-3)),)
            )
        ),
        event(sale(line(MILK, "5", 995)), at_us=NOW_US + 100_000_000),
    ]
    books.tell(AGENT, batch(EPOCH, 1, genesis(AGENT, EPOCH), bodies))
    return bodies


def statement(books: Central, day: date = DAY) -> DayStatement:
    with books.database.transaction() as connection:
        return day_statement(connection, "north", day)


def test_a_day_adds_up_per_product_and_in_total(books: Central) -> None:
    trade(books)
    found = statement(books)
    assert found.balanced
    assert found.products == (
        ProductLine(
            gtin=MILK,
            opening=Decimal(20), opening_value_minor=2_000,
            returned=Decimal(2), returned_value_minor=200, refunded_minor=398,
            sold=Decimal(7), sold_value_minor=700, amount_minor=1_393,
            closing=Decimal(15), closing_value_minor=1_500,
        ),
        ProductLine(
            gtin=BREAD,
            opening=Decimal(20), opening_value_minor=3_000,
            adjusted=Decimal(-3), adjusted_value_minor=-450,
            closing=Decimal(17), closing_value_minor=2_550,
        ),
        ProductLine(
            gtin=CHEESE,
            opening=Decimal(20), opening_value_minor=20_000,
            sold=Decimal("0.350"), sold_value_minor=350, amount_minor=612,
            refunded_minor=612, set_aside=Decimal("0.350"), set_aside_value_minor=350,
            closing=Decimal("19.650"), closing_value_minor=19_650,
        ),
    )  # fmt: skip
    assert (found.totals.receipts, found.totals.lines) == (4, 5)
    assert found.totals.quantity == Decimal("7.350")
    assert found.totals.takings == (Takings(currency="EUR", amount_minor=2005, refunded_minor=1010),)
    assert found.complete


def test_the_next_day_opens_where_the_last_one_closed(books: Central) -> None:
    trade(books)
    today, tomorrow = statement(books), statement(books, date(2026, 9, 22))
    assert {p.gtin: p.closing for p in today.products} == {p.gtin: p.opening for p in tomorrow.products}
    assert tomorrow.balanced


def test_a_late_sale_changes_the_day_on_which_it_happened(books: Central) -> None:
    bodies = trade(books)
    before = statement(books)
    late = [event(sale(line(MILK, "1", 199)))]
    books.tell(AGENT, batch(EPOCH, len(bodies) + 1, _head(bodies), late))
    after = statement(books)
    assert after.balanced
    assert after.products[0].sold == before.products[0].sold + 1


def _head(bodies: list[bytes]) -> bytes:
    return batch(EPOCH, 1, genesis(AGENT, EPOCH), bodies).head_hash


def test_the_day_is_the_local_day_of_the_site(books: Central) -> None:
    # 2026-09-21 23:30 in Berlin is 21:30 UTC, and 00:30 there is still 22:30 UTC of the same day.
    evening_us = 1_790_026_200_000_000
    bodies = [event(sale(), at_us=evening_us), event(sale(), at_us=evening_us + 3_600_000_000)]
    with central(books.database.url, lambda: evening_us + 2 * 3_600_000_000) as later:
        later.intake.offer(
            AGENT,
            "up",
            encode(batch(EPOCH, 1, genesis(AGENT, EPOCH), bodies), "up"),
            evening_us + 4_000_000_000,
        )
        later.intake.drain()
    found = books.rows("SELECT business_day FROM movements ORDER BY movement_id")
    assert found == [(date(2026, 9, 21),), (date(2026, 9, 22),)]


def test_a_balance_that_was_tampered_with_unbalances_its_line_and_is_named(books: Central) -> None:
    trade(books)
    with books.database.transaction() as connection:
        connection.execute(
            "UPDATE stock SET quantity = quantity + 1 WHERE gtin = %s AND location = 'on_hand'", (MILK,)
        )
        assert [(d.gtin, d.location, d.kept - d.replayed) for d in rebuild(connection)] == [
            (MILK, "on_hand", Decimal(1))
        ]
        assert zero_sum(connection) == {MILK: Decimal(1)}
    found = statement(books)
    assert not found.balanced
    assert found.unbalanced[0] == (f"product {MILK}: closing 16 differs from what the movements give by 1")


def test_a_movement_that_vanished_unbalances_the_books(books: Central) -> None:
    trade(books)
    with books.database.transaction() as connection:
        connection.execute("DELETE FROM movements WHERE gtin = %s AND cause = 'sale'", (CHEESE,))
    assert not statement(books).balanced


def test_an_event_that_vanished_from_the_archive_is_named(books: Central) -> None:
    trade(books)
    with books.database.transaction() as connection:
        connection.execute("DELETE FROM events WHERE seq = 2")
    assert statement(books).unbalanced == (
        f"journal of {AGENT}, epoch {EPOCH}: 8 events of the day acknowledged, 7 archived and 0 quarantined",
    )


def test_what_is_open_or_quarantined_is_listed_and_does_not_unbalance_the_books(books: Central) -> None:
    bodies = [event(sale(line(MILK))), b"garbage"]
    books.tell(AGENT, batch(EPOCH, 1, genesis(AGENT, EPOCH), bodies))
    found = statement(books)
    assert found.balanced
    assert {case.discrepancy_class for case in found.discrepancies} == {"sold_below_zero", "quarantined"}
    assert [row.seq for row in found.quarantined] == [2]


def test_a_statement_is_incomplete_while_an_agent_says_that_it_has_more(books: Central) -> None:
    bodies = [event(sale())]
    whole = batch(EPOCH, 1, genesis(AGENT, EPOCH), bodies)
    books.tell(AGENT, msgspec.structs.replace(whole, unsent=12))
    assert not statement(books).complete
    assert statement(books).journals[0].unsent == 12


def test_a_site_that_is_not_there_is_named(books: Central) -> None:
    with (
        books.database.transaction() as connection,
        pytest.raises(UnknownSite, match="site 'nowhere'"),
    ):
        day_statement(connection, "nowhere", DAY)


def test_the_statement_of_a_quiet_day_balances(books: Central) -> None:
    found = statement(books)
    assert (found.balanced, found.products, found.totals.receipts) == (True, (), 0)


def test_the_last_booked_stocktake_before_the_end_of_the_day_stands_beside_it(books: Central) -> None:
    books.rows(
        """
        INSERT INTO stocktakes (site_id, stocktake_id, name, blind, state, started_at, started_by, ended_at)
        VALUES ('north', 'a', 'August', true, 'booked', '2026-08-31 20:00Z', 'x', '2026-08-31 23:00Z'),
               ('north', 'b', 'September', true, 'booked', '2026-09-20 20:00Z', 'x', '2026-09-20 23:00Z'),
               ('north', 'c', 'under way', true, 'counting', '2026-09-21 08:00Z', 'x', NULL),
               ('north', 'd', 'October', true, 'booked', '2026-10-01 20:00Z', 'x', '2026-10-01 23:00Z'),
               ('south', 'e', 'elsewhere', true, 'booked', '2026-09-21 08:00Z', 'x', '2026-09-21 09:00Z')
        RETURNING 1
        """
    )
    books.rows(
        """
        INSERT INTO stocktake_lines (site_id, stocktake_id, gtin, round, counted, counted_at, expected, variance, value_minor, state)
        VALUES ('north', 'b', %s, 1, 3, '2026-09-20', 5, -2, -200, 'booked'), ('north', 'b', %s, 1, 3, '2026-09-20', 3, 0, 0, 'agrees'),
               ('north', 'b', %s, 1, 9, '2026-09-20', 5, 4, 400, 'refused')
        RETURNING 1
        """,
        MILK, BREAD, CHEESE,
    )  # fmt: skip
    found = statement(books).last_stocktake
    assert found is not None
    assert (found.name, found.products, found.variances, found.variance_value_minor) == (
        "September",
        3,
        1,
        -200,
    )
    assert statement(books, date(2026, 8, 1)).last_stocktake is None


def test_codes_that_are_not_as_many_as_what_is_on_hand_stand_beside_it(books: Central) -> None:
    trade(books)
    books.rows("UPDATE products SET serialised = true WHERE gtin = %s RETURNING 1", MILK)
    books.rows(
        "INSERT INTO items (item, gtin, state, site_id) VALUES ('010401234567890121A', %s, 'sellable', 'north') RETURNING 1",
        MILK,
    )
    found = statement(books)
    assert [(one.gtin, one.on_hand, one.coded) for one in found.coded] == [(MILK, Decimal(15), 1)]
    assert found.balanced
