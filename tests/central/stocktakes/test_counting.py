"""What scanners bring, as one quantity a product."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from central.stocktakes.counting import AreaCount, Counted, areas_of, tallied

AT = datetime(2026, 9, 21, 8, tzinfo=UTC)
MILK, BREAD = "04012345678901", "05901234123457"


def at(minutes: int) -> datetime:
    return AT + timedelta(minutes=minutes)


def count(
    area: str,
    minutes: int,
    *lines: tuple[str, int],
    number: int = 1,
    complete: bool = False,
    journal: int = 1,
) -> AreaCount:
    return AreaCount(
        area=area,
        round=number,
        event_time=at(minutes),
        journal=journal,
        seq=minutes + 1,
        complete=complete,
        lines=tuple(
            Counted(gtin=gtin, quantity=Decimal(quantity), at=at(minutes)) for gtin, quantity in lines
        ),
    )


def quantities(*counts: AreaCount, asked: dict[str, tuple[int, ...]] | None = None) -> dict[str, list[int]]:
    found = tallied(counts, asked)
    return {gtin: [int(one.quantity) for one in rounds] for gtin, rounds in found.items()}


def test_areas_add_up() -> None:
    assert quantities(count("shelf", 0, (MILK, 4)), count("store", 5, (MILK, 6))) == {MILK: [10]}


def test_the_same_area_again_replaces_all_that_was_counted_there() -> None:
    found = quantities(count("shelf", 0, (MILK, 4), (BREAD, 2)), count("shelf", 5, (MILK, 5)))
    assert found == {MILK: [5]}


def test_a_count_that_was_made_earlier_and_is_heard_of_later_replaces_nothing() -> None:
    assert quantities(count("shelf", 5, (MILK, 5)), count("shelf", 0, (MILK, 4))) == {MILK: [5]}


def test_a_complete_area_says_that_what_was_there_before_is_gone() -> None:
    found = quantities(count("shelf", 0, (MILK, 4), (BREAD, 2)), count("shelf", 5, (MILK, 5), complete=True))
    assert found == {MILK: [5], BREAD: [0]}


def test_a_recount_replaces_the_rounds_before_in_all_areas() -> None:
    found = quantities(
        count("shelf", 0, (MILK, 4)), count("store", 1, (MILK, 6)), count("shelf", 9, (MILK, 9), number=2)
    )
    assert found == {MILK: [10, 9]}


def test_a_complete_recount_says_nothing_of_what_it_was_not_asked_for() -> None:
    first = count("shelf", 0, (MILK, 4), (BREAD, 2))
    again = count("shelf", 9, number=2, complete=True)
    assert quantities(first, again, asked={MILK: (2,)}) == {MILK: [4, 0], BREAD: [2]}


def test_one_product_on_two_lines_of_a_count_adds_up() -> None:
    assert quantities(count("shelf", 0, (MILK, 4), (MILK, 1))) == {MILK: [5]}


def test_an_item_that_is_scanned_in_two_areas_is_one_item() -> None:
    def scanned(area: str, *items: str) -> AreaCount:
        line = Counted(gtin=MILK, quantity=Decimal(len(items)), at=AT, items=items)
        return AreaCount(area=area, round=1, event_time=AT, journal=1, seq=1, lines=(line,))

    [found] = tallied([scanned("shelf", "A", "B"), scanned("store", "B", "C")])[MILK]
    assert (found.quantity, found.items) == (Decimal(3), ("A", "B", "C"))


def test_a_tally_tells_its_first_and_last_moment() -> None:
    [found] = tallied([count("shelf", 3, (MILK, 4)), count("store", 8, (MILK, 6))])[MILK]
    assert (found.first_at, found.last_at, found.areas) == (at(3), at(8), ("shelf", "store"))


def test_the_areas_of_a_round_are_told_with_their_latest_count() -> None:
    counts = [count("shelf", 0), count("shelf", 4), count("store", 1), count("shelf", 9, number=2)]
    assert areas_of(counts, 1) == {"shelf": at(4), "store": at(1)}


counts_of_a_day = st.lists(
    st.builds(
        count,
        st.sampled_from(("shelf", "store", "window")),
        st.integers(0, 600),
        st.tuples(st.sampled_from((MILK, BREAD)), st.integers(0, 9)),
        number=st.integers(1, 3),
        complete=st.booleans(),
        journal=st.integers(1, 3),
    ),
    max_size=12,
    unique_by=lambda one: one.order,
)


@given(counts_of_a_day, st.randoms(use_true_random=False))
def test_the_order_in_which_counts_are_heard_of_changes_nothing(
    counts: list[AreaCount], chance: random.Random
) -> None:
    shuffled = list(counts)
    chance.shuffle(shuffled)
    asked = {MILK: (2, 3), BREAD: (2,)}
    assert tallied(shuffled, asked) == tallied(counts, asked)


@given(counts_of_a_day)
def test_counts_that_come_twice_count_once(counts: list[AreaCount]) -> None:
    assert tallied([*counts, *counts]) == tallied(counts)
