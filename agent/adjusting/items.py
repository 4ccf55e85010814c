"""What is known here of the items that are adjusted, and what becomes of those that are found."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.adjusting import rules
from agent.documents import Refusal
from agent.feeds.replica import row_body
from agent.store import Connection, Store
from agent.verification.local_items import find_item
from agent.verification.rules import LocalItem
from agent.verification.service import Judged
from protocol.feeds import Feed, ItemHere
from protocol.items import State

_item_decoder = msgspec.json.Decoder(ItemHere)
# What central alone can put on an item: what happened here does not outvote it.
_STOPPED = frozenset({State.HELD, State.RECALLED, State.STOLEN, State.EXPIRED, State.DESTROYED})
_FOUND_AGAIN = (
    "UPDATE local_items SET state = ?, at_us = ?, receipt = ?, sale_id = NULL WHERE item = ? AND state = ?"
)


def state_of(judged: Judged) -> str | None:
    """Where an item is in its life, as far as is known here; None where nothing is."""
    return _state(judged.local, judged.known)


def hindered(store: Store, reason: str, items: Iterable[str]) -> tuple[str, ...]:
    """Which of these items cannot be adjusted for this reason: one look for a whole case."""

    def look(connection: Connection) -> tuple[str, ...]:
        return tuple(item for item in items if _hindrance(connection, reason, item) is not None)

    return store.read(look)


def changed_meanwhile(connection: Connection, reason: str, items: Iterable[str]) -> Refusal | None:
    """Whether something was sold, or written off, between its scan and the adjustment. Inside the write."""
    for item in items:
        local = find_item(connection, item)
        if local is None:
            continue
        hindrance = rules.hindrance(reason, local.state)
        if hindrance is not None:
            with_ = "" if local.receipt is None else f" ({local.receipt})"
            return Refusal(
                reason=f"item {item[-20:]}: {hindrance.reason}{with_}; take it out",
                conflict=True,
                key="changed_meanwhile",
            )
    return None


def note_found(connection: Connection, items: Iterable[str], number: str, at_us: int) -> None:
    """What was written off here as stolen and is found again is looked at before it is sold. Inside the write."""
    values = (State.QUARANTINED.value, at_us, number)
    connection.executemany(_FOUND_AGAIN, [(*values, item, State.STOLEN.value) for item in items])


def _hindrance(connection: Connection, reason: str, item: str) -> str | None:
    row = row_body(connection, Feed.ITEMS, item)
    known = None if row is None else _item_decoder.decode(row)
    found = rules.hindrance(reason, _state(find_item(connection, item), known))
    return None if found is None else found.reason


def _state(local: LocalItem | None, known: ItemHere | None) -> str | None:
    if known is not None and (local is None or State(known.state) in _STOPPED):
        return known.state
    return None if local is None else local.state
