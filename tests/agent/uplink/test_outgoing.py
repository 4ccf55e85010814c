"""The messages an agent builds from its journal."""

from __future__ import annotations

import secrets
from decimal import Decimal
from pathlib import Path

from agent.feeds.replica import Replica
from agent.uplink import outgoing
from agent.uplink.outgoing import BATCH_LIMIT_ROWS
from protocol.codec import FRAME_LIMIT_BYTES, decode
from protocol.delivery.receiver import Arrival, receive
from protocol.delivery.vocabulary import SendBatch, SendHello
from protocol.events import EVENT_LIMIT_BYTES, Event, Sale, SaleLine, encode_event
from protocol.messages import Batch, Cursor
from tests.agent.journal.counter import AGENT, FIRST_EPOCH, Counter

TOPIC = f"countermark/1/up/{AGENT}"


def batch(counter: Counter, first_seq: int = 1) -> Batch:
    """The next batch, by way of its frame."""
    last_seq = counter.journal.lineage()[-1].next_seq - 1
    frame = outgoing.batch_frame(SendBatch(FIRST_EPOCH, first_seq, last_seq), counter.journal, TOPIC, None)
    assert frame is not None
    assert len(frame) <= FRAME_LIMIT_BYTES
    message = decode(frame).message
    assert isinstance(message, Batch)
    return message


def incompressible(counter: Counter, size_bytes: int) -> Event:
    """An event that no compressor makes smaller."""
    line = SaleLine(gtin="06901234567892", quantity=Decimal(1), amount_minor=100)
    reference = secrets.token_urlsafe(size_bytes)[: size_bytes - 300]
    return Event(
        at=counter.clock.moment(),
        body=Sale(sale_id="big", receipt="r", currency="CNY", lines=(line,), reference=reference),
    )


def test_a_batch_is_what_the_receiver_expects(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        opening = counter.journal.hash_at(FIRST_EPOCH, 0)
        assert opening is not None
        outcome = receive(batch(counter), Cursor(FIRST_EPOCH, 1, opening), lambda *_: None)
        assert (outcome.arrival, [row.body for row in outcome.rows]) == (Arrival.NEXT, counter.names())


def test_a_batch_says_how_much_is_behind_it(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        last = batch(counter)
        counter.sell_many(BATCH_LIMIT_ROWS + 200)
        first = batch(counter)
        assert (last.unsent, last.oldest_unsent_us) == (0, None)
        assert (first.unsent, first.oldest_unsent_us) == (203, counter.clock.wall_us())


def test_a_batch_holds_so_many_rows_at_most(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell_many(BATCH_LIMIT_ROWS + 200)
        behind = batch(counter, BATCH_LIMIT_ROWS + 1)
        assert [len(batch(counter).bodies), len(behind.bodies)] == [BATCH_LIMIT_ROWS, 200]


def test_events_that_do_not_compress_still_fit_a_message(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        events = [incompressible(counter, 20_000) for _ in range(20)]
        counter.store.write(lambda at: [counter.journal.append(at, event) for event in events]).result()
        assert 1 <= len(batch(counter).bodies) <= 6


def test_the_largest_event_that_is_accepted_can_be_sent(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        event = incompressible(counter, EVENT_LIMIT_BYTES)
        counter.store.write(lambda at: counter.journal.append(at, event)).result()
        assert batch(counter).bodies == (encode_event(event),)


def test_a_damaged_first_row_makes_no_batch(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.sql("UPDATE journal SET body = x'00' WHERE seq = 1")
        assert outgoing.batch_frame(SendBatch(FIRST_EPOCH, 1, 2), counter.journal, TOPIC, None) is None


def test_a_hello_says_where_the_journal_and_the_feeds_stand(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        replica = Replica(counter.store, counter.clock)
        hello = outgoing.hello(SendHello(), counter.journal, replica, counter.clock, "software 1")
        assert (hello.lineage, hello.acked_seq, hello.unsent, set(hello.feeds.values())) == (
            tuple(counter.journal.lineage()),
            1,
            1,
            {0},
        )


def test_presence_says_how_far_behind_the_agent_is(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        presence = outgoing.presence(counter.journal, counter.clock, "software 1", online=True)
        assert (presence.online, presence.epoch, presence.unsent) == (True, FIRST_EPOCH, 1)
