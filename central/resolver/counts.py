"""How often a code was checked, how that is told, and when it is a sign of copies. Pure.

A check is counted with a coarse bucket of the network it came from, hashed with a salt of the day that is thrown away afterwards.
Several checks from one bucket on one day are one visit: who looks twice at his own phone must not frighten himself.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum

import msgspec

NETWORKS_KEPT = 64
"""Buckets told apart on one day, at most. More say nothing new: the sign is long given."""
MANY = 10


class HowOften(StrEnum):
    """Earlier checks, rounded."""

    FIRST = "first"
    SEVERAL = "several"
    MANY = "many"


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of one item. ``networks``: the hashed buckets seen on ``day``; ``visits``: one for each bucket and day."""

    known: bool
    checks: int
    visits: int
    first_seen: datetime
    last_seen: datetime
    day: date
    networks: frozenset[str] = frozenset()


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """Checks of one item since the last time they were written down."""

    known: bool
    checks: int
    first_seen: datetime
    last_seen: datetime
    networks: frozenset[str]


class Thresholds(msgspec.Struct, frozen=True):
    """From when on checks are a sign of copies: networks on one day, visits altogether."""

    networks_a_day: int
    visits: int


def added(before: Count | None, seen: Sighting, day: date) -> Count:
    """The count with what was seen on ``day``."""
    if before is None:
        return Count(
            known=seen.known, checks=seen.checks, visits=len(seen.networks), first_seen=seen.first_seen,
            last_seen=seen.last_seen, day=day, networks=_kept(seen.networks),
        )  # fmt: skip
    earlier = before.networks if before.day == day else frozenset()
    return Count(
        known=before.known or seen.known,
        checks=before.checks + seen.checks,
        visits=before.visits + len(seen.networks - earlier),
        first_seen=min(before.first_seen, seen.first_seen),
        last_seen=max(before.last_seen, seen.last_seen),
        day=day,
        networks=_kept(earlier, seen.networks - earlier),
    )


def is_sign(before: Count | None, after: Count, thresholds: Thresholds) -> bool:
    """Whether a threshold was passed just now: said once a day, not with every check that follows."""
    networks = len(before.networks) if before is not None and before.day == after.day else 0
    visits = before.visits if before is not None else 0
    return (
        networks < thresholds.networks_a_day <= len(after.networks)
        or visits < thresholds.visits <= after.visits
    )


def earlier_visits(count: Count | None, seen: Sighting | None, own: str | None, today: date) -> int:
    """Visits before this one: those written down and those not yet, without today's from the caller's own network."""
    there = count.networks if count is not None and count.day == today else frozenset()
    waiting = (seen.networks if seen is not None else frozenset()) - there
    visits = (count.visits if count is not None else 0) + len(waiting)
    return visits - (own in there or own in waiting)


def how_often(visits: int) -> HowOften:
    """In words: nobody needs the number, and a counterfeiter could follow his copies by it."""
    if visits <= 0:
        return HowOften.FIRST
    return HowOften.SEVERAL if visits < MANY else HowOften.MANY


def _kept(*groups: Collection[str]) -> frozenset[str]:
    return frozenset([one for group in groups for one in sorted(group)][:NETWORKS_KEPT])
