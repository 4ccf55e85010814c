"""Feeds against a real PostgreSQL: nothing is skipped, whoever commits when, and both sides can prove it."""

from __future__ import annotations

import hashlib
import queue
import random
import threading
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from central import feeds
from central.database import Database
from central.embedded.database import EmbeddedDatabase
from central.feeds import FeedRowTooLarge
from central.feeds.hints import Hints, concerned
from protocol.chain import genesis
from protocol.codec import encode
from protocol.events import GoodsLine, GoodsReceived
from protocol.messages import Changed, DownMessage, FeedChunk, FeedPull, FeedRow
from tests.integration.books import (
    MILK,
    Central,
    batch,
    central,
    epoch_id,
    event,
    laid_out,
    line,
    sale,
)

FEED = "catalogue"


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


class Replica:
    """What an agent keeps of a feed: it applies chunks and checks the digest, by a sum of its own."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.version = 0

    def take(self, chunk: FeedChunk) -> None:
        assert not chunk.restart
        for row in chunk.rows:
            if row.body is None:
                self.rows.pop(row.key, None)
            else:
                self.rows[row.key] = row.body
        self.version = chunk.next
        if chunk.digest is not None:
            assert chunk.digest == self.digest()

    def digest(self) -> int:
        parts = (hashlib.sha256(key.encode() + b"\0" + body).digest()[:8] for key, body in self.rows.items())
        return sum(int.from_bytes(part, "big") for part in parts) % 2**64

    def pull(self, database: Database, limit: int = 1_000, feed: str = FEED, scope: str = "") -> None:
        while True:
            with database.transaction() as connection:
                chunk = feeds.pull(connection, feed, scope, self.version, limit)
            self.take(chunk)
            if not chunk.more:
                return


def publish(database: Database, *rows: tuple[str, bytes | None]) -> int:
    with database.transaction() as connection:
        return feeds.publish(connection, FEED, "", rows)


def test_a_feed_that_has_never_been_written_is_empty_and_whole(books: Central) -> None:
    with books.database.transaction() as connection:
        assert feeds.pull(connection, FEED, "", 0, 10) == FeedChunk(
            feed=FEED, since=0, next=0, rows=(), digest=0
        )


def test_an_unchanged_row_keeps_its_version(books: Central) -> None:
    assert publish(books.database, ("a", b"1"), ("b", b"2")) == 2
    assert publish(books.database, ("a", b"1"), ("b", b"3")) == 3
    with books.database.transaction() as connection:
        assert feeds.pull(connection, FEED, "", 2, 10).rows == (FeedRow("b", b"3"),)


def test_a_row_that_is_taken_away_is_taken_away_from_the_replica(books: Central) -> None:
    publish(books.database, ("a", b"1"), ("b", b"2"))
    replica = Replica()
    replica.pull(books.database)
    publish(books.database, ("a", None), ("never there", None))
    replica.pull(books.database)
    assert replica.rows == {"b": b"2"}


def test_a_row_that_comes_back_is_there_again(books: Central) -> None:
    for body in (b"1", None, b"1"):
        publish(books.database, ("a", body))
    replica = Replica()
    replica.pull(books.database)
    assert replica.rows == {"a": b"1"}


def test_a_pull_in_chunks_gives_the_whole_feed_and_its_digest(books: Central) -> None:
    rows = {f"key-{number}": b"%d" % number for number in range(250)}
    publish(books.database, *rows.items())
    replica = Replica()
    replica.pull(books.database, limit=7)
    assert replica.rows == rows


def test_a_version_from_the_future_starts_the_replica_over(books: Central) -> None:
    publish(books.database, ("a", b"1"))
    with books.database.transaction() as connection:
        chunk = feeds.pull(connection, FEED, "", 99, 10)
    assert (chunk.restart, chunk.next, chunk.head) == (True, 0, 1)


def test_every_chunk_fits_a_frame(books: Central) -> None:
    chance = random.Random(1)
    rows = {f"key-{number}": chance.randbytes(9_000) for number in range(60)}
    publish(books.database, *rows.items())
    since = 0
    found: dict[str, bytes | None] = {}
    while True:
        with books.database.transaction() as connection:
            chunk = feeds.pull(connection, FEED, "", since, 10_000)
        encode(chunk, "countermark/1/down/an-agent")
        found |= {row.key: row.body for row in chunk.rows}
        since = chunk.next
        if not chunk.more:
            break
    assert found == rows


def test_a_row_that_no_frame_can_carry_is_refused_when_it_is_written(books: Central) -> None:
    with pytest.raises(FeedRowTooLarge, match="expected at most"):
        publish(books.database, ("a", b"x" * 200_000))
    with books.database.transaction() as connection:
        assert feeds.head(connection, FEED, "") == 0


def test_a_second_writer_waits_so_that_no_version_can_be_skipped(books: Central) -> None:
    with books.database.transaction() as slow:
        feeds.publish(slow, FEED, "", [("slow", b"1")])
        with books.database.transaction() as fast:
            fast.execute("SET LOCAL lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable), fast.transaction():
                feeds.publish(fast, FEED, "", [("fast", b"1")])
        replica = Replica()
        replica.pull(books.database)
        assert replica.version == 0
    publish(books.database, ("fast", b"1"))
    replica.pull(books.database)
    assert replica.rows == {"slow": b"1", "fast": b"1"}


@pytest.mark.parametrize("seed", range(3))
def test_a_reader_beside_two_writers_ends_with_exactly_the_feed(books: Central, seed: int) -> None:
    stop = threading.Event()
    replica = Replica()

    def write(chance: random.Random) -> None:
        for _ in range(40):
            rows = [
                (f"key-{chance.randrange(30)}", None if chance.random() < 0.2 else chance.randbytes(8))
                for _ in range(chance.randrange(1, 6))
            ]

            def work(connection: psycopg.Connection, rows: list[tuple[str, bytes | None]] = rows) -> None:
                feeds.publish(connection, FEED, "", rows)
                if chance.random() < 0.3:
                    connection.execute("SELECT pg_sleep(0.002)")  # a commit that lands late

            books.database.run(work)

    def read() -> None:
        while not stop.is_set():
            replica.pull(books.database, limit=3)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(random.Random(seed * 10 + n),)) for n in range(2)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    replica.pull(books.database)
    kept = books.rows("SELECT key, body FROM feed_rows WHERE body IS NOT NULL")
    assert replica.rows == {key: bytes(body) for key, body in kept}
    fresh = Replica()
    fresh.pull(books.database)
    assert (fresh.rows, fresh.digest()) == (replica.rows, replica.digest())


def test_the_stock_feed_says_what_central_counts_when_it_is_pulled(books: Central) -> None:
    agent, epoch = "north-1", epoch_id(1)
    received = GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=MILK, quantity=Decimal(10)),))
    bodies = [event(received), event(sale(line(MILK, "2.5")))]
    books.tell(agent, batch(epoch, 1, genesis(agent, epoch), bodies))
    [chunk] = books.tell(agent, FeedPull(feed="stock", since=0, limit=100), "ask")
    assert isinstance(chunk, FeedChunk)
    assert [row.body for row in chunk.rows] == [
        b'{"gtin":"%s","on_hand":"7.5","in_transit":"0","on_order":"0"}' % MILK.encode()
    ]
    [again] = books.tell(agent, FeedPull(feed="stock", since=chunk.next, limit=100), "ask")
    assert isinstance(again, FeedChunk)
    assert (again.rows, again.digest) == ((), chunk.digest)


def test_an_agent_gets_the_feeds_of_its_own_site_only(books: Central) -> None:
    with books.database.transaction() as connection:
        feeds.publish(connection, "orders", "north", [("n", b"1")])
        feeds.publish(connection, "orders", "south", [("s", b"1")])
    [chunk] = books.tell("south-1", FeedPull(feed="orders", since=0, limit=100), "ask")
    assert isinstance(chunk, FeedChunk)
    assert [row.key for row in chunk.rows] == ["s"]


def test_who_must_hear_of_which_feed(books: Central) -> None:
    moved = {("catalogue", ""): 4, ("orders", "south"): 2, ("prices", "default"): 3, ("prices", "other"): 9}
    with books.database.transaction() as connection:
        assert concerned(connection, moved) == {
            "north-1": {"catalogue": 4, "prices": 3},
            "south-1": {"catalogue": 4, "orders": 2, "prices": 3},
        }


def test_agents_are_told_of_a_moved_feed_after_its_commit(books: Central) -> None:
    told: queue.Queue[tuple[str, DownMessage]] = queue.Queue()
    hints = Hints(books.database, lambda agent, message: told.put((agent, message)))
    hints.start()
    try:
        heard: list[tuple[str, DownMessage]] = []
        for number in range(200):  # the listener may not stand yet when the first ones are written
            with books.database.transaction() as connection:
                feeds.publish(connection, "orders", "south", [("s", b"%d" % number)])
            try:
                heard.append(told.get(timeout=0.3))
                break
            except queue.Empty:
                continue
        assert [agent for agent, _ in heard] == ["south-1"]
        assert isinstance(heard[0][1], Changed)
    finally:
        hints.stop()
