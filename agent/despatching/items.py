"""What is known here of the items in a case, all of them at one look; and what a despatch does to them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.documents import Refusal, Written
from agent.feeds.replica import row_body
from agent.store import Connection, Store
from agent.verification.local_items import find_item
from agent.verification.rules import SOLD
from protocol.feeds import Feed, ItemHere
from protocol.items import State

_item_decoder = msgspec.json.Decoder(ItemHere)
_NOTE_LEFT = """
INSERT OR REPLACE INTO local_items (item, gtin, state, at_us, receipt, sale_id, standing) VALUES (?, ?, ?, ?, ?, ?, NULL)
"""


def states_of(store: Store, items: Iterable[str]) -> dict[str, str | None]:
    """The state of each item as central last told it; None where it told nothing."""

    def look(connection: Connection) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for item in items:
            row = row_body(connection, Feed.ITEMS, item)
            found[item] = None if row is None else _item_decoder.decode(row).state
        return found

    return store.read(look)


def gone_meanwhile(connection: Connection, items: Iterable[str]) -> Refusal | None:
    """Whether something was sold, or sent away, between its scan and the despatch. Inside the write."""
    for item in items:
        local = find_item(connection, item)
        if local is not None and (local.state in SOLD or local.state == State.IN_TRANSIT):
            how = "left" if local.state == State.IN_TRANSIT else "was sold"
            return Refusal(
                reason=f"item {item[-20:]}: {how} meanwhile, with {local.receipt}; take it out",
                conflict=True,
                key="gone_meanwhile",
            )
    return None


def note_left(connection: Connection, items: Iterable[tuple[str, str]], written: Written) -> None:
    """Note that these items (each with its product) have left in their cases. In the transaction that writes the despatch."""
    connection.executemany(
        _NOTE_LEFT,
        [
            (
                item,
                gtin,
                State.IN_TRANSIT.value,
                written.event_time_us,
                written.number,
                written.document_id,
            )
            for item, gtin in items
        ],
    )
