"""The life of one coded item.

One transition table for both sides. An agent asks it before a sale, central when the fact arrives. At central an
illegal transition is a discrepancy, never a rejection: what happened at a counter has happened.

Where an item is packed is no state: ``pack`` and ``unpack`` lead back to the state they came from (:mod:`protocol.aggregation` has
the rules of cases and pallets). What EPCIS 2.0 calls each step stands in :mod:`protocol.epcis`.
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

    ISSUE = "issue"
    COMMISSION = "commission"
    PACK = "pack"
    UNPACK = "unpack"
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
    RECOVER = "recover"
    EXPIRE = "expire"
    DESTROY = "destroy"


class Illegal(msgspec.Struct, frozen=True):
    """A transition that the life of an item does not know, with the reason in words."""

    reason: str


_S, _A = State, Action
_STOCK = (_S.COMMISSIONED, _S.SELLABLE)
_SOLD = (_S.SOLD, _S.SOLD_PROVISIONALLY)
# What may not be sold, and is not lost either: it can be packed, sent back to the brand and taken in there, and stays what it is.
_SET_ASIDE = (_S.QUARANTINED, _S.RECALLED, _S.EXPIRED)

_TRANSITIONS: dict[tuple[State | None, Action], State] = {
    (None, _A.ISSUE): _S.ISSUED,
    (None, _A.COMMISSION): _S.COMMISSIONED,  # a brand brings in codes that another system has issued
    (_S.ISSUED, _A.COMMISSION): _S.COMMISSIONED,
    **{(state, _A.PACK): state for state in (*_STOCK, _S.HELD, *_SET_ASIDE)},
    **{(state, _A.UNPACK): state for state in (*_STOCK, _S.HELD, *_SET_ASIDE, _S.IN_TRANSIT)},
    **{(state, _A.SHIP): _S.IN_TRANSIT for state in _STOCK},
    **{(state, _A.SHIP): state for state in _SET_ASIDE},
    **{(state, _A.RECEIVE): _S.SELLABLE for state in (_S.COMMISSIONED, _S.IN_TRANSIT)},
    **{(state, _A.RECEIVE): state for state in (*_SET_ASIDE, _S.HELD)},
    (_S.SELLABLE, _A.SELL): _S.SOLD,
    (_S.SELLABLE, _A.SELL_PROVISIONALLY): _S.SOLD_PROVISIONALLY,
    (_S.SOLD_PROVISIONALLY, _A.CONFIRM): _S.SOLD,
    **{(state, _A.VOID): _S.SELLABLE for state in _SOLD},
    **{(state, _A.RESTOCK): _S.SELLABLE for state in (*_SOLD, _S.QUARANTINED)},
    **{(state, _A.QUARANTINE): _S.QUARANTINED for state in (*_SOLD, *_STOCK, _S.IN_TRANSIT)},
    **{(state, _A.HOLD): _S.HELD for state in (*_STOCK, _S.IN_TRANSIT, _S.QUARANTINED)},
    **{(state, _A.RELEASE): _S.SELLABLE for state in (_S.HELD, _S.RECALLED)},
    **{
        (state, _A.RECALL): _S.RECALLED
        for state in (*_STOCK, _S.IN_TRANSIT, _S.HELD, _S.QUARANTINED, _S.EXPIRED)
    },
    **{(state, _A.STEAL): _S.STOLEN for state in (_S.ISSUED, *_STOCK, _S.IN_TRANSIT, _S.HELD, *_SET_ASIDE)},
    (_S.STOLEN, _A.RECOVER): _S.QUARANTINED,  # nobody knows where it has been: a person looks at it first
    **{(state, _A.EXPIRE): _S.EXPIRED for state in (*_STOCK, _S.IN_TRANSIT, _S.HELD)},
    **{
        (state, _A.DESTROY): _S.DESTROYED
        for state in (_S.ISSUED, *_STOCK, _S.IN_TRANSIT, _S.HELD, *_SET_ASIDE, _S.STOLEN)
    },
}

RETURNS_TO = frozenset({*_STOCK, _S.IN_TRANSIT, _S.QUARANTINED, _S.EXPIRED})
"""Where the release of a held or recalled item can lead: back to what it was."""

LEAVES_ITS_CASE = frozenset(
    {
        _A.UNPACK,
        _A.SELL,
        _A.SELL_PROVISIONALLY,
        _A.VOID,
        _A.RESTOCK,
        _A.QUARANTINE,
        _A.STEAL,
        _A.RECOVER,
        _A.DESTROY,
    }
)
"""What happens to an item by itself and takes it out of the case it was packed in. Goods on the move leave it only if they are shipped
or received without their case."""

_NEVER_ISSUED = "nobody has issued its code"

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


def transition(state: State | None, action: Action, before: State | None = None) -> State | Illegal:
    """The state after ``action``, or why it may not be. None as state: nobody has issued this code.

    ``before`` is what a held or recalled item was before it was stopped: a release leads back there.
    """
    after = _TRANSITIONS.get((state, action))
    if after is None:
        reason = _NEVER_ISSUED if state is None else _WHY_NOT[state]
        return Illegal(f"cannot {action.replace('_', ' ')} this item: {reason}")
    return before if action is Action.RELEASE and before in RETURNS_TO else after


def legal_from(action: Action) -> dict[State, State]:
    """The states of an item to which ``action`` may be done, each with the one it leads to: for doing it to a million at once."""
    return {
        state: after for (state, done), after in _TRANSITIONS.items() if done is action and state is not None
    }
