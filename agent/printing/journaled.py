"""The latest sales, ends of shifts and despatches of this till, as a printer that was not there has to know them."""

from __future__ import annotations

import msgspec

from agent.store import Connection

_PRINTED = """
SELECT document_id, kind, epoch, seq, event_time_us FROM documents
 WHERE kind IN ('sale', 'shift_close', 'despatch') AND event_time_us >= ? ORDER BY seq
"""


class DocumentWritten(msgspec.Struct, frozen=True):
    """One document that is printed by itself, and its place in the journal."""

    document_id: str
    kind: str
    epoch: str
    seq: int
    event_time_us: int


def written_since(connection: Connection, since_us: int) -> list[DocumentWritten]:
    """The sales, ends of shifts and despatches since then, in the order of the journal. Inside a read."""
    return [DocumentWritten(*row) for row in connection.execute(_PRINTED, (since_us,))]
