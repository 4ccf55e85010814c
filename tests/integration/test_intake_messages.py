"""Messages beside batches: hellos, requests, questions, signs of life, and those that cannot be acted upon."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import pytest

from central.embedded.database import EmbeddedDatabase
from central.intake import Limits
from protocol.chain import genesis, links
from protocol.codec import decode, encode
from protocol.messages import (
    Ack,
    Batch,
    Cursor,
    EpochAsked,
    EpochGranted,
    FeedPull,
    Held,
    Hello,
    HelloWanted,
    ItemAnswered,
    ItemAsked,
    Lineage,
    Presence,
    RowsAnswered,
    RowsAsked,
    Welcome,
)
from tests.integration.books import (
    MILK,
    NOW_US,
    Central,
    assert_books_hold,
    batch,
    central,
    discrepancies,
    epoch_id,
    event,
    laid_out,
    line,
    sale,
)

AGENT = "north-1"
EPOCH = epoch_id(1)
START = genesis(AGENT, EPOCH)
ITEM = "010401234567890121ABC"


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def sales(count: int) -> list[bytes]:
    return [event(sale(line(MILK, str(number + 1)))) for number in range(count)]


def cursor_after(bodies: list[bytes]) -> Cursor:
    return Cursor(EPOCH, len(bodies) + 1, links(START, 1, bodies)[-1] if bodies else START)


def hello(**changes: object) -> Hello:
    said = Hello(
        lineage=(Lineage(epoch=EPOCH, next_seq=1, head_hash=START),),
        acked_seq=0,
        software="test",
        journal_version=1,
        wall_us=NOW_US,
        monotonic_us=1,
        boot_id="boot",
    )
    return msgspec.structs.replace(said, **changes)


# -- rows given again -------------------------------------------------------------------------------------------------


def rows_asked(first_seq: int, last_seq: int, epoch: str = EPOCH) -> RowsAsked:
    return RowsAsked(epoch=epoch, first_seq=first_seq, last_seq=last_seq)


def test_an_agent_gets_its_rows_again_quarantined_ones_among_them(books: Central) -> None:
    bodies = [*sales(2), b"no event", *sales(2)]
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    answers = books.tell(AGENT, rows_asked(2, 4), "ask")
    assert answers == [RowsAnswered(epoch=EPOCH, first_seq=2, bodies=tuple(bodies[1:4]))]


def test_rows_that_central_does_not_have_are_not_given(books: Central) -> None:
    bodies = sales(2)
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    questions = [rows_asked(2, 9), rows_asked(3, 9), rows_asked(0, 2), rows_asked(2, 1)]
    given = [books.tell(AGENT, question, "ask")[0] for question in questions]
    assert [answer.bodies for answer in given if isinstance(answer, RowsAnswered)] == [
        (bodies[1],),
        (),
        (),
        (),
    ]


def test_no_agent_gets_the_rows_of_another(books: Central) -> None:
    books.tell(AGENT, batch(EPOCH, 1, START, sales(2)))
    answers = books.tell("south-1", rows_asked(1, 2), "ask")
    assert answers == [RowsAnswered(epoch=EPOCH, first_seq=1, bodies=())]


def test_rows_that_no_message_would_hold_are_given_as_far_as_they_fit(books: Central) -> None:
    bodies = [random.Random(number).randbytes(45_000) for number in range(4)]
    for seq in range(1, 5):
        books.tell(AGENT, batch(EPOCH, seq, cursor_after(bodies[: seq - 1]).head_hash, bodies[seq - 1 : seq]))
    (answer,) = books.tell(AGENT, rows_asked(1, 4), "ask")
    assert answer == RowsAnswered(epoch=EPOCH, first_seq=1, bodies=tuple(bodies[:2]))
    assert decode(encode(answer, "countermark/1/down/north-1")).message == answer


@pytest.mark.parametrize("question", [rows_asked(1, 2, "no uuid"), rows_asked(-1, 2), rows_asked(1, 1 << 62)])
def test_a_question_for_rows_that_makes_no_sense_is_answered_with_the_reason(
    books: Central, question: RowsAsked
) -> None:
    (answer,) = books.tell(AGENT, question, "ask")
    assert isinstance(answer, Held)
    assert "expected" in answer.cause


# -- messages that cannot be acted upon -------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [b"\x01\x00garbage", b"\x63\x00", b"\x63\x00from the future", b"xx"])
def test_an_unreadable_frame_is_held_once_and_its_sender_told(books: Central, frame: bytes) -> None:
    for _ in range(3):
        books.intake.offer(AGENT, "up", frame, NOW_US)
        books.intake.drain()
    assert {type(answer) for _, answer in books.take_answers()} == {Held}
    assert books.rows("SELECT frame FROM held_messages") == [(frame,)]
    assert discrepancies(books) == [("held", "north")]


def test_messages_of_an_unknown_agent_are_held_and_booked_nowhere(books: Central) -> None:
    assert books.tell("stranger", batch(EPOCH, 1, START, sales(1))) == [
        Held(cause="this agent is not enrolled here")
    ]
    assert books.rows("SELECT agent_id FROM held_messages") == [("stranger",)]
    assert_books_hold(books, [])


def test_a_revoked_agent_is_told_so_and_its_batch_stays_with_it(books: Central) -> None:
    with books.database.transaction() as connection:
        connection.execute("UPDATE agents SET state = 'revoked' WHERE agent_id = %s", (AGENT,))
    [answer] = books.tell(AGENT, batch(EPOCH, 1, START, sales(1)))
    assert isinstance(answer, Held)
    assert_books_hold(books, [])
    assert books.rows("SELECT * FROM held_messages") == []


@pytest.mark.parametrize(
    "message",
    [
        Hello(lineage=(), acked_seq=0, software="", journal_version=1, wall_us=0, monotonic_us=0, boot_id=""),
        hello(lineage=(Lineage(epoch="EPOCH", next_seq=1, head_hash=b""),)),
        hello(boot_id="nul\0byte"),
        Batch(epoch=EPOCH, first_seq=-5, previous_hash=START, head_hash=START, bodies=(b"x",)),
        Batch(epoch=EPOCH, first_seq=(1 << 64) - 1, previous_hash=START, head_hash=START, bodies=(b"x",)),
        EpochAsked(request_id="r\0", parent_epoch=EPOCH, parent_seq=0, parent_hash=START, cause="fork"),
        EpochAsked(request_id="r", parent_epoch=EPOCH, parent_seq=0, parent_hash=START, cause="whim"),
    ],
    ids=["no lineage", "epoch", "boot", "negative seq", "huge seq", "request id", "cause"],
)
def test_a_message_with_values_out_of_range_is_held(
    books: Central, message: Hello | Batch | EpochAsked
) -> None:
    [answer] = books.tell(AGENT, message)
    assert isinstance(answer, Held)
    assert books.rows("SELECT count(*) FROM held_messages") == [(1,)]


def test_what_is_held_of_one_agent_is_bounded(books: Central) -> None:
    for number in range(60):
        books.intake.offer(AGENT, "up", b"\x63\x00%d" % number, NOW_US)
        books.intake.drain()
    assert books.rows("SELECT count(*) FROM held_messages") == [(50,)]


def test_a_full_queue_turns_away_and_says_so(database_url: str) -> None:
    with central(database_url, limits=Limits(queue_messages=2)) as books:
        taken = [books.intake.offer(AGENT, "up", b"frame %d" % number, NOW_US) for number in range(3)]
        assert taken == [True, True, False]
        assert books.intake.tallies.counts() == {"offered": 2, "turned_away": 1}


# -- hellos and grants ------------------------------------------------------------------------------------------------


def test_a_hello_is_answered_with_the_cursors_of_its_epochs(books: Central) -> None:
    bodies = sales(2)
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    [answer] = books.tell(AGENT, hello())
    assert isinstance(answer, Welcome)
    assert answer.cursors == (cursor_after(bodies),)


def test_an_epoch_that_central_has_lost_is_taken_up_again(books: Central) -> None:
    lost = epoch_id(9)
    opening = genesis(AGENT, lost, START)
    lineage = (
        Lineage(epoch=EPOCH, next_seq=1, head_hash=START),
        Lineage(epoch=lost, next_seq=8, head_hash=b"h" * 32, parent_epoch=EPOCH, parent_hash=START),
    )
    [answer] = books.tell(AGENT, hello(lineage=lineage, acked_seq=7))
    assert isinstance(answer, Welcome)
    assert answer.cursors[1] == Cursor(lost, 1, opening)
    bodies = sales(2)
    [ack] = books.tell(AGENT, batch(lost, 1, opening, bodies))
    assert isinstance(ack, Ack)
    assert_books_hold(books, bodies)
    assert ("central_restored", "north") in discrepancies(books)


def test_the_same_request_is_granted_the_same_epoch(books: Central) -> None:
    books.tell(AGENT, batch(EPOCH, 1, START, sales(3)))
    asked = EpochAsked(request_id="one", parent_epoch=EPOCH, parent_seq=0, parent_hash=START, cause="rewind")
    [first] = books.tell(AGENT, asked)
    [again] = books.tell(AGENT, asked)
    assert isinstance(first, EpochGranted)
    assert first == again
    assert discrepancies(books) == [("rewind", "north"), ("sold_below_zero", "north")]


def test_a_request_from_a_row_that_differs_is_not_granted(books: Central) -> None:
    books.tell(AGENT, batch(EPOCH, 1, START, sales(3)))
    asked = EpochAsked(
        request_id="one", parent_epoch=EPOCH, parent_seq=2, parent_hash=b"x" * 32, cause="fork"
    )
    [answer] = books.tell(AGENT, asked)
    assert isinstance(answer, HelloWanted)


def test_the_clock_of_a_hello_is_noted_and_a_wrong_one_reported(books: Central) -> None:
    ten_years_us = 10 * 365 * 86_400 * 1_000_000
    books.tell(AGENT, hello(wall_us=NOW_US - ten_years_us, monotonic_us=5_000_000))
    [(boot, offset)] = books.rows("SELECT boot_id, clock_offset_us FROM agents WHERE agent_id = %s", AGENT)
    assert (boot, offset) == ("boot", -ten_years_us)
    assert discrepancies(books) == [("clock_step", "north")]


# -- questions --------------------------------------------------------------------------------------------------------


def test_an_item_question_is_answered_with_what_central_knows(books: Central) -> None:
    books.tell(AGENT, batch(EPOCH, 1, START, [event(sale(line(item=ITEM)))]))
    [known] = books.tell("south-1", ItemAsked(question_id="q", item=ITEM), "ask")
    [unknown] = books.tell("south-1", ItemAsked(question_id="q", item="01x21y"), "ask")
    assert isinstance(known, ItemAnswered)
    assert known.body is not None
    assert b'"state":"sold"' in known.body
    assert unknown == ItemAnswered(question_id="q", item="01x21y", body=None)


def test_questions_that_wait_together_get_their_own_answers_before_any_feed(books: Central) -> None:
    books.tell(AGENT, batch(EPOCH, 1, START, [event(sale(line(item=ITEM)))]))
    books.offer("south-1", FeedPull(feed="secrets", since=0, limit=1), "ask")
    books.offer("south-1", ItemAsked(question_id="q1", item=ITEM), "ask")
    books.offer("nobody", ItemAsked(question_id="q2", item=ITEM), "ask")
    books.offer(AGENT, ItemAsked(question_id="q3", item="01x21y"), "ask")
    books.intake.drain()
    told = [
        (agent, answer.question_id if isinstance(answer, ItemAnswered) else type(answer).__name__)
        for agent, answer in books.take_answers()
    ]
    assert told == [("south-1", "q1"), ("nobody", "Held"), (AGENT, "q3"), ("south-1", "Held")]


def test_an_unknown_feed_is_refused_by_name(books: Central) -> None:
    [answer] = books.tell(AGENT, FeedPull(feed="secrets", since=0, limit=1), "ask")
    assert isinstance(answer, Held)
    assert "'secrets'" in answer.cause


def test_signs_of_life_reach_the_fleet(books: Central, database_url: str) -> None:
    books.tell(AGENT, hello(unsent=7, oldest_unsent_us=NOW_US))
    here = Presence(online=True, unsent=3, software="1.2")
    books.intake.offer(AGENT, "state", encode(here, "x"), NOW_US)
    books.intake.offer("south-1", "state", b"garbage", NOW_US)
    books.intake.offer("south-1", "state", b"", NOW_US)
    books.intake.drain()
    assert books.rows("SELECT online, unsent, software FROM agents ORDER BY agent_id") == [
        (True, 3, "1.2"),
        (False, 0, None),
    ]
