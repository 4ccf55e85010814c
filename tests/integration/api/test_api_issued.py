"""A code between its issuing and its commissioning: it has no row, and is known by what it is made of."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from central.codes.order_secrets import path_of
from protocol.codec import encode
from protocol.events import ScanRefused
from protocol.feeds import ItemHere
from protocol.messages import ItemAnswered, ItemAsked
from protocol.topics import topic
from tests.integration.api.test_api_code_orders import ORDER, codes
from tests.integration.api.world import NOW, WATCH, Counter, World


@pytest.fixture
def order(world: World) -> str:
    return str(world.post("/v1/code-orders", ORDER)["order"])


@pytest.fixture
def code(world: World, order: str) -> str:
    """The item of the order's first code."""
    return codes(world, order)[0]["item"]


def ask(world: World, counter: Counter, item: str) -> ItemHere | None:
    name = topic("ask", counter.agent)
    frame = encode(ItemAsked(question_id="q", item=item), name)
    assert world.intake.offer(counter.agent, "ask", frame, int(NOW.timestamp() * 1_000_000))
    world.intake.drain()
    answer = world.sent[-1][1]
    assert isinstance(answer, ItemAnswered)
    return None if answer.body is None else msgspec.json.decode(answer.body, type=ItemHere)


def classes(world: World) -> set[str]:
    return {case["class"] for case in world.get("/v1/discrepancies")["items"]} - {"sold_below_zero"}


def test_an_issued_code_is_issued_to_who_asks_and_one_made_up_is_not_there(world: World, code: str) -> None:
    counter = world.counter("D1")
    found = world.get(f"/v1/items/{code}")
    assert (found["state"], found["disposition"], found["unissued"]) == ("issued", "encoded", False)
    asked = ask(world, counter, code)
    assert asked is not None
    assert (asked.state, asked.gtin, asked.expiry, asked.site) == ("issued", WATCH, "2027-12-31", None)
    assert ask(world, counter, code[:-1] + ("0" if code[-1] != "0" else "1")) is None
    assert world.call("GET", f"/v1/items/{code}", "acme").status_code == 404


def test_an_issued_item_that_is_sold_was_sold_before_its_receipt_and_is_no_forgery(
    world: World, code: str
) -> None:
    world.counter("D1").sell(WATCH, 1, 1, code)
    assert classes(world) == {"sold_without_receipt"}
    steps = world.get(f"/v1/items/{code}/trace")["steps"]
    assert [(step["from_state"], step["to_state"], step["legal"]) for step in steps] == [
        ("issued", "sold", False)
    ]


def test_commissioning_after_the_sale_leaves_the_item_sold(world: World, order: str, code: str) -> None:
    world.counter("D1").sell(WATCH, 1, 1, code)
    world.post(f"/v1/code-orders/{order}/commission", {"site": "WH", "first": 1, "last": 2})
    assert (world.get(f"/v1/items/{code}")["state"], world.get(f"/v1/items/{code}")["site"]) == ("sold", "D1")


def test_an_issued_code_refused_at_two_sites_is_not_copied_yet(world: World, code: str) -> None:
    for site in ("D1", "S1"):
        world.counter(site).report(
            ScanRefused(verdict="not_received", cause="not yet commissioned", item=code)
        )
    assert classes(world) == set()


def test_facts_do_not_wait_for_a_secret_that_is_missing(world: World, order: str) -> None:
    lines: list[dict[str, Any]] = codes(world, order)
    path_of(world.directory / "authority").unlink()
    world.counter("D1").sell(WATCH, 1, 1, lines[3]["item"])
    assert classes(world) == {"unknown_item"}
    assert world.call("GET", f"/v1/items/{lines[4]['item']}").status_code == 503
