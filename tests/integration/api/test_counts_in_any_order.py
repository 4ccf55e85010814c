"""A count, and what several tills sold around it, heard of in any order and booked at any moment: the same shelf in the end."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from central.intake.booking import book
from central.journals.facts import Fact
from central.moments import to_microseconds
from central.reconciliation import rebuild, zero_sum
from protocol.events import (
    Body,
    CountedLine,
    GoodsLine,
    GoodsReceived,
    Sale,
    SaleLine,
    StockAdjusted,
    StockCounted,
)
from tests.integration.api.world import NOW, WATER, World

OPENED = NOW - timedelta(hours=10)
COUNTED_AT = NOW - timedelta(hours=5)
OPENING, FOUND = 40, 23
Told = tuple[int, datetime, Body]
"""(till, when it happened, what)"""


def a_day(chance: random.Random) -> list[Told]:
    """What three tills wrote, in the order of each till's journal; every quantity is of the one product that is counted."""
    told: list[Told] = []
    for number in range(24):
        at = OPENED + timedelta(minutes=chance.randrange(1, 590))
        quantity = Decimal(chance.randrange(1, 5))
        match chance.randrange(8):
            case 0:
                body: Body = GoodsReceived(
                    receipt_advice_id=f"r{number}", lines=(GoodsLine(gtin=WATER, quantity=quantity),)
                )
            case 1:
                body = StockAdjusted(
                    adjustment_id=f"a{number}",
                    reason="damage",
                    lines=(GoodsLine(gtin=WATER, quantity=-quantity),),
                )
            case _:
                sold = SaleLine(gtin=WATER, quantity=quantity, amount_minor=250)
                body = Sale(sale_id=f"s{number}", receipt=f"1-{number}", currency="CNY", lines=(sold,))
        told.append((chance.randrange(3), at, body))
    return sorted(told, key=lambda one: one[1])


def change(body: Body) -> Decimal:
    """What a fact does to the shelf, worked out without central."""
    match body:
        case Sale(lines=lines):
            return -lines[0].quantity
        case GoodsReceived(lines=goods) | StockAdjusted(lines=goods):
            return goods[0].quantity
        case _:
            return Decimal(0)


@pytest.mark.parametrize("seed", range(5))
def test_the_shelf_is_what_was_counted_and_what_moved_after_whatever_was_heard_of_first(
    world: World, seed: int
) -> None:
    chance = random.Random(seed)
    day = a_day(chance)
    world.now = OPENED - timedelta(hours=1)
    world.opening("D1", water=OPENING)
    world.now = NOW
    started = world.post("/v1/stocktakes", {"site": "D1", "name": "count", "gtins": [WATER]})["stocktake_id"]
    path = f"/v1/stocktakes/D1/{started}"
    tills = [world.counter("D1") for _ in range(4)]
    counted = CountedLine(gtin=WATER, quantity=Decimal(FOUND), counted_at_us=to_microseconds(COUNTED_AT))
    count = StockCounted(count_id="c", stocktake_id=started, area="shop", lines=(counted,))
    journals: dict[int, list[tuple[datetime, Body]]] = {3: [(COUNTED_AT, count)]}
    for till, at, body in day:
        journals.setdefault(till, []).append((at, body))
    heard_until_booked = chance.randrange(1, len(day))
    is_booked = False
    while any(journals.values()):
        till = chance.choice([till for till, left in journals.items() if left])
        at, body = journals[till].pop(0)
        tills[till].report(body, at=at)
        heard_until_booked -= 1
        if not is_booked and not journals[3] and heard_until_booked <= 0:
            for action, decision in (("close-counting", {}), ("approve", {"reason": "so"}), ("book", {})):
                world.post(f"{path}/{action}", decision)
            is_booked = True
    after = sum((change(body) for _, at, body in day if at >= COUNTED_AT), Decimal(0))
    if not is_booked:
        before = sum((change(body) for _, at, body in day if at < COUNTED_AT), Decimal(OPENING))
        [line] = world.get(f"{path}/lines")["items"]
        assert Decimal(line["variance"]) == FOUND - before
        for action, decision in (("close-counting", {}), ("approve", {"reason": "so"}), ("book", {})):
            world.post(f"{path}/{action}", decision)
    assert Decimal(world.stock("D1")["on_hand"]) == FOUND + after
    with world.database.transaction() as connection:
        assert rebuild(connection) == []
        assert zero_sum(connection) == {}


def fact(body: Body, at: datetime, seq: int) -> Fact:
    return Fact(
        site="D1",
        agent="D1-1",
        epoch="e",
        journal=1,
        seq=seq,
        event_time=at,
        recorded_at=NOW,
        business_day=date(2026, 3, 2),
        body=body,
        stated_us=to_microseconds(at),
    )


def sold(world: World) -> Fact:
    line = SaleLine(gtin=WATER, quantity=Decimal(2), amount_minor=500)
    return fact(
        Sale(sale_id="s", receipt="1-1", currency="CNY", lines=(line,)), COUNTED_AT - timedelta(hours=1), 1
    )


def counted(world: World) -> Fact:
    line = CountedLine(gtin=WATER, quantity=Decimal(8), counted_at_us=to_microseconds(COUNTED_AT))
    return fact(StockCounted(count_id="c", stocktake_id="own", area="shop", lines=(line,)), COUNTED_AT, 2)


@pytest.mark.parametrize(("first", "second"), [(sold, counted), (counted, sold)])
def test_a_sale_and_a_count_taken_in_at_the_same_moment_do_not_overlook_each_other(
    world: World, first: Callable[[World], Fact], second: Callable[[World], Fact]
) -> None:
    world.now = OPENED
    world.opening("D1", water=10)
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with world.database.transaction() as connection:
        book(connection, [first(world)], at)
        other = threading.Thread(
            target=lambda: world.database.run(lambda later: book(later, [second(world)], at)), daemon=True
        )
        other.start()
        _wait_for_a_waiter(world, connection.info.backend_pid, other)
    other.join(30)
    [line] = world.get("/v1/stocktakes/D1/own/lines")["items"]
    assert (line["expected"], line["variance"]) == ("8", "0")


def _wait_for_a_waiter(world: World, pid: int, other: threading.Thread) -> None:
    """Until the other transaction waits for this one, or has ended without."""
    with world.database.connect() as looking:
        looking.autocommit = True
        while other.is_alive():
            waiting = looking.execute(
                "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", (pid,)
            ).fetchall()
            if waiting:
                return
