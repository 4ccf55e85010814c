"""Damaged rows that central has: which they are, and whether what central gives back is what was written."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.journal.soundness import StoredRow
from agent.journal.survey import Lost, proven, survey
from protocol.chain import genesis, links

EPOCH = "e"
START = genesis("till-1", EPOCH)
BODIES = [b"the body of row %d, long enough to be hit" % number for number in range(1, 11)]
HASHES = links(START, 1, BODIES)
ROWS = [StoredRow(seq, *pair) for seq, pair in enumerate(zip(HASHES, BODIES, strict=True), 1)]
ACKED = 8  # the two rows after it are not at central, and bear witness


def body_gone(row: StoredRow) -> StoredRow:
    return row._replace(body=b"rubbish")


def hash_gone(row: StoredRow) -> StoredRow:
    return row._replace(hash=b"rubbish!" * 4)


def both_gone(row: StoredRow) -> StoredRow:
    return hash_gone(body_gone(row))


def nothing_left(_: StoredRow) -> None:
    return None


def damaged(*hits: tuple[int, object]) -> list[StoredRow]:
    """The rows, with what befell some of them."""
    befell = dict(hits)
    rows = [befell[row.seq](row) if row.seq in befell else row for row in ROWS]  # type: ignore[operator]
    return [row for row in rows if row is not None]


def lost_in(rows: list[StoredRow], last_seq: int = ACKED) -> Lost:
    found = survey(EPOCH, START, 1, rows, last_seq).lost
    assert found is not None
    return found


def given_back(lost: Lost) -> list[bytes]:
    """What central has."""
    return BODIES[lost.first_seq - 1 : lost.last_seq]


def test_sound_rows_are_proven_up_to_what_central_has() -> None:
    found = survey(EPOCH, START, 1, ROWS, ACKED)
    assert (found.sound_seq, found.sound_hash, found.lost) == (ACKED, HASHES[ACKED - 1], None)


def test_a_flipped_bit_needs_no_central() -> None:
    hit = ROWS[3]._replace(body=b"\x75" + ROWS[3].body[1:])
    found = survey(EPOCH, START, 1, [*ROWS[:3], hit, *ROWS[4:]], ACKED)
    assert ([row for row, _ in found.mended], found.sound_seq, found.lost) == ([ROWS[3]], ACKED, None)


def test_a_damaged_body_is_lost_and_its_own_hash_proves_what_comes_back() -> None:
    lost = lost_in(damaged((4, body_gone)))
    assert ((lost.first_seq, lost.last_seq), proven(lost, given_back(lost))) == ((4, 4), [HASHES[3]])


def test_a_damaged_hash_is_mended_by_the_row_after_it() -> None:
    found = survey(EPOCH, START, 1, damaged((4, hash_gone)), ACKED)
    assert ([row for row, _ in found.mended], found.lost) == ([ROWS[3]], None)


def test_a_row_without_a_good_byte_is_proven_by_the_row_after_it() -> None:
    lost = lost_in(damaged((4, both_gone)))
    assert proven(lost, given_back(lost)) == HASHES[lost.first_seq - 1 : lost.last_seq]


def test_after_missing_rows_the_next_one_is_asked_for_too_because_nothing_proves_it() -> None:
    lost = lost_in(damaged((4, nothing_left), (5, nothing_left), (6, body_gone)))
    assert ((lost.first_seq, lost.last_seq), proven(lost, given_back(lost))) == ((4, 6), HASHES[3:6])


def test_a_row_that_central_does_not_have_is_not_lost_to_it_but_bears_witness() -> None:
    lost = lost_in(damaged((ACKED, both_gone)))
    assert ((lost.first_seq, lost.last_seq), proven(lost, given_back(lost))) == (
        (ACKED, ACKED), [HASHES[ACKED - 1]],
    )  # fmt: skip


def test_rows_missing_at_the_end_of_an_epoch_are_proven_by_the_one_that_grew_from_it() -> None:
    lost = lost_in(ROWS[:6], last_seq=7)
    named = msgspec.structs.replace(lost, end_hash=HASHES[6])
    assert (proven(lost, given_back(lost)), proven(named, given_back(lost))) == (None, [HASHES[6]])


def test_too_few_bodies_prove_nothing() -> None:
    lost = lost_in(damaged((4, body_gone), (5, body_gone)))
    assert (proven(lost, given_back(lost)[:1]), proven(lost, [])) == (None, None)


HITS = st.sampled_from([body_gone, hash_gone, both_gone, nothing_left])


@given(st.dictionaries(st.integers(1, ACKED), HITS, min_size=1))
def test_whatever_befell_the_rows_that_central_has_all_of_it_comes_back(hits: dict[int, object]) -> None:
    rows = {row.seq: row for row in damaged(*hits.items())}
    for _ in range(ACKED + 1):
        found = survey(EPOCH, START, 1, list(rows.values()), ACKED)
        rows |= {row.seq: row for row, _ in found.mended}
        lost = found.lost
        if lost is None:
            break
        hashes = proven(lost, given_back(lost))
        assert hashes is not None
        for seq, digest, body in zip(
            range(lost.first_seq, lost.last_seq + 1), hashes, given_back(lost), strict=True
        ):
            rows[seq] = StoredRow(seq, digest, body)
        rows = dict(sorted(rows.items()))
    assert list(rows.values()) == ROWS


@given(st.dictionaries(st.integers(1, ACKED), HITS, min_size=1), st.data())
def test_nothing_but_what_was_written_is_ever_proven(hits: dict[int, object], data: st.DataObject) -> None:
    lost = survey(EPOCH, START, 1, damaged(*hits.items()), ACKED).lost
    if lost is None:
        return
    bodies = given_back(lost)
    wrong = data.draw(st.integers(0, len(bodies) - 1))
    bodies[wrong] = data.draw(st.binary(max_size=30))
    assert proven(lost, bodies) is None
