"""Ranges of any days, divided in any way, in pages of any size: what adding the days up by hand gives."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from central.embedded.database import EmbeddedDatabase
from central.ledger.flows import EFFECT, Flow
from central.reconciliation.periods import By, Span
from central.reconciliation.ranges import PeriodLine, TooLong, range_statement
from central.reconciliation.rules import End, Moved, ProductLine, lines_of
from central.reconciliation.statement import NotKept
from central.reconciliation.totals import Scope, tree_totals
from tests.integration.books import BREAD, CHEESE, MILK, Central, central, laid_out

FIRST, DAYS = date(2025, 11, 20), 110
LAST = FIRST + timedelta(days=DAYS - 1)
Day = tuple[date, Moved]


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def fill(books: Central, chance: random.Random) -> list[Day]:
    """Days of some products, with the months and balances that go with them."""
    days = [
        (
            FIRST + timedelta(days=number),
            Moved(gtin, flow.value, Decimal(chance.randrange(-9, 30)), chance.randrange(-99, 999), chance.randrange(9)),
        )
        for number in range(DAYS)
        for gtin in (MILK, BREAD, CHEESE)
        for flow in EFFECT
        if chance.random() < 0.12
    ]  # fmt: skip
    with books.database.transaction() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO stock_days VALUES ('north', %s, %s, %s, %s, %s, %s)",
            [(day, one.gtin, one.flow, one.quantity, one.value_minor, one.amount_minor) for day, one in days],
        )
        cursor.execute(
            """
            INSERT INTO stock_months SELECT site_id, date_trunc('month', business_day), gtin, flow, sum(quantity), sum(value_minor),
                sum(amount_minor) FROM stock_days GROUP BY 1, 2, 3, 4
            """
        )
        for gtin in (MILK, BREAD, CHEESE):
            end = added(one for _, one in days if one.gtin == gtin)
            cursor.execute(
                "INSERT INTO stock (site_id, gtin, location, quantity, value_minor) VALUES ('north', %s, 'on_hand', %s, %s)",
                (gtin, *end),
            )
    return days


def added(moved: Iterable[Moved]) -> tuple[Decimal, int]:
    quantity, value = Decimal(0), 0
    for one in moved:
        quantity += EFFECT[Flow(one.flow)] * one.quantity
        value += EFFECT[Flow(one.flow)] * one.value_minor
    return quantity, value


def by_hand(days: list[Day], span: Span, by: By) -> list[tuple[date, date, ProductLine]]:
    """The lines of a range, from its days one by one."""
    found = []
    for piece in span.pieces(by):
        for gtin in (MILK, BREAD, CHEESE):
            own = [(day, one) for day, one in days if one.gtin == gtin]
            inside: dict[str, Moved] = {}
            for day, one in own:
                if piece.first <= day <= piece.last:
                    before = inside.get(one.flow, Moved(gtin, one.flow, Decimal(0), 0, 0))
                    inside[one.flow] = Moved(
                        gtin,
                        one.flow,
                        before.quantity + one.quantity,
                        before.value_minor + one.value_minor,
                        before.amount_minor + one.amount_minor,
                    )
            opening = added(one for day, one in own if day < piece.first)
            closing = added(one for day, one in own if day <= piece.last)
            lines = lines_of([End(gtin, *opening, *closing)], inside.values())
            if inside or by is By.TOTAL:
                found += [(piece.first, piece.last, line) for line in lines]
    return found


def pages(books: Central, span: Span, by: By, limit: int) -> list[PeriodLine]:
    lines: list[PeriodLine] = []
    after = None
    while True:
        with books.database.transaction(snapshot=True) as connection:
            found, after = range_statement(connection, "north", span, by, after=after, limit=limit)
        assert found.balanced
        lines += found.items
        if after is None:
            return lines


def plain(line: PeriodLine) -> tuple[date, date, ProductLine]:
    own = {name: getattr(line, name) for name in ProductLine.__struct_fields__}
    return line.first, line.last, ProductLine(**own)


@pytest.mark.parametrize("seed", range(3))
def test_any_range_is_what_its_days_add_up_to(books: Central, seed: int) -> None:
    chance = random.Random(seed)
    days = fill(books, chance)
    for _ in range(14):
        first = FIRST + timedelta(days=chance.randrange(-20, DAYS))
        last = first + timedelta(days=chance.choice((0, 5, 29, 30, 45, 90)))
        span = Span(first if chance.random() < 0.5 else first.replace(day=1), last)
        for by in By:
            found = [plain(line) for line in pages(books, span, by, chance.choice((1, 2, 7, 50)))]
            assert found == by_hand(days, span, by)


@pytest.mark.parametrize("by", list(By))
def test_totals_by_period_are_the_lines_in_money_and_those_of_the_tree(books: Central, by: By) -> None:
    days = fill(books, random.Random(7))
    span = Span(date(2025, 12, 5), date(2026, 2, 10))
    with books.database.transaction(snapshot=True) as connection:
        found, _ = range_statement(connection, "north", span, by, limit=1)
        nodes = tree_totals(connection, Scope(site="north"), span, by)
    paid = [
        sum(
            one.amount_minor
            for day, one in days
            if one.flow == Flow.SOLD and piece.first <= day <= piece.last
        )
        for piece in span.pieces(by)
    ]
    opened = [added(one for day, one in days if day < piece.first)[1] for piece in span.pieces(by)]
    assert [(one.amount_minor, one.opening_value_minor) for one in found.totals] == list(
        zip(paid, opened, strict=True)
    )
    names = found.totals[0].__struct_fields__
    assert [[getattr(node, name) for name in names] for node in nodes] == [
        [getattr(one, name) for name in names] for one in found.totals
    ]


def test_a_balance_that_is_off_shows_on_every_line_of_its_product(books: Central) -> None:
    fill(books, random.Random(3))
    books.rows(
        "UPDATE stock SET quantity = quantity + 2, value_minor = value_minor + 7 WHERE gtin = %s RETURNING 1",
        MILK,
    )
    with books.database.transaction(snapshot=True) as connection:
        for by in By:
            found, _ = range_statement(connection, "north", Span(FIRST, LAST), by, limit=1000)
            off = {(line.gtin, line.difference, line.value_difference_minor) for line in found.items}
            assert {one for one in off if one[1] or one[2]} == {(MILK, Decimal(2), 7)}
            assert not found.balanced


def test_days_that_are_no_longer_kept_are_told_by_month_alone(books: Central) -> None:
    fill(books, random.Random(3))
    books.rows(
        "INSERT INTO dropped_partitions VALUES ('stock_days', 'old', '2026-01-01', 1, now()) RETURNING 1"
    )
    books.rows("DELETE FROM stock_days WHERE business_day < '2026-01-01' RETURNING 1")
    whole = Span(date(2025, 11, 1), date(2025, 12, 31))
    with books.database.transaction(snapshot=True) as connection:
        kept, _ = range_statement(connection, "north", whole, By.MONTH, limit=1000)
        assert kept.balanced
        assert len(kept.items) > 3
        for span, by in ((whole, By.DAY), (Span(date(2025, 12, 5), date(2026, 1, 31)), By.MONTH)):
            with pytest.raises(NotKept, match="days before 2026-01-01 are kept by month only"):
                range_statement(connection, "north", span, by, limit=10)


def test_more_days_than_are_shown_one_by_one_are_refused(books: Central) -> None:
    with (
        books.database.transaction(snapshot=True) as connection,
        pytest.raises(TooLong, match="367 days: expected at most 366 by day"),
    ):
        range_statement(connection, "north", Span(date(2025, 1, 1), date(2026, 1, 2)), By.DAY, limit=10)
