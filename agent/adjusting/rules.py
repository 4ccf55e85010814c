"""What an adjustment may do, as values and rules. Pure.

A reason says which way it goes: goods were taken away, or found. What the life of an item does not allow
(:mod:`protocol.items`) comes back as :class:`NotTallied`, with the reason in words and as a key for translation.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.tallying.rules import NotTallied, Tally, merged
from protocol.events import EVENT_LIMIT_BYTES, GoodsLine, StockAdjusted
from protocol.items import Action, Illegal, State, transition

AWAY: tuple[str, ...] = ("damage", "expired", "theft", "lost", "own_use", "sample", "donation")
FOUND = "found"
REASONS: tuple[str, ...] = (*AWAY, FOUND)
THEFT = "theft"

_ROOM_BYTES = EVENT_LIMIT_BYTES - 8 * 1024
_LINE_BYTES = 60
_CASE_BYTES = 120
# What a customer has is no stock, and what has not come yet is not here: other documents tell of both.
_NOT_HERE = {
    State.ISSUED: "its code is on no product yet",
    State.IN_TRANSIT: "it is on its way here: receive it first",
    State.SOLD: "it has been sold: take it back as a return first",
    State.SOLD_PROVISIONALLY: "it has been sold: take it back as a return first",
}


class Adjusting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is being adjusted. ``adjustment_id`` becomes the id of the event; ``reason`` None: it is yet to be chosen."""

    adjustment_id: str
    reason: str | None = None
    tally: Tally = Tally()


NO_REASON = NotTallied("no_reason", "say first why stock is adjusted")
_FULL = NotTallied("full", "no more fits one adjustment: complete it, and go on with another")


def with_reason(draft: Adjusting, reason: str) -> Adjusting | NotTallied:
    """The same for another reason; not the other way round once something was scanned."""
    if reason not in REASONS:
        return NotTallied("bad_reason", f"reason {reason[:40]!r}: expected one of {', '.join(REASONS)}")
    turns = draft.reason is not None and (draft.reason == FOUND) != (reason == FOUND)
    if turns and not draft.tally.is_empty:
        return NotTallied(
            "adjusting_open", f"goods are noted as {draft.reason}: complete or clear them first"
        )
    return msgspec.structs.replace(draft, reason=reason)


def with_tally(draft: Adjusting, tally: Tally | NotTallied) -> Adjusting | NotTallied:
    """The draft with another tally, if that fits one event."""
    if isinstance(tally, NotTallied):
        return tally
    if _size_bytes(tally) > max(_ROOM_BYTES, _size_bytes(draft.tally)):
        return _FULL
    return msgspec.structs.replace(draft, tally=tally)


def hindrance(reason: str, state: str | None) -> NotTallied | None:
    """Why an item in this state (None: nothing is known here of its life) cannot be adjusted for this reason."""
    if state is None:
        return None
    known = State(state)
    if known in _NOT_HERE:
        return NotTallied(f"adjust_{known.value}", f"this item: {_NOT_HERE[known]}")
    if reason == FOUND:
        if known is State.DESTROYED:
            return NotTallied("adjust_destroyed", "this item: it is reported destroyed")
        return None
    outcome = transition(known, _action(reason))
    return NotTallied(f"adjust_{known.value}", outcome.reason) if isinstance(outcome, Illegal) else None


def adjusted(draft: Adjusting, clerk: str | None) -> StockAdjusted:
    """The event: what is gone below zero, what was found above."""
    sign = 1 if draft.reason == FOUND else -1
    return StockAdjusted(
        adjustment_id=draft.adjustment_id,
        lines=tuple(
            GoodsLine(gtin=line.gtin, quantity=sign * line.quantity, items=line.items)
            for line in merged(draft.tally)
        ),
        reason=draft.reason or "",
        clerk=clerk,
    )


def items_of(tally: Tally) -> Iterable[str]:
    """Every coded item in it."""
    return (item for line in merged(tally) for item in line.items)


def _action(reason: str) -> Action:
    return Action.STEAL if reason == THEFT else Action.DESTROY


def _size_bytes(tally: Tally) -> int:
    lines = merged(tally)
    cases = sum(1 + len(case.containers) for case in tally.cases)
    return (
        len(lines) * _LINE_BYTES
        + cases * _CASE_BYTES
        + sum(len(item) + 2 for line in lines for item in line.items)
    )
