"""Reading the journal back and checking every hash.

Quickly at every start, from the last checkpoint: what a power cut or a dying disk did to the end. In full on request, by
``journal verify``: every row, every epoch, and SQLite's own check of its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import starmap

import msgspec

from agent.journal.snapshot import EpochView, Snapshot, load
from agent.journal.soundness import Damage, Part, StoredRow, examine
from agent.store.database import Connection
from protocol.chain import NO_PARENT, genesis
from protocol.errors import Malformed
from protocol.events import decode_event

Progress = Callable[[int, int], None]
"""(rows done, rows in all)."""
_PROGRESS_EVERY_ROWS = 5000
_FINDINGS_LIMIT = 1000  # a journal that is all damage needs no longer list


class Finding(msgspec.Struct, frozen=True):
    """What is wrong, named by epoch and seq, in words for a person; ``damage`` where it can be tried to mend it."""

    epoch: str
    first_seq: int
    last_seq: int
    text: str
    damage: Damage | None = None

    @classmethod
    def of(cls, epoch: str, damage: Damage) -> Finding:
        """The finding for a damaged row, or for rows that are missing."""
        first, last = damage.first_seq, damage.last_seq
        which = f"row {first}" if first == last else f"rows {first} to {last}"
        what = {
            Part.BODY: "is not what was written: its body does not give its hash",
            Part.HASH: "has a damaged hash; its body is what was written",
            Part.MISSING: "missing",
        }[damage.part]
        return cls(epoch, first, last, f"epoch {epoch}, {which}: {what}", damage)


class Verification(msgspec.Struct, frozen=True):
    """How many rows were read and what was found wrong."""

    rows: int
    damaged: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damaged


_ALL_ROWS = """
SELECT seq, hash, body, event_time_us, record_time_us, kind FROM journal WHERE epoch_no = ? AND seq > ? ORDER BY seq
"""
_NOTE_CHECKPOINT = """
INSERT INTO checkpoints (epoch_no, seq, hash, at_us) VALUES (?, ?, ?, ?)
ON CONFLICT (epoch_no) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at_us = excluded.at_us
"""


def note_checkpoint(connection: Connection, epoch_no: int, seq: int, digest: bytes, at_us: int) -> None:
    """Everything up to this row is known to be sound. Inside a write."""
    connection.execute(_NOTE_CHECKPOINT, (epoch_no, seq, digest, at_us))


def verify_since_checkpoint(connection: Connection) -> Verification:
    """The end of the live epoch, from the last checkpoint (or the first row kept). Some 30 ms at most."""
    live = load(connection).live
    if live is None:
        return Verification(0, ())
    found = connection.execute(
        "SELECT seq, hash FROM checkpoints WHERE epoch_no = ?", (live.epoch_no,)
    ).fetchone()
    seq, digest = max((live.base_seq, live.base_hash), tuple(found) if found else (0, b""))
    rows = connection.execute(_ALL_ROWS, (live.epoch_no, seq))
    count, findings = 0, []
    for row in examine(digest, seq + 1, starmap(StoredRow, rows), max(live.head_seq, seq)):
        count += 1
        if isinstance(row, Damage):
            findings.append(Finding.of(live.epoch, row))
    return Verification(count, tuple(findings))


def verify_everything(connection: Connection, agent: str, progress: Progress | None = None) -> Verification:
    """Every row of every epoch, superseded ones included, where the epochs begin, and the database's own pages."""
    snapshot = load(connection)
    total = sum(view.head_seq - view.base_seq for view in snapshot.epochs.values())
    findings = [
        Finding("", 0, 0, f"database: {line}")
        for (line,) in connection.execute("PRAGMA integrity_check(20)")
        if line != "ok"
    ]
    count = 0
    for view in snapshot.epochs.values():
        findings += _beginning(view, agent)
        for found in _examined(connection, view, snapshot):
            if isinstance(found, Finding):
                if len(findings) < _FINDINGS_LIMIT:
                    findings.append(found)
                continue
            count += 1
            if progress and count % _PROGRESS_EVERY_ROWS == 0:
                progress(count, total)
    if progress:
        progress(total, total)
    return Verification(count, tuple(findings))


def _beginning(view: EpochView, agent: str) -> list[Finding]:
    if view.opening_hash == genesis(agent, view.epoch, view.parent_hash or NO_PARENT):
        return []
    return [Finding(view.epoch, 0, 0, f"epoch {view.epoch}: does not begin where agent {agent!r} began it")]


def _examined(connection: Connection, view: EpochView, snapshot: Snapshot) -> Iterator[StoredRow | Finding]:
    """Each row of one epoch, followed by what is wrong with it."""
    ends = {line.epoch: line.next_seq - 1 for line in snapshot.lineage}
    rows = starmap(StoredRow, connection.execute(_ALL_ROWS, (view.epoch_no, view.base_seq)))
    for found in examine(view.base_hash, view.base_seq + 1, rows, ends.get(view.epoch, 0)):
        if isinstance(found, Damage):
            if found.row:
                yield found.row
            yield Finding.of(view.epoch, found)
            continue
        yield found
        if not _columns_fit(found):
            which = f"epoch {view.epoch}, row {found.seq}"
            yield Finding(view.epoch, found.seq, found.seq, f"{which}: its columns contradict its body")


def _columns_fit(row: StoredRow) -> bool:
    """Whether times and kind, which are there to be searched, are those of the body, which is the truth."""
    try:
        event = decode_event(row.body)
    except Malformed:
        return True  # a stand-in, or a kind that newer software wrote: nothing to compare with
    kind = type(event.body).__struct_config__.tag
    return (row.event_time_us, row.record_time_us, row.kind) == (
        event.at.event_time_us,
        event.at.record_time_us,
        kind,
    )
