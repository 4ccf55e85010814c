"""What a publication changes, and whose a feed is."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.feeds.rules import (
    Changed,
    FeedRowTooLarge,
    Present,
    check_row,
    fits,
    publication,
    rows_within,
    scope_of,
)
from protocol.feeds import Feed, row_digest
from protocol.messages import FeedChunk, FeedRow

bodies = st.none() | st.binary(min_size=1, max_size=4)
rows = st.lists(st.tuples(st.sampled_from("abcde"), bodies), max_size=8)


def by_hand(kept: dict[str, bytes]) -> int:
    """The digest of a feed, worked out anew."""
    parts = (hashlib.sha256(key.encode() + b"\0" + body).digest()[:8] for key, body in kept.items())
    return sum(int.from_bytes(part, "big") for part in parts) % 2**64


@given(st.lists(rows, max_size=6))
def test_versions_count_changes_and_the_digest_is_that_of_the_rows(
    published: list[list[tuple[str, bytes | None]]],
) -> None:
    version, digest, kept = 0, 0, dict[str, bytes | None]()
    for batch in published:
        present = {key: Present(row_digest(key, body)) for key, body in kept.items()}
        result = publication(version, digest, batch, present)
        assert [row.version for row in result.changed] == list(range(version + 1, result.version + 1))
        kept |= dict(batch)
        version, digest = result.version, result.digest
    assert digest == by_hand({key: body for key, body in kept.items() if body is not None})


def test_the_same_body_again_changes_nothing() -> None:
    assert publication(7, 1, [("a", b"1")], {"a": Present(row_digest("a", b"1"))}).changed == ()


def test_of_one_key_the_last_row_counts() -> None:
    assert publication(7, 0, [("a", b"1"), ("a", b"2")], {}).changed == (
        Changed("a", 8, row_digest("a", b"2"), b"2"),
    )


@pytest.mark.parametrize(
    ("feed", "scope"),
    [
        ("catalogue", ""),
        ("policy", ""),
        ("prices", "retail"),
        ("items", "north"),
        ("stock", "north"),
        ("orders", "north"),
        ("despatches", "north"),
        ("secrets", None),
    ],
)
def test_whose_a_feed_is(feed: str, scope: str | None) -> None:
    assert scope_of(feed, "north", "retail") == scope


def test_every_feed_has_somebody() -> None:
    assert None not in {scope_of(feed, "north", "retail") for feed in Feed}


@pytest.mark.parametrize(
    ("sizes", "count"), [([], 0), ([500], 1), ([40, 40, 40], 2), ([100], 1), ([60, 40, 1], 2)]
)
def test_as_many_rows_as_fit_but_one_at_least(sizes: list[int], count: int) -> None:
    assert rows_within(sizes, 100) == count


def test_a_row_beyond_any_frame_is_refused() -> None:
    check_row("items", "a", b"x" * 1_000)
    check_row("items", "a", None)
    with pytest.raises(FeedRowTooLarge, match=r"feed items, row 'a': 200001 bytes, expected at most 98304"):
        check_row("items", "a", b"x" * 200_000)


def test_a_chunk_beyond_any_frame_does_not_fit() -> None:
    small = FeedChunk(feed="items", since=0, next=1, rows=(FeedRow("a", b"x"),))
    huge = FeedChunk(feed="items", since=0, next=1, rows=(FeedRow("a", bytes(5 * 1024 * 1024)),))
    assert (fits(small), fits(huge)) == (True, False)
