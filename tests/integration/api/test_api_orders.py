"""The life of an order over the interface, from the counter that submits it to the receipt that ends it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import msgspec

from protocol.events import OrderCancelAsked, OrderLine, OrderSubmitted
from protocol.feeds import DespatchView, OrderView
from tests.integration.api.world import TEA, WATCH, WATER, World


def feed(world: World, name: str, site: str) -> dict[str, bytes]:
    """What the agents of a site get from a feed."""
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL",
            (name, site),
        ).fetchall()
    return {key: bytes(body) for key, body in rows}


def test_an_order_goes_from_submitted_to_closed(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = f"/v1/orders/D1/{counter.order(4)}"
    states = [world.get(path)["state"]]
    states.append(world.post(f"{path}/accept")["state"])
    states.append(world.post(f"{path}/allocate")["state"])
    sent = world.post(f"{path}/despatch")
    states.append(sent["state"])
    counter.receive(sent["despatch_id"], 4)
    states.append(world.get(path)["state"])
    states.append(world.post(f"{path}/close")["state"])
    assert states == ["submitted", "accepted", "allocated", "despatched", "received", "closed"]


def test_goods_of_an_order_move_from_the_warehouse_to_the_dealer(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = world.allocated_order(counter, 4)
    before = world.stock("WH")
    sent = world.post(f"{path}/despatch")
    on_the_way = world.stock("D1")
    counter.receive(sent["despatch_id"], 4)
    here, there = world.stock("D1"), world.stock("WH")
    found = [
        (before["on_hand"], before["reserved"], before["available"]),
        (on_the_way["on_hand"], on_the_way["in_transit"]),
        (here["on_hand"], here["in_transit"]),
        (there["on_hand"], there["reserved"]),
    ]
    assert found == [("10", "4", "6"), ("0", "4"), ("4", "0"), ("6", "0")]
    assert world.get("/v1/reconciliation/stock") == {"agrees": True, "drifts": [], "not_zero": {}}


def test_the_answer_and_the_despatch_reach_the_dealers_feeds(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    order_id = counter.order(4)
    world.post(f"/v1/orders/D1/{order_id}/accept", {"lines": [{"line": 1, "quantity": 3}]})
    world.post(f"/v1/orders/D1/{order_id}/allocate")
    sent = world.post(f"/v1/orders/D1/{order_id}/despatch")
    order = msgspec.json.decode(feed(world, "orders", "D1")[order_id], type=OrderView)
    despatch = msgspec.json.decode(feed(world, "despatches", "D1")[sent["despatch_id"]], type=DespatchView)
    assert (order.state, order.lines[0].accepted, order.lines[0].response) == ("despatched", Decimal(3), "6")
    assert (despatch.from_site, despatch.lines[0].quantity, despatch.order_id) == ("WH", Decimal(3), order_id)


def test_thirty_buyers_for_five_pieces_are_promised_exactly_five(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=5)
    paths = [f"/v1/orders/D1/{counter.order(1)}" for _ in range(30)]
    for path in paths:
        world.post(f"{path}/accept")
    together = threading.Barrier(30)

    def buy(path: str) -> int:
        together.wait(30)
        return world.call("POST", f"{path}/allocate", json={}).status_code

    with ThreadPoolExecutor(30) as buyers:
        answers = list(buyers.map(buy, paths))
    promised = [world.get(path)["lines"][0]["allocated"] for path in paths]
    assert sorted(answers) == [200] * 5 + [409] * 25
    assert sum(Decimal(quantity) for quantity in promised) == 5
    assert world.stock("WH")["available"] == "0"


def test_buyers_of_several_products_in_any_order_are_never_promised_more_than_there_is(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=7, tea=7)
    paths = []
    for number in range(12):
        first, second = (WATER, TEA) if number % 2 else (TEA, WATER)
        lines = (
            OrderLine(line=1, gtin=first, quantity=Decimal(1)),
            OrderLine(line=2, gtin=second, quantity=Decimal(1)),
        )
        counter.report(OrderSubmitted(order_id=f"o{number}", number=str(number), lines=lines, currency="CNY"))
        paths.append(f"/v1/orders/D1/o{number}")
        world.post(f"{paths[-1]}/accept")
    with ThreadPoolExecutor(12) as buyers:
        list(buyers.map(lambda path: world.call("POST", f"{path}/allocate", json={}), paths))
    assert [world.stock("WH", gtin)["available"] for gtin in (WATER, TEA)] == ["0", "0"]


def test_what_could_not_be_allocated_is_allocated_when_goods_have_come(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=3)
    path = world.allocated_order(counter, 5)
    first = world.get(path)["lines"][0]["allocated"]
    world.opening("WH", water=10)
    again = world.post(f"{path}/allocate")
    assert (first, again["state"], again["lines"][0]["allocated"]) == ("3", "allocated", "5")


def test_a_partial_despatch_leaves_the_rest_reserved_and_a_second_one_takes_it(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = world.allocated_order(counter, 5)
    first = world.post(f"{path}/despatch", {"lines": [{"line": 1, "quantity": 2}]})
    rest = world.stock("WH")
    counter.receive(first["despatch_id"], 2)
    between = world.get(path)["state"]
    second = world.post(f"{path}/despatch")
    counter.receive(second["despatch_id"], 3)
    assert (first["state"], rest["on_hand"], rest["reserved"]) == ("part_despatched", "8", "3")
    assert (between, second["state"], world.get(path)["state"]) == ("part_received", "despatched", "received")
    assert world.stock("WH")["reserved"] == "0"


def test_a_short_receipt_becomes_a_discrepancy_and_the_order_is_received(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = world.allocated_order(counter, 5)
    sent = world.post(f"{path}/despatch")
    counter.receive(sent["despatch_id"], 3)
    (case,) = world.get("/v1/discrepancies", params={"class": "short_receipt"})["items"]
    assert (case["site"], case["gtin"], case["quantity"]) == ("D1", WATER, "2")
    assert world.get(path)["state"] == "received"
    assert world.stock("D1")["on_hand"] == "3"


def test_a_despatch_of_somebody_else_gives_a_dealer_nothing_of_it(world: World) -> None:
    counter, other = world.counter("D1"), world.counter("D1B")
    world.opening("WH", water=10)
    sent = world.post(f"{world.allocated_order(counter, 5)}/despatch")
    other.receive(sent["despatch_id"], 5)
    found = world.get(f"/v1/despatches/D1/{sent['despatch_id']}")
    assert (found["state"], found["lines"][0]["received"]) == ("in_transit", "0")


def test_a_cancelled_order_gives_its_promise_back(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = world.allocated_order(counter, 5)
    order_id = path.rsplit("/", 1)[-1]
    counter.report(OrderCancelAsked(order_id=order_id, reason="not needed"))
    assert (world.get(path)["state"], world.stock("WH")["reserved"]) == ("cancelled", "0")


def test_a_cancel_that_comes_too_late_is_refused_with_the_reason(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = world.allocated_order(counter, 5)
    world.post(f"{path}/despatch")
    counter.report(OrderCancelAsked(order_id=path.rsplit("/", 1)[-1], reason="not needed"))
    order = world.get(path)
    expected = ("despatched", "cannot cancel this order: it has been despatched", "cancel_refused")
    assert (order["state"], order["reason"], order["history"][-1]["action"]) == expected


def test_a_dealer_may_cancel_its_own_order_over_the_interface(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", water=10)
    path = world.allocated_order(counter, 5)
    done = world.post(f"{path}/cancel", {"reason": "not needed"}, caller="acme")
    assert (done["state"], world.stock("WH")["reserved"]) == ("cancelled", "0")


def test_an_order_of_an_unknown_product_is_held_and_says_which_line(world: World) -> None:
    counter = world.counter("D1")
    order = world.get(f"/v1/orders/D1/{counter.order(1, gtin='00000000000017')}")
    expected = ("held", "line 1: product 00000000000017 is not in the catalogue")
    assert (order["state"], order["reason"]) == expected


def test_the_same_order_twice_changes_nothing_and_another_under_its_key_is_noted(world: World) -> None:
    counter = world.counter("D1")
    counter.order(4, order_id="one")
    counter.report(
        OrderSubmitted(
            order_id="one",
            number="PO-other",
            lines=(OrderLine(line=1, gtin=TEA, quantity=Decimal(9)),),
            currency="CNY",
        )
    )
    order = world.get("/v1/orders/D1/one")
    assert [step["action"] for step in order["history"]] == ["submit", "change_refused"]
    assert (order["lines"][0]["gtin"], order["lines"][0]["ordered"]) == (WATER, "4")


def test_a_higher_revision_changes_an_order_that_nobody_has_answered(world: World) -> None:
    counter = world.counter("D1")
    counter.order(4, order_id="one")
    lines = (OrderLine(line=1, gtin=WATER, quantity=Decimal(6)),)
    counter.report(OrderSubmitted(order_id="one", number="PO-one", lines=lines, currency="CNY", revision=2))
    order = world.get("/v1/orders/D1/one")
    assert (order["revision"], order["lines"][0]["ordered"], order["state"]) == (2, "6", "submitted")


def test_coded_items_leave_with_their_codes_and_arrive_sellable(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", watch=2)
    items = world.sold_items("A1", "A2", site="WH")
    path = world.allocated_order(counter, 2, gtin=WATCH)
    refused = world.call("POST", f"{path}/despatch", json={})
    sent = world.post(f"{path}/despatch", {"lines": [{"line": 1, "quantity": 2, "items": items}]})
    before = world.get(f"/v1/items/{items[0]}/trace")
    counter.receive(sent["despatch_id"], 2, *items, gtin=WATCH)
    after = world.get(f"/v1/items/{items[0]}/trace", "acme")
    assert (refused.status_code, "name every one" in refused.json()["detail"]) == (409, True)
    assert [(one["state"], one["site"]) for one in (before, after)] == [
        ("in_transit", "D1"),
        ("sellable", "D1"),
    ]


def test_an_item_that_is_not_at_the_warehouse_cannot_leave_it(world: World) -> None:
    counter = world.counter("D1")
    world.opening("WH", watch=1)
    (item,) = world.sold_items("B1", site="S1")
    path = world.allocated_order(counter, 1, gtin=WATCH)
    refused = world.call(
        "POST", f"{path}/despatch", json={"lines": [{"line": 1, "quantity": 1, "items": [item]}]}
    )
    assert (refused.status_code, refused.json()["detail"]) == (409, f"line 1: item {item} is not at WH")
    assert world.stock("WH", WATCH)["on_hand"] == "1"


def test_a_decision_that_the_state_does_not_allow_says_why(world: World) -> None:
    counter = world.counter("D1")
    answer = world.call("POST", f"/v1/orders/D1/{counter.order(4)}/despatch", json={})
    expected = (409, "nothing to despatch: nothing is allocated to any line that was named", "submitted")
    assert (answer.status_code, answer.json()["detail"], answer.json()["state"]) == expected
