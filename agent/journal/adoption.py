"""Taking up a granted epoch: the rows after the parent point are written again, under it.

Two journals have grown apart under one name (a restored image, a copied machine), and central has granted this one a new epoch
from the last row that both have. What follows that row here is copied to the new epoch and chained anew; the originals
stay where they are, superseded.

The copies are made in pieces, so that a counter which was dark for months can go on selling meanwhile. Nobody sees them until the
last piece has caught up with the live epoch and opens the new one, in one transaction. Copies of an adoption that was
cut off belong to no epoch, and are removed by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import starmap

import msgspec

from agent.journal.errors import JournalError
from agent.journal.reporting import report_damage
from agent.journal.snapshot import EpochView, Snapshot, load
from agent.journal.soundness import Damage, StoredRow, examine, mend, stand_in
from agent.store.database import Connection
from agent.store.store import Store
from protocol.chain import genesis, link
from protocol.messages import EpochGranted

PIECE_ROWS = 2000
"""Rows copied in one transaction: some tens of milliseconds that a sale may have to wait."""

_ROWS = """
SELECT seq, hash, body, event_time_us, record_time_us, kind
  FROM journal WHERE epoch_no = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?
"""
_COPY = """
INSERT INTO journal (epoch_no, seq, hash, body, event_time_us, record_time_us, kind) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_LEFT_OVER = """
DELETE FROM journal WHERE (epoch_no, seq) IN
    (SELECT epoch_no, seq FROM journal WHERE epoch_no > (SELECT max(epoch_no) FROM epochs) LIMIT ?)
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


class Copying(msgspec.Struct, frozen=True, kw_only=True):
    """How far the copying is: ``after_seq`` of the ``at``-th epoch of the chain is copied, as row ``seq`` of the new epoch.

    The hashes are those of these two rows.
    """

    at: int
    after_seq: int
    after_hash: bytes
    seq: int
    head_hash: bytes


class Adoption:
    """One grant on its way into the journal; ``finished`` resolves when it is there, or cannot be.

    ``opening`` is called inside the write that may open the epoch.
    """

    def __init__(
        self,
        store: Store,
        agent: str,
        granted: EpochGranted,
        at_us: int,
        piece_rows: int,
        opening: Callable[[], None],
    ) -> None:
        self.epoch = granted.epoch
        self.finished: Future[None] = Future()
        self._store = store
        self._agent = agent
        self._granted = granted
        self._at_us = at_us
        self._piece_rows = piece_rows
        self._opening = opening
        self._copying: Copying | None = None

    def go_on(self) -> None:
        """Do the next piece; each one calls for the one after it."""
        self._store.write(self._piece).add_done_callback(self._after_piece)

    def _after_piece(self, piece: Future[tuple[Copying | None, bool]]) -> None:
        error = piece.exception()
        if error is not None:
            self.finished.set_exception(error)
            return
        self._copying, is_done = piece.result()
        if is_done:
            self.finished.set_result(None)
        else:
            self.go_on()

    def _piece(self, connection: Connection) -> tuple[Copying | None, bool]:
        self._opening()  # perhaps with this piece: what is appended behind it belongs to the new epoch
        if self._copying is None:
            return begin(connection, self._agent, self._granted, self._piece_rows)
        return copy_piece(
            connection, self._agent, self._granted, self._copying, self._at_us, self._piece_rows
        )


def begin(
    connection: Connection, agent: str, granted: EpochGranted, piece_rows: int
) -> tuple[Copying | None, bool]:
    """Where to begin, once nothing is left of an adoption that was cut off; and whether all is done. Inside a write.

    A grant that came before is done. :class:`~agent.journal.errors.JournalError` for one that is not of this journal.
    """
    snapshot = load(connection)
    if granted.epoch in snapshot.epochs:
        return None, True
    at = _place_of_parent(connection, snapshot, granted)
    if connection.execute(_LEFT_OVER, (piece_rows,)).rowcount:
        return None, False
    copying = Copying(
        at=at,
        after_seq=granted.parent_seq,
        after_hash=granted.parent_hash,
        seq=0,
        head_hash=genesis(agent, granted.epoch, granted.parent_hash),
    )
    return copying, False


def copy_piece(
    connection: Connection, agent: str, granted: EpochGranted, copying: Copying, at_us: int, piece_rows: int
) -> tuple[Copying, bool]:
    """Copy one piece; when that reaches the end of the live epoch, open the new one. Inside a write."""
    snapshot = load(connection)
    view, last_seq = snapshot.chain[copying.at], snapshot.lineage[copying.at].next_seq - 1
    if view.base_seq > copying.after_seq:  # what retention has taken away cannot be copied
        copying = msgspec.structs.replace(copying, after_seq=view.base_seq, after_hash=view.base_hash)
    # One row more than the piece: it tells whether the last one's body or its stored hash is at fault.
    values = (view.epoch_no, copying.after_seq, last_seq, piece_rows + 1)
    rows = list(starmap(StoredRow, connection.execute(_ROWS, values)))
    is_cut = len(rows) > piece_rows
    piece_end = rows[piece_rows - 1].seq if is_cut else last_seq
    copies = _Copies(view.epoch, _new_epoch_no(snapshot), copying)
    source = examine(copying.after_hash, copying.after_seq + 1, rows, 0 if is_cut else last_seq)
    connection.executemany(_COPY, copies.of(source, piece_end, at_us))
    for damage in copies.damaged:
        report_damage(connection, view.epoch, damage, copies.OUTCOME, at_us)
    if is_cut:
        return copies.state(copying.at, piece_end), False
    if copying.at + 1 < len(snapshot.chain):
        following = snapshot.chain[copying.at + 1]
        state = copies.state(copying.at + 1, 0)
        return msgspec.structs.replace(state, after_hash=following.opening_hash), False
    state = copies.state(copying.at, piece_end)
    _open(connection, snapshot, agent, granted, state, at_us)
    return state, True


class _Copies:
    """Makes the copies of one piece, and remembers how it ended."""

    OUTCOME = "its copy in the new epoch is mended, or a stand-in for it where it cannot be"

    def __init__(self, source_epoch: str, epoch_no: int, copying: Copying) -> None:
        self._source_epoch = source_epoch
        self._epoch_no = epoch_no
        self._after_hash = copying.after_hash
        self._seq = copying.seq
        self._head_hash = copying.head_hash
        self.damaged: list[Damage] = []

    def of(
        self, source: Iterator[StoredRow | Damage], last_seq: int, at_us: int
    ) -> Iterator[tuple[int, int, bytes, bytes, int, int, str]]:
        """The rows of the new epoch, from those of the old one up to ``last_seq``."""
        for found in source:
            first_seq = found.first_seq if isinstance(found, Damage) else found.seq
            if first_seq > last_seq:
                return
            row = self._sendable(found, at_us)
            self._after_hash = row.hash
            self._seq += 1
            self._head_hash = link(self._head_hash, self._seq, row.body)
            columns = (row.event_time_us, row.record_time_us, row.kind)
            yield self._epoch_no, self._seq, self._head_hash, row.body, *columns

    def _sendable(self, found: StoredRow | Damage, at_us: int) -> StoredRow:
        """The row as it was written, or a stand-in; with the hash that the next row of the old epoch builds on."""
        if not isinstance(found, Damage):
            return found
        self.damaged.append(found)
        mended = mend(found)
        if mended is not None:
            return mended
        hash_there = found.row.hash if found.row else b""
        body = stand_in(self._source_epoch, found)
        return StoredRow(found.last_seq, hash_there, body, at_us, at_us, "damaged_row")

    def state(self, at: int, after_seq: int) -> Copying:
        return Copying(
            at=at,
            after_seq=after_seq,
            after_hash=self._after_hash,
            seq=self._seq,
            head_hash=self._head_hash,
        )


def _open(
    connection: Connection,
    snapshot: Snapshot,
    agent: str,
    granted: EpochGranted,
    copied: Copying,
    at_us: int,
) -> None:
    epoch_no = _new_epoch_no(snapshot)
    connection.execute(
        _OPEN,
        (
            epoch_no,
            granted.epoch,
            granted.parent_epoch,
            granted.parent_seq,
            granted.parent_hash,
            genesis(agent, granted.epoch, granted.parent_hash),
            copied.seq,
            at_us,
        ),
    )
    parent = snapshot.epochs[granted.parent_epoch]
    connection.execute(_PARENT_IS_ACKED, (parent.epoch_no, granted.parent_seq + 1, at_us))
    connection.execute(_CHECKPOINT, (epoch_no, copied.seq, copied.head_hash, at_us))


def _new_epoch_no(snapshot: Snapshot) -> int:
    return max(view.epoch_no for view in snapshot.epochs.values()) + 1


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
