"""The facts that central has not acknowledged, read back from the journal: what its stock figure does not count yet."""

from __future__ import annotations

from collections.abc import Iterator

from agent.journal.journal import Journal
from protocol.errors import Malformed
from protocol.events import Body, decode_event

_PAGE_ROWS = 500
_PAGE_BYTES = 1024 * 1024


def unsent_bodies(journal: Journal) -> Iterator[Body]:
    """The bodies of the live epoch's unacknowledged rows, oldest first, a page at a time. Stops at a damaged row."""
    lineage = journal.lineage()
    if not lineage:
        return
    live = lineage[-1]
    seq = journal.acked_seq() + 1
    while seq < live.next_seq:
        rows = journal.rows(
            live.epoch, seq, live.next_seq - 1, limit_rows=_PAGE_ROWS, limit_bytes=_PAGE_BYTES
        )
        if not rows:
            return
        for _, body in rows:
            try:
                yield decode_event(body).body
            except Malformed:
                continue  # written by newer software: central reads it, and here it moves no stock that is known
        seq = rows[-1][0] + 1
