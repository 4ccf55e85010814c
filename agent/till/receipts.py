"""The sales of this till as they can be looked up later: what was paid, what has come back, until when one can be voided.

Every document of this till is kept, however short the journal's own retention is: a receipt of years ago is found without
a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from agent.documents import Documents
from agent.store import Connection, Store
from agent.till.return_rules import Returned
from protocol.events import Sale, SaleLine, SaleReturned, decode_event

_MINUTE_US = 60_000_000
_RETURNED = """
SELECT gtin, quantity, amount_minor, receipt, item FROM returned_lines WHERE sale_id = ? ORDER BY return_id, line
"""
_NOTE_RETURNED = """
INSERT INTO returned_lines (sale_id, return_id, line, receipt, gtin, item, quantity, amount_minor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A sale of this till, with what became of it."""

    sale: Sale
    at_us: int
    voided_by: str | None = None
    returned: tuple[Returned, ...] = ()


class Receipts:
    """Looks up sales. Thread-safe."""

    def __init__(self, store: Store, documents: Documents, void_minutes: int) -> None:
        self._store = store
        self._documents = documents
        self.void_minutes = void_minutes

    def find(self, sale_id: str) -> Kept | None:
        """A sale of this till by its id."""
        return self._store.read(lambda connection: self.within(connection, sale_id))

    def within(self, connection: Connection, sale_id: str) -> Kept | None:
        """The same inside a transaction."""
        stored = self._documents.body(connection, sale_id)
        sale = None if stored is None else decode_event(stored).body
        written = self._documents.find(connection, sale_id)
        if not isinstance(sale, Sale) or written is None:
            return None
        rows = connection.execute(_RETURNED, (sale_id,)).fetchall()
        returned = tuple(
            Returned(gtin=gtin, quantity=Decimal(quantity), amount_minor=amount, receipt=receipt, item=item)
            for gtin, quantity, amount, receipt, item in rows
        )
        return Kept(sale=sale, at_us=written.event_time_us, voided_by=written.voided_by, returned=returned)

    def note_returned(
        self, connection: Connection, body: SaleReturned, sale_ids: Sequence[str | None]
    ) -> None:
        """Note which sales the lines of a return come from. In the transaction that writes it."""
        numbered: list[tuple[int, SaleLine, str | None]] = [
            (number, line, sale_id)
            for number, (line, sale_id) in enumerate(zip(body.lines, sale_ids, strict=True), 1)
        ]
        connection.executemany(
            _NOTE_RETURNED,
            [
                (
                    sale_id,
                    body.return_id,
                    number,
                    body.receipt,
                    line.gtin,
                    line.item,
                    str(line.quantity),
                    line.amount_minor,
                )
                for number, line, sale_id in numbered
                if sale_id is not None
            ],
        )

    def void_until_us(self, kept: Kept) -> int | None:
        """Until when a sale can be voided; None where it was voided, or something of it has come back."""
        if kept.voided_by is not None or kept.returned:
            return None
        return kept.at_us + self.void_minutes * _MINUTE_US
