"""Money of the tills in the books: payments, shifts in any order, seals and drawers, and what a late fact explains."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest

from central.embedded.database import EmbeddedDatabase
from central.moments import from_microseconds
from central.shifts.booking import mend
from protocol.chain import genesis
from protocol.events import PriceOverridden
from protocol.messages import FeedChunk, FeedPull
from tests.integration.books import (
    MILK,
    NOW_US,
    Central,
    central,
    epoch_id,
    laid_out,
    line,
    returned,
    sale,
    void,
)
from tests.integration.tills import SOUTH, Till, closed, moved, opened, sold

NOW = from_microseconds(NOW_US)


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def cases(books: Central) -> list[tuple[str, str, str, str | None]]:
    """(class, key, state, cause) of the cases about money."""
    return [
        (name, key, state, cause)
        for name, key, state, cause in books.rows(
            """
            SELECT class, cause_key, state, cause FROM discrepancies
            WHERE class IN ('shift_differs', 'cash_difference', 'payment_difference') ORDER BY class, cause_key
            """
        )
    ]


def payments(books: Central) -> list[tuple[Any, ...]]:
    return books.rows("SELECT kind, method, amount_minor FROM payments ORDER BY site_id, journal, seq, line")


def counts(books: Central, shift: str = "a") -> list[tuple[Any, ...]]:
    return books.rows(
        "SELECT method, counted_minor, till_minor, booked_minor FROM shift_counts WHERE shift_id = %s ORDER BY method",
        shift,
    )


def test_receipts_are_kept_with_how_they_were_paid(books: Central) -> None:
    first = sold(500, cash=200, card=300)
    Till(books).write(first, void(first), returned(sold(70)), sale(line(MILK, "1", 90)))
    assert payments(books) == [
        ("sale", "cash", 200),
        ("sale", "card", 300),
        ("void", "cash", -200),
        ("void", "card", -300),
        ("return", "cash", -70),
        ("sale", "unstated", 90),
    ]


def test_a_void_finds_its_sale_in_an_earlier_batch(books: Central) -> None:
    till, first = Till(books), sold(500, card=500)
    till.write(first)
    till.write(void(first))
    assert payments(books)[1:] == [("void", "card", -500)]


def test_a_void_that_came_before_its_sale_is_put_right_by_it(books: Central) -> None:
    elsewhere = sold(500, cash=100, wallet=400)
    north, south = Till(books), Till(books, SOUTH)
    books.rows("UPDATE agents SET site_id = 'north', lane = '2' WHERE agent_id = 'south-1' RETURNING 1")
    north.write(void(elsewhere))
    before = payments(books)
    south.write(elsewhere)
    assert before == [("void", "unknown", -500)]
    assert payments(books)[:2] == [("void", "cash", -100), ("void", "wallet", -400)]


def test_a_void_and_a_sale_that_were_booked_side_by_side_are_brought_together_by_the_clock(
    books: Central,
) -> None:
    first = sold(500, card=500)
    Till(books).write(first, void(first))
    books.rows("UPDATE payments SET method = 'unknown' WHERE kind = 'void' RETURNING 1")
    with books.database.transaction() as connection:
        done = [mend(connection, NOW), mend(connection, NOW)]
    assert (done, payments(books)[1:]) == ([1, 0], [("void", "card", -500)])


def test_moved_cash_and_overridden_prices_are_kept(books: Central) -> None:
    override = PriceOverridden(
        override_id="o",
        gtin=MILK,
        currency="EUR",
        list_price_minor=250,
        price_minor=200,
        reason="dented",
        clerk="Li",
    )
    Till(books).write(moved(-5_000), override, override)
    assert books.rows("SELECT amount_minor, reason FROM cash_moves") == [(-5_000, "safe")]
    assert books.rows("SELECT override_id, seq, list_price_minor, price_minor FROM price_overrides") == [
        ("o", 2, 250, 200)
    ]


def test_a_shift_whose_drawer_holds_what_it_should_is_no_case(books: Central) -> None:
    first = sold(500)
    Till(books).write(
        opened(), first, sold(700, card=700), sold(50), void(first), returned(sold(20)), moved(-3_000),
        closed(sales=3, voids=1, returns=1, taken={"cash": 30, "card": 700}, expected={"cash": 7_030, "card": 700}),
    )  # fmt: skip
    assert cases(books) == []
    assert counts(books) == [("card", 700, 700, 700), ("cash", 7_030, 7_030, 7_030)]


def test_the_order_of_batches_changes_nothing_about_a_shift(books: Central) -> None:
    till = Till(books)
    for body in (opened(), sold(500), closed(sales=1, taken={"cash": 500})):
        till.write(body)
    assert (cases(books), counts(books)) == ([], [("cash", 10_500, 10_500, 10_500)])


def test_cash_that_is_missing_is_one_case_with_its_evidence(books: Central) -> None:
    Till(books).write(
        opened(), sold(1_234), sold(700, card=700),
        closed(sales=2, taken={"cash": 1_234, "card": 700}, counted={"cash": 10_000, "card": 700}),
    )  # fmt: skip
    assert cases(books) == [("cash_difference", "a", "open", "unpaid_receipt")]
    ((value, currency, evidence),) = books.rows(
        "SELECT value_minor, currency, evidence FROM discrepancies WHERE class = 'cash_difference'"
    )
    assert (value, currency) == (1_234, "EUR")
    assert [(fact["event"], fact["seq"]) for fact in evidence] == [
        ("shift_opened", 1),
        ("sale", 2),
        ("shift_closed", 4),
    ]


def test_a_card_receipt_booked_as_cash_is_one_case_and_not_two(books: Central) -> None:
    Till(books).write(
        opened(), sold(1_234),
        closed(sales=1, taken={"cash": 1_234}, counted={"cash": 10_000, "card": 1_234}),
    )  # fmt: skip
    assert cases(books) == [("payment_difference", "a/card", "open", "wrong_method")]


@pytest.mark.parametrize(("counted", "expected"), [(9_900, []), (9_899, ["cash_difference"])])
def test_a_drawer_may_be_off_by_the_tolerance_of_its_site(
    books: Central, counted: int, expected: list[str]
) -> None:
    books.rows(
        """
        INSERT INTO till_limits (site_id, cash_tolerance_minor, updated_at, actor)
        VALUES ('', 5, now(), 'test'), ('north', 100, now(), 'test') RETURNING 1
        """
    )
    Till(books).write(opened(), closed(counted={"cash": counted}))
    assert [name for name, *_ in cases(books)] == expected


def test_an_event_in_quarantine_is_why_a_seal_differs_even_in_the_same_batch(books: Central) -> None:
    Till(books).write(opened(), sold(500), b"garbage", closed(sales=2, taken={"cash": 700}))
    assert cases(books) == [("shift_differs", "a", "open", "quarantined_event")]
    ((evidence,),) = books.rows("SELECT evidence FROM discrepancies WHERE class = 'shift_differs'")
    assert ("quarantined", 3) in [(fact["event"], fact["seq"]) for fact in evidence]


def test_an_event_that_the_database_refuses_is_why_a_seal_differs(books: Central) -> None:
    odd = sold(500, cash=1 << 63)
    Till(books).write(opened(), sold(500), odd, closed(sales=2, taken={"cash": 1_000}))
    assert cases(books) == [("shift_differs", "a", "open", "quarantined_event")]


def test_a_seal_that_waits_for_a_sale_closes_itself_when_it_arrives(books: Central) -> None:
    elsewhere = sold(500, card=500)
    north, south = Till(books), Till(books, SOUTH)
    books.rows("UPDATE agents SET site_id = 'north', lane = '2' WHERE agent_id = 'south-1' RETURNING 1")
    north.write(
        opened(),
        void(elsewhere),
        closed(voids=1, taken={"card": -500}, expected={"cash": 10_000, "card": -500}),
    )
    before = cases(books)
    south.write(elsewhere)
    assert before == [("shift_differs", "a", "open", "sale_awaited")]
    assert cases(books) == [("shift_differs", "a", "settled", "sale_awaited")]


def test_a_closing_without_an_opening_is_compared_with_what_the_till_says(books: Central) -> None:
    till = Till(books)
    till.write(opened("z"), sold(99), closed("z", sales=1, taken={"cash": 99}))
    till.write(sold(500), closed(first_seq=900, sales=1, taken={"cash": 500}))
    assert cases(books) == [("shift_differs", "a", "open", "opening_missing")]
    assert counts(books) == [("cash", 10_500, 10_500, 500)]
    assert books.rows("SELECT first_seq, opened_at FROM shifts WHERE shift_id = 'a'") == [(3, None)]


def test_a_shift_that_is_left_open_is_a_case_until_it_is_closed(books: Central) -> None:
    till = Till(books)
    till.write(opened("a"), sold(500))
    till.write(opened("b"), sold(70))
    before = cases(books)
    till.write(closed("a", sales=2, taken={"cash": 570}))
    assert before == [("shift_differs", "a", "open", "not_closed")]
    assert cases(books) == [("shift_differs", "a", "settled", "not_closed")]


def test_that_a_shift_was_left_open_is_said_once(books: Central) -> None:
    till = Till(books)
    till.write(opened("a"))
    till.write(opened("b"), closed("b"))
    books.rows("UPDATE discrepancies SET state = 'settled' RETURNING 1")
    till.write(opened("c"), closed("c"))
    assert cases(books) == [("shift_differs", "a", "settled", "not_closed")]


def test_a_settled_difference_is_not_opened_again_by_a_fact_that_changes_nothing(books: Central) -> None:
    till = Till(books)
    till.write(
        opened(), sold(100, sale_id="x"), closed(sales=1, taken={"cash": 100}, counted={"cash": 9_000})
    )
    books.rows("UPDATE discrepancies SET state = 'settled' RETURNING 1")
    with books.database.transaction() as connection:
        connection.execute("UPDATE payments SET kind = 'void', method = 'unknown' WHERE sale_id = 'x'")
        connection.execute("UPDATE payments SET kind = 'sale', method = 'cash' WHERE sale_id = 'x'")
        mend(connection, NOW)
    assert [state for _, _, state, _ in cases(books)] == ["settled"]


def test_a_shift_over_midnight_counts_all_its_receipts_and_is_of_the_day_of_its_end(books: Central) -> None:
    till = Till(books)
    till.minutes, till.received_us = 13 * 60 + 38, NOW_US + 86_400_000_000  # from 23:52 in Berlin on
    till.write(opened(), *(sold(100) for _ in range(10)), closed(sales=10, taken={"cash": 1_000}))
    days = books.rows("SELECT business_day, sum(amount_minor)::int FROM payments GROUP BY 1 ORDER BY 1")
    assert cases(books) == []
    assert days == [(date(2026, 9, 21), 700), (date(2026, 9, 22), 300)]
    assert books.rows("SELECT business_day FROM shifts") == [(date(2026, 9, 22),)]


def test_a_machine_of_a_site_that_was_added_later_pulls_the_limits_of_everybody(books: Central) -> None:
    def pulled() -> list[bytes | None]:
        (chunk,) = books.tell("north-1", FeedPull(feed="limits", since=0, limit=10), "ask")
        assert isinstance(chunk, FeedChunk)
        return [row.body for row in chunk.rows]

    before = pulled()
    with books.database.transaction() as connection:
        connection.execute(
            "INSERT INTO till_limits (site_id, cash_tolerance_minor, updated_at, actor) VALUES ('', 5, now(), 'test')"
        )
    assert (before, pulled(), pulled()) == (
        [],
        [b'{"cash_tolerance_minor":5}'],
        [b'{"cash_tolerance_minor":5}'],
    )


def branch(books: Central, till: Till, parent_seq: int) -> None:
    """A new epoch of the till's agent, grown from a row of its present one."""
    epoch = epoch_id(77)
    opening = genesis(till.agent, epoch)
    books.rows(
        """
        INSERT INTO epochs (agent_id, epoch, parent_epoch, parent_seq, opening_hash, head_hash, cause)
        VALUES (%s, %s, %s, %s, %s, %s, 'fork') RETURNING 1
        """,
        till.agent, epoch, till.epoch, parent_seq, opening, opening,
    )  # fmt: skip
    till.epoch, till.seq, till.head = epoch, 1, opening


def test_a_shift_goes_on_in_a_new_epoch_of_its_journal(books: Central) -> None:
    till = Till(books)
    till.write(sold(9), opened(), sold(100), sold(200))
    till.write(sold(4_000))  # by a copy of the machine, after the row from which the till's new epoch grows
    branch(books, till, parent_seq=4)
    till.write(sold(30), closed(first_seq=2, sales=3, taken={"cash": 330}))
    assert (cases(books), counts(books)) == ([], [("cash", 10_330, 10_330, 10_330)])


def test_a_closing_in_a_series_that_does_not_hang_together_with_its_opening_says_what_it_finds(
    books: Central,
) -> None:
    till = Till(books)
    till.write(opened(), sold(100))
    branch(books, till, parent_seq=1)
    books.rows(
        "UPDATE epochs SET parent_epoch = NULL, parent_seq = 0 WHERE parent_epoch IS NOT NULL RETURNING 1"
    )
    till.write(sold(30), closed(sales=2, taken={"cash": 130}))
    assert (cases(books), counts(books)) == ([], [("cash", 10_130, 10_130, 10_130)])


def test_rows_of_an_older_epoch_that_come_after_the_closing_are_counted_then(books: Central) -> None:
    till = Till(books)
    till.write(opened(), sold(100))
    older = till.epoch, till.seq, till.head
    branch(books, till, parent_seq=3)
    till.write(sold(30), closed(sales=3, taken={"cash": 180}))
    before = cases(books)
    till.epoch, till.seq, till.head = older
    till.write(sold(50))
    assert before == [("shift_differs", "a", "open", "missing_event")]
    assert cases(books) == [("shift_differs", "a", "settled", "missing_event")]


def test_an_opening_that_comes_after_its_closing_explains_it(books: Central) -> None:
    till = Till(books)
    till.write(sold(9))
    older = till.epoch, till.seq, till.head
    branch(books, till, parent_seq=3)
    till.write(sold(30), closed(sales=2, first_seq=900, taken={"cash": 130}))
    before = cases(books)
    till.epoch, till.seq, till.head = older
    till.write(opened(), sold(100))
    assert before == [("shift_differs", "a", "open", "opening_missing")]
    assert cases(books) == [("shift_differs", "a", "settled", "opening_missing")]
    assert counts(books) == [("cash", 10_130, 10_130, 10_130)]


def test_several_shifts_of_a_day_are_told_apart(books: Central) -> None:
    till = Till(books)
    for name, amount in (("a", 100), ("b", 250), ("c", 40)):
        till.write(sold(1), opened(name), sold(amount), closed(name, sales=1, taken={"cash": amount}))
    assert cases(books) == []
    assert [counts(books, name)[0][3] for name in "abc"] == [10_100, 10_250, 10_040]


def test_money_of_another_currency_is_counted_and_not_added(books: Central) -> None:
    foreign = msgspec.structs.replace(sold(500), currency="USD")
    Till(books).write(opened(), foreign, sold(70), closed(sales=2, taken={"cash": 70}))
    assert (cases(books), counts(books)) == ([], [("cash", 10_070, 10_070, 10_070)])
