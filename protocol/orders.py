"""The life of a dealer's order: one transition table for both sides.

The documents are those of the trade (UBL 2.1): Order, OrderResponse, DespatchAdvice, ReceiptAdvice. Every transition is
an event with who, when and why.

::

    draft → submitted → accepted | part_accepted → allocated → part_despatched → despatched → part_received → received → closed
                │  ├→ held → accepted | part_accepted | refused
                │  └→ refused
                └→ cancelled, while nothing has been despatched
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class OrderState(StrEnum):
    """Where an order is in its life."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    HELD = "held"
    ACCEPTED = "accepted"
    PART_ACCEPTED = "part_accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    ALLOCATED = "allocated"
    PART_DESPATCHED = "part_despatched"
    DESPATCHED = "despatched"
    PART_RECEIVED = "part_received"
    RECEIVED = "received"
    CLOSED = "closed"


class OrderAction(StrEnum):
    """What is done to an order."""

    SUBMIT = "submit"
    HOLD = "hold"
    ACCEPT = "accept"
    ACCEPT_PART = "accept_part"
    REFUSE = "refuse"
    CANCEL = "cancel"
    ALLOCATE = "allocate"
    DESPATCH_PART = "despatch_part"
    DESPATCH = "despatch"
    RECEIVE_PART = "receive_part"
    RECEIVE = "receive"
    CLOSE = "close"


class Forbidden(msgspec.Struct, frozen=True):
    """A transition that the life of an order does not know, with the reason in words."""

    reason: str


class LineResponse(StrEnum):
    """The answer to one line (EDIFACT 1229, action request/notification code)."""

    ACCEPTED = "5"
    AMENDED = "6"
    NOT_ACCEPTED = "7"


_S, _A = OrderState, OrderAction
_OPEN = (_S.SUBMITTED, _S.HELD)
_AGREED = (_S.ACCEPTED, _S.PART_ACCEPTED)
_BEFORE_DESPATCH = (*_OPEN, *_AGREED, _S.ALLOCATED)
_ON_THE_WAY = (_S.PART_DESPATCHED, _S.DESPATCHED, _S.PART_RECEIVED)

_TRANSITIONS: dict[tuple[OrderState, OrderAction], OrderState] = {
    (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
    (_S.SUBMITTED, _A.HOLD): _S.HELD,
    **{(state, _A.ACCEPT): _S.ACCEPTED for state in _OPEN},
    **{(state, _A.ACCEPT_PART): _S.PART_ACCEPTED for state in _OPEN},
    **{(state, _A.REFUSE): _S.REFUSED for state in _OPEN},
    **{(state, _A.CANCEL): _S.CANCELLED for state in (_S.DRAFT, *_BEFORE_DESPATCH)},
    **{(state, _A.ALLOCATE): _S.ALLOCATED for state in _AGREED},
    **{
        (state, _A.DESPATCH_PART): _S.PART_DESPATCHED
        for state in (_S.ALLOCATED, _S.PART_DESPATCHED, _S.PART_RECEIVED)
    },
    **{(state, _A.DESPATCH): _S.DESPATCHED for state in (_S.ALLOCATED, _S.PART_DESPATCHED, _S.PART_RECEIVED)},
    **{(state, _A.RECEIVE_PART): _S.PART_RECEIVED for state in _ON_THE_WAY},
    **{(state, _A.RECEIVE): _S.RECEIVED for state in _ON_THE_WAY},
    **{(state, _A.CLOSE): _S.CLOSED for state in (_S.RECEIVED, _S.PART_RECEIVED)},
}

_WHY_NOT: dict[OrderState, str] = {
    _S.DRAFT: "it has not been submitted",
    _S.SUBMITTED: "it has not been answered yet",
    _S.HELD: "it is held",
    _S.ACCEPTED: "it is accepted, and nothing has been allocated to it",
    _S.PART_ACCEPTED: "it is accepted in part, and nothing has been allocated to it",
    _S.REFUSED: "it was refused",
    _S.CANCELLED: "it was cancelled",
    _S.ALLOCATED: "goods are allocated to it, and none has been despatched",
    _S.PART_DESPATCHED: "a part of it has been despatched",
    _S.DESPATCHED: "it has been despatched",
    _S.PART_RECEIVED: "a part of it has been received",
    _S.RECEIVED: "it has been received",
    _S.CLOSED: "it is closed",
}


def transition(state: OrderState, action: OrderAction) -> OrderState | Forbidden:
    """The state after ``action``, or why it may not be."""
    after = _TRANSITIONS.get((state, action))
    return (
        after
        if after is not None
        else Forbidden(f"cannot {action.replace('_', ' ')} this order: {_WHY_NOT[state]}")
    )
