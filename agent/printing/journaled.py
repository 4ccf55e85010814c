"""The latest sales of this till, as a printer that was not there has to know them."""

from __future__ import annotations

import msgspec

from agent.store import Connection

_SALES = """
SELECT document_id, epoch, seq, event_time_us FROM documents WHERE kind = 'sale' AND event_time_us >= ? ORDER BY seq
"""


class SaleWritten(msgspec.Struct, frozen=True):
    """One sale and its place in the journal."""

    sale_id: str
    epoch: str
    seq: int
    event_time_us: int


def sales_since(connection: Connection, since_us: int) -> list[SaleWritten]:
    """The sales since then, in the order of the journal. Inside a read."""
    return [SaleWritten(*row) for row in connection.execute(_SALES, (since_us,))]
