"""A simulated central: the real receiver over a database that commits all of a group or nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from protocol.chain import genesis
from protocol.delivery.receiver import Arrival, grant, greet, opening_cursor, receive
from protocol.messages import (
    Ack,
    Batch,
    Cursor,
    EpochAsked,
    EpochGranted,
    Hello,
    HelloWanted,
    UpMessage,
    Welcome,
)

Answer = Ack | Welcome | HelloWanted | EpochGranted
POISON = b"!"  # a body that begins so cannot be decoded by this central, and is quarantined


class CountedTwice(AssertionError):
    """A sale took effect a second time."""


class Crash(Enum):
    """Where the process of central dies while it works on a group."""

    NEVER = auto()
    BEFORE_COMMIT = auto()
    AFTER_COMMIT = auto()  # the rows are in, the acks are not out


class Books:
    """The database: everything that a backup of it would hold."""

    def __init__(self) -> None:
        self.cursors: dict[tuple[str, str], Cursor] = {}
        self.hashes: dict[tuple[str, str], list[bytes]] = {}  # [0] is the opening hash
        self.applied: dict[bytes, tuple[str, str, int]] = {}
        self.quarantined: dict[bytes, tuple[str, str, int]] = {}
        self.grants: dict[tuple[str, str], EpochGranted] = {}
        self.repeated = 0

    def backup(self) -> Books:
        twin = Books()
        twin.cursors, twin.grants = self.cursors.copy(), self.grants.copy()
        twin.applied, twin.quarantined = self.applied.copy(), self.quarantined.copy()
        twin.hashes = {key: hashes.copy() for key, hashes in self.hashes.items()}
        return twin

    def open_epoch(self, agent: str, cursor: Cursor) -> None:
        self.cursors[agent, cursor.epoch] = cursor
        self.hashes[agent, cursor.epoch] = [cursor.head_hash]

    def hash_at(self, agent: str) -> Callable[[str, int], bytes | None]:
        def look(epoch: str, seq: int) -> bytes | None:
            hashes = self.hashes.get((agent, epoch))
            return hashes[seq] if hashes is not None and 0 <= seq < len(hashes) else None

        return look


class Centre:
    """The process: takes groups of messages, answers after its commit.

    ``knows_facts`` is the second defence: a fact that another epoch of the same agent has brought is not applied again. With
    it off, epochs alone must keep every sale single.
    """

    def __init__(self, new_epoch: Callable[[], str], *, knows_facts: bool) -> None:
        self.books = Books()
        self.knows_facts = knows_facts
        self.new_epoch = new_epoch
        self.discrepancies: set[tuple[str, str]] = set()

    def enrol(self, agent: str, epoch: str) -> None:
        self.books.open_epoch(agent, Cursor(epoch, 1, genesis(agent, epoch)))

    def work(self, group: Sequence[tuple[str, UpMessage]], crash: Crash) -> list[tuple[str, Answer]]:
        """Apply a group in one transaction; the answers, or nothing if the process died."""
        if crash is Crash.BEFORE_COMMIT:
            return []
        answers = [
            (agent, answer) for agent, message in group if (answer := self._take(agent, message)) is not None
        ]
        return [] if crash is Crash.AFTER_COMMIT else answers

    def _take(self, agent: str, message: UpMessage) -> Answer | None:
        match message:
            case Batch():
                return self._take_batch(agent, message)
            case Hello():
                known = {
                    epoch: cursor for (name, epoch), cursor in self.books.cursors.items() if name == agent
                }
                greeting = greet(agent, message, known, self.books.hash_at(agent), 0)
                for _, cursor in greeting.adopted:
                    self.books.open_epoch(agent, cursor)
                return greeting.welcome
            case EpochAsked():
                return self._take_epoch_asked(agent, message)

    def _take_batch(self, agent: str, batch: Batch) -> Ack | HelloWanted:
        books = self.books
        key = (agent, batch.epoch)
        outcome = receive(batch, books.cursors.get(key), books.hash_at(agent))
        for row in outcome.rows:
            effects = books.quarantined if row.body.startswith(POISON) else books.applied
            books.hashes[key].append(row.hash)
            if row.body in effects:
                if self.knows_facts and effects[row.body][:2] != key:
                    books.repeated += 1
                    continue
                raise CountedTwice(
                    f"sale {row.body!r} of {agent}: at {effects[row.body]}, and again at {(*key, row.seq)}"
                )
            effects[row.body] = (agent, batch.epoch, row.seq)
        if outcome.cursor is not None:
            books.cursors[key] = outcome.cursor
        if outcome.arrival is Arrival.FORKED:
            self.discrepancies.add((agent, "fork"))
        return outcome.answer

    def _take_epoch_asked(self, agent: str, asked: EpochAsked) -> EpochGranted | HelloWanted:
        books = self.books
        stored = books.grants.get((agent, asked.request_id))
        if stored is not None:
            return stored
        parent = books.cursors.get((agent, asked.parent_epoch))
        answer = grant(asked, parent, self.new_epoch(), books.hash_at(agent))
        if isinstance(answer, EpochGranted):
            books.grants[agent, asked.request_id] = answer
            books.open_epoch(agent, opening_cursor(agent, answer))
            self.discrepancies.add((agent, asked.cause))
        return answer
