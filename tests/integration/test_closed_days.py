"""Days that are closed, and what is heard of them later; what was known at an instant; ranges and days that say the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
import psycopg
import pytest

from central.actors import By as Actor
from central.database import Connection
from central.embedded.database import EmbeddedDatabase
from central.housekeeping import Housekeeping
from central.ledger.days import closed_through
from central.ledger.flows import EFFECT, Flow
from central.moments import from_microseconds
from central.reconciliation import DayStatement, day_statement
from central.reconciliation.calendar import close_due
from central.reconciliation.calendar_rules import Rule
from central.reconciliation.closing import close
from central.reconciliation.periods import By, Span
from central.reconciliation.ranges import PeriodLine, range_statement
from central.reconciliation.rules import ProductLine, as_it_was
from central.reconciliation.statement import Before, NotKept
from central.reconciliation.totals import Scope, tree_totals
from protocol.events import Body, GoodsLine, GoodsReceived, Sale, StockAdjusted
from tests.integration.books import (
    BREAD,
    CHEESE,
    MILK,
    NOW_US,
    Central,
    central,
    event,
    laid_out,
    line,
    returned,
    sale,
    void,
)
from tests.integration.tills import SOUTH, Till

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
FIRST, LAST = date(2026, 9, 15), date(2026, 9, 21)
DAYS = [FIRST + timedelta(days=number) for number in range(7)]


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        made.rows(
            """
            INSERT INTO costs (gtin, currency, valid_from, cost_minor)
            VALUES (%s, 'EUR', '2020-01-01', 100), (%s, 'EUR', '2020-01-01', 133.37), (%s, 'EUR', '2020-01-01', 999) RETURNING 1
            """,
            MILK, BREAD, CHEESE,
        )  # fmt: skip
        yield made


def statement(books: Central, day: date, as_of: datetime | None = None) -> DayStatement:
    with books.database.transaction(snapshot=True) as connection:
        return day_statement(connection, "north", day, as_of=as_of)


def close_day(books: Central, day: date, at: datetime) -> None:
    with books.database.transaction() as connection:
        close(connection, "north", day, Actor(actor="test", at=at), complete=True)


def as_closed(found: DayStatement) -> tuple[ProductLine, ...]:
    """All the products of a statement as it was closed: those that were restated, and the others as they are."""
    assert isinstance(found.as_closed, Before)
    then = {line.gtin: line for line in found.products}
    then |= {line.gtin: line for line in found.as_closed.products}
    return tuple(then[gtin] for gtin in sorted(then) if then[gtin] != ProductLine(gtin=gtin))


def some_facts(chance: random.Random, count: int) -> list[bytes]:
    """Facts of a till in the order of its journal, most of them in the order of time, some told much later."""
    bodies: list[bytes] = []
    done: list[Sale] = []
    for number in range(count):
        day = min(6, number * 7 // count) if chance.random() < 0.8 else chance.randrange(7)
        at_us = NOW_US - (6 - day) * DAY_US - chance.randrange(4 * HOUR_US)
        gtin = chance.choice((MILK, BREAD, CHEESE))
        body: Body
        match chance.randrange(7):
            case 0:
                goods = GoodsLine(gtin=gtin, quantity=Decimal(chance.randrange(1, 30)))
                body = GoodsReceived(receipt_advice_id=f"r{chance.random()}", lines=(goods,))
            case 1 if done:
                body = void(done.pop())
            case 2 if done:
                body = returned(done.pop(), chance.choice(("restock", "quarantine")))
            case 3:
                goods = GoodsLine(gtin=gtin, quantity=Decimal(chance.randrange(-4, 5)))
                body = StockAdjusted(adjustment_id=f"a{chance.random()}", reason="damage", lines=(goods,))
            case _:
                body = sale(
                    line(gtin, f"{chance.randrange(1, 4)}", chance.randrange(100, 900)),
                    line(CHEESE, f"0.{chance.randrange(1, 999):03}", chance.randrange(1, 900)),
                )
                done.append(body)
        bodies.append(event(body, at_us=at_us))
    return bodies


def portions(chance: random.Random, rows: list[bytes]) -> Iterator[list[bytes]]:
    """The rows in batches of any size."""
    while rows:
        count = chance.randrange(1, 12)
        yield rows[:count]
        rows = rows[count:]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_arrives_when_the_days_balance_and_every_earlier_statement_can_be_had_again(
    books: Central, seed: int
) -> None:
    chance = random.Random(seed)
    tills = [Till(books), Till(books, SOUTH)]
    books.rows("UPDATE agents SET site_id = 'north', lane = '2' WHERE agent_id = 'south-1' RETURNING 1")
    left = [(till, part) for till in tills for part in portions(chance, some_facts(chance, 70))]
    # Each till brings its own in order; which of them comes next is chance.
    order = sorted(range(len(left)), key=lambda at: (chance.random() * len(left) + at * 0.5, at))
    waiting = {till.agent: [part for owner, part in left if owner is till] for till in tills}
    snapshots: list[tuple[datetime, dict[date, DayStatement]]] = []
    closings: dict[date, tuple[ProductLine, ...]] = {}
    heard_us = NOW_US + HOUR_US
    for at in order:
        till, heard_us = left[at][0], heard_us + HOUR_US
        till.received_us = heard_us
        till.bring(waiting[till.agent].pop(0))
        now = {day: statement(books, day) for day in chance.sample(DAYS, 2)}
        assert [one.unbalanced for one in now.values()] == [()] * 2
        snapshots.append((from_microseconds(heard_us), now))
        if chance.random() < 0.3:
            day = chance.choice(DAYS)
            for one in (one for one in DAYS if one <= day and one not in closings):
                closings[one] = statement(books, one).products
            close_day(books, day, from_microseconds(heard_us))
    for instant, told in snapshots:
        for day, then in told.items():
            known = statement(books, day, instant).as_of
            assert known is not None
            assert (known.products, known.values) == (then.products, then.values)
    assert closings
    for day, products in closings.items():
        assert as_closed(statement(books, day)) == products
    agree(books)


def agree(books: Central) -> None:
    """Ranges are the sums of their days, whichever way they are divided; totals are those of the site; both ends are found twice over."""
    with books.database.transaction(snapshot=True) as connection:
        days = [day_statement(connection, "north", day) for day in DAYS]
        span = Span(FIRST, LAST)
        by = {one: all_lines(connection, span, one) for one in By}
        (node,) = tree_totals(connection, Scope(site="north"), span, By.TOTAL)
        whole, _ = range_statement(connection, "north", span, By.TOTAL, limit=100)
    expected: dict[str, ProductLine] = {}
    for one in days:
        for found in one.products:
            expected[found.gtin] = found if found.gtin not in expected else added(expected[found.gtin], found)
    assert {one.gtin: plain(one) for one in by[By.TOTAL]} == expected
    assert sums(by[By.DAY]) == sums(by[By.MONTH]) == sums(by[By.TOTAL])
    assert {(one.first, one.gtin): plain(one) for one in by[By.DAY]} == {
        (day.day, one.gtin): one for day in days for one in day.products if moved(one)
    }
    assert whole.balanced
    values = whole.totals[0]
    assert {name: getattr(node, name) for name in values.__struct_fields__} == msgspec.structs.asdict(values)


def all_lines(connection: Connection, span: Span, by: By) -> list[PeriodLine]:
    """A range in pages of three lines."""
    lines: list[PeriodLine] = []
    after = None
    while True:
        found, after = range_statement(connection, "north", span, by, after=after, limit=3)
        assert found.balanced
        lines += found.items
        if after is None:
            return lines


def plain(found: PeriodLine) -> ProductLine:
    return ProductLine(**{name: getattr(found, name) for name in ProductLine.__struct_fields__})


FLOW_FIELDS = (
    *(flow.value for flow in EFFECT if flow is not Flow.REVALUED),
    *(f"{flow}_value_minor" for flow in EFFECT),
    "amount_minor",
    "refunded_minor",
)


def moved(found: ProductLine) -> bool:
    return any(getattr(found, name) for name in FLOW_FIELDS)


def added(one: ProductLine, later: ProductLine) -> ProductLine:
    """A day and the one after it as one period."""
    flows = {name: getattr(one, name) + getattr(later, name) for name in FLOW_FIELDS}
    return msgspec.structs.replace(
        one, closing=later.closing, closing_value_minor=later.closing_value_minor, **flows
    )


def sums(lines: list[PeriodLine]) -> dict[str, list[Decimal | int]]:
    return {
        gtin: [sum(getattr(one, name) for one in lines if one.gtin == gtin) for name in FLOW_FIELDS]
        for gtin in {one.gtin for one in lines if moved(one)}
    }


def test_a_late_fact_is_shown_as_what_it_changed_and_when_it_was_heard(books: Central) -> None:
    till = Till(books)
    till.bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    close_day(books, LAST, from_microseconds(NOW_US + DAY_US))
    till.received_us = NOW_US + 3 * DAY_US
    till.bring([event(sale(line(MILK, "1", 199)), at_us=NOW_US)])
    found = statement(books, LAST)
    goods, money = sorted(found.restatements, key=lambda one: -one.quantity)
    assert (goods.flow, goods.quantity, goods.value_minor) == ("sold", Decimal(1), 100)
    assert (money.flow, money.quantity, money.amount_minor) == ("sold", Decimal(0), 199)
    assert {(one.agent, one.seq, one.recorded_at) for one in found.restatements} == {
        ("north-1", 2, from_microseconds(NOW_US + 3 * DAY_US))
    }
    assert (found.restated, found.closed and found.closed.day) == (2, LAST)


def test_a_late_fact_of_a_day_before_any_closing_is_a_restatement_as_well(books: Central) -> None:
    till = Till(books)
    till.bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    close_day(books, LAST, from_microseconds(NOW_US + DAY_US))
    till.bring([event(sale(line(BREAD, "1", 199)), at_us=NOW_US - 400 * DAY_US)])
    found = statement(books, LAST)
    assert [one.gtin for one in as_closed(found)] == [MILK]
    assert {one.day for one in found.restatements} == {date(2025, 8, 17)}


def impatiently(connection: Connection) -> Connection:
    """A transaction that would rather fail than wait."""
    connection.execute("SET LOCAL lock_timeout = '50ms'")
    return connection


def test_a_closing_waits_for_what_is_being_booked_and_what_is_booked_waits_for_it(books: Central) -> None:
    by = Actor(actor="test", at=from_microseconds(NOW_US))
    with books.database.transaction() as booking:
        closed_through(booking, {"north"})
        with (
            pytest.raises(psycopg.errors.LockNotAvailable),
            books.database.transaction() as closing,
        ):
            close(impatiently(closing), "north", LAST, by, complete=True)
    with books.database.transaction() as closing:
        close(closing, "north", LAST, by, complete=True)
        with (
            pytest.raises(psycopg.errors.LockNotAvailable),
            books.database.transaction() as booking,
        ):
            closed_through(impatiently(booking), {"north"})
    with books.database.transaction() as booking:
        assert closed_through(booking, {"north", "south"}) == {"north": LAST}


def test_two_bookings_at_one_site_do_not_wait_for_each_other(books: Central) -> None:
    with books.database.transaction() as one, books.database.transaction() as other:
        found = closed_through(one, {"north"}), closed_through(impatiently(other), {"north"})
    assert found == ({}, {})


def test_a_day_whose_rows_were_tampered_with_is_told_from_its_movements(books: Central) -> None:
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    for table in ("stock_days", "stock_months"):
        with books.database.transaction() as connection:
            connection.execute(
                f"UPDATE {table} SET quantity = quantity + 1, value_minor = value_minor + 5 WHERE flow = 'sold'"
            )
    found = statement(books, LAST)
    assert not found.balanced
    assert (
        f"product {MILK}, sold: 3 worth 205 is kept, the movements of the day give 2 worth 200"
        in found.unbalanced
    )


def test_without_anything_late_a_statement_is_what_it_is(books: Central) -> None:
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    products = statement(books, LAST).products
    assert as_it_was(products, []) == products


def closed_days(books: Central) -> list[tuple[str, date, bool]]:
    return [
        (row[0], row[1], row[2])
        for row in books.rows("SELECT site_id, business_day, complete FROM day_closings ORDER BY 1, 2")
    ]


def test_days_close_by_the_calendar_at_the_sites_at_which_something_moved(books: Central) -> None:
    books.rows("UPDATE agents SET enrolled_at = '2026-01-01' RETURNING 1")
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    night = from_microseconds(NOW_US + 14 * HOUR_US)  # six in the morning in Berlin
    before = close_due(books.database, night, Rule())
    books.rows("UPDATE agents SET seen_at = %s RETURNING 1", night)
    done = [close_due(books.database, night + timedelta(hours=number), Rule()) for number in range(3)]
    assert (before, done) == (1, [1, 0, 0])
    assert closed_days(books) == [("north", LAST - timedelta(days=1), True), ("north", LAST, True)]


def test_where_people_close_days_the_calendar_does_not(books: Central) -> None:
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    assert close_due(books.database, from_microseconds(NOW_US + 30 * DAY_US), Rule(is_on=False)) == 0


def test_housekeeping_closes_days_and_puts_voids_right(books: Central) -> None:
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    later = from_microseconds(NOW_US + 30 * DAY_US)
    Housekeeping(books.database, lambda _: None, lambda: later, closing=Rule(hour=0)).once()
    assert [day for _, day, _ in closed_days(books)][-1] == later.date() - timedelta(days=1)


def test_a_day_or_an_instant_that_is_no_longer_kept_is_refused_with_what_can_be_had(books: Central) -> None:
    books.rows(
        """
        INSERT INTO dropped_partitions VALUES ('stock_days', 'a', '2026-09-01', 1, now()), ('movements', 'b', '2026-09-01', 1, now()),
            ('sale_lines', 'c', '2026-09-22', 1, now())
        RETURNING 1
        """
    )
    with pytest.raises(NotKept, match="day 2026-08-31: days before 2026-09-01 are kept by month only"):
        statement(books, date(2026, 8, 31))
    with pytest.raises(NotKept, match="what central learned before 2026-09-01 is no longer kept one by one"):
        statement(books, LAST, from_microseconds(NOW_US - 30 * DAY_US))
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    books.rows("DELETE FROM sale_lines RETURNING 1")
    assert statement(books, LAST).balanced  # what has gone by retention is not missed


def test_takings_that_the_receipts_do_not_bear_out_are_named(books: Central) -> None:
    Till(books).bring([event(sale(line(MILK, "2", 400)), at_us=NOW_US)])
    books.rows("UPDATE sale_lines SET amount_minor = 399 RETURNING 1")
    assert statement(books, LAST).unbalanced == (
        "takings: the receipts of the day come to 399 EUR, what was sold to 400 (minor units)",
    )
