"""The journal as JSON lines, for a support person: every row that is kept, decoded, oldest first.

One object a line: ``epoch``, ``seq``, ``hash``, ``state`` (``acked``, ``unsent``, ``superseded``), ``damage`` if there is any, and
``event``, or ``body`` in hexadecimal where it cannot be decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap
from typing import Any

import msgspec

from agent.journal.snapshot import EpochView, load
from agent.journal.soundness import Damage, StoredRow, examine
from agent.journal.verification import Finding
from agent.store.database import Connection
from protocol.errors import Malformed
from protocol.events import decode_event

_ROWS = "SELECT seq, hash, body FROM journal WHERE epoch_no = ? ORDER BY seq"
_encoder = msgspec.json.Encoder(decimal_format="string")


def export(connection: Connection) -> Iterator[bytes]:
    """The lines, without line ends. Inside a read, which must last until the last line is taken."""
    snapshot = load(connection)
    ends = {line.epoch: line.next_seq for line in snapshot.lineage}
    for view in snapshot.epochs.values():
        end = ends.get(view.epoch, 1)
        rows = starmap(StoredRow, connection.execute(_ROWS, (view.epoch_no,)))
        for found in examine(view.base_hash, view.base_seq + 1, rows, end - 1):
            yield _encoder.encode(_line(view, end, found))


def _line(view: EpochView, end: int, found: StoredRow | Damage) -> dict[str, Any]:
    row = found.row if isinstance(found, Damage) else found
    seq = found.first_seq if isinstance(found, Damage) else found.seq
    state = "superseded" if seq >= end else "acked" if seq < view.acked_next_seq else "unsent"
    line: dict[str, Any] = {"epoch": view.epoch, "seq": seq, "state": state}
    if isinstance(found, Damage):
        line["damage"] = Finding.of(view.epoch, found).text
    if row is None:
        return line
    line["hash"] = row.hash.hex()
    try:
        line["event"] = decode_event(row.body)
    except Malformed:
        line["body"] = row.body.hex()
    return line
