"""The sender where two journals under one name have parted ways."""

from __future__ import annotations

import itertools

import pytest

from protocol.delivery.sender import _TRANSITIONS, step
from protocol.delivery.vocabulary import (
    AdoptEpoch,
    Appended,
    Connected,
    Damaged,
    EpochAdopted,
    Input,
    NoteAcked,
    Pace,
    Phase,
    SendBatch,
    SendEpochAsked,
    SendHello,
    State,
    Tick,
)
from protocol.messages import Ack, Cursor, EpochAsked, EpochGranted, HelloWanted, Mark, Welcome
from tests.protocol.sender_driver import EPOCH, Driver, compare_by, cursor, driver, journal, welcome
from tests.simulation.disk import Disk


def test_a_central_that_knows_more_than_this_journal_means_an_old_image() -> None:
    at = driver(3, Connected())
    effects = at.give(welcome(Cursor(EPOCH, 9, b"beyond")))
    assert effects == [
        SendHello(EPOCH, tuple(Mark(seq, at.disk.hash_at(EPOCH, seq) or b"") for seq in (1, 2, 3)))
    ]
    effects = at.give(Welcome(cursors=(), wall_us=0, compared_epoch=EPOCH, agree_seq=3))
    assert [type(effect) for effect in effects] == [SendEpochAsked]
    assert at.state.asked is not None
    assert (at.state.asked.cause, at.state.asked.parent_seq) == ("rewind", 3)


@pytest.mark.parametrize("common", [0, 1, 2, 37, 498, 499])
def test_the_last_common_row_is_found_wherever_it_is(common: int) -> None:
    at = driver(500, Connected())
    asked, rounds = compare_by(at, common, at.give(welcome(Cursor(EPOCH, 501, b"other"))))
    assert (asked.parent_seq, asked.parent_hash, asked.cause) == (
        common,
        at.disk.hash_at(EPOCH, common),
        "fork",
    )
    assert rounds <= 8


def test_a_million_rows_are_compared_in_five_rounds_of_64_marks() -> None:
    class Endless(Disk):
        def hash_at(self, epoch: str, seq: int) -> bytes | None:
            return b"%d" % seq

        def end(self, position: int) -> int:
            return 1_000_001

    at = Driver(Endless("till-1", EPOCH))
    at.disk.logs[0].hashes = [b""] * 1_000_001
    at.state = State(agent="till-1", pace=Pace(marks=64))
    at.give(Connected())
    asked, rounds = compare_by(at, 123_456, at.give(welcome(Cursor(EPOCH, 1_000_001, b"other"))))
    assert (asked.parent_seq, rounds) == (123_456, 5)


def test_the_same_disagreement_is_asked_about_under_the_same_name() -> None:
    names = set()
    for _ in range(2):
        at = driver(5, Connected())
        names.add(compare_by(at, 2, at.give(welcome(Cursor(EPOCH, 6, b"other"))))[0].request_id)
    assert len(names) == 1


def test_a_comparison_of_another_epoch_is_an_old_answer() -> None:
    at = driver(5, Connected())
    at.give(welcome(Cursor(EPOCH, 6, b"other")))
    assert at.give(Welcome(cursors=(), wall_us=0, compared_epoch="another")) == []


def test_a_comparison_that_contradicts_the_last_one_starts_over() -> None:
    at = driver(5, Connected())
    at.give(welcome(Cursor(EPOCH, 6, b"other")))
    assert at.give(Welcome(cursors=(), wall_us=0, compared_epoch=EPOCH, agree_seq=4, differ_seq=2)) == [
        SendHello()
    ]


def test_a_comparison_without_a_difference_goes_on_from_the_cursor() -> None:
    at = driver(5, Connected())
    at.give(welcome(Cursor(EPOCH, 3, b"other")))
    effects = at.give(Welcome(cursors=(), wall_us=0, compared_epoch=EPOCH, agree_seq=2))
    assert effects == [NoteAcked(EPOCH, 3), SendBatch(EPOCH, 3, 5)]


def asking(rows: int = 5, common: int = 2) -> tuple[Driver, EpochAsked]:
    at = driver(rows, Connected())
    return at, compare_by(at, common, at.give(welcome(Cursor(EPOCH, rows + 1, b"other"))))[0]


def granted_for(asked: EpochAsked) -> EpochGranted:
    return EpochGranted(
        request_id=asked.request_id,
        epoch="e2",
        parent_epoch=asked.parent_epoch,
        parent_seq=asked.parent_seq,
        parent_hash=asked.parent_hash,
    )


def test_a_granted_epoch_is_adopted_and_greeted() -> None:
    at, asked = asking()
    assert at.give(granted_for(asked)) == [AdoptEpoch(granted_for(asked))]
    at.disk.adopt(granted_for(asked))
    assert at.give(EpochAdopted()) == [SendHello()]
    assert at.disk.logs[-1].bodies == [b"row 3", b"row 4", b"row 5"]


def test_a_grant_for_a_copy_of_this_machine_is_left_alone() -> None:
    at, _ = asking()
    other = EpochGranted(request_id="another", epoch="e2", parent_epoch=EPOCH, parent_seq=2, parent_hash=b"")
    assert at.give(other) == []
    assert at.state.phase is Phase.ASKING


def test_a_request_without_an_answer_is_made_again_unchanged() -> None:
    at, asked = asking()
    assert at.give(Tick()) == [SendEpochAsked(asked)]


def test_a_refused_request_starts_over() -> None:
    at, _ = asking()
    assert at.give(HelloWanted(epoch=EPOCH, cause="")) == [SendHello()]


def test_a_comparison_without_an_answer_starts_over() -> None:
    at = driver(5, Connected())
    at.give(welcome(Cursor(EPOCH, 6, b"other")))
    assert at.give(Tick()) == [SendHello()]
    assert at.state.phase is Phase.GREETING


def test_while_an_epoch_is_being_adopted_nothing_else_is_done() -> None:
    at, asked = asking()
    at.give(granted_for(asked))
    assert at.give(Connected(), Tick(), Appended()) == []
    assert at.state.phase is Phase.ADOPTING


def test_rows_that_retention_took_are_asked_for_in_vain_and_a_new_epoch_follows() -> None:
    at = driver(9, Connected())
    lost = cursor(at.disk, 3)
    at.disk.prune(EPOCH, 6)
    effects = at.give(welcome(lost))
    assert [type(effect) for effect in effects] == [SendEpochAsked]
    assert at.state.asked is not None
    assert (at.state.asked.cause, at.state.asked.parent_seq, at.state.asked.parent_hash) == (
        "pruned",
        2,
        lost.head_hash,
    )


def test_a_central_that_lost_everything_asks_in_vain_for_pruned_rows_too() -> None:
    at = driver(9, Connected())
    at.disk.prune(EPOCH, 6)
    at.give(welcome(cursor(at.disk, 1)))
    assert at.state.asked is not None
    assert (at.state.asked.cause, at.state.asked.parent_seq) == ("pruned", 0)


def test_marks_of_pruned_rows_are_left_out() -> None:
    at = driver(9, Connected())
    at.disk.prune(EPOCH, 8)
    effects = at.give(welcome(Cursor(EPOCH, 10, b"other")))
    assert effects == [SendHello(EPOCH, (Mark(9, at.disk.hash_at(EPOCH, 9) or b""),))]


def test_a_row_that_cannot_be_sent_does_not_hold_up_the_rest() -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 3)))
    effects = at.give(Damaged(EPOCH, 3))
    assert [type(effect) for effect in effects] == [SendEpochAsked]
    assert at.state.asked is not None
    assert (at.state.asked.cause, at.state.asked.parent_seq) == ("damaged", 2)


@pytest.mark.parametrize("damaged", [Damaged(EPOCH, 4), Damaged("another", 3)])
def test_a_damaged_row_further_on_waits_for_its_turn(damaged: Damaged) -> None:
    at = driver(5, Connected())
    at.give(welcome(cursor(at.disk, 3)))
    assert at.give(damaged) == []


def with_child() -> Driver:
    at = driver(5)
    digest = at.disk.hash_at(EPOCH, 3)
    assert digest is not None
    at.disk.adopt(
        EpochGranted(request_id="r", epoch="e2", parent_epoch=EPOCH, parent_seq=3, parent_hash=digest)
    )
    at.give(Connected())
    return at


def test_a_closed_epoch_that_central_has_not_all_of_is_completed_first_up_to_its_end() -> None:
    at = with_child()
    effects = at.give(welcome(cursor(at.disk, 2), cursor(at.disk, 1, "e2")))
    assert effects == [NoteAcked(EPOCH, 2), SendBatch(EPOCH, 2, 3)]
    assert at.give(Ack(cursor=cursor(at.disk, 4))) == [NoteAcked(EPOCH, 4), SendHello()]


def test_rows_of_another_machine_after_the_end_of_a_closed_epoch_are_no_concern() -> None:
    at = with_child()
    effects = at.give(welcome(Cursor(EPOCH, 50, b"others"), cursor(at.disk, 1, "e2")))
    assert effects == [NoteAcked("e2", 1), SendBatch("e2", 1, 2)]


def test_a_closed_epoch_that_a_copy_has_filled_with_other_rows_is_compared() -> None:
    at = with_child()
    given = Welcome(
        cursors=(Cursor(EPOCH, 50, b"others"), cursor(at.disk, 1, "e2")), wall_us=0, differing=(EPOCH,)
    )
    asked, _ = compare_by(at, 1, at.give(given))
    assert (asked.parent_epoch, asked.parent_seq, asked.cause) == (EPOCH, 1, "fork")


def test_a_welcome_from_before_the_child_epoch_is_an_old_one() -> None:
    at = with_child()
    assert at.give(welcome(cursor(at.disk, 4))) == []


def test_what_is_not_in_the_table_changes_nothing() -> None:
    stale: list[Input] = [
        Appended(),
        Damaged(EPOCH, 1),
        EpochAdopted(),
        Ack(cursor=Cursor(EPOCH, 1, b"")),
        Tick(),
    ]
    for phase, happening in itertools.product(Phase, stale):
        if (phase, type(happening)) in _TRANSITIONS:
            continue
        state = State(agent="till-1", phase=phase)
        assert step(state, happening, journal(1), 0) == (state, ())
