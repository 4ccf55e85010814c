"""The journal of one agent: append, read back, remember what central has.

An event is identified by (agent, epoch, seq) and proven by its hash. :class:`Journal` is the
:class:`~protocol.delivery.vocabulary.JournalView` of the sender; what it shows is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from agent.clock import Clock
from agent.journal import adoption, retention, verification
from agent.journal.errors import ForeignJournal, JournalError, NotEnrolled
from agent.journal.notices import NoticeKind, note
from agent.journal.reading import Stretch, read_rows, sound_part
from agent.journal.reporting import report_damage
from agent.journal.rounds import Rounds
from agent.journal.snapshot import Snapshot, load
from agent.journal.soundness import Damage, mend
from agent.store.database import Connection
from agent.store.store import Store
from protocol.chain import genesis, link
from protocol.events import Event, encode_event
from protocol.messages import EpochGranted, Lineage

CHECKPOINT_EVERY_ROWS = 10_000
"""So that the check at start reads at most this many rows: some 30 ms."""


class Accepted(msgspec.Struct, frozen=True):
    """An event that is in the journal once the transaction that appended it has been committed; ``body`` is its bytes there."""

    epoch: str
    seq: int
    hash: bytes
    body: bytes


class _End(msgspec.Struct, frozen=True):
    """The last row of the live epoch, or the point that its first row chains to."""

    epoch_no: int
    epoch: str
    seq: int
    hash: bytes


class Unsent(msgspec.Struct, frozen=True):
    """What central has not acknowledged: how many rows, and when the oldest was recorded (agent's wall clock)."""

    count: int
    oldest_us: int | None


_HEAD = """
SELECT e.epoch_no, e.epoch, coalesce(j.seq, b.seq, 0), coalesce(j.hash, b.hash, e.opening_hash)
  FROM (SELECT epoch_no, epoch, opening_hash FROM epochs ORDER BY epoch_no DESC LIMIT 1) e
  LEFT JOIN base b ON b.epoch_no = e.epoch_no
  LEFT JOIN journal j ON j.epoch_no = e.epoch_no
                     AND j.seq = (SELECT max(seq) FROM journal WHERE epoch_no = e.epoch_no)
"""
_APPEND = """
INSERT INTO journal (epoch_no, seq, hash, body, event_time_us, record_time_us, kind) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_NOTE_ACKED = """
INSERT INTO acked (epoch_no, next_seq, at_us) SELECT epoch_no, ?, ? FROM epochs WHERE epoch = ?
ON CONFLICT (epoch_no) DO UPDATE SET next_seq = excluded.next_seq, at_us = excluded.at_us
"""
_MEND = "UPDATE journal SET hash = ?, body = ? WHERE epoch_no = ? AND seq = ?"
_OPEN_FIRST = "INSERT INTO epochs (epoch_no, epoch, opening_hash, opened_at_us) VALUES (1, ?, ?, ?)"


class Journal:
    """The journal of ``agent_id`` in ``store``. :class:`~agent.journal.errors.ForeignJournal` if it is another agent's."""

    def __init__(self, store: Store, agent_id: str, clock: Clock) -> None:
        self._store = store
        self._agent = agent_id
        self._clock = clock
        self.rounds = Rounds(store, clock)
        self._commits = 0
        self._adoption: adoption.Adoption | None = None
        self._end: _End | None = None  # the writer's alone, who need not read what it wrote itself
        self._loaded: tuple[int, Snapshot] = (0, store.read(load))
        self._check_owner()
        store.on_commit(self._forget_snapshot)
        store.on_undo(self._forget_end)
        store.add_check(self._check_reopened)

    # -- what the sender may know ---------------------------------------------------------------------------------------

    def lineage(self) -> Sequence[Lineage]:
        """The epochs that count, oldest first; the last one is live."""
        return self.snapshot().lineage

    def hash_at(self, epoch: str, seq: int) -> bytes | None:
        """The hash of a row; of the genesis for ``seq`` 0; None for a row that is not there or no longer kept."""
        snapshot = self.snapshot()
        view = snapshot.epochs.get(epoch)
        if view is None:
            return None
        if seq == 0:
            return view.opening_hash
        if seq == view.base_seq:
            return view.base_hash
        if seq == view.head_seq:
            return view.head_hash
        found = self._store.read(
            lambda connection: connection.execute(
                "SELECT hash FROM journal WHERE epoch_no = ? AND seq = ?", (view.epoch_no, seq)
            ).fetchone()
        )
        if found:
            return bytes(found[0])
        # The point a successor grew from is known from the successor, also when the row itself is pruned.
        ends = (
            line.head_hash for line in snapshot.lineage if (line.epoch, line.next_seq) == (epoch, seq + 1)
        )
        return next(ends, None)

    def first_kept(self, epoch: str) -> int:
        """The first row of an epoch that retention has not taken; 1 if it has taken none."""
        view = self.snapshot().epochs.get(epoch)
        return view.base_seq + 1 if view else 1

    def snapshot(self) -> Snapshot:
        """The journal's shape as of the last commit."""
        commits, snapshot = self._loaded
        if commits != self._commits:
            commits = self._commits
            snapshot = self._store.read(load)
            self._loaded = (commits, snapshot)
        return snapshot

    def acked_seq(self) -> int:
        """The last row of the live epoch that central has acknowledged."""
        live = self.snapshot().live
        return live.acked_next_seq - 1 if live else 0

    def unsent(self) -> Unsent:
        """How far central is behind."""
        snapshot = self.snapshot()
        return Unsent(snapshot.unsent_count(), snapshot.oldest_unsent_us)

    def accepted_count(self) -> int:
        """The events that this journal stands for: every one ever accepted, each counted once."""
        return self.snapshot().accepted_count()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after each commit, whether or not the journal grew; see :meth:`Store.on_commit`."""
        self._store.on_commit(listener)

    # -- writing --------------------------------------------------------------------------------------------------------

    def open_first_epoch(self, epoch: str) -> bool:
        """Begin the journal with the epoch granted at enrolment; False for one that has begun: it goes on where it is."""
        if self.snapshot().live:
            return False
        opening_hash = genesis(self._agent, epoch)
        now_us = self._clock.wall_us()
        self._store.write(lambda at: _run(at, _OPEN_FIRST, (epoch, opening_hash, now_us))).result()
        return True

    def append(self, connection: Connection, event: Event) -> Accepted:
        """Add ``event`` at the end. Inside a :meth:`~agent.store.store.Store.write` work: it is accepted when that is committed."""
        body = encode_event(event)
        end = self._end or _read_end(connection)
        seq = end.seq + 1
        digest = link(end.hash, seq, body)
        kind = type(event.body).__struct_config__.tag
        connection.execute(
            _APPEND, (end.epoch_no, seq, digest, body, event.at.event_time_us, event.at.record_time_us, kind)
        )
        self._end = _End(end.epoch_no, end.epoch, seq, digest)
        if seq % CHECKPOINT_EVERY_ROWS == 0:
            verification.note_checkpoint(connection, end.epoch_no, seq, digest, event.at.record_time_us)
        return Accepted(end.epoch, seq, digest, body)

    def note_acked(self, epoch: str, next_seq: int) -> Future[None]:
        """Central has everything of ``epoch`` before ``next_seq``. Lower than before if central was restored from a backup."""
        now_us = self._clock.wall_us()
        return self._store.write(lambda at: _run(at, _NOTE_ACKED, (next_seq, now_us, epoch)))

    def adopt(self, granted: EpochGranted, piece_rows: int = adoption.PIECE_ROWS) -> Future[None]:
        """Take up a granted epoch; see :mod:`agent.journal.adoption`. One at a time; the same one again joins the first."""
        under_way = self._adoption
        if under_way is not None and not under_way.finished.done():
            if under_way.epoch == granted.epoch:
                return under_way.finished
            refused: Future[None] = Future()
            refused.set_exception(
                JournalError(
                    f"epoch {granted.epoch}: {under_way.epoch} is being taken up; ask again when it is"
                )
            )
            return refused
        self._adoption = adoption.Adoption(
            self._store, self._agent, granted, self._clock.wall_us(), piece_rows, self._forget_end
        )
        self._adoption.go_on()
        return self._adoption.finished

    def note_contact(self, central_wall_us: int) -> Future[None]:
        """Central was heard on this day of its own; see :mod:`agent.journal.retention`."""
        return self._store.write(lambda at: retention.note_contact(at, central_wall_us))

    def prune(self, keep_days: int) -> Future[int]:
        """Take away one piece of what retention allows; how many rows went. 0 means that there is no more."""
        return self._store.write(lambda at: retention.prune(at, keep_days))

    def note(self, kind: NoticeKind, subject: str, text: str) -> Future[None]:
        """Keep a notice for a person."""
        now_us = self._clock.wall_us()
        return self._store.write(lambda at: note(at, kind, subject, text, now_us))

    # -- reading back ---------------------------------------------------------------------------------------------------

    def rows(
        self, epoch: str, first_seq: int, last_seq: int, *, limit_rows: int, limit_bytes: int
    ) -> list[tuple[int, bytes]]:
        """Consecutive rows from ``first_seq`` as (seq, body), each proven by its hash; at least one if that one is sound.

        Stops before a row that is not what was written. That row is reported, and mended where it can be proven what
        it was; it is never handed out as it is.
        """
        sound, damage = self._examine(epoch, first_seq, last_seq, limit_rows, limit_bytes)
        if damage and self._take_care_of(epoch, damage) and not sound:
            sound, damage = self._examine(epoch, first_seq, last_seq, limit_rows, limit_bytes)
        return sound

    def _examine(
        self, epoch: str, first_seq: int, last_seq: int, limit_rows: int, limit_bytes: int
    ) -> tuple[list[tuple[int, bytes]], Damage | None]:
        previous = self.hash_at(epoch, first_seq - 1)
        view = self.snapshot().epochs.get(epoch)
        if previous is None or view is None:
            return [], None

        wanted = Stretch(view.epoch_no, first_seq, last_seq, limit_rows, limit_bytes)
        rows = self._store.read(lambda at: read_rows(at, wanted))
        sound, damage = sound_part(previous, wanted, rows)
        return [(row.seq, row.body) for row in sound], damage

    def _take_care_of(self, epoch: str, damage: Damage) -> bool:
        """Report the damage, and mend it if it can be proven what was there; whether it was mended."""
        view = self.snapshot().epochs[epoch]
        row = mend(damage)
        now_us = self._clock.wall_us()
        if row:
            outcome = "mended"
        elif damage.first_seq < view.acked_next_seq:
            outcome = "central has it, and it is fetched back when there is a link"
            self.rounds.wish()
        else:
            outcome = "it cannot be mended: keep this machine as it is and call support"

        def work(connection: Connection) -> None:
            if row:
                _run(connection, _MEND, (row.hash, row.body, view.epoch_no, row.seq))
            report_damage(connection, epoch, damage, outcome, now_us)

        self._store.write(work).result()
        return row is not None

    # -- the state of the database --------------------------------------------------------------------------------------

    def check_at_start(self) -> verification.Verification:
        """Verify the end of the journal, mend what can be mended, report the rest; a sound end is the next checkpoint."""
        found = self._store.read(verification.verify_since_checkpoint)
        for finding in found.damaged:
            if finding.damage:
                self._take_care_of(finding.epoch, finding.damage)
        live = self.snapshot().live
        if live and found.is_sound and live.head_seq:
            now_us = self._clock.wall_us()
            self._store.write(
                lambda at: verification.note_checkpoint(
                    at, live.epoch_no, live.head_seq, live.head_hash, now_us
                )
            ).result()
        return found

    def _forget_snapshot(self) -> None:
        self._commits += 1

    def _forget_end(self) -> None:
        """On the writer's thread: an append was taken back, or another epoch is live. The next append reads where it stands."""
        self._end = None

    def _check_owner(self) -> None:
        live = self._loaded[1].live
        if live and live.opening_hash != genesis(self._agent, live.epoch, live.parent_hash or bytes(32)):
            raise ForeignJournal(
                f"journal {self._store.path}: not written by agent {self._agent!r}; expected this agent's own journal: "
                "give this agent another data_dir, and keep the old one until its sales are at central"
            )

    def _check_reopened(self, connection: Connection) -> str | None:
        """After a failed commit: does the journal still hold the row that was its last?

        Damage elsewhere is found when the row is sent, and is no reason to refuse the next sale. A lost end is: what would be
        appended there would bear numbers that have been given out before.
        """
        last = self._loaded[1].live
        if last is None:
            return None
        now = load(connection)
        there = connection.execute(
            "SELECT hash FROM journal WHERE epoch_no = ? AND seq = ?", (last.epoch_no, last.head_seq)
        ).fetchone()
        pruned = last.epoch in now.epochs and last.head_seq <= now.epochs[last.epoch].base_seq
        if pruned or (there and there[0] == last.head_hash):
            return None
        return (
            f"the journal has lost its end: row {last.head_seq} of epoch {last.epoch} is not there any more"
        )


def _read_end(connection: Connection) -> _End:
    head = connection.execute(_HEAD).fetchone()
    if head is None:
        raise NotEnrolled(
            "the journal has no epoch: this machine is not enrolled; run `countermark-agent enrol` first"
        )
    return _End(*head)


def _run(connection: Connection, statement: str, values: tuple[Any, ...]) -> None:
    connection.execute(statement, values)
