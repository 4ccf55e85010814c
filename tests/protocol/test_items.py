"""The table of an item's life, every state against every action, and what EPCIS calls each step."""

from __future__ import annotations

import itertools

import pytest

from protocol.epcis import BIZ_STEPS, DISPOSITIONS, EpcisStep, epcis_steps
from protocol.items import LEAVES_ITS_CASE, RETURNS_TO, Action, Illegal, State, legal_from, transition

# One row a state, one column an action; "." is illegal, "=" leaves the state as it is.
TABLE = """
                   issue  commission  pack unpack ship       receive  sell sell_provisionally confirm void     restock  quarantine  hold release  recall   steal  recover     expire  destroy
-                  issued commissioned .   .      .          .        .    .                  .       .        .        .           .    .        .        .      .           .       .
issued             .      commissioned .   .      .          .        .    .                  .       .        .        .           .    .        .        stolen .           .       destroyed
commissioned       .      .           =    =      in_transit sellable .    .                  .       .        .        quarantined held .        recalled stolen .           expired destroyed
in_transit         .      .           .    =      .          sellable .    .                  .       .        .        quarantined held .        recalled stolen .           expired destroyed
sellable           .      .           =    =      in_transit .        sold sold_provisionally .       .        .        quarantined held .        recalled stolen .           expired destroyed
sold               .      .           .    .      .          .        .    .                  .       sellable sellable quarantined .    .        .        .      .           .       .
sold_provisionally .      .           .    .      .          .        .    .                  sold    sellable sellable quarantined .    .        .        .      .           .       .
quarantined        .      .           =    =      =          =        .    .                  .       .        sellable .           held .        recalled stolen .           .       destroyed
held               .      .           =    =      .          =        .    .                  .       .        .        .           .    sellable recalled stolen .           expired destroyed
recalled           .      .           =    =      =          =        .    .                  .       .        .        .           .    sellable .        stolen .           .       destroyed
stolen             .      .           .    .      .          .        .    .                  .       .        .        .           .    .        .        .      quarantined .       destroyed
expired            .      .           =    =      =          =        .    .                  .       .        .        .           .    .        recalled stolen .           .       destroyed
destroyed          .      .           .    .      .          .        .    .                  .       .        .        .           .    .        .        .      .           .       .
"""


def expected() -> dict[tuple[State | None, Action], State | None]:
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    table: dict[tuple[State | None, Action], State | None] = {}
    for name, *cells in rows:
        state = None if name == "-" else State(name)
        for action, cell in zip(header, cells, strict=True):
            after = state if cell == "=" else None if cell == "." else State(cell)
            table[state, Action(action)] = after
    return table


EVERY_PAIR = list(itertools.product([None, *State], Action))


def test_the_expected_table_names_every_state_and_every_action() -> None:
    assert set(expected()) == set(EVERY_PAIR)


@pytest.mark.parametrize(("state", "action"), EVERY_PAIR)
def test_every_action_in_every_state_leads_where_the_table_says(state: State | None, action: Action) -> None:
    after = transition(state, action)
    assert (after if isinstance(after, State) else None) == expected()[state, action]


@pytest.mark.parametrize(("state", "action"), EVERY_PAIR)
def test_every_illegal_step_gives_its_reason(state: State | None, action: Action) -> None:
    after = transition(state, action)
    if isinstance(after, Illegal):
        verb, _, reason = after.reason.partition(" this item: ")
        assert (verb, bool(reason)) == (f"cannot {action.replace('_', ' ')}", True)


def test_a_code_that_nobody_issued_says_so() -> None:
    assert transition(None, Action.SELL) == Illegal("cannot sell this item: nobody has issued its code")


@pytest.mark.parametrize("stopped", [State.HELD, State.RECALLED])
@pytest.mark.parametrize("before", sorted(RETURNS_TO))
def test_a_release_leads_back_to_where_the_item_was(stopped: State, before: State) -> None:
    assert transition(stopped, Action.RELEASE, before) is before


@pytest.mark.parametrize("before", [None, State.SOLD, State.DESTROYED])
def test_a_release_without_a_place_to_go_back_to_leads_to_the_shelf(before: State | None) -> None:
    assert transition(State.HELD, Action.RELEASE, before) is State.SELLABLE


def test_what_an_item_was_before_matters_to_a_release_alone() -> None:
    assert transition(State.HELD, Action.RECALL, State.COMMISSIONED) is State.RECALLED


@pytest.mark.parametrize("action", Action)
def test_the_states_an_action_is_legal_from_are_those_of_the_table(action: Action) -> None:
    wanted = {
        state: after
        for (state, done), after in expected().items()
        if done is action and state is not None and after is not None
    }
    assert legal_from(action) == wanted


def test_a_sold_item_has_left_its_case_and_a_shipped_one_has_not() -> None:
    assert Action.SELL in LEAVES_ITS_CASE
    assert Action.SHIP not in LEAVES_ITS_CASE


def test_packing_is_no_state() -> None:
    led = {
        transition(state, action)
        for state in State
        for action in (Action.PACK, Action.UNPACK)
        if transition(state, action) != state
    }
    assert all(isinstance(after, Illegal) for after in led)


# -- EPCIS -------------------------------------------------------------------------------------------------------------

# CBV 2.0, sections 7.1 and 7.2: the words that may stand there.
CBV_BIZ_STEPS = """
    accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning
    departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other
    packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting
    shipping staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping
"""
CBV_DISPOSITIONS = """
    active available completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed
    dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
    needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold
    returned sellable_accessible sellable_not_accessible stolen unavailable unknown
"""


def test_every_state_and_action_has_a_word_of_the_vocabulary() -> None:
    assert (set(DISPOSITIONS), set(BIZ_STEPS)) == (set(State), set(Action))
    assert set(DISPOSITIONS.values()) <= set(CBV_DISPOSITIONS.split())
    assert set(BIZ_STEPS.values()) <= set(CBV_BIZ_STEPS.split())


def step(action: str, biz_step: str, disposition: str | None, **more: str) -> EpcisStep:
    return EpcisStep(
        event_type=more.pop("event_type", "ObjectEvent"),
        action=action,
        biz_step=biz_step,
        disposition=disposition,
        error_reason=more.pop("error_reason", None),
    )


@pytest.mark.parametrize(
    ("before", "action", "after", "told"),
    [
        (State.ISSUED, Action.COMMISSION, State.COMMISSIONED, [step("ADD", "commissioning", "active")]),
        (State.COMMISSIONED, Action.SHIP, State.IN_TRANSIT, [step("OBSERVE", "shipping", "in_transit")]),
        (
            State.IN_TRANSIT,
            Action.RECEIVE,
            State.SELLABLE,
            [step("OBSERVE", "receiving", "sellable_accessible")],
        ),
        (State.SELLABLE, Action.SELL, State.SOLD, [step("OBSERVE", "retail_selling", "retail_sold")]),
        (
            State.SOLD,
            Action.VOID,
            State.SELLABLE,
            [step("OBSERVE", "retail_selling", "sellable_accessible", error_reason="did_not_occur")],
        ),
        (
            State.SOLD,
            Action.RESTOCK,
            State.SELLABLE,
            [
                step("OBSERVE", "receiving", "returned"),
                step("OBSERVE", "stocking", "sellable_accessible"),
            ],
        ),
        (
            State.SOLD,
            Action.QUARANTINE,
            State.QUARANTINED,
            [step("OBSERVE", "receiving", "returned"), step("OBSERVE", "holding", "non_sellable_other")],
        ),
        (
            State.QUARANTINED,
            Action.RESTOCK,
            State.SELLABLE,
            [step("OBSERVE", "stocking", "sellable_accessible")],
        ),
        (State.RECALLED, Action.DESTROY, State.DESTROYED, [step("DELETE", "destroying", "destroyed")]),
        (
            State.SELLABLE,
            Action.PACK,
            State.SELLABLE,
            [step("ADD", "packing", None, event_type="AggregationEvent")],
        ),
        (
            State.SELLABLE,
            Action.UNPACK,
            State.SELLABLE,
            [step("DELETE", "unpacking", None, event_type="AggregationEvent")],
        ),
    ],
)
def test_a_step_is_told_in_the_words_of_epcis(
    before: State, action: Action, after: State, told: list[EpcisStep]
) -> None:
    assert list(epcis_steps(before, action, after)) == told


def test_every_legal_step_can_be_told() -> None:
    for (state, action), after in expected().items():
        if after is not None:
            assert epcis_steps(state, action, after)
