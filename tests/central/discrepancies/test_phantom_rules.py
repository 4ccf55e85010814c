"""How probable it is that a shelf which is full on paper is empty."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.discrepancies.watching.phantom_rules import (
    ONSET,
    Day,
    dispersion,
    rhythm,
    suspicion,
    trend_of,
)

FIRST = date(2026, 6, 1)  # a Monday
EVEN = dict.fromkeys(range(7), 1.0)
FULL = Decimal(20)


def days(sold: Sequence[float], *, on_hand: Sequence[int] | None = None) -> list[Day]:
    stock = on_hand or [20] * len(sold)
    return [
        Day(FIRST + timedelta(days=number), units, Decimal(there), Decimal(there))
        for number, (units, there) in enumerate(zip(sold, stock, strict=True))
    ]


def probability(sold: Sequence[float]) -> float:
    found = suspicion(days(sold), EVEN)
    assert found is not None
    return found.probability


def test_a_product_that_sold_on_the_last_day_is_not_suspected() -> None:
    assert suspicion(days([2] * 40), EVEN) is None


def test_the_probability_is_that_of_the_stated_formula() -> None:
    found = suspicion(days([2.0] * 40 + [0.0] * 3), EVEN)
    nothing = [(40 / (40 + day)) ** (80 + 0.5) for day in range(4)]
    odds = ONSET * sum(nothing[:3]) / nothing[3]
    assert found is not None
    assert msgspec.structs.astuple(found) == (pytest.approx(odds / (1 + odds)), 3, pytest.approx(6.0))


def test_each_further_silent_day_makes_it_more_probable() -> None:
    found = [probability([3.0] * 40 + [0.0] * silent) for silent in range(1, 9)]
    assert found == sorted(found)
    assert (found[0] < 0.01, found[-1] > 0.999) == (True, True)


def test_a_slow_seller_is_not_suspected_after_a_week() -> None:
    assert probability([0.0, 0.0, 1.0] * 18 + [0.0] * 7) < 0.05


def test_days_on_which_the_shelf_was_empty_on_paper_are_no_evidence() -> None:
    sold = [3.0] * 40 + [0.0] * 8
    gone = days(sold, on_hand=[20] * 40 + [0] * 6 + [20] * 2)
    found = suspicion(gone, EVEN)
    assert found is not None
    assert (found.silent_days, found.probability < 0.5) == (2, True)


def test_what_sells_in_handfuls_needs_a_longer_silence() -> None:
    evenly = probability([2.0] * 42 + [0.0] * 5)
    in_bursts = probability([14.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] * 6 + [14.0] + [0.0] * 5)
    assert in_bursts < 0.05 < evenly


def test_a_silent_sunday_counts_less_where_sundays_are_quiet() -> None:
    weights = {**EVEN, 5: 0.1, 6: 0.1}
    sold = [3.0, 3.0, 3.0, 3.0, 3.0, 0.0, 0.0] * 6
    quiet = suspicion(days(sold), weights)
    assert quiet is not None
    assert quiet.missed == pytest.approx(90 / (30 + 11 * 0.1) * 0.2, rel=0.02)


def test_a_season_that_ends_everywhere_suspects_nobody() -> None:
    sold = [3.0] * 40 + [0.0] * 8
    alone, everywhere = suspicion(days(sold), EVEN), suspicion(days(sold), EVEN, trend=0.05)
    assert alone is not None
    assert everywhere is not None
    assert (alone.probability > 0.99, everywhere.probability < 0.05) == (True, True)


def test_a_trend_is_only_taken_from_enough_sales_and_never_makes_anything_worse() -> None:
    assert [trend_of(500, 50, 0, 10), trend_of(500, 50, 400, 10), trend_of(10, 50, 0, 10)] == [
        pytest.approx(1 / 101),
        1.0,
        1.0,
    ]


def test_the_rhythm_of_a_shop_is_one_on_average() -> None:
    shop = {
        FIRST + timedelta(days=day): 30.0 if (FIRST + timedelta(days=day)).weekday() == 5 else 10.0
        for day in range(28)
    }
    found = rhythm(shop)
    assert [round(found[weekday], 3) for weekday in (0, 5)] == [
        round(10 / (90 / 7), 3),
        round(30 / (90 / 7), 3),
    ]


def test_even_sales_are_taken_for_chance_and_never_for_certainty() -> None:
    assert dispersion(days([2.0] * 30), EVEN, 2.0, in_pieces=True) == 1.0


def test_too_short_a_history_says_nothing() -> None:
    assert suspicion(days([5.0] * 10 + [0.0] * 9), EVEN) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_chance_alone_is_hardly_ever_beyond_the_limit(seed: int) -> None:
    """A shelf that is never empty, for 120 days: of three thousand such the most suspicious one reaches 0.85."""
    chance = random.Random(seed)
    rate = chance.choice((0.4, 1.0, 2.5))
    sold = [float(_poisson(chance, rate)) for _ in range(120)]
    ends = [suspicion(days(sold[:end]), EVEN) for end in range(60, 121, 3)]
    assert not any(one is not None and one.probability > 0.999 for one in ends)


def _poisson(chance: random.Random, rate: float) -> int:
    limit, product, count = math.exp(-rate), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
