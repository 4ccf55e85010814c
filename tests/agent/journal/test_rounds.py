"""Rounds through the rows that central has, over a real database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.journal.rounds import LOST_LIMIT_ROWS, PIECE_ROWS, Place, wish_for_round
from agent.journal.survey import Lost, proven
from tests.agent.journal.counter import FIRST_EPOCH, Counter


def made_round(counter: Counter) -> list[Lost]:
    """What a whole round comes upon."""
    rounds = counter.journal.rounds
    place, lost = rounds.begin(), []
    while place is not None:
        look = rounds.look(place)
        place = look.place
        if look.lost is not None:
            lost.append(look.lost)
    return lost


def put_back(counter: Counter, lost: Lost, bodies: Sequence[bytes]) -> None:
    hashes = proven(lost, bodies)
    assert hashes is not None
    counter.journal.rounds.put_back(lost, bodies, hashes).result()


def with_sales(folder: Path, count: int, acked: int) -> Counter:
    counter = Counter(folder)
    counter.sell_many(count)
    counter.journal.note_acked(FIRST_EPOCH, acked + 1).result()
    return counter


def test_rows_put_back_are_as_if_nothing_had_happened(tmp_path: Path) -> None:
    with with_sales(tmp_path, 9, 9) as counter:
        counter.sql("UPDATE journal SET body = x'00', kind = '?', event_time_us = 1 WHERE seq = 3")
        counter.sql("UPDATE journal SET body = x'01', hash = zeroblob(32) WHERE seq = 4")
        counter.sql("DELETE FROM journal WHERE seq = 5")
        (lost,) = made_round(counter)
        bodies = [counter.body(f"s{seq - 1}") for seq in range(lost.first_seq, lost.last_seq + 1)]
        put_back(counter, lost, bodies)
        assert (lost.first_seq, counter.verify().is_sound, made_round(counter)) == (3, True, [])
        (notice,) = counter.notices()
        assert notice.text == (
            f"epoch {FIRST_EPOCH}, rows 3 to {lost.last_seq}: damaged; fetched back from central, which had it, and proven by "
            "the hashes around it"
        )


def test_the_last_row_of_all_is_proven_by_its_own_hash(tmp_path: Path) -> None:
    with with_sales(tmp_path, 3, 3) as counter:
        counter.sql("UPDATE journal SET body = x'00' WHERE seq = 3")
        (lost,) = made_round(counter)
        put_back(counter, lost, [counter.body("s2")])
        assert counter.verify().is_sound


def test_the_end_of_a_closed_epoch_is_proven_by_its_successor(tmp_path: Path) -> None:
    with with_sales(tmp_path, 3, 3) as counter:
        counter.adopt("epoch-2", FIRST_EPOCH, 3)
        counter.sql("DELETE FROM journal WHERE epoch_no = 1 AND seq = 3")
        (lost,) = made_round(counter)
        put_back(counter, lost, [counter.body("s2")])
        assert counter.verify().is_sound


def test_rows_that_central_does_not_have_are_left_to_the_sender(tmp_path: Path) -> None:
    with with_sales(tmp_path, 5, 3) as counter:
        counter.sql("UPDATE journal SET body = x'00' WHERE seq = 4")
        assert made_round(counter) == []


def test_a_flipped_bit_is_mended_on_the_way(tmp_path: Path) -> None:
    with with_sales(tmp_path, 5, 5) as counter:
        body = counter.body("s1")
        counter.sql("UPDATE journal SET body = ? WHERE seq = 2", bytes([body[0] ^ 4]) + body[1:])
        assert (made_round(counter), counter.verify().is_sound) == ([], True)


def test_damage_across_two_pieces_is_one_loss(tmp_path: Path) -> None:
    with with_sales(tmp_path, 3 * PIECE_ROWS, 3 * PIECE_ROWS) as counter:
        counter.sql("UPDATE journal SET body = x'00' WHERE seq IN (7, ?, ?)", PIECE_ROWS - 1, PIECE_ROWS)
        counter.sql("DELETE FROM journal WHERE seq BETWEEN ? AND ?", PIECE_ROWS + 1, 2 * PIECE_ROWS)
        found = [(lost.first_seq, lost.last_seq) for lost in made_round(counter)]
        assert found == [(7, 7), (PIECE_ROWS - 1, 2 * PIECE_ROWS + 1)]


def test_a_journal_that_is_all_damage_is_gone_through_in_bounded_pieces(tmp_path: Path) -> None:
    count = LOST_LIMIT_ROWS + 500
    with with_sales(tmp_path, count, count) as counter:
        counter.sql("UPDATE journal SET body = x'00'")
        found = [(lost.first_seq, lost.last_seq) for lost in made_round(counter)]
        assert (found[0][0], found[-1][1], max(last - first for first, last in found) < LOST_LIMIT_ROWS) == (
            1, count, True,
        )  # fmt: skip
        assert [last + 1 for _, last in found[:-1]] == [first for first, _ in found[1:]]


def test_rows_that_retention_took_meanwhile_are_not_put_back(tmp_path: Path) -> None:
    with with_sales(tmp_path, 5, 5) as counter:
        counter.sql("UPDATE journal SET body = x'00' WHERE seq = 2")
        (lost,) = made_round(counter)
        counter.sql("INSERT INTO base SELECT epoch_no, seq, hash FROM journal WHERE seq = 3")
        counter.sql("DELETE FROM journal WHERE seq <= 3")
        put_back(counter, lost, [counter.body("s1")])
        assert counter.verify().rows == 2
        assert counter.journal.rounds.look(Place(FIRST_EPOCH, 0, b"")).lost is None


def test_a_round_is_wished_for_at_the_start_and_by_a_check_that_found_something(tmp_path: Path) -> None:
    with with_sales(tmp_path, 5, 5) as counter:
        rounds = counter.journal.rounds
        found = [rounds.take_wish(), rounds.take_wish()]
        wish_for_round(tmp_path / "journal.db")
        found += [rounds.take_wish(), rounds.take_wish()]
        counter.sql("UPDATE journal SET body = x'00' WHERE seq = 5")
        counter.journal.check_at_start()
        assert [*found, rounds.take_wish()] == [True, False, True, False, True]
        assert "it is fetched back when there is a link" in counter.notices()[0].text


def test_before_enrolment_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sql("DELETE FROM epochs")
        assert counter.journal.rounds.begin() is None
