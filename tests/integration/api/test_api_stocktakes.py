"""Stocktakes over HTTP: started, counted by several scanners while the shop sells, decided on, booked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from protocol.events import GoodsLine, GoodsReceived, StockCounted
from tests.integration.api.stocktaking import HOUR, T0, Stocktaking, line, stocked, us
from tests.integration.api.world import FOREIGN, TEA, WATCH, WATER, World


@pytest.fixture
def shop(world: World) -> World:
    """The dealer's shop D1 with ten waters and four teas."""
    stocked(world, "D1", water=10, tea=4)
    return world


def test_a_sale_after_the_count_changes_no_variance(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 8, T0), line(TEA, 4, T0), at=T0 + HOUR)
    one.sell(WATER, 3, at=T0 + 2 * HOUR)
    assert one.variances() == {WATER: -2, TEA: 0}
    one.book_all()
    assert shop.stock("D1")["on_hand"] == "5"
    one.assert_books_hold()


def test_a_sale_before_the_count_that_is_heard_of_later_is_in_the_variance_at_once(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 8, T0 + HOUR), at=T0 + HOUR)
    assert one.variances()[WATER] == -2
    one.sell(WATER, 2, at=T0)
    assert one.variances()[WATER] == 0


def test_a_sale_before_a_booked_count_corrects_its_adjustment(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 8, T0 + HOUR), line(TEA, 4, T0 + HOUR), at=T0 + HOUR)
    one.book_all()
    one.sell(WATER, 2, at=T0)
    one.sell(TEA, 1, at=T0)
    assert [shop.stock("D1", gtin)["on_hand"] for gtin in (WATER, TEA)] == ["8", "4"]
    one.sell(WATER, 1, at=T0 + 2 * HOUR)
    assert shop.stock("D1")["on_hand"] == "7"
    one.assert_books_hold()


def test_areas_add_up_and_an_area_that_is_counted_again_replaces_itself(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 4, T0), at=T0, area="shelf", by=0)
    one.count(line(WATER, 3, T0 + HOUR), at=T0 + HOUR, area="store", by=1)
    one.count(line(WATER, 6, T0 + 2 * HOUR), at=T0 + 2 * HOUR, area="shelf", by=0)
    assert one.lines()[WATER]["counted"] == "9"


def test_what_moved_between_two_areas_is_uncertain(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 4, T0), at=T0, area="shelf")
    one.sell(WATER, 2, at=T0 + HOUR)
    one.count(line(WATER, 5, T0 + 2 * HOUR), at=T0 + 2 * HOUR, area="store")
    found = one.lines()[WATER]
    assert (found["counted"], found["expected"], found["uncertain"]) == ("9", "8", "2")


def test_what_nobody_counted_is_zero_only_when_the_counting_is_closed_and_stands_first(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0), at=T0)
    assert set(one.lines()) == {WATER}
    one.do("close-counting")
    first, *_ = shop.get(f"{one.path}/lines")["items"]
    assert (first["gtin"], first["unnamed"], first["variance"]) == (TEA, True, "-4")


def test_goods_that_came_after_the_last_count_are_not_missed(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 10, T0), at=T0)
    goods = GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=TEA, quantity=Decimal(6)),))
    one.counters[1].report(goods, at=T0 + HOUR)
    one.do("close-counting")
    assert one.variances() == {WATER: 0, TEA: -4}


def test_a_variance_beyond_a_limit_goes_back_to_the_counters_and_is_approved_only_after_it(
    shop: World,
) -> None:
    one = Stocktaking(shop, "D1", recount_limit_quantity=1)
    one.count(line(WATER, 5, T0), line(TEA, 3, T0), at=T0, area="shelf")
    assert one.do("close-counting")["state"] == "recounting"
    here = one.feed()
    assert here is not None
    assert (here.round, here.recount) == (2, (WATER,))
    one.do("approve", reason="no", expected=409)
    one.count(line(WATER, 9, T0 + HOUR), at=T0 + HOUR, area="shelf", number=2, complete=True)
    assert one.do("close-counting")["state"] == "proposed"
    assert one.feed() is None
    assert one.variances() == {WATER: -1, TEA: -1}


def test_two_rounds_that_differ_ask_for_a_third_and_two_that_agree_do_not(shop: World) -> None:
    one = Stocktaking(shop, "D1", recount_limit_quantity=0)
    one.count(line(WATER, 5, T0), line(TEA, 3, T0), at=T0)
    one.do("close-counting")
    one.count(line(WATER, 6, T0 + HOUR), line(TEA, 3, T0 + HOUR), at=T0 + HOUR, number=2)
    assert one.do("close-counting")["round"] == 3
    here = one.feed()
    assert here is not None
    assert here.recount == (WATER,)
    one.count(line(WATER, 6, T0 + 2 * HOUR), at=T0 + 2 * HOUR, number=3)
    assert one.do("close-counting")["state"] == "proposed"


def test_an_approval_is_void_when_a_late_fact_changes_the_variance(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0 + HOUR), line(TEA, 4, T0 + HOUR), at=T0 + HOUR)
    one.do("close-counting")
    one.do("approve", reason="as counted")
    one.sell(WATER, 1, at=T0)
    found = one.lines()[WATER]
    assert (found["state"], found["variance"]) == ("proposed", "-2")
    assert "neither approved nor refused" in one.do("book", expected=409)["detail"]


def test_lines_are_refused_one_by_one_and_the_books_stay_as_they_are_there(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0), line(TEA, 1, T0), at=T0)
    one.do("close-counting")
    one.do("refuse", gtins=[TEA], reason="they stand in the window")
    one.do("approve", reason="as counted")
    one.do("book", reason="January")
    assert [shop.stock("D1", gtin)["on_hand"] for gtin in (WATER, TEA)] == ["7", "4"]
    assert [step["action"] for step in shop.get(one.path)["history"]] == [
        "start", "close_counting", "refuse", "approve", "book"
    ]  # fmt: skip


def test_a_blind_count_is_told_without_what_the_books_say(shop: World) -> None:
    blind, open_one = (
        Stocktaking(shop, "D1", blind=True, gtins=[WATER]),
        Stocktaking(shop, "D1", gtins=[WATER, TEA]),
    )
    told = (blind.feed(), open_one.feed())
    assert [one.expected for one in told if one is not None] == [{}, {WATER: 10, TEA: 4}]


def test_the_feed_tells_which_areas_are_counted(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 4, T0), at=T0, area="shelf")
    one.count(at=T0 + HOUR, area="cellar", complete=True)
    here = one.feed()
    assert here is not None
    assert here.areas == {"shelf": us(T0), "cellar": us(T0 + HOUR)}


def test_products_outside_the_list_are_not_booked_unless_somebody_says_so(shop: World) -> None:
    one = Stocktaking(shop, "D1", gtins=[WATER])
    one.count(line(WATER, 9, T0), line(TEA, 1, T0), at=T0)
    one.book_all()
    assert one.lines()[TEA]["state"] == "refused"
    assert [shop.stock("D1", gtin)["on_hand"] for gtin in (WATER, TEA)] == ["9", "4"]


def test_missing_and_surplus_items_are_named_and_follow_the_booked_count(world: World) -> None:
    codes = world.sold_items("A", "B", "C", site="D1")
    [elsewhere] = world.sold_items("E", site="D1B")
    stocked(world, "D1", watch=3)
    world.database.run(
        lambda connection: connection.execute("UPDATE item_trace SET event_time = %s", (T0 - HOUR,)).rowcount
    )
    one = Stocktaking(world, "D1")
    one.count(line(WATCH, 2, T0, codes[0], elsewhere), at=T0, complete=True)
    found = one.lines()[WATCH]
    assert (found["missing_items"], found["surplus_items"]) == (codes[1:], [elsewhere])
    one.book_all()
    states = {item: world.get(f"/v1/items/{item}") for item in (*codes, elsewhere)}
    assert [(one["state"], one["site"]) for one in states.values()] == [
        ("sellable", "D1"), ("stolen", "D1"), ("stolen", "D1"), ("sellable", "D1")
    ]  # fmt: skip
    assert one.lines()[WATCH]["missing_items"] == codes[1:]
    assert world.stock("D1", WATCH)["on_hand"] == "2"


def test_the_same_stocktake_started_twice_is_one(shop: World) -> None:
    body = {"site": "D1", "name": "week 9", "stocktake_id": "w9"}
    first, again = shop.post("/v1/stocktakes", body), shop.post("/v1/stocktakes", body)
    assert first == again
    refused = shop.post("/v1/stocktakes", {**body, "name": "week 10"}, expected=409)
    assert "there already" in refused["detail"]
    refused = shop.post("/v1/stocktakes", {"site": "D1", "name": "another"}, expected=409)
    assert "go on with it" in refused["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"site": "NOSUCH", "name": "x"}, 404),
        ({"site": "D1", "name": ""}, 422),
        ({"site": "D1", "name": "x", "gtins": ["00000000000017"]}, 422),
        ({"site": "D1", "name": "x", "departments": ["no such"]}, 409),
        ({"site": "D1", "name": "x", "recount_limit_quantity": -1}, 422),
        ({"site": "D1", "name": "x", "blindly": True}, 422),
    ],
)
def test_what_cannot_be_started_is_refused_with_its_reason(
    shop: World, body: dict[str, Any], status: int
) -> None:
    assert shop.post("/v1/stocktakes", body, expected=status)["detail"]


def test_a_dealer_starts_and_approves_at_its_sites_and_a_store_only_looks_on(shop: World) -> None:
    assert shop.call("POST", "/v1/stocktakes", "acme", json={"site": FOREIGN, "name": "x"}).status_code == 404
    assert (
        shop.call("POST", "/v1/stocktakes", "own store", json={"site": "S1", "name": "x"}).status_code == 403
    )
    assert shop.call("POST", "/v1/stocktakes", "checker", json={"site": "S1", "name": "x"}).status_code == 403
    started = shop.post("/v1/stocktakes", {"site": "D1B", "name": "x"}, "acme")
    counter = shop.counter("D1B")
    counter.report(
        StockCounted(
            count_id="c", stocktake_id=started["stocktake_id"], area="a", lines=(line(WATER, 3, T0),)
        ),
        at=T0,
    )
    path = f"/v1/stocktakes/D1B/{started['stocktake_id']}"
    for caller in ("zeta", "own store"):
        assert shop.call("GET", path, caller).status_code == 404
        assert shop.call("GET", f"{path}/lines", caller).status_code == 404
    assert shop.call("POST", f"{path}/close-counting", "zeta", json={}).status_code == 404
    for action, body in (("close-counting", {}), ("approve", {"reason": "yes"}), ("book", {})):
        shop.post(f"{path}/{action}", body, "acme")
    assert shop.stock("D1B")["on_hand"] == "3"
    mine = shop.post("/v1/stocktakes", {"site": "S1", "name": "blind", "blind": True})
    own = f"/v1/stocktakes/S1/{mine['stocktake_id']}"
    assert shop.get(own, "own store")["sums"]["lines"] == {}
    assert shop.call("GET", f"{own}/lines", "own store").status_code == 403


def test_lines_are_a_table_too(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 8, T0), at=T0)
    text = shop.call("GET", f"{one.path}/lines", params={"format": "csv"}).text
    assert text.splitlines()[1].startswith(f"{WATER},Water,proposed,1,8,10,-2,")
