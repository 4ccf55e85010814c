"""Which count a late fact comes before."""

from __future__ import annotations

from datetime import timedelta

from central.ledger.counts import Counts
from tests.central.facts import BREAD, MILK, NOON

HOUR = timedelta(hours=1)
COUNTS = Counts([("north", MILK, NOON + HOUR, "second"), ("north", MILK, NOON, "first")])


def test_the_first_count_after_a_moment_is_the_one() -> None:
    assert (
        COUNTS.after("north", MILK, NOON - HOUR),
        COUNTS.after("north", MILK, NOON),
        COUNTS.after("north", MILK, NOON + HOUR),
    ) == ((NOON, "first"), (NOON + HOUR, "second"), None)


def test_what_was_never_counted_has_none() -> None:
    assert (COUNTS.after("north", BREAD, NOON), Counts().after("north", MILK, NOON)) == (None, None)
