"""Cases settled with all that follows: nothing stays on the way, codes go with their goods, the books hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from central.discrepancies.watching.rounds import CaseRounds
from protocol.events import Sale, SaleLine
from tests.integration.api.cases import (
    CASES,
    a_short_receipt,
    assert_books_hold,
    case,
    looked_at,
    on_the_way,
    path,
    send,
    settle,
)
from tests.integration.api.world import FOREIGN, WATCH, WATER, World


@pytest.fixture
def short(world: World) -> dict[str, Any]:
    return a_short_receipt(world)


def test_a_short_receipt_proposes_a_booking_that_leaves_nothing_on_the_way(
    world: World, short: dict[str, Any]
) -> None:
    settled = settle(world, short)
    assert (short["cause"], on_the_way(world), settled["state"]) == ("not_loaded", 0, "settled")
    assert world.stock("WH")["on_hand"] == "93"
    assert_books_hold(world)


def test_the_booking_bears_the_id_of_its_discrepancy(world: World, short: dict[str, Any]) -> None:
    settle(world, short)
    movements = world.get("/v1/movements", params={"site": "WH"})["items"]
    assert movements[-1]["document"].startswith(f"discrepancy:{short['discrepancy_id']}:")
    assert movements[-1]["quantity"] == "3"


def test_what_was_settled_is_no_longer_awaited_and_what_comes_after_all_is_over(
    world: World, short: dict[str, Any]
) -> None:
    settle(world, short)
    world.counter("D1").receive("D-1", 3)
    over = case(world, "over_receipt")
    assert (over["quantity"], on_the_way(world)) == ("3", 0)
    assert_books_hold(world)


def test_a_settlement_that_came_too_late_books_nothing(world: World, short: dict[str, Any]) -> None:
    world.counter("D1").receive("D-1", 1)
    refused = world.post(f"{path(short)}/settle", {"reason": "r", "proposed": True}, expected=409)
    now = world.get(path(short))
    assert "2 are still awaited" in refused["detail"]
    assert (now["state"], now["quantity"], on_the_way(world)) == ("open", "2", 2)


def test_the_late_receipt_closes_the_case_that_its_absence_opened(
    world: World, short: dict[str, Any]
) -> None:
    world.counter("D1").receive("D-1", 3)
    now = world.get(path(short))
    assert (now["state"], now["history"][-1]["action"], on_the_way(world)) == ("settled", "explained", 0)


def test_goods_that_are_sold_while_awaited_are_a_lost_receipt_and_settling_it_is_the_receipt(
    world: World,
) -> None:
    world.opening("WH", water=100)
    send(world, "D1", 10)
    world.counter("D1").sell(WATER, 2, 500)
    looked_at(world)
    below = case(world, "sold_below_zero")
    settled = settle(world, below)
    despatch = world.get("/v1/despatches/D1/D-1")
    assert (below["cause"], below["settlement"]["kind"], settled["state"]) == (
        "lost_receipt",
        "receipt",
        "settled",
    )
    assert (world.stock("D1")["on_hand"], despatch["state"], on_the_way(world)) == ("8", "received", 0)
    assert_books_hold(world)


def test_coded_goods_that_never_left_are_sellable_at_their_sender_again(world: World) -> None:
    world.opening("WH", watch=2)
    one, two = world.sold_items("A1", "A2", site="WH")
    send(world, "D1", 2, one, two, gtin=WATCH)
    world.counter("D1").receive("D-1", 1, one, gtin=WATCH)
    looked_at(world)
    settle(world, case(world, "short_receipt"))
    found = world.get(f"/v1/items/{two}/trace")
    assert (found["state"], found["site"]) == ("sellable", "WH")
    assert [one["class"] for one in world.get(CASES, params={"state": "open"})["items"]] == []
    assert_books_hold(world)


def test_a_code_that_was_missed_and_is_sold_here_was_not_scanned_and_is_received_with_its_settlement(
    world: World,
) -> None:
    world.opening("WH", watch=2)
    one, two = world.sold_items("A1", "A2", site="WH")
    send(world, "D1", 2, one, two, gtin=WATCH)
    counter = world.counter("D1")
    counter.receive("D-1", 1, one, gtin=WATCH)
    counter.report(
        Sale(
            sale_id="s", receipt="1-9", currency="CNY",
            lines=(SaleLine(gtin=WATCH, quantity=Decimal(1), amount_minor=199900, item=two),),
        ),
        at=world.now + timedelta(hours=1),
    )  # fmt: skip
    looked_at(world)
    short = case(world, "short_receipt")
    settle(world, short)
    assert (short["cause"], world.stock("D1", WATCH)["on_hand"], on_the_way(world, WATCH)) == (
        "not_scanned",
        "1",
        0,
    )
    assert case(world, "sold_without_receipt")["state"] == "settled"


def test_goods_that_went_to_another_site_settle_both_cases_at_once(
    world: World, short: dict[str, Any]
) -> None:
    send(world, "S1", 5, despatch="D-2")
    world.counter("S1").receive("D-2", 8)
    looked_at(world, hours=2)
    CaseRounds(world.database).slow(datetime.now(UTC) + timedelta(hours=2))
    again = world.get(path(short))
    settle(world, again)
    assert (again["cause"], on_the_way(world), case(world, "over_receipt")["state"]) == (
        "sent_elsewhere",
        0,
        "settled",
    )
    assert [world.stock(site)["on_hand"] for site in ("WH", "D1", "S1")] == ["85", "7", "8"]
    assert_books_hold(world)


def test_a_transfer_within_one_house_is_booked_with_what_the_goods_are_worth(world: World) -> None:
    world.opening("D1", watch=1)
    (item,) = world.sold_items("A1", site="D1")
    with world.database.transaction() as connection:
        connection.execute(
            "UPDATE dealers SET path = 'acme/x/' WHERE dealer_id = 'acme'"
        )  # beside, not above
        connection.execute(
            "UPDATE dealers SET parent_id = 'zetadealer' WHERE dealer_id IN ('acme', 'acme-county')"
        )
    world.counter("D1B").sell(WATCH, 1, 199900, item)
    looked_at(world)
    strayed = case(world, "item_outside_territory")
    settle(world, strayed)
    assert strayed["cause"] == "transfer_not_booked"
    assert [world.stock(site, WATCH)["on_hand"] for site in ("D1", "D1B")] == ["0", "0"]
    assert (on_the_way(world, WATCH), case(world, "sold_below_zero")["state"]) == (0, "settled")
    assert_books_hold(world)


def test_each_fact_of_the_evidence_opens_to_its_event(world: World, short: dict[str, Any]) -> None:
    event = world.get(short["evidence"][0]["href"])
    assert (event["kind"], event["body"]["despatch_id"], event["site"]) == ("goods_received", "D-1", "D1")
    assert event["body"]["lines"] == [{"gtin": WATER, "quantity": "7"}]


def test_an_event_shows_nobody_who_the_customer_was(world: World) -> None:
    line = SaleLine(gtin=WATER, quantity=Decimal(1), amount_minor=250)
    world.counter("S1").report(Sale(sale_id="s", receipt="1-1", currency="CNY", lines=(line,), member="M-77"))
    below = case(world, "sold_below_zero")
    assert "M-77" not in world.call("GET", below["evidence"][0]["href"]).text


def test_an_event_of_another_dealer_is_not_there(world: World) -> None:
    world.counter(FOREIGN).sell(WATER, 1, 250)
    href = case(world, "sold_below_zero")["evidence"][0]["href"]
    statuses = [
        world.call("GET", href, caller).status_code
        for caller in ("boss", "checker", "zeta", "acme", "own store")
    ]
    assert statuses == [200, 200, 200, 404, 404]


def test_of_many_who_settle_one_case_at_once_one_books(world: World, short: dict[str, Any]) -> None:
    with ThreadPoolExecutor(6) as people:
        body = {"reason": "at once", "proposed": True}
        answers = list(
            people.map(lambda _: world.call("POST", f"{path(short)}/settle", json=body).status_code, range(6))
        )
    assert (sorted(answers), on_the_way(world), world.stock("WH")["on_hand"]) == ([200] + [409] * 5, 0, "93")
    assert_books_hold(world)


def test_goods_that_arrive_while_they_are_settled_are_booked_once(
    world: World, short: dict[str, Any]
) -> None:
    counter = world.counter("D1")
    with ThreadPoolExecutor(2) as both:
        receipt = both.submit(counter.receive, "D-1", 3)
        settled = both.submit(
            world.call, "POST", f"{path(short)}/settle", json={"reason": "gone", "proposed": True}
        )
        receipt.result()
    # Whoever came first: the receipt, and nothing is left to settle; or the settlement, and what came after all is over.
    over = [one["quantity"] for one in world.get(CASES, params={"class": "over_receipt"})["items"]]
    stock = (world.stock("WH")["on_hand"], world.stock("D1")["on_hand"], over)
    assert stock == (("90", "10", []) if settled.result().status_code == 409 else ("93", "10", ["3"]))
    assert on_the_way(world) == 0
    assert_books_hold(world)
