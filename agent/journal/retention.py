"""What may be forgotten, and when.

Rows that central has acknowledged are kept for a number of days, so that central can be rebuilt from its agents; rows that it has
not are kept for ever. The days are those on which central was heard, counted as they come: a clock that jumps ten
years, here or there, adds one day at most. A counter that was dark for months forgets nothing meanwhile.
"""

from __future__ import annotations

from agent.journal.snapshot import EpochView, Snapshot, load
from agent.store.database import Connection

PIECE_ROWS = 2000
"""Rows taken away in one transaction: a few milliseconds that a sale may have to wait."""
_DAY_US = 86_400_000_000
_DAYS_KEPT_LIMIT = 4000

_NOTE_DAY = "INSERT INTO contact_days (day, epoch_no, next_seq) VALUES (?, ?, ?) ON CONFLICT (day) DO NOTHING"
_BOUND_DAYS = "DELETE FROM contact_days WHERE id <= (SELECT max(id) FROM contact_days) - ?"
_CUTOFF = "SELECT epoch_no, next_seq FROM contact_days ORDER BY id DESC LIMIT 1 OFFSET ?"
_NOTE_BASE = """
INSERT INTO base (epoch_no, seq, hash) SELECT epoch_no, seq, hash FROM journal WHERE epoch_no = ? AND seq = ?
ON CONFLICT (epoch_no) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
"""
_SUPERSEDED = """
DELETE FROM journal WHERE (epoch_no, seq) IN
    (SELECT epoch_no, seq FROM journal WHERE epoch_no = ? AND seq > ? ORDER BY seq DESC LIMIT ?)
"""


def note_contact(connection: Connection, central_wall_us: int) -> None:
    """Central was heard on this day of its clock. The first time of a day notes what it has by then. Inside a write."""
    live = load(connection).live
    if live is None:
        return
    connection.execute(_NOTE_DAY, (central_wall_us // _DAY_US, live.epoch_no, live.acked_next_seq))
    connection.execute(_BOUND_DAYS, (_DAYS_KEPT_LIMIT,))


def prune(connection: Connection, keep_days: int, piece_rows: int = PIECE_ROWS) -> int:
    """Take away one piece of what central had ``keep_days`` days of contact ago; how many rows went. Inside a write."""
    cutoff = connection.execute(_CUTOFF, (keep_days,)).fetchone()
    if cutoff is None:
        return 0
    snapshot = load(connection)
    for view, line in zip(snapshot.chain, snapshot.lineage, strict=True):
        end = _end_of_prunable(view, line.next_seq, cutoff)
        if end > view.base_seq:
            return _prune_epoch(connection, view, min(end, view.base_seq + piece_rows))
    return _prune_superseded(connection, snapshot, cutoff, piece_rows)


def _end_of_prunable(view: EpochView, next_seq: int, cutoff: tuple[int, int]) -> int:
    """The last row of an epoch that may go."""
    cutoff_no, cutoff_next_seq = cutoff
    if view.epoch_no > cutoff_no:
        return 0
    by_time = cutoff_next_seq if view.epoch_no == cutoff_no else next_seq
    # What a restored central has lost again is not acknowledged any more, however old it is.
    return min(by_time, next_seq, view.acked_next_seq) - 1


def _prune_epoch(connection: Connection, view: EpochView, last_seq: int) -> int:
    connection.execute(_NOTE_BASE, (view.epoch_no, last_seq))
    gone = connection.execute(
        "DELETE FROM journal WHERE epoch_no = ? AND seq <= ?", (view.epoch_no, last_seq)
    )
    return gone.rowcount


def _prune_superseded(
    connection: Connection, snapshot: Snapshot, cutoff: tuple[int, int], piece_rows: int
) -> int:
    """Originals whose copies have been at central for as long. Judged by the live epoch alone, which is the last to get them."""
    live = snapshot.live
    if (
        live is None
        or cutoff < (live.epoch_no, live.copied_rows + 1)
        or live.acked_next_seq <= live.copied_rows
    ):
        return 0
    ends = {line.epoch: line.next_seq - 1 for line in snapshot.lineage}
    for view in snapshot.epochs.values():
        end = max(ends.get(view.epoch, 0), view.base_seq)
        if view.epoch_no != live.epoch_no and view.head_seq > end:
            return connection.execute(_SUPERSEDED, (view.epoch_no, end, piece_rows)).rowcount
    return 0
