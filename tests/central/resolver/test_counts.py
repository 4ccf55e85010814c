"""Counting: visits, how they are told, and when they are a sign of copies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from central.resolver.counts import (
    NETWORKS_KEPT,
    Count,
    HowOften,
    Sighting,
    Thresholds,
    added,
    earlier_visits,
    how_often,
    is_sign,
)

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TODAY = NOW.date()
YESTERDAY = TODAY - timedelta(days=1)
THRESHOLDS = Thresholds(networks_a_day=3, visits=10)


def seen(*networks: str, checks: int | None = None, at: datetime = NOW) -> Sighting:
    return Sighting(
        known=True, checks=checks or len(networks), first_seen=at, last_seen=at, networks=frozenset(networks)
    )


def counted(*networks: str, visits: int, day: date = TODAY) -> Count:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return Count(
        known=True,
        checks=visits,
        visits=visits,
        first_seen=at,
        last_seen=at,
        day=day,
        networks=frozenset(networks),
    )


def test_two_checks_from_one_network_on_one_day_are_one_visit() -> None:
    count = added(added(None, seen("a"), TODAY), seen("a", checks=3), TODAY)
    assert (count.checks, count.visits, count.networks) == (4, 1, frozenset("a"))


def test_the_same_network_on_the_next_day_is_another_visit() -> None:
    count = added(counted("a", visits=1, day=YESTERDAY), seen("a"), TODAY)
    assert (count.visits, count.networks, count.day) == (2, frozenset("a"), TODAY)


def test_the_first_check_stays_the_first() -> None:
    before = counted("a", visits=1, day=YESTERDAY)
    assert added(before, seen("b"), TODAY).first_seen == before.first_seen


def test_no_more_networks_are_kept_than_say_something() -> None:
    count = added(None, seen(*(f"{number:03}" for number in range(100))), TODAY)
    assert (len(count.networks), count.visits) == (NETWORKS_KEPT, 100)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (counted("a", "b", visits=2), counted("a", "b", "c", visits=3), True),
        (counted("a", "b", "c", visits=3), counted("a", "b", "c", "d", visits=4), False),
        (counted("a", "b", "c", visits=3, day=YESTERDAY), counted("a", "b", "c", visits=6), True),
        (counted("a", visits=9, day=YESTERDAY), counted("a", visits=10), True),
        (counted("a", visits=10, day=YESTERDAY), counted("a", visits=11), False),
        (None, counted("a", "b", visits=2), False),
        (None, counted("a", "b", "c", visits=3), True),
    ],
)
def test_a_sign_is_given_when_a_threshold_is_passed_and_not_again_that_day(
    before: Count | None, after: Count, expected: bool
) -> None:
    assert is_sign(before, after, THRESHOLDS) == expected


def test_a_second_look_on_the_same_day_from_the_same_network_is_no_earlier_visit() -> None:
    assert earlier_visits(counted("me", visits=1), None, "me", TODAY) == 0


def test_a_second_look_before_the_first_was_written_down_is_no_earlier_visit() -> None:
    assert earlier_visits(None, seen("me"), "me", TODAY) == 0


def test_visits_of_others_count_written_down_or_not() -> None:
    assert earlier_visits(counted("me", "you", visits=4), seen("they", "you"), "me", TODAY) == 4


def test_how_often_is_rounded() -> None:
    assert [how_often(visits) for visits in (0, 1, 9, 10, 5000)] == [
        HowOften.FIRST, HowOften.SEVERAL, HowOften.SEVERAL, HowOften.MANY, HowOften.MANY
    ]  # fmt: skip
