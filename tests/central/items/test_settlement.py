"""Two counters sell one item out of sight of central: one case with both sales, in whatever order they are heard of."""

from __future__ import annotations

import itertools
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.discrepancies.rules import Discrepancy, DiscrepancyClass, merged
from central.items.lives import Life, Step
from central.items.rules import take
from protocol.items import Action, State
from tests.central.facts import NOON, life, step


def lived(start: Life, steps: list[Step]) -> tuple[Life, list[Discrepancy]]:
    """The life after all steps, and what is left of the cases they raised."""
    cases: dict[tuple[str, str], Discrepancy] = {}
    for one in steps:
        taken = take(start, one)
        start = taken.life
        for raised in taken.raised:
            key = (raised.discrepancy_class, raised.cause_key)
            before = cases.get(key)
            home = before.site if before else raised.site
            at_home = [*([before] if before else []), raised]
            cases[key] = merged(_at(case, home) for case in at_home)[0]
        for name in taken.explained:
            cases.pop((name, one.item), None)
    return start, [cases[key] for key in sorted(cases)]


def _at(case: Discrepancy, site: str) -> Discrepancy:
    return Discrepancy(
        site=site,
        discrepancy_class=case.discrepancy_class,
        cause_key=case.cause_key,
        likely_cause=case.likely_cause,
        proposal=case.proposal,
        evidence=case.evidence,
    )


NORTH = step(Action.SELL_PROVISIONALLY, minutes=3, document="n")
SOUTH = step(Action.SELL_PROVISIONALLY, site="south", minutes=5, document="s")


@pytest.mark.parametrize("steps", list(itertools.permutations([NORTH, SOUTH])))
def test_two_provisional_sales_are_one_case_at_the_site_that_sold_last(steps: tuple[Step, ...]) -> None:
    after, [case] = lived(life(State.SELLABLE, site=None), list(steps))
    assert (case.discrepancy_class, case.site) == (DiscrepancyClass.ITEM_SOLD_TWICE, "south")
    assert [(sale["rank"], sale["site"], sale["provisional"]) for sale in case.evidence] == [
        (1, "north", True),
        (2, "south", True),
    ]
    assert (after.state, after.standing_sales) == (State.SOLD, 2)


def test_sales_whose_clocks_are_in_doubt_are_not_told_apart() -> None:
    sure = lived(life(State.SELLABLE), [NORTH, SOUTH])[1]
    vague = step(Action.SELL, site="south", minutes=5, uncertainty_us=120_000_000)
    doubt = lived(life(State.SELLABLE), [step(Action.SELL, minutes=4), vague])[1]
    assert "the earlier sale is likely the genuine one" in sure[0].proposal
    assert "their clocks do not tell" in doubt[-1].proposal


@given(
    st.lists(st.tuples(st.sampled_from("ns"), st.booleans(), st.booleans()), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_whatever_the_order_of_arrival_the_same_case_with_the_same_sales(
    sales: list[tuple[str, bool, bool]], chance: Random
) -> None:
    steps = []
    for number, (place, provisional, voided) in enumerate(sales):
        site = {"n": "north", "s": "south"}[place]
        action = Action.SELL_PROVISIONALLY if provisional else Action.SELL
        steps.append(step(action, site=site, minutes=2 * number, document=str(number)))
        if voided:
            steps.append(
                step(
                    Action.VOID, site=site, minutes=2 * number + 1, takes_back_sale=True, reverses=str(number)
                )
            )
    one, cases = lived(life(State.SELLABLE, site=None), steps)
    chance.shuffle(steps)
    other, others = lived(life(State.SELLABLE, site=None), steps)
    assert (one.sales, one.taken_back, one.standing_sales) == (
        other.sales,
        other.taken_back,
        other.standing_sales,
    )
    standing = [sale for number, sale in enumerate(sales) if not sale[2]]
    twice = [case for case in cases if case.discrepancy_class is DiscrepancyClass.ITEM_SOLD_TWICE]
    again = [case for case in others if case.discrepancy_class is DiscrepancyClass.ITEM_SOLD_TWICE]
    assert len(twice) == len(again) == (1 if len(standing) > 1 else 0)
    if twice:
        last = {(sale.site, sale.document) for sale in one.sales}
        for case in (*twice, *again):
            assert last <= {(sale["site"], sale["document"]) for sale in case.evidence}


def test_a_void_takes_back_its_own_sale_and_the_other_one_is_the_first_now() -> None:
    back = step(Action.VOID, minutes=6, takes_back_sale=True, reverses="n")
    after, cases = lived(life(State.SELLABLE), [NORTH, SOUTH, back])
    assert ([sale.document for sale in after.sales], cases) == (["s"], [])


def test_a_return_with_a_receipt_that_nobody_knows_brings_the_item_back_all_the_same() -> None:
    back = step(Action.RESTOCK, minutes=9, takes_back_sale=True, reverses="typed wrong")
    after, _ = lived(life(State.SELLABLE), [NORTH, back])
    assert (after.state, after.standing_sales) == (State.SELLABLE, 0)


def test_a_recalled_item_that_a_customer_brings_back_is_recalled() -> None:
    sold = life(State.SELLABLE)
    sold = take(sold, NORTH).life
    marked = Life(
        **{name: getattr(sold, name) for name in sold.__struct_fields__} | {"next_state": State.RECALLED}
    )
    back = take(marked, step(Action.RESTOCK, minutes=9, takes_back_sale=True)).life
    assert (back.state, back.next_state) == (State.RECALLED, State.SELLABLE)


def test_a_held_item_that_arrives_is_released_onto_the_shelf() -> None:
    held = life(State.HELD, next_state=State.IN_TRANSIT)
    arrived = take(held, step(Action.RECEIVE)).life
    released = take(arrived, step(Action.RELEASE)).life
    assert (arrived.state, released.state) == (State.HELD, State.SELLABLE)


def test_a_release_leads_back_on_the_way() -> None:
    held = take(life(State.IN_TRANSIT), step(Action.HOLD)).life
    recalled = take(held, step(Action.RECALL)).life
    released = take(recalled, step(Action.RELEASE)).life
    assert (held.next_state, recalled.next_state, released.state) == (
        State.IN_TRANSIT,
        State.IN_TRANSIT,
        State.IN_TRANSIT,
    )


def test_the_time_of_a_sale_carries_how_far_it_may_be_off() -> None:
    [sale] = take(life(State.SELLABLE), step(Action.SELL, uncertainty_us=7)).life.sales
    assert (sale.at, sale.uncertainty_us) == (NOON, 7)


def test_what_was_seen_last_is_the_latest_by_its_time() -> None:
    late = take(life(State.SELLABLE), step(Action.SELL, minutes=9)).life
    early = take(late, step(Action.SELL, site="south", minutes=1)).life
    assert early.seen is not None
    assert (early.seen.site, early.seen.at) == ("north", NOON + timedelta(minutes=9))
