"""The sender in ordinary trouble, transition by transition, over a journal in memory."""

from __future__ import annotations

from protocol.delivery.vocabulary import (
    Appended,
    Connected,
    Disconnected,
    NoteAcked,
    Phase,
    SendBatch,
    SendHello,
    State,
    Tick,
)
from protocol.messages import Ack, Cursor
from tests.protocol.sender_driver import EPOCH, PACE, Driver, cursor, driver, welcome


def test_a_sender_that_is_connected_says_hello() -> None:
    at = driver(3)
    assert at.give(Connected()) == [SendHello()]
    assert at.state.phase is Phase.GREETING


def test_after_the_welcome_it_sends_what_central_has_not() -> None:
    at = driver(5, Connected())
    assert at.give(welcome(cursor(at.disk, 3))) == [NoteAcked(EPOCH, 3), SendBatch(EPOCH, 3, 5)]
    assert at.state.phase is Phase.SENDING


def test_with_nothing_to_send_it_rests() -> None:
    at = driver(2, Connected())
    assert at.give(welcome(cursor(at.disk, 3))) == [NoteAcked(EPOCH, 3)]
    assert (at.state.phase, at.state.wake_us) == (Phase.IDLE, PACE.hello_interval_us)


def test_one_batch_is_in_flight_until_its_ack() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    at.disk.append([b"more"])
    assert at.give(Appended()) == []
    assert at.give(Ack(cursor=cursor(at.disk, 4))) == [NoteAcked(EPOCH, 4), SendBatch(EPOCH, 4, 6)]


def test_a_new_row_wakes_a_resting_sender() -> None:
    at = driver(2, Connected())
    at.give(welcome(cursor(at.disk, 3)))
    at.disk.append([b"three"])
    assert at.give(Appended()) == [SendBatch(EPOCH, 3, 3)]


def test_word_of_a_commit_that_brought_no_row_sends_nothing() -> None:
    at = driver(2, Connected())
    at.give(welcome(cursor(at.disk, 3)))
    assert at.give(Appended()) == []


def test_without_an_ack_the_same_batch_is_sent_again_a_little_later_each_time() -> None:
    at = driver(2, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    waits = []
    for _ in range(5):
        assert at.give(Tick()) == [SendBatch(EPOCH, 1, 2)]
        assert at.state.wake_us is not None
        waits.append(at.state.wake_us)
    assert all(
        1.0 <= wait / limit <= 1.5
        for wait, limit in zip(waits, [2_000, 4_000, 4_000, 4_000, 4_000], strict=True)
    )


def test_an_answer_that_took_long_makes_the_next_wait_half_as_long_again() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    at.now_us = 2_000
    at.give(Ack(cursor=cursor(at.disk, 3)))
    assert 3_000 <= patience_us(at) <= 4_500


def test_an_answer_is_timed_from_the_first_of_the_repetitions() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    at.now_us = 1_500
    at.give(Tick())
    at.now_us = 2_000
    at.give(Ack(cursor=cursor(at.disk, 3)))
    assert 3_000 <= patience_us(at) <= 4_500


def test_after_a_quick_answer_the_usual_wait_is_back() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    at.now_us = 2_000
    at.give(Ack(cursor=cursor(at.disk, 3)))
    at.now_us = 2_100
    at.give(Ack(cursor=cursor(at.disk, 4)))
    assert 1_000 <= patience_us(at) <= 1_500


def test_no_answer_however_slow_makes_the_wait_longer_than_its_limit() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    at.now_us = 60_000
    at.give(Ack(cursor=cursor(at.disk, 3)))
    assert 4_000 <= patience_us(at) <= 6_000


def test_the_time_at_rest_is_not_taken_for_a_slow_answer() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 6)))
    at.now_us = 40_000
    at.give(Ack(cursor=cursor(at.disk, 3)))  # central was restored from a backup
    assert 1_000 <= patience_us(at) <= 1_500


def test_a_repeated_ack_changes_nothing() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 3)))
    assert at.give(Ack(cursor=cursor(at.disk, 3))) == []


def test_an_ack_of_a_central_restored_from_a_backup_makes_it_go_back() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 6)))
    assert at.give(Ack(cursor=cursor(at.disk, 2))) == [NoteAcked(EPOCH, 2), SendBatch(EPOCH, 2, 5)]


def test_an_ack_of_another_epoch_is_no_news() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 1)))
    assert at.give(Ack(cursor=Cursor("another", 3, b""))) == []


def test_a_resting_sender_says_hello_now_and_then() -> None:
    at = driver(1, Connected())
    at.give(welcome(cursor(at.disk, 2)))
    assert at.give(Tick()) == [SendHello()]


def test_a_lost_link_forgets_everything_but_the_journal() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 3)), Disconnected())
    assert at.state == State(agent="till-1", pace=PACE)


def test_a_hello_without_an_answer_is_said_again() -> None:
    at = driver(1, Connected())
    assert at.give(Tick()) == [SendHello()]


def test_a_welcome_that_does_not_name_the_live_epoch_is_an_old_one() -> None:
    at = driver(1, Connected())
    assert at.give(welcome(Cursor("another", 1, b""))) == []
    assert at.state.phase is Phase.GREETING


def patience_us(at: Driver) -> int:
    """How long the sender waits from now on."""
    assert at.state.wake_us is not None
    return at.state.wake_us - at.now_us
