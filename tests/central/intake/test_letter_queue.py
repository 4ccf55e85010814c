"""The queue in front of the intake: bounded, in order, and nobody waits on a closed one."""

from __future__ import annotations

import threading

from central.intake.letters import Letter
from central.intake.queue import LetterQueue
from central.intake.tallies import Tallies


def letter(number: int, size: int = 10) -> Letter:
    return Letter(f"a{number}", "up", b"x" * size, number)


def test_letters_come_out_in_the_order_in_which_they_went_in() -> None:
    waiting = LetterQueue(10, 1_000)
    sent = [letter(number) for number in range(5)]
    assert all(waiting.put(one) for one in sent)
    assert waiting.take(3, 1_000, wait=False) + waiting.take(3, 1_000, wait=False) == sent


def test_a_full_queue_says_no_by_number() -> None:
    waiting = LetterQueue(2, 1_000)
    assert [waiting.put(letter(number)) for number in range(3)] == [True, True, False]


def test_a_full_queue_says_no_by_bytes_and_has_room_again_when_some_were_taken() -> None:
    waiting = LetterQueue(100, 25)
    assert [waiting.put(letter(number)) for number in range(4)] == [True, True, True, False]
    waiting.take(2, 1_000, wait=False)
    assert waiting.put(letter(9))


def test_a_group_stays_within_its_bytes_but_is_never_empty() -> None:
    waiting = LetterQueue(100, 10_000)
    for number in range(3):
        waiting.put(letter(number, 400))
    assert [len(waiting.take(10, 900, wait=False)), len(waiting.take(10, 1, wait=False))] == [2, 1]


def test_an_empty_queue_gives_nothing_without_waiting() -> None:
    assert LetterQueue(1, 1).take(1, 1, wait=False) == []


def test_closing_wakes_whoever_waits() -> None:
    waiting = LetterQueue(1, 1)
    got: list[list[Letter]] = []
    thread = threading.Thread(target=lambda: got.append(waiting.take(1, 1, wait=True)))
    thread.start()
    waiting.close()
    thread.join(10)
    assert got == [[]]
    assert not waiting.put(letter(1))


def test_tallies_add_up() -> None:
    tallies = Tallies()
    tallies.count("asks")
    tallies.add({"next": 2, "repeated": 1}, prefix="batches_")
    tallies.add({"next": 1}, prefix="batches_")
    tallies.measure("last_commit_s", 0.5)
    tallies.say("last_fault", "away")
    assert tallies.counts() == {"asks": 1, "batches_next": 3, "batches_repeated": 1}
    assert (tallies.measures(), tallies.words()) == ({"last_commit_s": 0.5}, {"last_fault": "away"})


def test_what_waits_already_is_let_in_and_dropped() -> None:
    waiting = LetterQueue(10, 1_000)
    assert [waiting.put(letter(1)), waiting.put(letter(1))] == [True, True]
    assert len(waiting.take(10, 1_000, wait=False)) == 1


def test_what_was_taken_may_be_said_again() -> None:
    waiting = LetterQueue(10, 1_000)
    waiting.put(letter(1))
    waiting.take(10, 1_000, wait=False)
    waiting.put(letter(1))
    assert len(waiting.take(10, 1_000, wait=False)) == 1


def test_one_sender_does_not_take_the_room_of_the_others() -> None:
    waiting = LetterQueue(10, 1_000, limit_each=2)
    accepted = [waiting.put(Letter("loud", "up", bytes([number]), 0)) for number in range(3)]
    assert (accepted, waiting.put(Letter("quiet", "up", b"sale", 0))) == ([True, True, False], True)
