"""Goods that a counter scans out: to another site, back to the warehouse, for an order; and what is wrong about it told, never refused."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from central.reconciliation import rebuild, zero_sum
from protocol.codec import encode
from protocol.codes.check_digits import check_digit
from protocol.events import GoodsDespatched, GoodsLine, GoodsPacked, GoodsReceived, Unopened
from protocol.feeds import DespatchView, Feed, OrderView
from protocol.messages import FeedPull
from protocol.topics import topic
from tests.integration.api.world import FOREIGN, NOW, TEA, WATCH, WATER, Counter, World

BEFORE = NOW - timedelta(hours=5)
LATER = NOW - timedelta(hours=1)


def sscc(number: int) -> str:
    body = f"04012345{number:09}"
    return body + check_digit(body)


CASE = sscc(7)


def goods(gtin: str, quantity: int, *items: str) -> GoodsLine:
    return GoodsLine(gtin=gtin, quantity=Decimal(quantity), items=items)


def sent(
    to: str, *lines: GoodsLine, number: str = "d1", cases: tuple[str, ...] = (), **more: Any
) -> GoodsDespatched:
    return GoodsDespatched(
        despatch_id=number,
        to_site=to,
        lines=lines,
        containers=tuple(Unopened(sscc=one) for one in cases),
        **more,
    )


def received(
    *lines: GoodsLine, despatch: str = "d1", cases: tuple[str, ...] = (), complete: bool = True
) -> GoodsReceived:
    return GoodsReceived(
        receipt_advice_id=str(uuid.uuid4()),
        despatch_id=despatch,
        lines=lines,
        complete=complete,
        containers=tuple(Unopened(sscc=one) for one in cases),
    )


def feed(world: World, name: Feed, scope: str) -> dict[str, bytes]:
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL",
            (name, scope),
        ).fetchall()
    return {key: bytes(body) for key, body in rows}


def ask(world: World, counter: Counter, name: Feed) -> None:
    """A counter pulls a feed."""
    frame = encode(FeedPull(feed=name, since=0, limit=1000), topic("ask", counter.agent))
    assert world.intake.offer(counter.agent, "ask", frame, int(NOW.timestamp()) * 1_000_000)
    world.intake.drain()


def balances(world: World, gtin: str = WATER) -> dict[tuple[str, str], int]:
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT site_id, location, quantity FROM stock WHERE gtin = %s AND quantity <> 0 AND location <> 'supplier'",
            (gtin,),
        ).fetchall()
    return {(site, location): int(quantity) for site, location, quantity in rows}


def values(world: World) -> dict[str, int]:
    """What goods are worth by place, over all sites; the halves of a way net out."""
    with world.database.transaction() as connection:
        rows = connection.execute(
            """
            SELECT location, sum(value_minor) FROM stock GROUP BY location HAVING sum(value_minor) <> 0 ORDER BY 1
            """
        ).fetchall()
    return {location: int(value) for location, value in rows}


def cases(world: World, name: str = "despatch_unexpected", state: str = "open") -> list[dict[str, Any]]:
    return list(world.get("/v1/discrepancies", params={"class": name, "state": state})["items"])


def open_cases(world: World) -> set[str]:
    found = world.get("/v1/discrepancies", params={"state": "open", "limit": 1000})["items"]
    return {one["class"] for one in found}


def assert_books_hold(world: World) -> None:
    with world.database.transaction() as connection:
        assert rebuild(connection) == []
        assert zero_sum(connection) == {}
    assert sum(values(world).values()) == 0


@pytest.fixture
def shops(world: World) -> tuple[World, Counter, Counter]:
    """The dealer's two shops; the first has ten waters that cost 200 each."""
    world.database.run(
        lambda connection: (
            connection.execute(
                "INSERT INTO costs (gtin, currency, valid_from, cost_minor) VALUES (%s, 'CNY', '2020-01-01', 200)",
                (WATER,),
            ).rowcount
        )
    )
    world.opening("D1", water=10)
    return world, world.counter("D1"), world.counter("D1B")


def test_goods_sent_to_a_sister_shop_are_on_their_way_and_arrive_with_their_value(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, second = shops
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    assert balances(world) == {("D1", "on_hand"): 6, ("D1", "in_transit:D1>D1B"): 4}
    view = msgspec.json.decode(feed(world, Feed.DESPATCHES, "D1B")["d1"], type=DespatchView)
    assert (view.from_site, view.state, view.lines[0].quantity) == ("D1", "in_transit", Decimal(4))
    assert world.stock("D1B")["in_transit"] == "4"
    second.report(received(goods(WATER, 4)), at=NOW)
    assert world.stock("D1B")["on_hand"] == "4"
    with world.database.transaction() as connection:
        row = connection.execute(
            "SELECT value_minor FROM stock WHERE site_id = 'D1B' AND gtin = %s AND location = 'on_hand'",
            (WATER,),
        ).fetchone()
    assert row == (800,)
    assert open_cases(world) == set()
    assert_books_hold(world)


def test_a_receipt_that_is_heard_of_before_its_despatch_joins_it_and_no_case_remains(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, second = shops
    second.report(received(goods(WATER, 4)), at=NOW)
    assert world.stock("D1B")["on_hand"] == "4"
    assert open_cases(world) == {"over_receipt"}
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    assert balances(world) == {
        ("D1", "on_hand"): 6, ("D1", "in_transit:D1>D1B"): 4, ("D1B", "in_transit:D1>D1B"): -4, ("D1B", "on_hand"): 4
    }  # fmt: skip
    assert open_cases(world) == set()
    despatch = world.get("/v1/despatches/D1B/d1")
    assert (despatch["state"], despatch["lines"][0]["received"]) == ("received", "4")
    assert_books_hold(world)


def test_an_early_receipt_that_differs_is_short_and_over_against_its_despatch(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, second = shops
    second.report(received(goods(WATER, 3), goods(TEA, 1)), at=NOW)
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    found = {
        (one["class"], one["gtin"], one["quantity"])
        for one in world.get("/v1/discrepancies")["items"]
        if one["state"] == "open"
    }
    assert found == {("short_receipt", WATER, "1"), ("over_receipt", TEA, "1")}
    assert_books_hold(world)


def test_several_early_receipts_of_one_despatch_add_up(shops: tuple[World, Counter, Counter]) -> None:
    world, first, second = shops
    second.report(received(goods(WATER, 1), complete=False), received(goods(WATER, 3)), at=NOW)
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    assert open_cases(world) == set()
    assert world.get("/v1/despatches/D1B/d1")["state"] == "received"


def test_coded_items_travel_and_a_late_despatch_does_not_take_them_back(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, second = shops
    world.opening("D1", watch=2)
    known, other = world.sold_items("A", "B", site="D1")
    first.report(sent("D1B", goods(WATCH, 1, known)), at=BEFORE)
    assert world.get(f"/v1/items/{known}")["state"] == "in_transit"
    second.report(received(goods(WATCH, 1, known)), at=NOW)
    second.report(received(goods(WATCH, 1, other), despatch="d2"), at=NOW)
    first.report(sent("D1B", goods(WATCH, 1, other), number="d2"), at=BEFORE)
    states = [world.get(f"/v1/items/{item}") for item in (known, other)]
    assert [(one["state"], one["site"]) for one in states] == [("sellable", "D1B"), ("sellable", "D1B")]
    trace = world.get(f"/v1/items/{other}/trace")["steps"]
    assert [step["note"] for step in trace if step["action"] == "ship"] == ["heard of after it was received"]
    assert open_cases(world) == set()


def test_a_case_leaves_with_all_that_is_in_it(shops: tuple[World, Counter, Counter]) -> None:
    world, first, second = shops
    world.opening("D1", watch=2)
    codes = world.sold_items("A", "B", site="D1")
    first.report(
        GoodsPacked(packing_id="p", sscc=CASE, items=tuple(codes), lines=(goods(WATER, 3),)), at=BEFORE
    )
    first.report(sent("D1B", goods(WATER, 1), cases=(CASE,)), at=BEFORE)
    assert balances(world)["D1", "in_transit:D1>D1B"] == 4
    assert balances(world, WATCH)["D1", "in_transit:D1>D1B"] == 2
    assert world.get(f"/v1/containers/{CASE}")["site"] == "D1B"
    second.report(received(goods(WATER, 1), cases=(CASE,)), at=NOW)
    assert {world.get(f"/v1/items/{item}")["state"] for item in codes} == {"sellable"}
    assert open_cases(world) == set()
    assert_books_hold(world)


def test_a_case_that_was_received_before_its_despatch_was_heard_of_stays_where_it_is(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, second = shops
    world.opening("D1", watch=2)
    codes = world.sold_items("A", "B", site="D1")
    first.report(GoodsPacked(packing_id="p", sscc=CASE, items=tuple(codes)), at=BEFORE)
    second.report(received(cases=(CASE,)), at=NOW)
    first.report(sent("D1B", cases=(CASE,)), at=BEFORE)
    assert world.get(f"/v1/containers/{CASE}")["site"] == "D1B"
    assert {world.get(f"/v1/items/{item}")["state"] for item in codes} == {"sellable"}
    assert world.get("/v1/despatches/D1B/d1")["state"] == "received"
    assert open_cases(world) == set()
    assert_books_hold(world)


def test_goods_for_an_order_move_it_on_and_end_its_promise(world: World) -> None:
    world.opening("WH", water=10)
    shop, warehouse = world.counter("D1"), world.counter("WH")
    path = world.allocated_order(shop, 5)
    order = path.rsplit("/", 1)[1]
    warehouse.report(sent("D1", goods(WATER, 3), order_id=order), at=BEFORE)
    found = world.get(path)
    assert (found["state"], found["lines"][0]["despatched"], found["lines"][0]["allocated"]) == (
        "part_despatched",
        "3",
        "2",
    )
    warehouse.report(sent("D1", goods(WATER, 2), number="d2", order_id=order), at=BEFORE)
    assert world.get(path)["state"] == "despatched"
    assert world.stock("WH")["reserved"] == "0"
    told = msgspec.json.decode(feed(world, Feed.ORDERS, "D1")[order], type=OrderView)
    assert (told.state, told.lines[0].despatched) == ("despatched", Decimal(5))
    shop.report(received(goods(WATER, 3)), received(goods(WATER, 2), despatch="d2"), at=NOW)
    assert world.get(path)["state"] == "received"
    assert open_cases(world) == set()
    assert_books_hold(world)


def test_an_order_that_was_accepted_and_never_allocated_may_be_sent_and_more_than_it_asks_for_is_told(
    world: World,
) -> None:
    world.opening("WH", water=10, tea=4)
    shop, warehouse = world.counter("D1"), world.counter("WH")
    order = shop.order(5)
    world.post(f"/v1/orders/D1/{order}/accept")
    warehouse.report(sent("D1", goods(WATER, 6), goods(TEA, 1), order_id=order), at=BEFORE)
    assert world.get(f"/v1/orders/D1/{order}")["state"] == "despatched"
    [case] = cases(world)
    assert (case["cause"], case["evidence"][0]["gtins"]) == ("beyond_order", [WATER, TEA])
    assert [line["quantity"] for line in world.get("/v1/despatches/D1/d1")["lines"]] == ["5", "1", "1"]


@pytest.mark.parametrize("order", ["no such order", "refused"])
def test_goods_for_an_order_that_they_cannot_be_for_travel_as_a_transfer(world: World, order: str) -> None:
    world.opening("WH", water=10)
    shop, warehouse = world.counter("D1"), world.counter("WH")
    if order == "refused":
        order = shop.order(5)
        world.post(f"/v1/orders/D1/{order}/refuse", {"reason": "no"})
    warehouse.report(sent("D1", goods(WATER, 3), order_id=order), at=BEFORE)
    [case] = cases(world)
    assert case["cause"] in ("order_unknown", "order_refused")
    assert world.get("/v1/despatches/D1/d1")["order_id"] is None
    shop.report(received(goods(WATER, 3)), at=NOW)
    assert world.stock("D1")["on_hand"] == "3"


@pytest.mark.parametrize(
    ("to", "cause"),
    [("NOSUCH", "site_unknown"), ("a>D1B", "site_unknown"), (FOREIGN, "site_foreign"), ("D1", "own_site")],
)
def test_goods_sent_where_nobody_awaits_them_have_left_and_the_case_can_be_settled(
    shops: tuple[World, Counter, Counter], to: str, cause: str
) -> None:
    world, first, _ = shops
    first.report(sent(to, goods(WATER, 4)), at=BEFORE)
    assert world.stock("D1")["on_hand"] == "6"
    [case] = cases(world)
    assert (case["cause"], case["evidence"][0]["named_site"]) == (cause, to)
    world.post(
        f"/v1/discrepancies/D1/{case['discrepancy_id']}/settle",
        {"reason": "they never left", "proposed": True},
    )
    assert world.stock("D1")["on_hand"] == "10"
    assert_books_hold(world)


def test_goods_that_were_sent_to_their_own_site_are_received_there_again_and_the_case_is_gone(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, _ = shops
    first.report(sent("D1", goods(WATER, 4)), at=BEFORE)
    first.report(received(goods(WATER, 4)), at=NOW)
    assert world.stock("D1")["on_hand"] == "10"
    assert open_cases(world) == set()
    assert_books_hold(world)


def test_a_foreign_dealer_hears_nothing_of_goods_that_were_sent_to_it(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, _ = shops
    first.report(sent(FOREIGN, goods(WATER, 4)), at=BEFORE)
    assert feed(world, Feed.DESPATCHES, FOREIGN) == {}
    assert world.get("/v1/despatches", "zeta")["items"] == []
    assert world.get("/v1/stock", "zeta")["items"] == []
    ask(world, world.counter(FOREIGN), Feed.STOCK)
    assert feed(world, Feed.STOCK, FOREIGN) == {}
    assert world.get("/v1/discrepancies", "zeta")["items"] == []


def test_goods_sent_to_a_closed_site_are_on_their_way_there_and_told(
    shops: tuple[World, Counter, Counter],
) -> None:
    world, first, _ = shops
    world.database.run(
        lambda connection: (
            connection.execute("UPDATE sites SET closed_at = now() WHERE site_id = 'D1B'").rowcount
        )
    )
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    assert [case["cause"] for case in cases(world)] == ["site_closed"]
    assert balances(world)["D1", "in_transit:D1>D1B"] == 4


def test_more_than_is_there_leaves_all_the_same(shops: tuple[World, Counter, Counter]) -> None:
    world, first, _ = shops
    first.report(sent("D1B", goods(WATER, 14)), at=BEFORE)
    assert world.stock("D1")["on_hand"] == "-4"
    assert open_cases(world) == {"sold_below_zero"}
    assert_books_hold(world)


def test_items_that_are_not_there_leave_and_are_told(shops: tuple[World, Counter, Counter]) -> None:
    world, first, _ = shops
    [elsewhere] = world.sold_items("E", site="S1")
    first.report(sent("D1B", goods(WATCH, 1, elsewhere)), at=BEFORE)
    [case] = cases(world)
    assert (case["cause"], case["item"]) == ("item_not_here", elsewhere)
    assert world.get(f"/v1/items/{elsewhere}")["site"] == "D1B"


def test_the_same_despatch_told_twice_leaves_once(shops: tuple[World, Counter, Counter]) -> None:
    world, first, _ = shops
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    first.report(
        sent("D1B", goods(WATER, 2), number="d2"), sent("D1B", goods(WATER, 2), number="d2"), at=BEFORE
    )
    assert world.stock("D1")["on_hand"] == "4"
    assert open_cases(world) == set()


def test_an_id_with_other_goods_is_another_despatch_and_told(shops: tuple[World, Counter, Counter]) -> None:
    world, first, second = shops
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    first.report(sent("D1B", goods(WATER, 3)), at=BEFORE)
    assert world.stock("D1")["on_hand"] == "3"
    assert [case["cause"] for case in cases(world)] == ["id_used"]
    assert len(world.get("/v1/despatches", params={"site": "D1B"})["items"]) == 2
    second.report(received(goods(WATER, 4)), at=NOW)
    assert world.stock("D1B") == {**world.stock("D1B"), "on_hand": "4", "in_transit": "3"}
    assert_books_hold(world)


def test_a_despatch_of_another_site_is_not_drawn_upon(shops: tuple[World, Counter, Counter]) -> None:
    world, first, _ = shops
    first.report(sent("D1B", goods(WATER, 4)), at=BEFORE)
    theirs = world.counter(FOREIGN)
    theirs.report(received(goods(WATER, 4)), at=NOW)
    assert world.get("/v1/despatches/D1B/d1")["state"] == "in_transit"
    first.report(sent("D1B", goods(WATER, 1), number="d9"), at=LATER)
    assert [case["site"] for case in cases(world, "over_receipt")] == [FOREIGN]
