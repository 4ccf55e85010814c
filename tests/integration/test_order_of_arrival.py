"""The same facts in whatever order, in whatever portions, through however many hands: the same books."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from central.embedded.database import EmbeddedDatabase
from protocol.events import GoodsLine, GoodsReceived, Sale
from tests.integration.books import (
    BREAD,
    CHEESE,
    MILK,
    NOW_US,
    Central,
    assert_books_hold,
    central,
    event,
    exchange,
    laid_out,
    line,
    machine,
    returned,
    sale,
    void,
)

EPOCHS = {
    "north-1": "00000000-0000-4000-8000-000000000001",
    "south-1": "00000000-0000-4000-8000-000000000002",
}
ITEMS = [f"010401234567890121{number}" for number in range(6)]


@pytest.fixture
def two_books(embedded_database: EmbeddedDatabase) -> Iterator[tuple[Central, Central]]:
    with ExitStack() as stack:
        urls = [stack.enter_context(laid_out(embedded_database)) for _ in range(2)]
        one, other = (stack.enter_context(central(url)) for url in urls)
        for books in (one, other):
            with books.database.transaction() as connection:
                connection.execute("INSERT INTO costs VALUES (%s, 'EUR', '2020-01-01', 120.5)", (MILK,))
        yield one, other


def a_day(chance: random.Random) -> list[bytes]:
    """What one till wrote in a day; every sale may be voided or returned later."""
    bodies: list[bytes] = []
    done: list[Sale] = []
    for minute in range(40):
        at_us = NOW_US + minute * 1_000
        match chance.randrange(6):
            case 0:
                goods = GoodsLine(
                    gtin=chance.choice((MILK, BREAD)),
                    quantity=chance.randrange(1, 9) * sale().lines[0].quantity,
                )
                bodies.append(
                    event(GoodsReceived(receipt_advice_id=f"r{minute}", lines=(goods,)), at_us=at_us)
                )
            case 1 if done:
                bodies.append(event(void(done.pop()), at_us=at_us))
            case 2 if done:
                bodies.append(event(returned(done.pop()), at_us=at_us))
            case _:
                item = chance.choice(ITEMS) if chance.random() < 0.4 else None
                one = sale(line(MILK, item=item), line(CHEESE, f"0.{chance.randrange(1, 999):03}"))
                done.append(one)
                bodies.append(event(one, at_us=at_us))
    return bodies


def arrive(books: Central, days: dict[str, list[bytes]], chance: random.Random) -> None:
    """Each till's journal in its own order, the tills interleaved by chance, some letters twice."""
    tills = {agent: machine(agent, EPOCHS[agent]) for agent in days}
    left = {agent: list(bodies) for agent, bodies in days.items()}
    while any(left.values()):
        agent = chance.choice([agent for agent, bodies in left.items() if bodies])
        count = chance.randrange(1, 9)
        tills[agent].sell(left[agent][:count], NOW_US)
        del left[agent][:count]
        if chance.random() < 0.5:
            tills[agent].start()  # it begins with a hello again, and repeats what was not answered
            exchange(books, [tills[agent]])
    exchange(books, list(tills.values()))


@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_arrival_changes_stock_sales_or_item_states(
    two_books: tuple[Central, Central], seed: int
) -> None:
    chance = random.Random(seed)
    days = {agent: a_day(chance) for agent in EPOCHS}
    for books in two_books:
        arrive(books, days, chance)
        assert_books_hold(books, [body for bodies in days.values() for body in bodies])
    one, other = two_books
    for query in (
        "SELECT site_id, gtin, location, quantity FROM stock WHERE quantity <> 0 ORDER BY 1, 2, 3",
        "SELECT site_id, business_day, gtin, flow, quantity, amount_minor FROM stock_days WHERE quantity <> 0 ORDER BY 1, 2, 3, 4",
        "SELECT item, state, standing_sales FROM items ORDER BY item",
        "SELECT site_id, seq, line, kind, gtin, quantity, amount_minor FROM sale_lines ORDER BY 1, 2, 3",
    ):
        assert one.rows(query) == other.rows(query)
