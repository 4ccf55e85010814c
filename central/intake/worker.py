"""The intake at work: a bounded queue, threads that take groups from it, answers after each commit.

Nothing is promised to a message that waits here. If the queue is full it is turned away, if the process dies it is gone, if the
database is away it waits; in each case the sender, which has no answer, sends again.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence

import msgspec
import psycopg
import structlog

from central.database import Database
from central.errors import CentralError
from central.intake.asking import answer_ask, answer_items, sorted_out
from central.intake.faults import DATA_FAULTS, in_words
from central.intake.letters import Letter, Opened, Unreadable, open_letter
from central.intake.queue import LetterQueue
from central.intake.tallies import Tallies
from central.intake.transaction import Taken, take_in
from central.items.signals import Watch
from central.journals import presence
from central.journals.presence import PresenceBoard, Sign
from central.moments import from_microseconds
from protocol.codec import decode
from protocol.errors import ProtocolError
from protocol.messages import Batch, DownMessage, Hello, ItemAsked, Presence

Publish = Callable[[str, DownMessage], None]
"""(agent, message): send it when it suits; losing it costs time, nothing else. Must not block and must not raise."""

ASKS_EACH_LIMIT = 64
"""Questions of one agent that may wait: more than one counter has open at a time."""

ASKS_AT_ONCE = 32
"""Questions about items in one transaction. While one of them is under way, the next ones gather by themselves."""

_log = structlog.get_logger("central.intake")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is taken at once. ``queue_bytes`` bounds the memory of what waits, whatever the number of messages."""

    workers: int = 2
    queue_messages: int = 4_096
    queue_bytes: int = 128 * 1024 * 1024
    group_batches: int = 128
    # Some thousands of sales from a backlog: a second's work, so that nobody who waits for an ack gives up and asks again.
    group_bytes: int = 256 * 1024
    ask_workers: int = 1
    ask_queue_messages: int = 1_024
    presence_interval_s: float = 1.0
    retry_limit_s: float = 15.0


class Intake:
    """Takes frames in. Call :meth:`start` and :meth:`stop`, or :meth:`drain` to work off what waits in the calling thread."""

    def __init__(
        self,
        database: Database,
        publish: Publish,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        limits: Limits | None = None,
        new_epoch: Callable[[], str] = lambda: str(uuid.uuid4()),
        watch: Watch | None = None,
    ) -> None:
        self._database = database
        self._publish = publish
        self._clock = clock
        self._new_epoch = new_epoch
        self._watch = watch or Watch()
        self.limits = limits or Limits()
        self.tallies = Tallies()
        self._up = LetterQueue(self.limits.queue_messages, self.limits.queue_bytes)
        self._asks = LetterQueue(
            self.limits.ask_queue_messages, self.limits.queue_bytes // 8, limit_each=ASKS_EACH_LIMIT
        )
        self._board = PresenceBoard()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def offer(self, agent: str, channel: str, frame: bytes, received_us: int) -> bool:
        """Hand over a frame from the link; False if the queue is full. Never blocks."""
        if channel == "state":
            self._note_presence(agent, frame, received_us)
            return True
        waiting = self._asks if channel == "ask" else self._up
        accepted = waiting.put(Letter(agent, channel, frame, received_us))
        self.tallies.count("offered" if accepted else "turned_away")
        return accepted

    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._up) + len(self._asks)

    def start(self) -> None:
        """Begin to work in threads of its own."""
        self._stopping.clear()
        for number in range(self.limits.workers):
            self._spawn(f"intake-{number}", self._work_up)
        for number in range(self.limits.ask_workers):
            self._spawn(f"intake-ask-{number}", self._work_asks)
        self._spawn("intake-presence", self._work_presence)

    def stop(self) -> None:
        """End after the transactions that are under way. What still waits is dropped: its senders repeat it."""
        self._stopping.set()
        self._up.close()
        self._asks.close()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def drain(self) -> None:
        """Work off what waits, here and now. Raises what the database raises; nothing is answered then."""
        while group := self._up.take(self.limits.group_batches, self.limits.group_bytes, wait=False):
            self.settle(group)
        while asks := self._asks.take(ASKS_AT_ONCE, self.limits.group_bytes, wait=False):
            about_items, others = sorted_out(asks)
            if about_items:
                self._answer_items(about_items)
            for letter in others:
                self._answer(letter)
        self._write_presence()

    def settle(self, group: Sequence[Letter]) -> None:
        """Take a group in and answer it. A fault in the data is narrowed down to the event that has it."""
        self._settle([open_letter(letter) for letter in group])

    def _settle(self, group: Sequence[Opened | Unreadable]) -> None:
        try:
            self._take_in(group)
        except DATA_FAULTS as error:
            self.tallies.count("split")
            if len(group) > 1:
                middle = len(group) // 2
                self._settle(group[:middle])
                self._settle(group[middle:])
                return
            _log.warning(
                "a message cannot be booked as a whole", agent=group[0].letter.agent, cause=in_words(error)
            )
            self._settle_alone(group[0], error)

    def _settle_alone(self, one: Opened | Unreadable, error: Exception) -> None:
        if isinstance(one, Opened) and isinstance(one.message, Batch):
            self._take_in([one], one_by_one=True)
        elif isinstance(one, Opened):
            self._take_in([Unreadable(one.letter, in_words(error))])
        else:
            raise error

    def _take_in(self, group: Sequence[Opened | Unreadable], *, one_by_one: bool = False) -> None:
        began = time.monotonic()
        taken = self._database.run(
            lambda connection: take_in(
                connection, group, self._clock(), self._new_epoch, one_by_one=one_by_one, watch=self._watch
            )
        )
        self._note(group, taken, time.monotonic() - began)
        for agent, message in taken.answers:
            self._publish(agent, message)

    def _note(self, group: Sequence[Opened | Unreadable], taken: Taken, seconds: float) -> None:
        self.tallies.add(taken.arrivals, prefix="batches_")
        self.tallies.add(
            {
                "groups": 1,
                "applied": taken.applied,
                "quarantined": taken.quarantined,
                "repeated": taken.repeated,
            }
        )
        self.tallies.measure("last_commit_s", seconds)
        for one in group:
            if isinstance(one, Opened) and isinstance(one.message, Batch | Hello):
                sign = Sign(
                    seen_at=from_microseconds(one.letter.received_us),
                    unsent=one.message.unsent,
                    oldest_unsent_us=one.message.oldest_unsent_us,
                    software=one.message.software if isinstance(one.message, Hello) else None,
                )
                self._board.note(one.letter.agent, sign)

    def _note_presence(self, agent: str, frame: bytes, received_us: int) -> None:
        try:
            message = decode(frame).message if frame else None
        except ProtocolError:
            message = None
        if not isinstance(message, Presence):
            self.tallies.count("presence_unreadable")
            return
        sign = Sign(
            seen_at=from_microseconds(received_us)
            if message.online
            else None,  # a will speaks for the absent
            online=message.online,
            unsent=message.unsent if message.online else None,
            oldest_unsent_us=message.oldest_unsent_us,
            software=message.software or None,
        )
        self._board.note(agent, sign)

    def _answer_all(self, asks: Sequence[Letter]) -> None:
        """Items first: a counter waits for each of them."""
        about_items, others = sorted_out(asks)
        if len(about_items) > 1:
            try:
                self._once(lambda: self._answer_items(about_items), tell=False)
            except DATA_FAULTS:  # one of them; the others' customers need not suffer for it
                others = [*(letter for letter, _ in about_items), *others]
        else:
            others = [*(letter for letter, _ in about_items), *others]
        for letter in others:
            self._once(lambda letter=letter: self._answer(letter))  # type: ignore[misc]

    def _answer_items(self, asked: Sequence[tuple[Letter, ItemAsked]]) -> None:
        answers = self._database.run(lambda connection: answer_items(connection, asked, self._watch))
        self.tallies.add({"asks": len(answers)})
        for agent, answer in answers:
            self._publish(agent, answer)

    def _answer(self, letter: Letter) -> None:
        answer = self._database.run(lambda connection: answer_ask(connection, letter, self._watch))
        self.tallies.count("asks")
        self._publish(letter.agent, answer)

    def _work_up(self) -> None:
        while group := self._up.take(self.limits.group_batches, self.limits.group_bytes, wait=True):
            self._until_done(lambda group=group: self.settle(group))  # type: ignore[misc]

    def _work_asks(self) -> None:
        while asks := self._asks.take(ASKS_AT_ONCE, self.limits.group_bytes, wait=True):
            self._answer_all(asks)

    def _work_presence(self) -> None:
        while not self._stopping.wait(self.limits.presence_interval_s):
            self._once(self._write_presence)

    def _write_presence(self) -> None:
        signs = self._board.take()
        if signs:
            self._database.run(lambda connection: presence.write(connection, signs))

    def _until_done(self, work: Callable[[], None]) -> None:
        """Try again, later each time, while the database is the reason. Meanwhile the queue fills, and then turns away."""
        wait_s = 0.1
        while not self._once(work) and not self._stopping.is_set():
            self.tallies.count("retries")
            self._stopping.wait(wait_s * (0.5 + random.random()))  # noqa: S311 - to spread, not to hide
            wait_s = min(wait_s * 2, self.limits.retry_limit_s)

    def _once(self, work: Callable[[], None], *, tell: bool = True) -> bool:
        """Whether ``work`` need not be tried again. A fault in the data is told; or raised, for who can narrow it down."""
        try:
            work()
        except DATA_FAULTS as error:
            if not tell:
                raise
            # Not even one by one, nor held: unanswered, so that the sender keeps it. The thread serves everybody else.
            _log.exception("a message could be neither booked nor held", cause=in_words(error))
            self.tallies.count("unanswered")
        except (psycopg.Error, CentralError) as error:
            _log.warning("the database is in the way; tried again", cause=" ".join(str(error).split()))
            self.tallies.say("last_fault", " ".join(str(error).split()))
            return False
        return True

    def _spawn(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
