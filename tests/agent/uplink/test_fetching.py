"""Fetching damaged rows back: what is asked, and what is made of the answer."""

from __future__ import annotations

import msgspec

from agent.journal.rounds import LOST_LIMIT_ROWS
from agent.journal.survey import Lost
from agent.uplink import fetching
from agent.uplink.fetching import Fetch, LeftAsItIs, Proven
from protocol.chain import genesis, links
from protocol.delivery.vocabulary import Pace
from protocol.messages import RowsAnswered, RowsAsked

PACE = Pace(answer_timeout_us=100, answer_timeout_limit_us=1_000)
BODIES = (b"one", b"two", b"three")
START = genesis("till-1", "e")
HASHES = tuple(links(START, 1, BODIES))
LOST = Lost(epoch="e", first_seq=1, last_seq=3, previous_hash=START, own_hash=HASHES[2])


def begun() -> Fetch:
    fetch = fetching.begin(LOST, PACE, 0)
    assert isinstance(fetch, Fetch)
    return fetch


def answer(first_seq: int, *bodies: bytes, epoch: str = "e") -> RowsAnswered:
    return RowsAnswered(epoch=epoch, first_seq=first_seq, bodies=bodies)


def test_all_that_is_lost_is_asked_for() -> None:
    assert fetching.question(begun()) == RowsAsked(epoch="e", first_seq=1, last_seq=3)


def test_rows_that_lead_from_hash_to_hash_are_proven() -> None:
    assert fetching.answered(begun(), answer(1, *BODIES), PACE, 5) == Proven(LOST, BODIES, HASHES)


def test_what_one_message_does_not_hold_is_asked_for_again_from_there() -> None:
    half = fetching.answered(begun(), answer(1, *BODIES[:2]), PACE, 5)
    assert isinstance(half, Fetch)
    assert (fetching.question(half).first_seq, half.wake_us) == (3, 105)
    assert fetching.answered(half, answer(3, BODIES[2]), PACE, 6) == Proven(LOST, BODIES, HASHES)


def test_an_answer_to_another_question_changes_nothing() -> None:
    fetch = begun()
    others = (answer(2, b"two"), answer(1, *BODIES, epoch="other"))
    assert [fetching.answered(fetch, other, PACE, 5) for other in others] == [fetch, fetch]


def test_another_row_than_the_one_written_is_not_taken() -> None:
    assert fetching.answered(begun(), answer(1, b"one", b"2", b"three"), PACE, 5) == LeftAsItIs(
        LOST, fetching.NO_FIT
    )


def test_rows_that_central_does_not_have_are_left_as_they_are() -> None:
    assert fetching.answered(begun(), answer(1), PACE, 5) == LeftAsItIs(LOST, fetching.NOT_THERE)


def test_more_rows_than_were_asked_for_are_not_needed() -> None:
    assert fetching.answered(begun(), answer(1, *BODIES, b"four"), PACE, 5) == Proven(LOST, BODIES, HASHES)


def test_a_question_without_an_answer_is_asked_three_times_with_growing_patience() -> None:
    second = fetching.overdue(begun(), PACE, 100)
    assert isinstance(second, Fetch)
    third = fetching.overdue(second, PACE, 300)
    assert isinstance(third, Fetch)
    assert (second.wake_us, third.wake_us) == (300, 700)
    assert fetching.overdue(third, PACE, 700) == LeftAsItIs(LOST, fetching.NO_ANSWER)


def test_a_whole_disk_is_not_fetched_back() -> None:
    too_many = msgspec.structs.replace(LOST, last_seq=LOST_LIMIT_ROWS + 1)
    assert fetching.begin(too_many, PACE, 0) == LeftAsItIs(too_many, fetching.TOO_MANY)
