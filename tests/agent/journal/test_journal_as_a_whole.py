"""Whatever is done to it in whatever order, the journal answers as the plain one in memory does."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.journal.adoption import begin, copy_piece
from agent.store import Connection
from protocol.messages import EpochGranted
from tests.agent.journal.counter import AGENT, FIRST_EPOCH, Counter, granted
from tests.agent.journal.memory_journal import MemoryJournal

DAY_US = 86_400_000_000


class JournalMachine(RuleBasedStateMachine):
    """Append, acknowledge, adopt, forget, fail and reopen, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.counter = Counter(self.folder)
        self.model = MemoryJournal(AGENT, FIRST_EPOCH)
        self.last_grant: EpochGranted | None = None
        self.serial = 0

    @rule(count=st.integers(1, 4))
    def append(self, count: int) -> None:
        for _ in range(count):
            self.serial += 1
            self.counter.sell(f"s{self.serial}")
            self.model.live.append(self.counter.body(f"s{self.serial}"))

    @rule()
    def append_and_fail(self) -> None:
        def work(connection: object) -> None:
            self.counter.journal.append(connection, self.counter.sale("never"))  # type: ignore[arg-type]
            raise LookupError("on purpose")

        assert isinstance(self.counter.store.write(work).exception(), LookupError)

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self.model.lineage()))
        next_seq = data.draw(st.integers(1, line.next_seq))
        self.counter.journal.note_acked(line.epoch, next_seq).result()
        next(e for e in self.model.epochs if e.epoch == line.epoch).acked_next_seq = next_seq

    @rule(data=st.data())
    def adopt(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self.model.lineage()))
        seq = data.draw(st.integers(0, line.next_seq - 1))
        # A row that is pruned here is known to central alone: its hash can be anything.
        parent_hash = self.model.hash_at(line.epoch, seq) or bytes([seq % 256]) * 32
        self.last_grant = granted(f"epoch-{len(self.model.epochs) + 1}", line.epoch, seq, parent_hash)
        self.counter.journal.adopt(self.last_grant, data.draw(st.integers(1, 4))).result()
        self.model.adopt(self.last_grant)

    @rule(data=st.data())
    def begin_to_adopt_and_be_cut_off(self, data: st.DataObject) -> None:
        line = self.model.lineage()[0]
        parent_hash = self.model.hash_at(line.epoch, 0)
        assert parent_hash is not None
        never = granted("never", line.epoch, 0, parent_hash)

        def work(connection: Connection) -> None:
            copying, _ = begin(connection, AGENT, never, 1000)
            if copying is not None and line.next_seq > 2:
                copy_piece(connection, AGENT, never, copying, 0, 1)

        self.counter.store.write(work).result()

    @precondition(lambda self: self.last_grant is not None)
    @rule()
    def adopt_again(self) -> None:
        assert self.last_grant is not None
        self.counter.journal.adopt(self.last_grant).result()

    @rule(day=st.integers(0, 30))
    def hear_central(self, day: int) -> None:
        self.counter.journal.note_contact(day * DAY_US).result()
        self.model.note_contact(day)

    @rule(keep_days=st.integers(0, 2))
    def forget(self, keep_days: int) -> None:
        while self.counter.journal.prune(keep_days).result():
            pass
        self.model.prune(keep_days)

    @rule()
    def reopen(self) -> None:
        self.counter.close()
        self.counter = Counter(self.folder)
        assert self.counter.journal.check_at_start().is_sound

    @invariant()
    def answers_are_the_same(self) -> None:
        journal, model = self.counter.journal, self.model
        assert journal.lineage() == model.lineage()
        for epoch in model.epochs:
            for seq in range(len(epoch.bodies) + 3):
                assert journal.first_kept(epoch.epoch) == model.first_kept(epoch.epoch)
                assert (seq, journal.hash_at(epoch.epoch, seq)) == (seq, model.hash_at(epoch.epoch, seq))
        assert journal.unsent().count == model.unsent_count()
        assert journal.accepted_count() == model.accepted_count()

    @invariant()
    def what_can_be_sent_is_the_same(self) -> None:
        for line in self.model.lineage():
            expected = self.model.kept_rows(line.epoch)
            if expected:
                found = self.counter.journal.rows(
                    line.epoch, expected[0][0], line.next_seq - 1, limit_rows=1000, limit_bytes=1_000_000
                )
                assert found == expected

    @invariant()
    def it_is_sound(self) -> None:
        assert self.counter.verify().damaged == ()

    def teardown(self) -> None:
        self.counter.close()
        shutil.rmtree(self.folder)


TestJournalAsAWhole = JournalMachine.TestCase
TestJournalAsAWhole.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
