"""Limits: a bucket for each, one for all, and memory that does not grow."""

from __future__ import annotations

import pytest

from central.resolver.limits import Limits, Rate

GENEROUS = Rate(1_000_000, 1_000_000)


def test_a_client_may_ask_as_often_as_its_burst_and_then_waits() -> None:
    limits = Limits(Rate(3, 0.5), GENEROUS)
    assert [limits.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 2.0]


def test_whoever_waits_as_long_as_told_may_go_on() -> None:
    limits = Limits(Rate(1, 0.5), GENEROUS)
    limits.take("a", 0.0)
    assert [limits.take("a", limits.take("a", 1.0) + 1.0), limits.take("a", 3.0)] == [0, pytest.approx(1.0)]


def test_one_client_does_not_use_up_what_belongs_to_another() -> None:
    limits = Limits(Rate(1, 0.1), GENEROUS)
    assert [limits.take("a", 0.0), limits.take("b", 0.0)] == [0, 0]


def test_all_together_have_a_limit_too() -> None:
    limits = Limits(GENEROUS, Rate(2, 1))
    assert [limits.take(client, 0.0) for client in "abc"] == [0, 0, 1.0]


def test_being_refused_costs_nothing() -> None:
    limits = Limits(Rate(1, 1), GENEROUS)
    limits.take("a", 0.0)
    refused = [limits.take("a", 0.5) for _ in range(100)]
    assert (set(refused), limits.take("a", 1.0)) == ({0.5}, 0)


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    limits = Limits(Rate(1, 1), GENEROUS)
    limits.take("a", 100.0)
    assert limits.take("a", 50.0) == 1.0


def test_however_many_clients_there_are_the_memory_is_bounded() -> None:
    limits = Limits(Rate(1, 1), GENEROUS, clients_kept=100)
    for number in range(1000):
        limits.take(str(number), 0.0)
    assert len(limits) == 100
