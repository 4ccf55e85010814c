"""The lives of items: sold once whatever the order in which the facts arrive, and every contradiction named."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.discrepancies.rules import DiscrepancyClass
from central.items.lives import Life, Step, Taken
from central.items.rules import take
from central.items.steps import steps_of
from protocol.events import (
    Body,
    GoodsLine,
    GoodsReceived,
    SaleReturned,
    SaleVoided,
    ScanRefused,
    StockAdjusted,
)
from protocol.items import Action, State
from tests.central.facts import ITEM, MILK, fact, life, line, sale, step


def classes(taken: Taken) -> list[DiscrepancyClass]:
    return [one.discrepancy_class for one in taken.raised]


def after(start: Life, *steps: Step) -> Life:
    for one in steps:
        start = take(start, one).life
    return start


# -- a quiet life -----------------------------------------------------------------------------------------------------


def test_a_sale_of_an_item_in_stock_is_legal_and_remembered() -> None:
    taken = take(life(State.SELLABLE), step(Action.SELL))
    assert (taken.life.state, taken.trace.legal, taken.raised) == (State.SOLD, True, ())
    [sold] = taken.life.sales
    assert (sold.site, sold.seq, taken.life.sold) == ("north", 1, sold)


def test_a_sale_that_could_not_ask_is_confirmed_where_nothing_contradicts_it() -> None:
    taken = take(life(State.SELLABLE), step(Action.SELL_PROVISIONALLY))
    assert taken.settled is not None
    assert (taken.trace.to_state, taken.settled.action, taken.settled.to_state, taken.life.state) == (
        State.SOLD_PROVISIONALLY,
        Action.CONFIRM,
        State.SOLD,
        State.SOLD,
    )


def test_a_provisional_sale_that_something_contradicts_waits() -> None:
    taken = take(life(State.RECALLED), step(Action.SELL_PROVISIONALLY))
    assert (taken.life.state, taken.settled) == (State.SOLD_PROVISIONALLY, None)


def test_a_provisional_sale_before_its_receipt_is_confirmed_by_the_receipt() -> None:
    sold = take(life(State.IN_TRANSIT), step(Action.SELL_PROVISIONALLY)).life
    received = take(sold, step(Action.RECEIVE))
    assert (sold.state, received.life.state, received.settled is not None) == (
        State.SOLD_PROVISIONALLY,
        State.SOLD,
        True,
    )


def test_a_received_item_is_where_it_was_received() -> None:
    taken = take(life(State.IN_TRANSIT), step(Action.RECEIVE))
    assert (taken.life.state, taken.life.site, taken.trace.legal, taken.raised) == (
        State.SELLABLE,
        "north",
        True,
        (),
    )


def test_a_shipped_item_belongs_to_where_it_goes() -> None:
    taken = take(life(State.SELLABLE), step(Action.SHIP, to_site="south"))
    assert (taken.life.state, taken.life.site) == (State.IN_TRANSIT, "south")


def test_what_the_table_forbids_changes_nothing_and_is_traced() -> None:
    taken = take(life(State.DESTROYED), step(Action.SHIP, to_site="south"))
    assert (taken.life.state, taken.life.site, taken.trace.legal) == (State.DESTROYED, "north", False)
    assert taken.trace.note == "cannot ship this item: it has been destroyed"


def test_putting_a_quarantined_item_back_on_the_shelf_takes_back_no_sale() -> None:
    back = after(life(State.QUARANTINED), step(Action.RESTOCK))
    assert (back.state, back.standing_sales) == (State.SELLABLE, 0)


# -- contradictions ---------------------------------------------------------------------------------------------------


def test_a_second_sale_is_one_case_with_both_sales_as_evidence() -> None:
    first = take(life(State.SELLABLE), step(Action.SELL, minutes=5)).life
    taken = take(first, step(Action.SELL, site="south", minutes=9))
    [case] = taken.raised
    assert case.discrepancy_class is DiscrepancyClass.ITEM_SOLD_TWICE
    assert [fact["site"] for fact in case.evidence] == ["north", "south"]
    assert (taken.life.state, [sold.site for sold in taken.life.sales]) == (State.SOLD, ["north", "south"])


def test_of_two_sales_the_earlier_one_is_the_first_whichever_was_heard_of_first() -> None:
    late = take(life(State.SELLABLE), step(Action.SELL, minutes=9)).life
    [first, _] = take(late, step(Action.SELL, site="south", minutes=5)).life.sales
    assert first.site == "south"


@pytest.mark.parametrize("state", [State.ISSUED, State.COMMISSIONED, State.IN_TRANSIT])
def test_a_sale_before_its_receipt_is_booked_and_cleared_up_by_the_receipt(state: State) -> None:
    sold = take(life(state), step(Action.SELL))
    assert classes(sold) == [DiscrepancyClass.SOLD_WITHOUT_RECEIPT]
    received = take(sold.life, step(Action.RECEIVE))
    assert (received.life.state, received.explained) == (
        State.SOLD,
        (DiscrepancyClass.SOLD_WITHOUT_RECEIPT,),
    )


@pytest.mark.parametrize(
    "state", [State.QUARANTINED, State.HELD, State.RECALLED, State.STOLEN, State.EXPIRED, State.DESTROYED]
)
def test_a_sale_of_an_item_that_is_not_for_sale_is_booked_and_named(state: State) -> None:
    taken = take(life(state), step(Action.SELL))
    assert (taken.life.state, classes(taken)) == (State.SOLD, [DiscrepancyClass.ITEM_NOT_FOR_SALE])


def test_a_sale_at_another_site_than_the_one_it_was_sent_to_is_a_diversion() -> None:
    taken = take(life(State.SELLABLE, site="south"), step(Action.SELL))
    assert classes(taken) == [DiscrepancyClass.ITEM_OUTSIDE_TERRITORY]


def test_a_receipt_at_another_site_is_a_diversion_unless_it_was_despatched_from_there() -> None:
    elsewhere = life(State.SELLABLE, site="south")
    assert classes(take(elsewhere, step(Action.RECEIVE))) == [DiscrepancyClass.ITEM_OUTSIDE_TERRITORY]
    assert classes(take(elsewhere, step(Action.RECEIVE, from_site="south"))) == []


@pytest.mark.parametrize("state", [State.HELD, State.RECALLED, State.QUARANTINED])
def test_receiving_a_stopped_item_does_not_release_it(state: State) -> None:
    assert after(life(state), step(Action.RECEIVE)).state is state


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (Action.SELL, State.SOLD),
        (Action.RECEIVE, State.SELLABLE),
        (Action.SHIP, State.IN_TRANSIT),
        (Action.STEAL, State.STOLEN),
        (Action.DESTROY, State.DESTROYED),
        (Action.QUARANTINE, State.QUARANTINED),
        (Action.COMMISSION, State.SELLABLE),
    ],
)
def test_an_item_that_nobody_has_registered_is_followed_all_the_same(action: Action, state: State) -> None:
    taken = take(life(None, site=None), step(action))
    assert (taken.life.state, taken.life.site, taken.trace.legal) == (state, "north", False)
    assert classes(taken) == [DiscrepancyClass.UNKNOWN_ITEM]


# -- taken back -------------------------------------------------------------------------------------------------------


def test_a_return_before_its_sale_is_heard_of_leaves_the_item_in_stock_in_the_end() -> None:
    back = step(Action.RESTOCK, takes_back_sale=True, minutes=9)
    early = take(life(State.SELLABLE), back)
    assert (early.life.standing_sales, early.trace.legal) == (-1, False)
    late = take(early.life, step(Action.SELL))
    assert (late.life.state, late.life.standing_sales, late.raised) == (State.SELLABLE, 0, ())


def test_a_return_of_an_unregistered_item_before_its_sale_is_named() -> None:
    taken = take(life(None, site=None), step(Action.RESTOCK, takes_back_sale=True))
    assert (taken.life.state, classes(taken)) == (State.SELLABLE, [DiscrepancyClass.UNKNOWN_ITEM])


def test_the_void_of_one_of_two_sales_explains_the_case_and_the_item_stays_sold() -> None:
    twice = after(life(State.SELLABLE), step(Action.SELL), step(Action.SELL, minutes=1))
    taken = take(twice, step(Action.VOID, takes_back_sale=True))
    assert (taken.life.state, taken.explained) == (State.SOLD, (DiscrepancyClass.ITEM_SOLD_TWICE,))
    thrice = after(twice, step(Action.SELL, minutes=2))
    assert take(thrice, step(Action.VOID, takes_back_sale=True)).explained == ()


def test_a_return_of_a_stolen_item_before_its_sale_does_not_free_it() -> None:
    assert after(life(State.STOLEN), step(Action.RESTOCK, takes_back_sale=True)).state is State.STOLEN


def test_an_item_returned_into_quarantine_is_not_for_sale() -> None:
    back = step(Action.QUARANTINE, takes_back_sale=True, minutes=1)
    assert after(life(State.SELLABLE), step(Action.SELL), back).state is State.QUARANTINED


@given(
    st.lists(st.sampled_from(("sale", "void", "receipt")), max_size=8),
    st.randoms(use_true_random=False),
)
def test_no_order_of_arrival_decides_whether_an_item_is_sold(kinds: list[str], chance: Random) -> None:
    steps = [
        {
            "sale": step(Action.SELL, minutes=number),
            "void": step(Action.VOID, minutes=number, takes_back_sale=True),
            "receipt": step(Action.RECEIVE, minutes=number),
        }[kind]
        for number, kind in enumerate(kinds)
    ]
    one = after(life(State.SELLABLE), *steps)
    chance.shuffle(steps)
    other = after(life(State.SELLABLE), *steps)
    standing = kinds.count("sale") - kinds.count("void")
    assert one.standing_sales == other.standing_sales == standing
    assert one.state == other.state == (State.SOLD if standing > 0 else State.SELLABLE)


# -- which facts say something of items ---------------------------------------------------------------------------------


def goods(quantity: str) -> tuple[GoodsLine, ...]:
    return (GoodsLine(gtin=MILK, quantity=Decimal(quantity), items=(ITEM,)),)


@pytest.mark.parametrize(
    ("body", "actions"),
    [
        (sale(line(item=ITEM), line()), [Action.SELL]),
        (
            SaleVoided(
                void_id="v",
                sale_id="s",
                receipt="r",
                currency="EUR",
                lines=(line(item=ITEM), line()),
                reason="",
            ),
            [Action.VOID],
        ),
        (
            SaleReturned(
                return_id="t", receipt="r", currency="EUR", lines=(line(item=ITEM),), disposition="restock"
            ),
            [Action.RESTOCK],
        ),
        (
            SaleReturned(
                return_id="t", receipt="r", currency="EUR", lines=(line(item=ITEM),), disposition="quarantine"
            ),
            [Action.QUARANTINE],
        ),
        (GoodsReceived(receipt_advice_id="r", lines=goods("1")), [Action.RECEIVE]),
        (StockAdjusted(adjustment_id="a", lines=goods("-1"), reason="theft"), [Action.STEAL]),
        (StockAdjusted(adjustment_id="a", lines=goods("-1"), reason="damage"), [Action.DESTROY]),
        (StockAdjusted(adjustment_id="a", lines=goods("1"), reason="found"), []),
        (ScanRefused(verdict="forged", cause="", item=ITEM), []),
    ],
)
def test_each_fact_does_to_its_items_what_it_says(body: Body, actions: list[Action]) -> None:
    assert [one.action for one in steps_of(fact(body))] == actions
