"""Taking up a granted epoch: the rows after the parent point are written again, under it.

Two journals have grown apart under one name (a restored image, a copied machine), and central has granted this one a new epoch
from the last row that both have. What follows that row here is copied to the new epoch and chained anew; the originals
stay where they are, superseded. Either all of this is in the journal afterwards, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap

from agent.journal.errors import JournalError
from agent.journal.snapshot import EpochView, Snapshot, load
from agent.journal.soundness import Damage, StoredRow, examine, mend, stand_in
from agent.store.database import Connection
from protocol.chain import genesis, link
from protocol.messages import EpochGranted

_PIECE_ROWS = 1000  # a tail of a million rows must not stand in memory

_ROWS = """
SELECT seq, hash, body, event_time_us, record_time_us, kind
  FROM journal WHERE epoch_no = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?
"""
_COPY = """
INSERT INTO journal (epoch_no, seq, hash, body, event_time_us, record_time_us, kind) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_OPEN = """
INSERT INTO epochs (epoch_no, epoch, parent_epoch, parent_seq, parent_hash, opening_hash, copied_rows, opened_at_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# Central granted the epoch from a point that it has: of the parent, all that still counts is there.
_PARENT_IS_ACKED = """
INSERT INTO acked (epoch_no, next_seq, at_us) VALUES (?, ?, ?)
ON CONFLICT (epoch_no) DO UPDATE SET next_seq = excluded.next_seq, at_us = excluded.at_us
"""
_CHECKPOINT = "INSERT INTO checkpoints (epoch_no, seq, hash, at_us) VALUES (?, ?, ?, ?)"


def adopt(connection: Connection, agent: str, granted: EpochGranted, at_us: int) -> tuple[Damage, ...]:
    """Open the granted epoch and copy the tail to it; what was damaged on the way. Inside a write.

    A grant that came before changes nothing. :class:`~agent.journal.errors.JournalError` for one that is not of this journal.
    """
    snapshot = load(connection)
    if granted.epoch in snapshot.epochs:
        return ()
    parent_at = _place_of_parent(connection, snapshot, granted)
    epoch_no = max(view.epoch_no for view in snapshot.epochs.values()) + 1
    opening_hash = genesis(agent, granted.epoch, granted.parent_hash)
    damaged: list[Damage] = []
    seq, previous = 0, opening_hash

    def copies() -> Iterator[tuple[int, int, bytes, bytes, int, int, str]]:
        nonlocal seq, previous
        for epoch, found in _tail(connection, snapshot, parent_at, granted):
            row = found
            if isinstance(row, Damage):
                damaged.append(row)
                row = mend(row) or _stand_in(epoch, row, at_us)
            seq += 1
            previous = link(previous, seq, row.body)
            yield epoch_no, seq, previous, row.body, row.event_time_us, row.record_time_us, row.kind

    connection.executemany(_COPY, copies())
    connection.execute(
        _OPEN,
        (
            epoch_no,
            granted.epoch,
            granted.parent_epoch,
            granted.parent_seq,
            granted.parent_hash,
            opening_hash,
            seq,
            at_us,
        ),
    )
    parent_no = snapshot.chain[parent_at].epoch_no
    connection.execute(_PARENT_IS_ACKED, (parent_no, granted.parent_seq + 1, at_us))
    connection.execute(_CHECKPOINT, (epoch_no, seq, previous, at_us))
    return tuple(damaged)


def _stand_in(epoch: str, damage: Damage, at_us: int) -> StoredRow:
    return StoredRow(damage.first_seq, b"", stand_in(epoch, damage), at_us, at_us, "damaged_row")


def _place_of_parent(connection: Connection, snapshot: Snapshot, granted: EpochGranted) -> int:
    for at, (view, line) in enumerate(zip(snapshot.chain, snapshot.lineage, strict=True)):
        if view.epoch == granted.parent_epoch and granted.parent_seq < line.next_seq:
            ours = _own_hash(connection, view, granted.parent_seq)
            if ours in (None, granted.parent_hash):
                return at
    raise JournalError(
        f"epoch {granted.epoch}: grown from row {granted.parent_seq} of epoch {granted.parent_epoch} with hash "
        f"{granted.parent_hash.hex()[:16]}, which is not a row of this journal; nothing was changed"
    )


def _own_hash(connection: Connection, view: EpochView, seq: int) -> bytes | None:
    if seq == 0:
        return view.opening_hash
    found = connection.execute(
        "SELECT hash FROM journal WHERE epoch_no = ? AND seq = ?", (view.epoch_no, seq)
    ).fetchone()
    return bytes(found[0]) if found else None


def _tail(
    connection: Connection, snapshot: Snapshot, parent_at: int, granted: EpochGranted
) -> Iterator[tuple[str, StoredRow | Damage]]:
    """Every row that counts after the parent point, of the parent and of all epochs after it, each examined."""
    for at in range(parent_at, len(snapshot.chain)):
        view, last_seq = snapshot.chain[at], snapshot.lineage[at].next_seq - 1
        first_seq, previous = view.base_seq + 1, view.base_hash
        if at == parent_at and granted.parent_seq >= first_seq:
            first_seq, previous = granted.parent_seq + 1, granted.parent_hash
        rows = _rows(connection, view.epoch_no, first_seq, last_seq)
        for found in examine(previous, first_seq, rows, last_seq):
            yield view.epoch, found


def _rows(connection: Connection, epoch_no: int, first_seq: int, last_seq: int) -> Iterator[StoredRow]:
    while first_seq <= last_seq:
        piece = connection.execute(_ROWS, (epoch_no, first_seq, last_seq, _PIECE_ROWS)).fetchall()
        if not piece:
            return
        yield from starmap(StoredRow, piece)
        first_seq = piece[-1][0] + 1
