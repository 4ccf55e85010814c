"""What this site's journal last did to each coded item: a projection, written with the event it comes from."""

from __future__ import annotations

from collections.abc import Iterable

from agent.store import Connection
from agent.verification.rules import LocalItem
from protocol.events import Body, GoodsReceived, Sale, SaleReturned, SaleVoided
from protocol.items import State


def note_items(connection: Connection, body: Body, receipt: str, at_us: int) -> None:
    """Note what an event does to the items in it."""
    connection.executemany(
        "INSERT OR REPLACE INTO local_items (item, gtin, state, at_us, receipt, sale_id) VALUES (?, ?, ?, ?, ?, ?)",
        list(_rows(body, receipt, at_us)),
    )


def find_item(connection: Connection, item: str) -> LocalItem | None:
    """What the journal here knows of an item."""
    row = connection.execute(
        "SELECT gtin, state, at_us, receipt, sale_id FROM local_items WHERE item = ?", (item,)
    ).fetchone()
    if row is None:
        return None
    gtin, state, at_us, receipt, sale_id = row
    return LocalItem(item=item, gtin=gtin, state=state, at_us=at_us, receipt=receipt, sale_id=sale_id)


def _rows(
    body: Body, receipt: str, at_us: int
) -> Iterable[tuple[str, str, str, int, str | None, str | None]]:
    if isinstance(body, GoodsReceived):
        for goods in body.lines:
            for item in goods.items:
                yield item, goods.gtin, State.SELLABLE.value, at_us, None, None
    elif isinstance(body, Sale | SaleVoided | SaleReturned):
        state, sale_id = State.SELLABLE, None
        if isinstance(body, Sale):
            state, sale_id = State.SOLD, body.sale_id
        elif isinstance(body, SaleReturned) and body.disposition != "restock":
            state = State.QUARANTINED
        for line in body.lines:
            if line.item is not None:
                yield line.item, line.gtin, state.value, at_us, receipt, sale_id
