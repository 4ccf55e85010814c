"""The life of one coded item, and what a counter says of it.

One transition table for both sides. An agent asks it before a sale, central when the fact arrives. At central an
illegal transition is a discrepancy, never a rejection: what happened at a counter has happened.

The states follow EPCIS 2.0 (CBV 2.0, dispositions): ``commissioned`` active, ``in_transit`` in_transit, ``sellable``
sellable_accessible, ``sold`` retail_sold, ``quarantined`` non_sellable_other, ``recalled``, ``stolen``, ``expired``, ``destroyed``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class State(StrEnum):
    """Where an item is in its life."""

    ISSUED = "issued"
    COMMISSIONED = "commissioned"
    IN_TRANSIT = "in_transit"
    SELLABLE = "sellable"
    SOLD = "sold"
    SOLD_PROVISIONALLY = "sold_provisionally"
    QUARANTINED = "quarantined"
    HELD = "held"
    RECALLED = "recalled"
    STOLEN = "stolen"
    EXPIRED = "expired"
    DESTROYED = "destroyed"


class Action(StrEnum):
    """What is done to an item."""

    COMMISSION = "commission"
    SHIP = "ship"
    RECEIVE = "receive"
    SELL = "sell"
    SELL_PROVISIONALLY = "sell_provisionally"
    CONFIRM = "confirm"
    VOID = "void"
    RESTOCK = "restock"
    QUARANTINE = "quarantine"
    HOLD = "hold"
    RELEASE = "release"
    RECALL = "recall"
    STEAL = "steal"
    EXPIRE = "expire"
    DESTROY = "destroy"


class Illegal(msgspec.Struct, frozen=True):
    """A transition that the life of an item does not know, with the reason in words."""

    reason: str


_S, _A = State, Action
_STOCK = (_S.COMMISSIONED, _S.SELLABLE)
_SOLD = (_S.SOLD, _S.SOLD_PROVISIONALLY)
_STOPPED = (_S.HELD, _S.RECALLED, _S.STOLEN, _S.EXPIRED)

_TRANSITIONS: dict[tuple[State, Action], State] = {
    (_S.ISSUED, _A.COMMISSION): _S.COMMISSIONED,
    **{(state, _A.SHIP): _S.IN_TRANSIT for state in _STOCK},
    **{(state, _A.RECEIVE): _S.SELLABLE for state in (_S.COMMISSIONED, _S.IN_TRANSIT)},
    (_S.SELLABLE, _A.SELL): _S.SOLD,
    (_S.SELLABLE, _A.SELL_PROVISIONALLY): _S.SOLD_PROVISIONALLY,
    (_S.SOLD_PROVISIONALLY, _A.CONFIRM): _S.SOLD,
    **{(state, _A.VOID): _S.SELLABLE for state in _SOLD},
    **{(state, _A.RESTOCK): _S.SELLABLE for state in _SOLD},
    **{(state, _A.QUARANTINE): _S.QUARANTINED for state in (*_SOLD, _S.SELLABLE)},
    (_S.QUARANTINED, _A.RESTOCK): _S.SELLABLE,
    **{(state, _A.HOLD): _S.HELD for state in (*_STOCK, _S.IN_TRANSIT)},
    (_S.HELD, _A.RELEASE): _S.SELLABLE,
    **{(state, _A.RECALL): _S.RECALLED for state in (*_STOCK, _S.IN_TRANSIT, _S.HELD, _S.QUARANTINED)},
    **{(state, _A.STEAL): _S.STOLEN for state in (_S.ISSUED, *_STOCK, _S.IN_TRANSIT, _S.HELD)},
    **{(state, _A.EXPIRE): _S.EXPIRED for state in (*_STOCK, _S.IN_TRANSIT, _S.HELD)},
    **{(state, _A.DESTROY): _S.DESTROYED for state in (*_STOCK, _S.QUARANTINED, *_STOPPED)},
}

_WHY_NOT: dict[State, str] = {
    _S.ISSUED: "its code was issued, but it has not been put on a product yet",
    _S.COMMISSIONED: "it has left the brand's hands on paper only: it was not shipped to or received at a shop",
    _S.IN_TRANSIT: "it is on its way and has not been received",
    _S.SELLABLE: "it is in stock",
    _S.SOLD: "it has been sold",
    _S.SOLD_PROVISIONALLY: "it has been sold by a counter that could not ask central",
    _S.QUARANTINED: "it was set aside and must not be sold",
    _S.HELD: "the brand holds it",
    _S.RECALLED: "it is recalled",
    _S.STOLEN: "it is reported stolen",
    _S.EXPIRED: "it is past its date",
    _S.DESTROYED: "it has been destroyed",
}


def transition(state: State, action: Action) -> State | Illegal:
    """The state after ``action``, or why it may not be."""
    after = _TRANSITIONS.get((state, action))
    return (
        after
        if after is not None
        else Illegal(f"cannot {action.replace('_', ' ')} this item: {_WHY_NOT[state]}")
    )
