"""What a stocktake contradicts: variances with their causes, and counts that nobody asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from protocol.events import StockCounted
from tests.integration.api.stocktaking import HOUR, T0, Stocktaking, line, stocked
from tests.integration.api.world import NOW, TEA, WATER, Counter, World


@pytest.fixture
def shop(world: World) -> World:
    """The dealer's shop D1 with ten waters and four teas."""
    stocked(world, "D1", water=10, tea=4)
    return world


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
