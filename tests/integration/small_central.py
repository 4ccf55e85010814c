"""A central that fits in a test: the real receiver over books that are kept in memory, on a real broker.

Everything that decides is :mod:`protocol.delivery.receiver`; what is small here is the memory. Tests may set ``ack_filter`` to lose
answers, and read the books.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Self

from protocol.chain import genesis
from protocol.codec import decode, encode
from protocol.delivery import receiver
from protocol.feeds import Feed, digest_after, row_digest
from protocol.messages import (
    Batch,
    Cursor,
    DownMessage,
    EpochAsked,
    EpochGranted,
    FeedChunk,
    FeedPull,
    FeedRow,
    Hello,
    ItemAnswered,
    ItemAsked,
    Presence,
    RowsAnswered,
    RowsAsked,
)
from protocol.topics import every, parse, topic
from tests.integration.services import Client, RunningBroker

WAIT_S = 20.0


class Books:
    """What one agent has delivered: rows and cursors by epoch, and the epochs it was granted."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.rows: dict[str, list[tuple[bytes, bytes]]] = {}  # epoch -> (hash, body), from row 1
        self.openings: dict[str, bytes] = {}
        self.cursors: dict[str, Cursor] = {}
        self.grants: dict[str, EpochGranted] = {}

    def open(self, cursor: Cursor) -> None:
        self.cursors[cursor.epoch] = cursor
        self.openings[cursor.epoch] = cursor.head_hash
        self.rows.setdefault(cursor.epoch, [])

    def hash_at(self, epoch: str, seq: int) -> bytes | None:
        if seq == 0:
            return self.openings.get(epoch)
        rows = self.rows.get(epoch, [])
        return rows[seq - 1][0] if seq <= len(rows) else None

    def set_back(self, epoch: str, rows: int) -> None:
        """As if restored from a backup that was made after ``rows`` rows."""
        del self.rows[epoch][rows:]
        head = self.hash_at(epoch, rows)
        assert head is not None
        self.cursors[epoch] = Cursor(epoch, rows + 1, head)

    def bodies(self) -> list[bytes]:
        return [body for rows in self.rows.values() for _, body in rows]


class SmallCentral:
    """Serves every agent of one broker until it is left."""

    def __init__(self, broker: RunningBroker) -> None:
        self.books: dict[str, Books] = {}
        self.hellos: list[Hello] = []
        self.feeds: dict[str, dict[str, bytes]] = {feed.value: {} for feed in Feed}
        self.items: dict[str, bytes] = {}
        self.presences: list[Presence] = []
        self.chunk_rows = 100
        self.answer_rows = 2
        self.may_answer: Callable[[DownMessage], bool] = lambda _: True
        self._moved = threading.Condition()
        self._client = Client(broker, "central")
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def enrol(self, agent: str) -> str:
        """Grant an agent its first epoch."""
        epoch = str(uuid.uuid4())
        books = self.books.setdefault(agent, Books(agent))
        books.open(Cursor(epoch, 1, genesis(agent, epoch)))
        return epoch

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Until the books, after some message, fulfil ``condition``."""
        with self._moved:
            assert self._moved.wait_for(condition, WAIT_S)

    def send(self, agent: str, message: DownMessage) -> None:
        self.send_bytes(agent, encode(message, topic("down", agent)))

    def send_bytes(self, agent: str, frame: bytes) -> None:
        self._client.paho.publish(topic("down", agent), frame, qos=1)

    def __enter__(self) -> Self:
        self._client.connect()
        self._client.subscribe(every("up"), every("ask"), every("state"))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever leaves with a message unanswered keeps the broker waiting for it.
        is_unsubscribed = threading.Event()
        self._client.paho.on_unsubscribe = lambda *_: is_unsubscribed.set()
        self._client.paho.unsubscribe([every("up"), every("ask"), every("state")])
        assert is_unsubscribed.wait(WAIT_S)
        self._client.messages.put(("", b""))
        self._thread.join(WAIT_S)
        self._client.__exit__()

    def _serve(self) -> None:
        while True:
            name, frame = self._client.messages.get()
            if not name:
                return
            agent = parse(name).agent
            with self._moved:
                answer = self._answer(agent, decode(frame).message)
                self._moved.notify_all()
            if answer is not None and self.may_answer(answer):
                self.send(agent, answer)

    def _answer(self, agent: str, message: object) -> DownMessage | None:
        books = self.books.setdefault(agent, Books(agent))
        match message:
            case Hello():
                self.hellos.append(message)
                greeting = receiver.greet(agent, message, books.cursors, books.hash_at, 1_800_000_000_000_000)
                for _, cursor in greeting.adopted:
                    books.open(cursor)
                return greeting.welcome
            case Batch():
                outcome = receiver.receive(message, books.cursors.get(message.epoch), books.hash_at)
                if outcome.cursor is not None:
                    books.cursors[message.epoch] = outcome.cursor
                    books.rows[message.epoch] += [(row.hash, row.body) for row in outcome.rows]
                return outcome.answer
            case EpochAsked():
                return self._grant(books, message)
            case FeedPull():
                return self._chunk(message)
            case ItemAsked():
                return ItemAnswered(
                    question_id=message.question_id, item=message.item, body=self.items.get(message.item)
                )
            case RowsAsked(epoch=epoch, first_seq=first_seq, last_seq=last_seq):
                kept = books.rows.get(epoch, [])[first_seq - 1 : last_seq][: self.answer_rows]
                bodies = tuple(body for _, body in kept)
                return RowsAnswered(epoch=epoch, first_seq=first_seq, bodies=bodies)
            case Presence():
                self.presences.append(message)
        return None

    def _grant(self, books: Books, asked: EpochAsked) -> DownMessage:
        if asked.request_id in books.grants:
            return books.grants[asked.request_id]
        parent = books.cursors.get(asked.parent_epoch)
        answer = receiver.grant(asked, parent, str(uuid.uuid4()), books.hash_at)
        if isinstance(answer, EpochGranted):
            books.grants[asked.request_id] = answer
            books.open(receiver.opening_cursor(books.agent, answer))
        return answer

    def _chunk(self, pull: FeedPull) -> FeedChunk:
        """Rows are numbered as they stand; a feed of this central only grows."""
        rows = list(self.feeds[pull.feed].items())
        if pull.since > len(rows):
            return FeedChunk(feed=pull.feed, since=pull.since, next=pull.since, rows=(), restart=True)
        until = min(pull.since + min(pull.limit, self.chunk_rows), len(rows))
        digest = 0
        for key, body in rows[:until]:
            digest = digest_after(digest, 0, row_digest(key, body))
        more = until < len(rows)
        return FeedChunk(
            feed=pull.feed,
            since=pull.since,
            next=until,
            rows=tuple(FeedRow(key, body) for key, body in rows[pull.since : until]),
            head=len(rows),
            more=more,
            digest=None if more else digest,
        )
