"""Carries out what the sender decides: the shell around :mod:`protocol.delivery.sender`, on the link's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from agent.clock import Clock
from agent.errors import AgentError
from agent.feeds.replica import Replica
from agent.journal.journal import Journal
from agent.journal.notices import NoticeKind
from agent.uplink import outgoing
from agent.uplink.outbox import Outbox
from agent.uplink.settings import LinkSettings
from protocol.delivery.sender import step
from protocol.delivery.vocabulary import (
    AdoptEpoch,
    Appended,
    Connected,
    Damaged,
    Disconnected,
    Effect,
    EpochAdopted,
    Input,
    NoteAcked,
    Phase,
    SendBatch,
    SendEpochAsked,
    SendHello,
    State,
    Tick,
)
from protocol.messages import Ack, EpochAsked, EpochGranted, HelloWanted, Welcome

Post = Callable[[Callable[[], None]], object]
"""Has something done on the link's thread."""
_RESUME_US = 5_000_000
_DAY_US = 86_400_000_000

_WHY_A_NEW_EPOCH: dict[str, tuple[NoticeKind, str]] = {
    "rewind": (
        NoticeKind.REWIND,
        """central has sales of this machine that the machine itself does not have any more: its disk was set back to an older
        state. Nothing is lost at central. Check that no second machine runs with this identity, and that the disk is healthy""",
    ),
    "fork": (
        NoticeKind.FORK,
        """central has other sales under this machine's numbers: two machines run with one identity, or the disk was set back
        and used. Both histories are kept. Find the second machine, switch it off and enrol it anew""",
    ),
    "pruned": (
        NoticeKind.PRUNED,
        """central asks for sales older than what is kept here: it was restored from an old backup. What is kept here is sent
        again; the rest must come from central's own archive""",
    ),
    "damaged": (
        NoticeKind.DAMAGED,
        """a row of the journal is not what was written and cannot be mended: a stand-in is sent for it, which waits for a
        person at central. Check the disk of this machine""",
    ),
}


class Delivery:
    """The sender of one agent. Everything here is called on the link's thread."""

    def __init__(
        self,
        settings: LinkSettings,
        journal: Journal,
        replica: Replica,
        clock: Clock,
        outbox: Outbox,
        post: Post,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._replica = replica
        self._clock = clock
        self._outbox = outbox
        self._post = post
        self._state = State(agent=outbox.agent, pace=settings.pace)
        self._resume_us: int | None = None
        self._unwritten_acks: dict[str, int] = {}
        self._ack_write: Future[None] | None = None
        self._contact_day: int | None = None
        self.last_ack_us: int | None = None

    @property
    def phase(self) -> Phase:
        """What is awaited."""
        return self._state.phase

    @property
    def wake_us(self) -> int | None:
        """When :meth:`tick` is due, in monotonic microseconds; None: only something that happens can move us."""
        times = [at for at in (self._state.wake_us, self._resume_us) if at is not None]
        return min(times, default=None)

    def connected(self) -> None:
        """The link stands."""
        self._step(Connected())

    def disconnected(self) -> None:
        """The link is gone."""
        self._resume_us = None
        self._step(Disconnected())

    def committed(self) -> None:
        """Something was written; perhaps the journal has grown."""
        self._write_acks()
        last = self._journal.lineage()[-1]
        # Most commits are a basket, an ack, a feed: only rows that were not sent are news.
        if self._state.phase is Phase.IDLE and (last.epoch, last.next_seq) != (
            self._state.epoch,
            self._state.next_seq,
        ):
            self._step(Appended())

    def tick(self, now_us: int) -> None:
        """Time has passed."""
        if self._resume_us is not None and now_us >= self._resume_us:
            self._resume_us = None
            self._step(Connected())
        if self._state.wake_us is not None and now_us >= self._state.wake_us:
            self._step(Tick())

    def take(self, message: Welcome | Ack | HelloWanted | EpochGranted) -> None:
        """Central has spoken."""
        if isinstance(message, Welcome):
            self._note_welcome(message)
        self._step(message)

    # -- inside ---------------------------------------------------------------------------------------------------------

    def _step(self, happening: Input) -> None:
        inputs = deque([happening])
        while inputs:
            self._state, effects = step(
                self._state, inputs.popleft(), self._journal, self._clock.monotonic_us()
            )
            inputs.extend(follow for effect in effects if (follow := self._carry_out(effect)))

    def _carry_out(self, effect: Effect) -> Input | None:
        """Do it. A message that cannot be sent now is not missed: the sender's next tick repeats it."""
        match effect:
            case SendHello():
                self._outbox.send(
                    "up",
                    outgoing.hello(
                        effect, self._journal, self._replica, self._clock, self._settings.software
                    ),
                )
            case SendBatch():
                frame = outgoing.batch_frame(
                    effect, self._journal, self._outbox.topic("up"), self._outbox.sign
                )
                if frame is None:
                    return Damaged(effect.epoch, effect.first_seq)
                self._outbox.send_frame("up", frame)
            case SendEpochAsked():
                self._tell_person(effect.asked)
                self._outbox.send("up", effect.asked)
            case AdoptEpoch():
                self._adopt(effect.granted)
            case NoteAcked():
                self.last_ack_us = self._clock.wall_us()
                self._unwritten_acks[effect.epoch] = effect.next_seq
                self._write_acks()
        return None

    def _write_acks(self) -> None:
        """Write down what central has: one write at a time, the newest word of each epoch. A lost one is said again."""
        if not self._unwritten_acks or (self._ack_write and not self._ack_write.done()):
            return
        epochs = self._journal.snapshot().epochs
        for epoch, next_seq in self._unwritten_acks.items():
            if epoch in epochs and epochs[epoch].acked_next_seq != next_seq:
                self._ack_write = self._journal.note_acked(epoch, next_seq)
        self._unwritten_acks.clear()

    def _note_welcome(self, welcome: Welcome) -> None:
        """Closed epochs are complete without a word of the sender; and central's clock tells a new day."""
        ends = {line.epoch: line.next_seq for line in self._journal.lineage()[:-1]}
        for cursor in welcome.cursors:
            if cursor.epoch in ends:
                self._unwritten_acks[cursor.epoch] = min(cursor.next_seq, ends[cursor.epoch])
        self._write_acks()
        day = welcome.wall_us // _DAY_US
        if day != self._contact_day:
            self._contact_day = day
            self._journal.note_contact(welcome.wall_us)

    def _adopt(self, granted: EpochGranted) -> None:
        def adopted(done: Future[None]) -> None:
            error = done.exception()
            self._post(lambda: self._adopted(error))

        self._journal.adopt(granted).add_done_callback(adopted)

    def _adopted(self, error: BaseException | None) -> None:
        if error is None:
            self._step(EpochAdopted())
            return
        if not isinstance(error, AgentError):
            raise error
        # The disk did not take it. Central repeats its answer when it is asked again, in a while.
        self._outbox.failed(str(error))
        self._step(Disconnected())
        self._resume_us = self._clock.monotonic_us() + _RESUME_US

    def _tell_person(self, asked: EpochAsked) -> None:
        kind, text = _WHY_A_NEW_EPOCH[asked.cause]
        text = " ".join(text.split())
        self._journal.note(
            kind, asked.request_id, f"after row {asked.parent_seq} of epoch {asked.parent_epoch}: {text}"
        )
