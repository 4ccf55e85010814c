"""The receiver's table, row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.chain import genesis, links
from protocol.delivery.receiver import Arrival, Outcome, grant, greet, opening_cursor, receive
from protocol.messages import Ack, Batch, Cursor, EpochAsked, EpochGranted, Hello, HelloWanted, Lineage, Mark

AGENT, EPOCH = "till-1", "6e1c0d5e-0000-4000-8000-000000000001"
START = genesis(AGENT, EPOCH)
BODIES = [b"one", b"two", b"three", b"four", b"five"]
HASHES = [START, *links(START, 1, BODIES)]


def cursor_at(next_seq: int) -> Cursor:
    return Cursor(EPOCH, next_seq, HASHES[next_seq - 1])


def batch_of(first: int, last: int) -> Batch:
    return Batch(
        epoch=EPOCH,
        first_seq=first,
        previous_hash=HASHES[first - 1],
        head_hash=HASHES[last],
        bodies=tuple(BODIES[first - 1 : last]),
    )


def hash_at(epoch: str, seq: int) -> bytes | None:
    return HASHES[seq] if epoch == EPOCH and 0 <= seq < len(HASHES) else None


def arrival(outcome: Outcome) -> tuple[Arrival, list[bytes], Ack | HelloWanted]:
    return outcome.arrival, [row.body for row in outcome.rows], outcome.answer


def test_a_batch_that_starts_at_the_cursor_is_applied_and_the_cursor_moves() -> None:
    outcome = receive(batch_of(3, 5), cursor_at(3), hash_at)
    assert arrival(outcome) == (Arrival.NEXT, [b"three", b"four", b"five"], Ack(cursor=cursor_at(6)))
    assert [(row.seq, row.hash) for row in outcome.rows] == [(3, HASHES[3]), (4, HASHES[4]), (5, HASHES[5])]


def test_a_batch_that_is_known_is_acknowledged_again_and_not_applied() -> None:
    assert arrival(receive(batch_of(1, 2), cursor_at(4), hash_at)) == (
        Arrival.REPEATED,
        [],
        Ack(cursor=cursor_at(4)),
    )


def test_of_an_overlapping_batch_only_the_rest_is_applied() -> None:
    outcome = receive(batch_of(1, 4), cursor_at(3), hash_at)
    assert arrival(outcome) == (Arrival.OVERLAPPING, [b"three", b"four"], Ack(cursor=cursor_at(5)))


def test_a_batch_ahead_of_the_cursor_is_answered_with_the_cursor() -> None:
    assert arrival(receive(batch_of(4, 5), cursor_at(2), hash_at)) == (
        Arrival.AHEAD,
        [],
        Ack(cursor=cursor_at(2)),
    )


def test_a_batch_of_an_unknown_epoch_is_answered_with_the_wish_for_a_hello() -> None:
    outcome = receive(batch_of(1, 2), None, hash_at)
    assert arrival(outcome)[:2] == (Arrival.UNKNOWN_EPOCH, [])
    assert outcome.answer == HelloWanted(epoch=EPOCH, cause="this epoch is not known")


def test_a_batch_whose_rows_do_not_give_its_head_is_damaged() -> None:
    batch = batch_of(1, 3)
    torn = Batch(
        **{name: getattr(batch, name) for name in batch.__struct_fields__}
        | {"bodies": (b"one", b"tvo", b"three")}
    )
    assert arrival(receive(torn, cursor_at(1), hash_at)) == (Arrival.DAMAGED, [], Ack(cursor=cursor_at(1)))


def test_an_empty_batch_is_damaged() -> None:
    empty = Batch(epoch=EPOCH, first_seq=1, previous_hash=START, head_hash=START, bodies=())
    assert receive(empty, cursor_at(1), hash_at).arrival is Arrival.DAMAGED


def test_a_batch_that_begins_before_the_first_row_is_damaged() -> None:
    head = links(START, 0, [b"x"])[0]
    nought = Batch(epoch=EPOCH, first_seq=0, previous_hash=START, head_hash=head, bodies=(b"x",))
    assert receive(nought, cursor_at(1), hash_at).arrival is Arrival.DAMAGED


def forked_batch(first: int, count: int) -> Batch:
    bodies = tuple(b"other %d" % seq for seq in range(first, first + count))
    return Batch(
        epoch=EPOCH,
        first_seq=first,
        previous_hash=HASHES[first - 1],
        head_hash=links(HASHES[first - 1], first, bodies)[-1],
        bodies=bodies,
    )


def test_other_rows_below_the_cursor_are_a_fork() -> None:
    outcome = receive(forked_batch(2, 2), cursor_at(5), hash_at)
    assert outcome.arrival is Arrival.FORKED
    assert isinstance(outcome.answer, HelloWanted)


def test_other_rows_across_the_cursor_are_a_fork() -> None:
    assert receive(forked_batch(2, 5), cursor_at(4), hash_at).arrival is Arrival.FORKED


def test_rows_that_fit_no_head_at_the_cursor_are_a_fork() -> None:
    alien = Batch(
        epoch=EPOCH,
        first_seq=3,
        previous_hash=bytes(32),
        head_hash=links(bytes(32), 3, [b"x"])[-1],
        bodies=(b"x",),
    )
    assert receive(alien, cursor_at(3), hash_at).arrival is Arrival.FORKED


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 6))
def test_whatever_piece_of_an_honest_journal_arrives_the_cursor_never_goes_back(
    first: int, length: int, at: int
) -> None:
    last = min(5, first + length - 1)
    outcome = receive(batch_of(first, last), cursor_at(at), hash_at)
    after = outcome.cursor
    assert after is not None
    assert after == cursor_at(max(at, last + 1) if first <= at else at)
    assert [row.body for row in outcome.rows] == BODIES[at - 1 : after.next_seq - 1]


def hello(*lineage: Lineage, marks: tuple[Mark, ...] = (), compare_epoch: str = "") -> Hello:
    return Hello(
        lineage=lineage, acked_seq=0, software="t", journal_version=1, wall_us=0, monotonic_us=0, boot_id="b",
        marks=marks, compare_epoch=compare_epoch,
    )  # fmt: skip


LIVE = Lineage(epoch=EPOCH, next_seq=6, head_hash=HASHES[5])


def test_a_hello_is_answered_with_the_cursors_of_its_lineage_in_its_order() -> None:
    child = Lineage(
        epoch="e2", next_seq=1, head_hash=b"", parent_epoch=EPOCH, parent_seq=5, parent_hash=HASHES[5]
    )
    second = Cursor("e2", 9, b"h")
    greeting = greet(AGENT, hello(LIVE, child), {"e2": second, EPOCH: cursor_at(6)}, hash_at, 7)
    assert greeting.welcome.cursors == (cursor_at(6), second)
    assert greeting.adopted == ()


def test_an_epoch_that_central_has_lost_is_taken_up_again_from_its_first_row() -> None:
    child = Lineage(
        epoch="e2", next_seq=4, head_hash=b"", parent_epoch=EPOCH, parent_seq=5, parent_hash=HASHES[5]
    )
    greeting = greet(AGENT, hello(LIVE, child), {EPOCH: cursor_at(6)}, hash_at, 7)
    opened = Cursor("e2", 1, genesis(AGENT, "e2", HASHES[5]))
    assert greeting.adopted == ((child, opened),)
    assert greeting.welcome.cursors[1] == opened


def test_an_epoch_that_a_copy_of_the_agent_has_filled_with_other_rows_is_named() -> None:
    ours = Lineage(epoch=EPOCH, next_seq=3, head_hash=b"other" * 8)
    child = Lineage(
        epoch="e2", next_seq=1, head_hash=b"", parent_epoch=EPOCH, parent_seq=2, parent_hash=ours.head_hash
    )
    greeting = greet(AGENT, hello(ours, child), {EPOCH: cursor_at(6)}, hash_at, 7)
    assert greeting.welcome.differing == (EPOCH,)


def test_an_epoch_that_ends_in_a_row_of_central_is_not_differing() -> None:
    ours = Lineage(epoch=EPOCH, next_seq=3, head_hash=HASHES[2])
    assert greet(AGENT, hello(ours), {EPOCH: cursor_at(6)}, hash_at, 7).welcome.differing == ()


def test_marks_are_compared_with_what_was_applied() -> None:
    marks = (Mark(1, HASHES[1]), Mark(3, HASHES[3]), Mark(4, b"other"), Mark(9, b"beyond"))
    welcome = greet(
        AGENT, hello(LIVE, marks=marks, compare_epoch=EPOCH), {EPOCH: cursor_at(6)}, hash_at, 7
    ).welcome
    assert (welcome.compared_epoch, welcome.agree_seq, welcome.differ_seq) == (EPOCH, 3, 4)


def test_without_marks_the_genesis_agrees_and_nothing_differs() -> None:
    welcome = greet(AGENT, hello(LIVE), {EPOCH: cursor_at(6)}, hash_at, 7).welcome
    assert (welcome.agree_seq, welcome.differ_seq) == (0, None)


def asked(seq: int, digest: bytes, cause: str = "fork") -> EpochAsked:
    return EpochAsked(request_id="r", parent_epoch=EPOCH, parent_seq=seq, parent_hash=digest, cause=cause)


def test_an_epoch_is_granted_after_a_common_row() -> None:
    granted = grant(asked(3, HASHES[3]), cursor_at(6), "e2", hash_at)
    assert granted == EpochGranted(
        request_id="r", epoch="e2", parent_epoch=EPOCH, parent_seq=3, parent_hash=HASHES[3]
    )
    assert opening_cursor(AGENT, granted) == Cursor("e2", 1, genesis(AGENT, "e2", HASHES[3]))


def test_an_epoch_is_granted_beside_the_very_first_row() -> None:
    assert isinstance(grant(asked(0, START), cursor_at(6), "e2", hash_at), EpochGranted)


def test_no_epoch_is_granted_after_a_row_that_is_not_common() -> None:
    assert isinstance(grant(asked(3, b"other"), cursor_at(6), "e2", hash_at), HelloWanted)


def test_no_epoch_is_granted_under_an_unknown_parent() -> None:
    assert isinstance(grant(asked(3, HASHES[3]), None, "e2", hash_at), HelloWanted)


def test_no_epoch_is_granted_where_nothing_differs() -> None:
    assert isinstance(grant(asked(5, HASHES[5]), cursor_at(6), "e2", hash_at), HelloWanted)


@pytest.mark.parametrize("cause", ["pruned", "damaged"])
def test_an_epoch_is_granted_at_the_cursor_when_the_row_after_it_cannot_be_sent(cause: str) -> None:
    assert isinstance(grant(asked(5, HASHES[5], cause), cursor_at(6), "e2", hash_at), EpochGranted)
