"""Under which head of a day statement a movement stands. Pure.

A statement follows the shelf: what was there, what came and went, what is there. So a movement that does not touch ``on_hand`` has no
head, with one exception: goods that a customer returns straight into quarantine are ``set_aside``, shown beside the sum.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from central.ledger.rules import CUSTOMER, IN_TRANSIT, ON_HAND, QUARANTINE, SUPPLIER, VALUATION


class Flow(StrEnum):
    """The heads. All but ``adjusted`` and ``revalued`` count in their own sense; those two carry the sign of their effect on the shelf."""

    RECEIVED = "received"
    RETURNED = "returned"
    TRANSFERRED_IN = "transferred_in"
    SOLD = "sold"
    TRANSFERRED_OUT = "transferred_out"
    ADJUSTED = "adjusted"
    SET_ASIDE = "set_aside"
    REVALUED = "revalued"


EFFECT = {
    Flow.RECEIVED: 1,
    Flow.RETURNED: 1,
    Flow.TRANSFERRED_IN: 1,
    Flow.SOLD: -1,
    Flow.TRANSFERRED_OUT: -1,
    Flow.ADJUSTED: 1,
    Flow.SET_ASIDE: 0,
    Flow.REVALUED: 1,
}
"""What one unit under each head does to the shelf: opening + Σ effect × quantity = closing, and so with the value."""


@lru_cache(maxsize=65_536)
def flow_of(source: str, destination: str, cause: str) -> tuple[Flow, int] | None:
    """(head, sign) of a movement: what it adds to the head is its quantity, its value, times the sign. None for no head.

    The database has the same rule (``flow_of`` and ``sense_of``), by which a day is checked against its movements.
    """
    if destination == ON_HAND:
        other, effect = source, 1
    elif source == ON_HAND:
        other, effect = destination, -1
    elif {source, destination} == {CUSTOMER, QUARANTINE}:
        return Flow.SET_ASIDE, 1 if destination == QUARANTINE else -1
    else:
        return None
    if other == SUPPLIER:
        return Flow.RECEIVED, effect
    if other == CUSTOMER:
        return (Flow.RETURNED, effect) if cause == "return" else (Flow.SOLD, -effect)
    if other == VALUATION:
        return Flow.REVALUED, effect
    if other.startswith(IN_TRANSIT):
        return (Flow.TRANSFERRED_IN if effect > 0 else Flow.TRANSFERRED_OUT), 1
    return Flow.ADJUSTED, effect
