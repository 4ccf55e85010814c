"""What may be forgotten, and when."""

from __future__ import annotations

from pathlib import Path

from tests.agent.journal.counter import FIRST_EPOCH, Counter

DAY_US = 86_400_000_000


def prune_all(counter: Counter, keep_days: int) -> int:
    total = 0
    while gone := counter.journal.prune(keep_days).result():
        total += gone
    return total


def hear(counter: Counter, day: int) -> None:
    counter.journal.note_contact(day * DAY_US).result()


def test_rows_go_after_the_days_they_are_kept(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.journal.note_acked(FIRST_EPOCH, 3).result()
        gone = []
        for day in range(5):
            hear(counter, day)
            gone.append(prune_all(counter, keep_days=3))
        assert gone == [0, 0, 0, 2, 0]


def test_what_central_has_not_got_is_never_forgotten(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        for day in range(400):
            hear(counter, day)
        assert prune_all(counter, keep_days=1) == 1
        assert counter.names(first_seq=2) == [counter.body("b"), counter.body("c")]


def test_a_clock_that_jumps_ten_years_is_one_day(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        hear(counter, 20_000)
        hear(counter, 23_650)
        hear(counter, 20_000)
        hear(counter, 16_350)
        assert prune_all(counter, keep_days=3) == 0


def test_a_counter_that_was_dark_for_a_year_forgets_nothing_meanwhile(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        hear(counter, 1)
        hear(counter, 366)
        assert prune_all(counter, keep_days=90) == 0


def test_what_a_restored_central_has_lost_again_is_kept(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        counter.journal.note_acked(FIRST_EPOCH, 4).result()
        for day in range(3):
            hear(counter, day)
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        assert prune_all(counter, keep_days=1) == 1


def test_the_chain_goes_on_when_everything_before_is_forgotten(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        accepted = counter.sell("a", "b")
        counter.journal.note_acked(FIRST_EPOCH, 3).result()
        hear(counter, 1)
        prune_all(counter, keep_days=0)
        assert counter.journal.hash_at(FIRST_EPOCH, 2) == accepted[1].hash
        assert counter.sell("c")[0].seq == 3
        assert (counter.verify().is_sound, counter.verify().rows) == (True, 1)


def test_superseded_rows_go_when_their_copies_are_old(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        counter.adopt("epoch-2", FIRST_EPOCH, 1)
        counter.journal.note_acked("epoch-2", 2).result()
        hear(counter, 1)
        before = prune_all(counter, keep_days=0)
        counter.journal.note_acked("epoch-2", 3).result()
        hear(counter, 2)
        after = prune_all(counter, keep_days=0)
        # row 1 of the parent and the first copy; then the second copy and both originals
        assert (before, after) == (2, 3)
        assert counter.verify().is_sound
