"""Rounds through the rows that central has: what time did to them is found while it can be made good.

The check at start reads the end of the journal, and a row that is sent is checked; a row that was sent last month is read by nobody. A
round reads them all, a piece at a time. What a round finds and cannot mend is asked of central, and put back when it is proven.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import starmap
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.journal.notices import NoticeKind, note
from agent.journal.reporting import report_damage
from agent.journal.snapshot import Snapshot, load
from agent.journal.soundness import Damage, StoredRow
from agent.journal.survey import Lost, Survey, survey
from agent.store.database import Connection
from agent.store.store import Store
from protocol.errors import Malformed
from protocol.events import decode_event

PIECE_ROWS = 200
"""Rows of one look: a millisecond or two in which nobody is served."""
LOST_LIMIT_ROWS = 1_000
"""Neighbouring rows that are fetched back together. More than this is no flipped bit but another disk."""

_ROWS = """
SELECT seq, hash, body, event_time_us, record_time_us, kind
  FROM journal WHERE epoch_no = ? AND seq > ? ORDER BY seq LIMIT ?
"""
_MEND = "UPDATE journal SET hash = ?, body = ? WHERE epoch_no = ? AND seq = ?"
_PUT_BACK = """
INSERT INTO journal (epoch_no, seq, hash, body, event_time_us, record_time_us, kind) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (epoch_no, seq) DO UPDATE
   SET hash = excluded.hash, body = excluded.body, event_time_us = excluded.event_time_us,
       record_time_us = excluded.record_time_us, kind = excluded.kind
"""


class Place(msgspec.Struct, frozen=True):
    """How far a round is: all of ``epoch`` up to ``seq`` has been looked at, and ``hash`` is the hash of that row."""

    epoch: str
    seq: int
    hash: bytes


class Look(msgspec.Struct, frozen=True):
    """What one piece of a round came upon, and where the round goes on; ``place`` is None at its end."""

    place: Place | None
    lost: Lost | None = None


def wish_for_round(journal_path: Path) -> None:
    """Have the agent of this journal make a round soon, from another process. A disk that refuses it has other troubles."""
    with contextlib.suppress(OSError):
        _wish(journal_path).touch()


class Rounds:
    """The rounds of one journal, a piece at a time, on whatever thread calls."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._is_wished = True

    def wish(self) -> None:
        """Something was found damaged: a round should be made soon."""
        self._is_wished = True

    def take_wish(self) -> bool:
        """Whether a round was wished for since this was last asked; once after the start in any case."""
        is_wished, self._is_wished = self._is_wished, False
        try:
            _wish(self._store.path).unlink()
        except OSError:
            return is_wished  # none is there, as a rule; one that cannot be removed must not be heard every minute
        return True

    def begin(self) -> Place | None:
        """Where a round begins; None while there is no journal."""
        chain = self._store.read(load).chain
        return Place(chain[0].epoch, chain[0].base_seq, chain[0].base_hash) if chain else None

    def look(self, place: Place) -> Look:
        """Look at the next piece. What can be mended is mended."""
        snapshot = self._store.read(load)
        at = next((at for at, view in enumerate(snapshot.chain) if view.epoch == place.epoch), None)
        if at is None:
            return Look(None)
        view, line = snapshot.chain[at], snapshot.lineage[at]
        if place.seq < view.base_seq:  # retention was here meanwhile
            place = Place(view.epoch, view.base_seq, view.base_hash)
        last_seq = min(line.next_seq, view.acked_next_seq) - 1
        if place.seq >= last_seq:
            return Look(_beginning_after(snapshot, at))
        found, is_cut = self._survey(view.epoch_no, place, last_seq)
        if found.mended:
            self._write_mended(view.epoch, view.epoch_no, found.mended)
        lost = found.lost
        if lost is None:
            return Look(Place(view.epoch, found.sound_seq, found.sound_hash))
        if lost.last_seq == line.next_seq - 1:
            lost = msgspec.structs.replace(lost, end_hash=line.head_hash)
        # Where nothing comes of it, the round takes the next stored hash at its word.
        after = lost.following
        if after is not None and not is_cut:
            return Look(Place(view.epoch, after.seq, after.hash), lost)
        if lost.own_hash:
            return Look(Place(view.epoch, lost.last_seq, lost.own_hash), lost)
        return Look(_beginning_after(snapshot, at), lost)

    def put_back(self, lost: Lost, bodies: Sequence[bytes], hashes: Sequence[bytes]) -> Future[None]:
        """Write proven rows in the place of damaged ones, all at once, and say so."""
        now_us = self._clock.wall_us()

        def work(connection: Connection) -> None:
            view = load(connection).epochs[lost.epoch]
            if view.base_seq >= lost.first_seq:
                return  # retention was faster: nobody needs them any more
            stored = connection.execute(_ROWS, (view.epoch_no, lost.first_seq - 1, lost.count))
            there = {row.seq: row for row in starmap(StoredRow, stored)}
            for seq, (body, digest) in enumerate(zip(bodies, hashes, strict=True), lost.first_seq):
                columns = _columns(body, there.get(seq), now_us)
                connection.execute(_PUT_BACK, (view.epoch_no, seq, digest, body, *columns))
            text = "damaged; fetched back from central, which had it, and proven by the hashes around it"
            _say(connection, lost, text, now_us)

        return self._store.write(work)

    def say(self, lost: Lost, outcome: str) -> Future[None]:
        """Tell a person of rows that stay as they are."""
        now_us = self._clock.wall_us()
        return self._store.write(lambda at: _say(at, lost, outcome, now_us))

    def _survey(self, epoch_no: int, place: Place, last_seq: int) -> tuple[Survey, bool]:
        """As :meth:`_survey_piece`, but for one that ends within what is lost, which is looked at in full, within reason."""
        found, is_cut = self._survey_piece(epoch_no, place, last_seq, PIECE_ROWS)
        if not is_cut:
            return found, False
        start = Place(place.epoch, found.sound_seq, found.sound_hash)
        wider, is_cut = self._survey_piece(epoch_no, start, last_seq, LOST_LIMIT_ROWS)
        return msgspec.structs.replace(wider, mended=found.mended + wider.mended), is_cut

    def _survey_piece(
        self, epoch_no: int, place: Place, last_seq: int, limit_rows: int
    ) -> tuple[Survey, bool]:
        """One piece; and whether what it says is lost may go on behind it."""
        values = (epoch_no, place.seq, limit_rows + 1)  # one more: it bears witness for the one before it
        rows = self._store.read(lambda at: list(starmap(StoredRow, at.execute(_ROWS, values))))
        piece_end = min(last_seq, rows[limit_rows - 1].seq) if len(rows) > limit_rows else last_seq
        found = survey(place.epoch, place.hash, place.seq + 1, rows, piece_end)
        is_cut = piece_end < last_seq and found.lost is not None and found.lost.last_seq == piece_end
        return found, is_cut

    def _write_mended(self, epoch: str, epoch_no: int, mended: Sequence[tuple[StoredRow, Damage]]) -> None:
        now_us = self._clock.wall_us()

        def work(connection: Connection) -> None:
            for row, damage in mended:
                connection.execute(_MEND, (row.hash, row.body, epoch_no, row.seq))
                report_damage(connection, epoch, damage, "mended", now_us)

        self._store.write(work).result()


def _beginning_after(snapshot: Snapshot, at: int) -> Place | None:
    if at + 1 >= len(snapshot.chain):
        return None
    view = snapshot.chain[at + 1]
    return Place(view.epoch, view.base_seq, view.base_hash)


def _columns(body: bytes, there: StoredRow | None, now_us: int) -> tuple[int, int, str]:
    """Times and kind of a row, from its body where that can be read."""
    try:
        event = decode_event(body)
    except Malformed:
        return (there.event_time_us, there.record_time_us, there.kind) if there else (now_us, now_us, "")
    return event.at.event_time_us, event.at.record_time_us, str(type(event.body).__struct_config__.tag)


def _say(connection: Connection, lost: Lost, outcome: str, at_us: int) -> None:
    note(connection, NoticeKind.DAMAGED, f"{lost.epoch}/{lost.first_seq}", f"{lost.words}: {outcome}", at_us)


def _wish(journal_path: Path) -> Path:
    return journal_path.with_suffix(".recheck")
