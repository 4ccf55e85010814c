"""The plan of a rehearsal follows from its seed, and a trade without faults keeps shelves and books alike."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from central.rehearsal import retail
from central.rehearsal.code_mishaps import CODE_MISHAPS
from central.rehearsal.deliveries import Van
from central.rehearsal.kinds import Kind, plan
from central.rehearsal.mishaps import MISHAPS
from central.rehearsal.retail import Retail, RetailDataError
from central.rehearsal.trade import Trade
from central.rehearsal.world import World, make
from protocol.events import Sale, ShiftClosed, ShiftOpened, decode_event

FOLDER = Path(__file__).parents[3] / "deploy" / "data" / "retail"
MIDNIGHT = datetime(2027, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def real() -> Retail:
    return retail.read(FOLDER)


@pytest.fixture(scope="module")
def world(real: Retail) -> World:
    return make(1, 20, 10.0, real)


def trade_of(world: World, real: Retail, seed: int = 1) -> Trade:
    made = Trade(seed, world, real, days=40, faults=(), first_midnight=MIDNIGHT)
    made.open_books()
    return made


def day_of(trade: Trade, day: int) -> None:
    for name, shop in trade.shops.items():
        shop.open_day(day, trade.at_us(day, 0), trade.journals)
        shop.sell(trade.chance(f"day/{name}/{day}"), day, trade.rhythm, 1.0)
        for drawer in shop.drawers:
            drawer.close()


def test_the_same_seed_gives_the_same_world_and_the_same_faults(world: World, real: Retail) -> None:
    again = make(1, 20, 10.0, real)
    assert (again, plan(1, again, 100, 200)) == (world, plan(1, world, 100, 200))


def test_another_seed_gives_other_faults(world: World) -> None:
    assert plan(1, world, 100, 200) != plan(2, world, 100, 200)


def test_every_kind_of_fault_is_in_a_plan_that_has_room_for_it(world: World) -> None:
    assert {one.kind for one in plan(3, world, 100, len(Kind))} == set(Kind)


def test_faults_happen_within_the_rehearsal_and_leave_time_to_be_found(world: World) -> None:
    assert all(3 <= one.day <= 94 for one in plan(4, world, 100, 500))


def test_the_same_seed_writes_the_same_bytes(world: World, real: Retail) -> None:
    one, other = trade_of(world, real), trade_of(world, real)
    for trade in (one, other):
        day_of(trade, 0)
    assert {name: journal.waiting for name, journal in one.journals.items()} == {
        name: journal.waiting for name, journal in other.journals.items()
    }


def test_without_faults_shelves_and_books_are_the_same(world: World, real: Retail) -> None:
    trade = trade_of(world, real)
    for day in range(5):
        day_of(trade, day)
    assert all(shop.shelf == shop.books for shop in trade.shops.values())


def test_nothing_is_sold_that_is_not_there(world: World, real: Retail) -> None:
    trade = trade_of(world, real)
    for day in range(30):
        day_of(trade, day)
    assert min(quantity for shop in trade.shops.values() for quantity in shop.shelf.values()) >= 0


def test_a_till_counts_what_its_receipts_come_to(world: World, real: Retail) -> None:
    trade = trade_of(world, real)
    day_of(trade, 0)
    for journal in trade.journals.values():
        bodies = [decode_event(body).body for body in journal.waiting]
        closed = [body for body in bodies if isinstance(body, ShiftClosed)]
        if not any(isinstance(body, ShiftOpened) for body in bodies):
            continue
        assert [one.sales for one in closed] == [sum(isinstance(body, Sale) for body in bodies)]
        assert closed[0].counted == closed[0].expected


def test_real_weighed_goods_and_coded_goods_are_among_what_is_sold(world: World) -> None:
    assert {(one.weighed, one.coded) for one in world.goods} == {(True, False), (False, True), (False, False)}


def test_a_folder_without_retail_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(RetailDataError, match=r"products\.csv"):
        retail.read(tmp_path)


def test_nearly_every_fault_finds_its_occasion_and_says_what_must_be_found(
    world: World, real: Retail
) -> None:
    faults = plan(5, world, 90, 150)
    trade = Trade(5, world, real, days=90, faults=faults, first_midnight=MIDNIGHT)
    trade.open_books()
    van = Van(trade)
    happens = {**MISHAPS, **CODE_MISHAPS}
    for day in range(90):
        trade.change_prices(day)
        van.send(day)
        van.arrive(day)
        van.bill(day)
        for name, shop in trade.shops.items():
            shop.open_day(day, trade.at_us(day, 0), trade.journals)
            shop.sell(trade.chance(f"day/{name}/{day}"), day, trade.rhythm, 1.0)
        trade.move_on(day)
        for name, shop in trade.shops.items():
            for fault in trade.due(name, day, happens):
                happens[fault.kind](trade, shop, day, fault, trade.chance(f"fault/{fault.number}"))
        trade.happen(day)
        trade.count(day)
        van.order(day)
    assert len(trade.planted) >= 130
    assert len({one.number for one in trade.planted}) == len(trade.planted)
    assert all(one.expected for one in trade.planted)
