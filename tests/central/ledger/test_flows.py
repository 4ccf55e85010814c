"""Under which head of the day a movement stands."""

from __future__ import annotations

import pytest

from central.ledger.flows import EFFECT, Flow, flow_of
from central.ledger.rules import CUSTOMER, ON_HAND, QUARANTINE, SUPPLIER, VALUATION, adjustment, in_transit

WAY = in_transit("north", "south")


@pytest.mark.parametrize(
    ("source", "destination", "cause", "expected"),
    [
        (ON_HAND, CUSTOMER, "sale", (Flow.SOLD, 1)),
        (CUSTOMER, ON_HAND, "void", (Flow.SOLD, -1)),
        (CUSTOMER, ON_HAND, "return", (Flow.RETURNED, 1)),
        (ON_HAND, CUSTOMER, "return", (Flow.RETURNED, -1)),
        (CUSTOMER, QUARANTINE, "return", (Flow.SET_ASIDE, 1)),
        (QUARANTINE, CUSTOMER, "return", (Flow.SET_ASIDE, -1)),
        (SUPPLIER, ON_HAND, "receipt", (Flow.RECEIVED, 1)),
        (ON_HAND, SUPPLIER, "opening", (Flow.RECEIVED, -1)),
        (WAY, ON_HAND, "receipt", (Flow.TRANSFERRED_IN, 1)),
        (ON_HAND, WAY, "despatch", (Flow.TRANSFERRED_OUT, 1)),
        (ON_HAND, QUARANTINE, "set_aside", (Flow.ADJUSTED, -1)),
        (adjustment("found"), ON_HAND, "adjustment", (Flow.ADJUSTED, 1)),
        (ON_HAND, adjustment("theft"), "adjustment", (Flow.ADJUSTED, -1)),
        (VALUATION, ON_HAND, "revaluation", (Flow.REVALUED, 1)),
        (ON_HAND, VALUATION, "revaluation", (Flow.REVALUED, -1)),
        (WAY, adjustment("lost_in_transit"), "adjustment", None),
        (QUARANTINE, adjustment("damage"), "adjustment", None),
    ],
)
def test_a_movement_stands_under_one_head_or_none(
    source: str, destination: str, cause: str, expected: tuple[Flow, int] | None
) -> None:
    assert flow_of(source, destination, cause) == expected


@pytest.mark.parametrize("cause", ["sale", "return"])
@pytest.mark.parametrize("other", [CUSTOMER, QUARANTINE, SUPPLIER, WAY, VALUATION, adjustment("found")])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_head_says_what_a_movement_does_to_the_shelf(other: str, cause: str, direction: int) -> None:
    source, destination = (other, ON_HAND) if direction > 0 else (ON_HAND, other)
    found = flow_of(source, destination, cause)
    assert found is not None
    assert EFFECT[found[0]] * found[1] == direction
