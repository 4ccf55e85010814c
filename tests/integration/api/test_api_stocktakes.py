"""Stocktakes over HTTP: started, counted by several scanners while the shop sells, decided on, booked."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from central.reconciliation import rebuild, zero_sum
from protocol.events import CountedLine, GoodsLine, GoodsReceived, Sale, SaleLine, StockCounted
from protocol.feeds import Feed, StocktakeHere
from tests.integration.api.world import FOREIGN, NOW, TEA, WATCH, WATER, Counter, World

HOUR = timedelta(hours=1)
T0 = NOW - 8 * HOUR
"""When the shop opened."""


def us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def line(gtin: str, quantity: int | str, at: datetime, *items: str) -> CountedLine:
    return CountedLine(gtin=gtin, quantity=Decimal(quantity), counted_at_us=us(at), items=items)


class Stocktaking:
    """A stocktake at a site, with its counters."""

    def __init__(self, world: World, site: str, **asked: Any) -> None:
        self.world, self.site, self.number = world, site, 0
        self.counters = [world.counter(site), world.counter(site)]
        body = {"site": site, "name": "year's end", **asked}
        self.id = world.post("/v1/stocktakes", body)["stocktake_id"]
        self.path = f"/v1/stocktakes/{site}/{self.id}"

    def count(
        self,
        *lines: CountedLine,
        at: datetime,
        area: str = "shelf",
        number: int = 1,
        by: int = 0,
        complete: bool = False,
    ) -> None:
        """One area is counted; the event is written at its end."""
        self.number += 1
        count = StockCounted(
            count_id=f"c{self.number}",
            stocktake_id=self.id,
            area=area,
            lines=lines,
            round=number,
            complete=complete,
        )
        self.counters[by].report(count, at=at)

    def sell(self, gtin: str, quantity: int, at: datetime, by: int = 1) -> None:
        sold = SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=250 * quantity)
        self.number += 1
        sale = Sale(sale_id=f"s{self.number}", receipt=f"1-{self.number}", currency="CNY", lines=(sold,))
        self.counters[by].report(sale, at=at)

    def do(
        self, action: str, caller: str = "boss", expected: int | None = None, **body: Any
    ) -> dict[str, Any]:
        return dict(self.world.post(f"{self.path}/{action}", body, caller, expected=expected))

    def lines(self, caller: str = "boss") -> dict[str, dict[str, Any]]:
        found = self.world.get(f"{self.path}/lines", caller, params={"limit": 1000})["items"]
        return {one["gtin"]: one for one in found}

    def variances(self) -> dict[str, Decimal]:
        return {gtin: Decimal(one["variance"]) for gtin, one in self.lines().items()}

    def feed(self) -> StocktakeHere | None:
        with self.world.database.transaction() as connection:
            row = connection.execute(
                "SELECT body FROM feed_rows WHERE feed = %s AND scope = %s AND key = %s AND body IS NOT NULL",
                (Feed.STOCKTAKES, self.site, self.id),
            ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=StocktakeHere)

    def cases(self, name: str = "stocktake_variance", state: str | None = None) -> list[dict[str, Any]]:
        found = self.world.get("/v1/discrepancies", params={"class": name, "site": self.site})["items"]
        return [one for one in found if state is None or one["state"] == state]

    def assert_books_hold(self) -> None:
        with self.world.database.transaction() as connection:
            assert rebuild(connection) == []
            assert zero_sum(connection) == {}

    def book_all(self) -> None:
        self.do("close-counting", recount=False)
        self.do("approve", reason="as counted")
        self.do("book")


def stocked(world: World, site: str, **quantities: int) -> None:
    """Stock that was there before anybody counted."""
    names = {"water": WATER, "tea": TEA, "watch": WATCH}
    lines = [{"gtin": names[name], "quantity": quantity} for name, quantity in quantities.items()]
    body = {
        "document": f"opening-{site}-{'-'.join(quantities)}", "kind": "opening", "site": site, "lines": lines,
        "event_time": (T0 - HOUR).isoformat(),
    }  # fmt: skip
    world.post("/v1/movements", body)


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


def test_a_booked_stocktake_takes_no_decision_any_more_and_a_late_count_is_shown(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0), line(TEA, 4, T0), at=T0)
    one.book_all()
    for action in ("approve", "refuse", "cancel"):
        assert one.do(action, reason="too late", expected=409)["state"] == "booked"
    one.count(line(WATER, 9, T0), at=T0, area="cellar")
    assert shop.stock("D1")["on_hand"] == "7"
    [case] = one.cases("count_unexpected")
    assert (case["cause"], case["state"]) == ("stocktake_booked", "open")


def test_a_count_for_a_stocktake_nobody_knows_opens_one_that_the_counter_proposes(shop: World) -> None:
    counter = shop.counter("D1")
    body = StockCounted(
        count_id="c", stocktake_id="own", area="shelf", lines=(line(WATER, 9, T0),), name="Monday", clerk="Li"
    )
    counter.report(body, at=T0)
    [found] = shop.get("/v1/stocktakes", params={"site": "D1"})["items"]
    assert (found["name"], found["state"], found["proposed_by_counter"]) == ("Monday", "counting", True)
    [case] = shop.get("/v1/discrepancies", params={"class": "count_unexpected"})["items"]
    assert case["cause"] == "stocktake_unknown"
    path = f"/v1/stocktakes/D1/{found['stocktake_id']}"
    shop.post(f"{path}/cancel", {"reason": "not now"})
    assert shop.get("/v1/discrepancies", params={"class": "count_unexpected", "state": "open"})["items"] == []
    assert shop.stock("D1")["on_hand"] == "10"


def test_a_count_at_a_closed_site_is_kept_and_shown_and_what_follows_it_is_taken_in(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    shop.database.run(
        lambda connection: (
            connection.execute("UPDATE sites SET closed_at = now() WHERE site_id = 'D1'").rowcount
        )
    )
    one.count(line(WATER, 9, T0), at=T0)
    one.sell(WATER, 1, at=T0 + HOUR)
    assert one.variances() == {WATER: -1}
    assert [case["cause"] for case in one.cases("count_unexpected")] == ["site_closed"]
    assert shop.stock("D1")["on_hand"] == "9"


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


def test_a_plus_and_a_minus_of_one_category_are_one_case_of_a_wrong_scan(shop: World) -> None:
    shop.database.run(
        lambda connection: connection.execute("UPDATE products SET category = 'drinks'").rowcount
    )
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 8, T0), line(TEA, 6, T0), at=T0)
    one.do("close-counting")
    [case] = one.cases("wrong_item_scanned")
    assert (case["gtin"], case["quantity"], case["cause"]) == (WATER, "-2", "wrong_item")
    assert one.cases() == []
    one.do("approve", reason="as counted")
    one.do("book")
    assert [case["state"] for case in one.cases("wrong_item_scanned")] == ["settled"]


def test_a_variance_closes_by_itself_when_the_late_sale_comes(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0 + HOUR), line(TEA, 4, T0 + HOUR), at=T0 + HOUR)
    one.do("close-counting")
    [case] = one.cases(state="open")
    assert (case["quantity"], case["cause"]) == ("-3", "theft")
    one.sell(WATER, 2, at=T0)
    [case] = one.cases(state="open")
    assert case["quantity"] == "-1"
    one.sell(WATER, 1, at=T0)
    assert one.cases(state="open") == []


def test_a_case_is_settled_by_booking_its_line_and_the_rest_of_the_count_once(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0), line(TEA, 3, T0), at=T0)
    one.do("close-counting")
    water = next(case for case in one.cases() if case["gtin"] == WATER)
    path = f"/v1/discrepancies/D1/{water['discrepancy_id']}"
    assert shop.post(f"{path}/settle", {"reason": "so be it", "proposed": True})["state"] == "settled"
    assert shop.stock("D1")["on_hand"] == "7"
    one.do("approve", reason="as counted")
    one.do("book")
    assert [shop.stock("D1", gtin)["on_hand"] for gtin in (WATER, TEA)] == ["7", "3"]
    assert {gtin: found["state"] for gtin, found in one.lines().items()} == {WATER: "booked", TEA: "booked"}
    one.assert_books_hold()


def test_a_case_that_was_settled_by_a_correction_of_its_own_is_not_booked_again(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0), line(TEA, 4, T0), at=T0)
    one.do("close-counting")
    [water] = one.cases(state="open")
    body = {"reason": "three were given away", "adjustments": [{"gtin": WATER, "quantity": "-3"}]}
    shop.post(f"/v1/discrepancies/D1/{water['discrepancy_id']}/settle", body)
    one.do("approve", reason="the rest")
    one.do("book")
    assert shop.stock("D1")["on_hand"] == "7"
    assert one.lines()[WATER]["state"] == "refused"


def test_goods_of_a_despatch_that_were_found_and_not_received_are_named(shop: World) -> None:
    shop.now = T0 - HOUR
    shop.opening("WH", water=50)
    body = {
        "from_site": "WH", "to_site": "D1", "despatch_id": "d7", "lines": [{"gtin": WATER, "quantity": 5}]
    }  # fmt: skip
    shop.post("/v1/despatches", body)
    shop.now = NOW
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 15, T0), line(TEA, 4, T0), at=T0)
    one.do("close-counting")
    [case] = one.cases(state="open")
    assert (case["cause"], case["quantity"], case["evidence"][-1]["despatch"]) == (
        "unbooked_receipt",
        "5",
        "d7",
    )


def test_a_decision_sent_again_under_its_key_is_made_once(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    one.count(line(WATER, 7, T0), line(TEA, 4, T0), at=T0)
    key = {"Idempotency-Key": "close-1"}
    answers = [shop.call("POST", f"{one.path}/close-counting", json={}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(shop.get(one.path)["history"]) == 2


def test_two_tills_that_sell_and_count_at_once_leave_no_stale_line(shop: World) -> None:
    one = Stocktaking(shop, "D1")
    counters: list[Counter] = one.counters
    bodies = []
    for minute in range(6):
        at = T0 + timedelta(minutes=minute)
        bodies.append((counters[minute % 2], at))
    for counter, at in bodies:
        counter.report(
            StockCounted(
                count_id=f"c{at.minute}", stocktake_id=one.id, area="shelf", lines=(line(WATER, 9, at),)
            ),
            at=at,
        )
        one.sell(WATER, 1, at=at - timedelta(seconds=30), by=0)
    assert one.variances()[WATER] == 9 - (10 - 6)
