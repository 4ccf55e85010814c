"""Items that a counter sends away, in whatever order that and their receipts are heard of."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from central.discrepancies.rules import DiscrepancyClass
from central.items.lives import Life, Sighting, Step
from central.items.rules import take
from protocol.items import Action, State
from tests.central.facts import NOON, life, step


def shipped(
    minutes: int = 0, *, site: str = "north", to: str = "south", container: str | None = None
) -> Step:
    return step(Action.SHIP, site=site, to_site=to, minutes=minutes, container=container)


def seen(one: Life, site: str, minutes: int) -> Life:
    return msgspec.structs.replace(one, seen=Sighting(site=site, at=NOON + timedelta(minutes=minutes)))


def test_an_item_that_is_sent_away_is_on_its_way() -> None:
    taken = take(life(State.SELLABLE), shipped())
    assert (taken.life.state, taken.life.site, taken.raised) == (State.IN_TRANSIT, "south", ())


@pytest.mark.parametrize("state", [State.SELLABLE, State.QUARANTINED, State.SOLD])
def test_a_shipment_that_is_heard_of_after_the_receipt_changes_nothing_and_explains_where_the_item_was(
    state: State,
) -> None:
    before = life(state, site="south")
    taken = take(before, shipped(minutes=0))
    assert (taken.life.state, taken.life.site, taken.trace.legal) == (state, "south", True)
    assert DiscrepancyClass.ITEM_OUTSIDE_TERRITORY in taken.explained


def test_a_shipment_of_long_ago_does_not_move_an_item_that_has_come_back_since() -> None:
    back_again = seen(life(State.SELLABLE, site="north"), "north", 60)
    assert take(back_again, shipped(minutes=0)).life.state is State.SELLABLE


def test_a_clock_that_is_a_little_wrong_does_not_keep_an_item_back() -> None:
    verified_late = msgspec.structs.replace(
        life(State.SELLABLE),
        seen=Sighting(site="north", at=NOON + timedelta(seconds=1), uncertainty_us=2_000_000),
    )
    assert take(verified_late, shipped(minutes=0)).life.state is State.IN_TRANSIT


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (life(State.SELLABLE, site="east"), (State.IN_TRANSIT, "south"), "item_not_here"),
        (life(State.IN_TRANSIT), (State.IN_TRANSIT, "south"), "item_not_to_be_sent"),
        (life(State.HELD), (State.HELD, "south"), "item_not_to_be_sent"),
        (life(State.SOLD), (State.SOLD, "north"), "item_not_to_be_sent"),
    ],
    ids=["elsewhere", "not received", "held", "sold"],
)
def test_an_item_that_should_not_leave_has_left_and_is_told(
    before: Life, after: tuple[State, str], cause: str
) -> None:
    taken = take(before, shipped())
    assert (taken.life.state, taken.life.site) == after
    assert [(case.discrepancy_class, case.cause) for case in taken.raised] == [("despatch_unexpected", cause)]


def test_of_what_travels_in_a_case_the_case_is_told() -> None:
    assert take(life(State.SELLABLE, site="east"), shipped(container="040123450000000016")).raised == ()


def test_a_receipt_that_is_heard_of_after_the_item_was_sent_on_explains_that_and_moves_nothing() -> None:
    sent_on = take(life(State.IN_TRANSIT), shipped(minutes=30)).life
    taken = take(sent_on, step(Action.RECEIVE, minutes=10))
    assert (taken.life.state, taken.life.site) == (State.IN_TRANSIT, "south")
    assert taken.explained == (DiscrepancyClass.DESPATCH_UNEXPECTED,)
