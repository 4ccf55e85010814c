"""How probable it is that a shelf which is full on paper is empty. Pure.

A product that sold ``S`` units in the time before, over an exposure ``E``, and then none over an exposure ``e``: how surprising is that, if it is
there? Days are not alike, so exposure counts a day by the rhythm of its shop: a Saturday that brings twice the sales of an average day counts
two. Sales come in handfuls, so a unit counts ``1/φ``, ``φ`` being the variance of the days before over their mean (one at least for pieces).
The rate is not known exactly, only from those days. With a flat prior on its logarithm at the scale of half an event, the probability of
selling nothing is exactly (the zero term of a negative binomial distribution)::

    P(nothing in e | it is there) = (E / (E + e)) ^ (S/φ + ½)

Where the product sells less everywhere than it did (a season that ends), ``e`` is made smaller in the same measure.

On each day of the silence the goods may have gone, with the same small probability :data:`ONSET`: before that day nothing was sold although
they were there, from it on because they were not. So the odds that they are gone are::

    ONSET · Σ over the days j of the silence  P(nothing until j) / P(nothing until today)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

ONSET = 1e-4
"""A given product at a given shop: once in some thirty years. Larger, and chance would fill the list."""
HISTORY_DAYS = 56
HISTORY_AT_LEAST = 14
EVENTS_AT_LEAST = 8.0
"""Fewer sales in the time before say nothing about a rate."""
FINEST = 0.02
"""The least φ of goods that are sold by weight: nobody buys less than twenty grams at a time."""


class Day(msgspec.Struct, frozen=True):
    """A product on one day of its shop: what was sold, and what was on hand on paper at the day's beginning and end."""

    on: date
    sold: float
    opening: Decimal
    closing: Decimal


class Suspicion(msgspec.Struct, frozen=True):
    """``probability`` that nothing is there; ``silent_days`` on which the shop was open and the shelf full on paper; ``missed`` units that they
    would have sold at the usual rate."""

    probability: float
    silent_days: int
    missed: float


def rhythm(shop: Mapping[date, float]) -> dict[int, float]:
    """What each weekday (0: Monday) counts, from the units that a shop sold on its days; 1 on average over the days that it was open."""
    by_weekday: dict[int, list[float]] = {}
    for day, sold in shop.items():
        by_weekday.setdefault(day.weekday(), []).append(sold)
    every = [sold for sold in shop.values() if sold > 0]
    mean = sum(every) / len(every) if every else 0.0
    if mean <= 0:
        return dict.fromkeys(range(7), 1.0)
    return {
        weekday: max(_mean(by_weekday[weekday]) / mean, 0.05) if by_weekday.get(weekday) else 1.0
        for weekday in range(7)
    }


def suspicion(
    days: Sequence[Day], weights: Mapping[int, float], *, trend: float = 1.0, in_pieces: bool = True
) -> Suspicion | None:
    """What the days of a product say; ``days`` are those on which its shop was open, oldest first, without today.

    None where the product has sold on the last of them, or where too little is known of its rate. ``trend`` (0 to 1) is how much of its old
    rate the product has at other shops meanwhile.
    """
    last_sold = max((number for number, day in enumerate(days) if day.sold > 0), default=None)
    if last_sold is None or last_sold == len(days) - 1:
        return None
    silent = [day for day in days[last_sold + 1 :] if day.opening > 0 and day.closing > 0]
    begins = days[last_sold].on - timedelta(days=HISTORY_DAYS)
    before = [day for day in days[: last_sold + 1] if day.on > begins and (day.sold > 0 or day.opening > 0)]
    if not silent or len(before) < HISTORY_AT_LEAST:
        return None
    exposure = sum(weights[day.on.weekday()] for day in before)
    units = sum(max(day.sold, 0.0) for day in before)
    events = units / dispersion(before, weights, units / exposure, in_pieces=in_pieces)
    if events < EVENTS_AT_LEAST:
        return None
    shape = events + 0.5
    passed = 0.0
    nothing_until = [0.0]  # logarithms
    for day in silent:
        passed += weights[day.on.weekday()] * trend
        nothing_until.append(-shape * math.log1p(passed / exposure))
    odds = ONSET * sum(math.exp(min(one - nothing_until[-1], 600.0)) for one in nothing_until[:-1])
    return Suspicion(
        probability=odds / (1.0 + odds), silent_days=len(silent), missed=passed * units / exposure
    )


def dispersion(days: Sequence[Day], weights: Mapping[int, float], rate: float, *, in_pieces: bool) -> float:
    """The variance of the days' sales over their mean (Pearson), after the rhythm of the week is taken out."""
    squares = 0.0
    for day in days:
        expected = rate * weights[day.on.weekday()]
        squares += (max(day.sold, 0.0) - expected) ** 2 / expected
    return max(squares / (len(days) - 1), 1.0 if in_pieces else FINEST)


def trend_of(before: float, before_days: int, since: float, since_days: int) -> float:
    """How much of its old rate a product has at other shops: at most 1, and 1 where too few were sold to tell."""
    if before_days == 0 or since_days == 0:
        return 1.0
    expected = before / before_days * since_days
    return 1.0 if expected < 5.0 else min(1.0, (since + 1.0) / (expected + 1.0))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
