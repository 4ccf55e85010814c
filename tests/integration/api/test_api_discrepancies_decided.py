"""The room of discrepancies: looked through by whoever may, decided on one by one and many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from central.discrepancies.limits import Limits
from protocol.events import GoodsLine, GoodsReceived
from tests.integration.api.cases import CASES, a_short_receipt, case, looked_at, path, settle
from tests.integration.api.world import FOREIGN, WATCH, WATER, World


@pytest.fixture
def short(world: World) -> dict[str, Any]:
    return a_short_receipt(world)


def some_cases(world: World) -> None:
    """Below zero at four sites, and a product that nobody knows."""
    for site, quantity in (("S1", 1), ("D1", 4), ("D1B", 2), (FOREIGN, 9)):
        world.counter(site).sell(WATER, quantity, 250 * quantity)
    world.counter("S1").sell("04012345678901", 1, 100)


def found(world: World, caller: str = "boss", **wanted: Any) -> list[tuple[str, str]]:
    rows = world.get(CASES, caller, params=wanted)["items"]
    return sorted((row["site"], row["class"]) for row in rows)


def test_cases_are_found_by_class_site_subtree_value_and_age(world: World) -> None:
    some_cases(world)
    below = "sold_below_zero"
    assert found(world, **{"class": f"{below},short_receipt"}) == [
        ("D1", below), ("D1B", below), ("S1", below), ("S1", below), (FOREIGN, below)
    ]  # fmt: skip
    assert found(world, dealer="acme") == [("D1", below), ("D1B", below)]
    assert found(world, currency="CNY", value_min=500, value_max=1000) == [("D1", below), ("D1B", below)]
    assert found(world, gtin="04012345678901") == [("S1", "sold_below_zero"), ("S1", "unknown_product")]
    assert found(world, cause="not_in_catalogue") == [("S1", "unknown_product")]
    assert found(world, state="settled,dismissed") == []
    assert found(world, older_than_days=1) == []
    world.now = datetime.now(UTC) + timedelta(days=2)
    assert len(found(world, older_than_days=1)) == 6


def test_the_dearest_come_first_page_by_page(world: World) -> None:
    some_cases(world)
    first = world.get(CASES, params={"sort": "value", "limit": 3})
    second = world.get(CASES, params={"sort": "value", "limit": 3, "cursor": first["next"]})
    values = [row["value_minor"] for row in (*first["items"], *second["items"])]
    assert (values, second["next"]) == ([2250, 1000, 500, 250, None, None], None)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"class": "short_reciept"}, "class 'short_reciept': expected some of agent_silent,"),
        ({"state": "closed"}, "state 'closed': expected some of assigned, dismissed, open, settled"),
        ({"value_min": 1}, "expected with a currency"),
        ({"sort": "oldest"}, "sort"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(
    shared_world: World, query: dict[str, Any], words: str
) -> None:
    response = shared_world.call("GET", CASES, params=query)
    assert (response.status_code in (400, 422), words in response.json()["detail"]) == (True, True)


def test_the_summary_says_which_shops_need_somebody(world: World) -> None:
    some_cases(world)
    told = world.get(f"{CASES}/summary", params={"sites": 2})
    assert (told["cases"], [one["site"] for one in told["by_site"]]) == (6, [FOREIGN, "D1"])
    assert told["by_class"][0]["class"] == "sold_below_zero"
    assert told["by_class"][0]["values"] == [
        {"currency": "CNY", "cases": 4, "value_minor": 4000}, {"currency": None, "cases": 1, "value_minor": None}
    ]  # fmt: skip


def test_the_summary_of_a_dealer_counts_its_own_alone(world: World) -> None:
    some_cases(world)
    told = world.get(f"{CASES}/summary", "acme")
    assert (told["cases"], [one["site"] for one in told["by_site"]]) == (2, ["D1", "D1B"])
    assert world.get(f"{CASES}/summary", "acme", params={"dealer": "zetadealer"})["cases"] == 0
    assert world.get(f"{CASES}/summary", "acme", params={"dealer": "nobody"})["cases"] == 0


def test_a_dealer_assigns_and_comments_on_its_own_cases_and_settles_none(
    world: World, short: dict[str, Any]
) -> None:
    assigned = world.post(f"{path(short)}/assign", {"reason": "mine", "assignee": "Wang"}, "acme")
    world.post(f"{path(short)}/comment", {"reason": "we counted again"}, "acme")
    refused = [
        world.call("POST", f"{path(short)}/{decision}", "acme", json={"reason": "r"}).status_code
        for decision in ("settle", "dismiss", "reopen")
    ]
    history = [(step["actor"], step["action"]) for step in world.get(path(short))["history"]]
    assert (assigned["state"], refused) == ("assigned", [403, 403, 403])
    assert history[-2:] == [("dealer:acme", "assign"), ("dealer:acme", "comment")]


def test_a_dealer_is_not_shown_a_settlement_that_touches_another_site(
    world: World, short: dict[str, Any]
) -> None:
    assert (
        case(world, "short_receipt")["settlement"] is None,
        case(world, "short_receipt", "acme")["settlement"],
    ) == (
        False,
        None,
    )


def test_where_the_brand_allows_it_a_dealer_settles_what_is_booked_at_its_own_sites(
    world: World, short: dict[str, Any]
) -> None:
    world.limit_cases(Limits(dealers_settle=True))
    beyond = world.post(f"{path(short)}/settle", {"reason": "r", "proposed": True}, "acme", expected=409)
    own = {"reason": "found them", "adjustments": [{"gtin": WATER, "quantity": 3}]}
    settled = world.post(f"{path(short)}/settle", own, "acme")
    assert beyond["detail"] == "what this discrepancy proposes is booked by the brand"
    assert (settled["state"], world.stock("D1")["on_hand"]) == ("settled", "10")


def test_to_a_dealer_a_foreign_case_is_the_same_as_none(world: World) -> None:
    world.counter(FOREIGN).sell(WATER, 1, 250)
    foreign = case(world, "sold_below_zero")
    nowhere = {**foreign, "discrepancy_id": "00000000-0000-4000-8000-000000000000"}
    answers = [
        world.call("POST", f"{path(one)}/assign", "acme", json={"reason": "r", "assignee": "me"}).json()["detail"]
        .replace(one["discrepancy_id"], "ID")
        for one in (foreign, nowhere)
    ]  # fmt: skip
    assert answers[0] == answers[1]


def test_a_foreign_case_among_several_is_not_known(world: World) -> None:
    for site in ("D1", FOREIGN):
        world.counter(site).sell(WATER, 1, 250)
    named = [{name: one[name] for name in ("site", "discrepancy_id")} for one in world.get(CASES)["items"]]
    told = world.post(f"{CASES}/assign", {"reason": "r", "assignee": "me", "cases": named}, "acme")
    none = world.call(
        "POST",
        f"{CASES}/assign",
        "acme",
        json={"reason": "r", "assignee": "me", "cases": [one for one in named if one["site"] == FOREIGN]},
    )
    assert [one["site"] for one in told["done"]] == ["D1"]
    assert ([one["reason"] for one in told["refused"]], none.status_code) == (["not known here"], 404)


def test_several_are_decided_at_once_and_what_cannot_be_is_named(world: World) -> None:
    some_cases(world)
    rows = world.get(CASES, params={"class": "sold_below_zero"})["items"]
    world.post(f"{path(rows[0])}/dismiss", {"reason": "a test"})
    named = [{name: one[name] for name in ("site", "discrepancy_id")} for one in rows]
    told = world.post(f"{CASES}/assign", {"reason": "this week", "assignee": "Li", "cases": named})
    assert {one["assignee"] for one in told["done"]} == {"Li"}
    assert [(one["discrepancy_id"], one["reason"]) for one in told["refused"]] == [
        (rows[0]["discrepancy_id"], "cannot assign this discrepancy: it is dismissed")
    ]


def test_several_are_settled_by_what_each_proposes(world: World) -> None:
    for site, quantity in (("S1", 1), ("D1", 4)):
        world.counter(site).sell(WATER, quantity, 250 * quantity)
    looked_at(world)
    rows = world.get(CASES)["items"]
    named = [{name: one[name] for name in ("site", "discrepancy_id")} for one in rows]
    told = world.post(f"{CASES}/settle", {"reason": "papers found", "proposed": True, "cases": named})
    assert ({one["state"] for one in told["done"]}, told["refused"]) == ({"settled"}, [])
    assert [world.stock(site)["on_hand"] for site in ("S1", "D1")] == ["0", "0"]


def test_the_same_decision_sent_again_is_made_once(world: World, short: dict[str, Any]) -> None:
    body, key = {"reason": "once", "proposed": True}, {"Idempotency-Key": "k"}
    answers = [world.post(f"{path(short)}/settle", body, headers=key) for _ in range(2)]
    history = [step["action"] for step in world.get(path(short))["history"]]
    assert (answers[0], history.count("settle"), world.stock("WH")["on_hand"]) == (answers[1], 1, "93")


def test_a_settled_case_is_opened_again_with_a_reason(world: World, short: dict[str, Any]) -> None:
    world.post(f"{path(short)}/settle", {"reason": "nothing to book"})
    reopened = world.post(f"{path(short)}/reopen", {"reason": "it was a mistake"})
    again = world.post(f"{path(short)}/reopen", {"reason": "twice"}, expected=409)
    assert (reopened["state"], again["state"]) == ("open", "open")


def test_a_case_that_proposes_nothing_cannot_be_settled_by_its_proposal(world: World) -> None:
    counter = world.counter("S1")
    counter.report(
        GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin="04012345678901", quantity=Decimal(1)),))
    )
    unknown = case(world, "unknown_product")
    refused = world.post(f"{path(unknown)}/settle", {"reason": "r", "proposed": True}, expected=409)
    assert "proposes nothing that could be booked" in refused["detail"]


def test_a_product_that_comes_into_the_catalogue_is_known_from_then_on(world: World) -> None:
    world.counter("S1").sell("04012345678901", 1, 100)
    world.post("/v1/products", {"gtin": "04012345678901", "name": "Milk"})
    looked_at(world)
    assert case(world, "unknown_product")["state"] == "settled"


def test_an_item_sold_twice_within_minutes_puts_one_piece_back(world: World) -> None:
    world.opening("S1", watch=1)
    (item,) = world.sold_items("A1", site="S1")
    counter = world.counter("S1")
    for _ in range(2):
        counter.sell(WATCH, 1, 199900, item)
    looked_at(world)
    twice = case(world, "item_sold_twice")
    settle(world, twice)
    assert (twice["cause"], world.stock("S1", WATCH)["on_hand"]) == ("double_scan", "0")
