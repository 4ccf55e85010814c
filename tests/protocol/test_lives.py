"""The lives of items and orders, and what a counter says."""

from __future__ import annotations

import itertools

import pytest

from protocol import items, orders, verdicts
from protocol.feeds import ItemHere
from protocol.items import Action, Illegal, State
from protocol.orders import Forbidden, OrderAction, OrderState
from protocol.verdicts import Act, Verdict, act_on, judge

HERE, TODAY = "shop-1", "2026-11-21"


def run(*actions: Action) -> State | Illegal:
    state: State | Illegal = State.ISSUED
    for action in actions:
        assert isinstance(state, State), state
        state = items.transition(state, action)
    return state


def test_an_item_is_made_shipped_received_and_sold() -> None:
    assert run(Action.COMMISSION, Action.SHIP, Action.RECEIVE, Action.SELL) is State.SOLD


def test_an_item_is_not_sold_twice() -> None:
    again = items.transition(State.SOLD, Action.SELL)
    assert again == Illegal("cannot sell this item: it has been sold")


def test_a_returned_item_can_be_sold_again() -> None:
    sold = (Action.COMMISSION, Action.SHIP, Action.RECEIVE, Action.SELL)
    assert run(*sold, Action.RESTOCK, Action.SELL) is State.SOLD


def test_every_pair_of_state_and_action_is_a_state_or_a_reason() -> None:
    for state, action in itertools.product(State, Action):
        after = items.transition(state, action)
        assert isinstance(after, State) or after.reason.startswith("cannot "), (state, action)


@pytest.mark.parametrize("state", [State.DESTROYED])
def test_from_the_end_of_a_life_nothing_leads_away(state: State) -> None:
    assert all(isinstance(items.transition(state, action), Illegal) for action in Action)


def test_every_state_can_be_reached() -> None:
    reached, new = {State.ISSUED}, {State.ISSUED}
    while new:
        found = {items.transition(state, action) for state, action in itertools.product(new, Action)}
        new = {state for state in found if isinstance(state, State)} - reached
        reached |= new
    assert reached == set(State)


def item(state: State, **more: str) -> ItemHere:
    return ItemHere(item="i", gtin="04006381333931", state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (item(State.SELLABLE, site=HERE), Verdict.GENUINE),
        (item(State.SELLABLE), Verdict.GENUINE),
        (item(State.SELLABLE, site="elsewhere"), Verdict.WRONG_SITE),
        (item(State.IN_TRANSIT, site="elsewhere"), Verdict.WRONG_SITE),
        (item(State.IN_TRANSIT, site=HERE), Verdict.NOT_RECEIVED),
        (item(State.SELLABLE, site=HERE, expiry="2026-11-20"), Verdict.EXPIRED),
        (item(State.SELLABLE, site=HERE, expiry=TODAY), Verdict.GENUINE),
        (item(State.SOLD, site=HERE, sold_site="elsewhere"), Verdict.ALREADY_SOLD),
        (item(State.SOLD_PROVISIONALLY), Verdict.ALREADY_SOLD),
        (item(State.RECALLED, site="elsewhere"), Verdict.RECALLED),
        (item(State.ISSUED), Verdict.NOT_RECEIVED),
        (item(State.QUARANTINED), Verdict.HELD),
        (item(State.STOLEN), Verdict.STOLEN),
        (item(State.DESTROYED), Verdict.DESTROYED),
        (item(State.EXPIRED), Verdict.EXPIRED),
    ],
)
def test_the_verdict_follows_from_the_life(known: ItemHere, expected: Verdict) -> None:
    assert judge(known, HERE, TODAY)[0] is expected


def test_every_state_has_a_verdict_with_a_reason() -> None:
    for state in State:
        assert judge(item(state), HERE, TODAY)[1]


def test_the_reason_of_a_sold_item_tells_where() -> None:
    assert judge(item(State.SOLD, sold_site="shop-9"), HERE, TODAY)[1] == "sold before at shop-9"


def test_a_code_that_is_on_no_product_yet_says_so() -> None:
    assert "not yet commissioned" in judge(item(State.ISSUED), HERE, TODAY)[1]


def test_policy_of_a_product_comes_before_that_of_a_verdict_and_both_before_the_default() -> None:
    policy = {"wrong_site": "refuse", "wrong_site/04006381333931": "accept"}
    assert act_on(Verdict.WRONG_SITE, "04006381333931", policy) is Act.ACCEPT
    assert act_on(Verdict.WRONG_SITE, "04012345678901", policy) is Act.REFUSE
    assert act_on(Verdict.WRONG_SITE, None, {}) is Act.ASK


def test_every_verdict_has_a_safe_default() -> None:
    assert set(verdicts.SAFE_DEFAULTS) == set(Verdict)


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["submit", "accept", "allocate", "despatch", "receive", "close"], OrderState.CLOSED),
        (
            ["submit", "accept_part", "allocate", "despatch_part", "receive_part", "despatch", "receive"],
            OrderState.RECEIVED,
        ),
        (["submit", "hold", "refuse"], OrderState.REFUSED),
        (["submit", "hold", "accept", "cancel"], OrderState.CANCELLED),
    ],
)
def test_an_order_lives_as_the_trade_knows_it(actions: list[str], expected: OrderState) -> None:
    state: OrderState | Forbidden = OrderState.DRAFT
    for action in actions:
        assert isinstance(state, OrderState), state
        state = orders.transition(state, OrderAction(action))
    assert state is expected


def test_a_despatched_order_is_not_cancelled_and_says_why() -> None:
    refused = orders.transition(OrderState.DESPATCHED, OrderAction.CANCEL)
    assert refused == Forbidden("cannot cancel this order: it has been despatched")


def test_every_pair_of_order_state_and_action_is_a_state_or_a_reason() -> None:
    for state, action in itertools.product(OrderState, OrderAction):
        after = orders.transition(state, action)
        assert isinstance(after, OrderState) or after.reason.startswith("cannot "), (state, action)
