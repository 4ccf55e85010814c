"""What this site's journal last did to each coded item: a projection, written with the event it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from agent.journal.notices import NoticeKind, dismiss_subject, note
from agent.store import Connection
from agent.verification.rules import LocalItem
from agent.verification.settlement import Standing, standing_after
from protocol.events import (
    Body,
    GoodsDespatched,
    GoodsReceived,
    Sale,
    SaleReturned,
    SaleVoided,
    StockAdjusted,
)
from protocol.feeds import Feed, ItemHere
from protocol.items import State
from protocol.messages import FeedChunk

_item_decoder = msgspec.json.Decoder(ItemHere)

_PUT = """
INSERT OR REPLACE INTO local_items (item, gtin, state, at_us, receipt, sale_id, standing) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_FIND = "SELECT gtin, state, at_us, receipt, sale_id, standing FROM local_items WHERE item = ?"
_IS_ACKED = """
SELECT 1 FROM documents d
  JOIN epochs e ON e.epoch = d.epoch
  JOIN acked a ON a.epoch_no = e.epoch_no AND d.seq < a.next_seq
 WHERE d.document_id = ?
"""

_LET_BACK = frozenset({State.IN_TRANSIT, State.STOLEN, State.DESTROYED})
_Row = tuple[str, str, str, int, str | None, str | None, str | None]


def note_items(connection: Connection, body: Body, receipt: str, at_us: int) -> None:
    """Note what an event does to the items in it. Inside its write."""
    for row in _rows(body, receipt, at_us):
        connection.execute(_PUT, row)


def find_item(connection: Connection, item: str) -> LocalItem | None:
    """What the journal here knows of an item. Inside a read."""
    row = connection.execute(_FIND, (item,)).fetchone()
    if row is None:
        return None
    gtin, state, at_us, receipt, sale_id, standing = row
    return LocalItem(
        item=item, gtin=gtin, state=state, at_us=at_us, receipt=receipt, sale_id=sale_id, standing=standing
    )


def open_count(connection: Connection) -> int:
    """How many items were sold here provisionally, and central has not said anything of them yet. Inside a read."""
    return int(connection.execute("SELECT count(*) FROM local_items WHERE standing = 'open'").fetchone()[0])


def settle(connection: Connection, chunk: FeedChunk, site: str, now_us: int) -> None:
    """Let central's rows settle what happened here to the items that they are about. Inside the write that takes the rows in."""
    if chunk.feed != Feed.ITEMS:
        return
    for row in chunk.rows:
        sold = None if row.body is None else find_item(connection, row.key)
        if sold is None or row.body is None or sold.sale_id is None:
            continue
        is_acked = connection.execute(_IS_ACKED, (sold.sale_id,)).fetchone() is not None
        heard = _item_decoder.decode(row.body)
        if sold.state in _LET_BACK:
            _let_back(connection, sold, heard, site, is_acked=is_acked)
            continue
        standing = standing_after(sold, heard, site, is_acked=is_acked)
        if standing != sold.standing:
            connection.execute("UPDATE local_items SET standing = ? WHERE item = ?", (standing, row.key))
            _tell(connection, sold, heard, standing, now_us)


def _tell(
    connection: Connection, sold: LocalItem, heard: ItemHere, standing: str | None, now_us: int
) -> None:
    receipt = sold.receipt or "?"
    if standing == Standing.CONTESTED:
        when = "" if heard.sold_at_us is None else f" on {_minute(heard.sold_at_us)} UTC"
        text = (
            f"receipt {receipt}: an item on it was also sold at {heard.sold_site}{when}. "
            "Central has both sales as one case; keep what shows where this item came from"
        )
        note(connection, NoticeKind.SOLD_TWICE, receipt, text, now_us)
    elif sold.standing == Standing.CONTESTED:
        dismiss_subject(connection, NoticeKind.SOLD_TWICE, receipt)


def _let_back(connection: Connection, left: LocalItem, heard: ItemHere, site: str, *, is_acked: bool) -> None:
    """An item that left here or was written off, and that central has in stock here although it knows of that: it has come back since."""
    if is_acked and heard.state == State.SELLABLE and heard.site == site:
        connection.execute("DELETE FROM local_items WHERE item = ?", (left.item,))


def _minute(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def _rows(body: Body, receipt: str, at_us: int) -> Iterable[_Row]:
    if isinstance(body, GoodsReceived | GoodsDespatched):
        yield from _moved(body, receipt, at_us)
    elif isinstance(body, StockAdjusted):
        yield from _gone(body, receipt, at_us)
    elif isinstance(body, Sale):
        for line in body.lines:
            if line.item is not None:
                standing = Standing.OPEN.value if line.provisional else None
                yield line.item, line.gtin, State.SOLD.value, at_us, receipt, body.sale_id, standing
    elif isinstance(body, SaleVoided | SaleReturned):
        is_set_aside = isinstance(body, SaleReturned) and body.disposition != "restock"
        state = State.QUARANTINED if is_set_aside else State.SELLABLE
        for line in body.lines:
            if line.item is not None:
                yield line.item, line.gtin, state.value, at_us, receipt, None, None


def _moved(body: GoodsReceived | GoodsDespatched, receipt: str, at_us: int) -> Iterable[_Row]:
    """What came is in stock. What left bears the number of its despatch, and its id where a sale's would stand."""
    came = isinstance(body, GoodsReceived)
    left = (None, None) if came else (receipt, body.despatch_id)
    state = State.SELLABLE if came else State.IN_TRANSIT
    for goods in body.lines:
        for item in goods.items:
            yield item, goods.gtin, state.value, at_us, *left, None


def _gone(body: StockAdjusted, number: str, at_us: int) -> Iterable[_Row]:
    """What was written off bears the number and the id of its adjustment. What was found is where it was; see :mod:`agent.adjusting`."""
    state = State.STOLEN if body.reason == "theft" else State.DESTROYED
    for goods in body.lines:
        for item in goods.items if goods.quantity < 0 else ():
            yield item, goods.gtin, state.value, at_us, number, body.adjustment_id, None
