"""A replica is pulled in chunks, resumed, checked, and rebuilt beside the one in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.clock import ManualClock
from agent.feeds.chunks import Applied, Restart, Stale
from agent.feeds.replica import Replica
from agent.store.store import Store
from protocol.feeds import digest_after, row_digest
from protocol.messages import FeedChunk, FeedRow

FEED = "catalogue"


class Shop:
    """A replica and its clock."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.folder = folder
        self.open()

    def open(self) -> None:
        self.store = Store.open(self.folder / "journal.db", reserve_bytes=0)
        self.replica = Replica(self.store, self.clock)

    def reopen(self) -> None:
        self.store.close()
        self.open()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.store.close()


def digest(rows: dict[str, bytes]) -> int:
    total = 0
    for key, body in rows.items():
        total = digest_after(total, 0, row_digest(key, body))
    return total


def chunk(
    since: int,
    rows: dict[str, bytes | None],
    *,
    whole: dict[str, bytes] | None = None,
    step: int | None = None,
) -> FeedChunk:
    """Rows from ``since`` on. With ``whole``, the last chunk of a pull that ends with these rows."""
    return FeedChunk(
        feed=FEED,
        since=since,
        next=since + (len(rows) if step is None else step),
        rows=tuple(FeedRow(key, body) for key, body in rows.items()),
        more=whole is None,
        digest=None if whole is None else digest(whole),
    )


A, B, C = {"a": b"1"}, {"b": b"2"}, {"c": b"3"}


def test_chunks_in_their_order_make_the_feed(shop: Shop) -> None:
    results = [
        shop.replica.apply(chunk(0, {**A, **B})).result(),
        shop.replica.apply(chunk(2, {**C}, whole=A | B | C)).result(),
    ]
    assert results == [Applied(FEED, 2, more=True), Applied(FEED, 3, more=False)]
    assert shop.replica.rows(FEED) == [("a", b"1"), ("b", b"2"), ("c", b"3")]


def test_the_first_pull_is_seen_as_it_comes_and_is_complete_at_its_end(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A})).result()
    before = (shop.replica.get(FEED, "a"), shop.replica.synced_at_us(FEED))
    shop.replica.apply(chunk(1, {**B}, whole=A | B)).result()
    assert (before, shop.replica.synced_at_us(FEED)) == ((b"1", None), shop.clock.wall_us())


def test_a_pull_goes_on_after_a_restart_where_it_was(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A})).result()
    shop.reopen()
    assert shop.replica.version(FEED) == 1
    assert shop.replica.apply(chunk(1, {**B}, whole=A | B)).result() == Applied(FEED, 2, more=False)


def test_a_chunk_that_comes_twice_or_out_of_turn_changes_nothing(shop: Shop) -> None:
    first = chunk(0, {**A})
    shop.replica.apply(first).result()
    results = [shop.replica.apply(late).result() for late in (first, chunk(5, {**C}))]
    assert results == [Stale(FEED), Stale(FEED)]
    assert shop.replica.rows(FEED) == [("a", b"1")]


def test_a_changed_row_replaces_and_a_tombstone_takes_away(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A, **B}, whole=A | B)).result()
    changed = chunk(2, {"a": b"new", "b": None}, whole={"a": b"new"})
    assert shop.replica.apply(changed).result() == Applied(FEED, 4, more=False)
    assert shop.replica.rows(FEED) == [("a", b"new")]


def test_an_empty_answer_says_that_all_is_current(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A}, whole=A)).result()
    shop.clock.advance(60_000_000)
    assert shop.replica.age_us(FEED) == 60_000_000
    shop.replica.apply(chunk(1, {}, whole=A)).result()
    assert shop.replica.age_us(FEED) == 0


def test_a_clock_that_was_set_back_makes_no_negative_age(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A}, whole=A)).result()
    shop.clock.step_wall(-10_000_000)
    assert shop.replica.age_us(FEED) == 0


def test_drift_is_noticed_and_the_old_rows_serve_until_the_new_ones_are_complete(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A, **B}, whole=A | B)).result()
    drifted = shop.replica.apply(chunk(2, {}, whole=A | C)).result()
    seen = [[key for key, _ in shop.replica.rows(FEED)]]
    shop.replica.apply(chunk(0, {**A})).result()
    seen.append([key for key, _ in shop.replica.rows(FEED)])
    shop.replica.apply(chunk(1, {**C}, whole=A | C)).result()
    seen.append([key for key, _ in shop.replica.rows(FEED)])
    assert isinstance(drifted, Restart)
    assert seen == [["a", "b"], ["a", "b"], ["a", "c"]]


def test_central_may_say_that_a_version_is_not_of_its_feed(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A, **B}, whole=A | B)).result()
    restart = FeedChunk(feed=FEED, since=2, next=2, rows=(), restart=True)
    assert isinstance(shop.replica.apply(restart).result(), Restart)
    assert (shop.replica.version(FEED), shop.replica.get(FEED, "b")) == (0, b"2")


def test_what_a_rebuilt_feed_leaves_behind_is_removed(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A, **B}, whole=A | B)).result()
    restart = FeedChunk(feed=FEED, since=2, next=2, rows=(), restart=True)
    shop.replica.apply(restart).result()
    shop.replica.apply(chunk(0, {**A})).result()
    shop.replica.apply(FeedChunk(feed=FEED, since=1, next=1, rows=(), restart=True)).result()
    shop.replica.apply(chunk(0, {**C}, whole=C)).result()
    removed = 0
    while gone := shop.replica.tidy().result():
        removed += gone
    kept = shop.store.read(lambda at: at.execute("SELECT key FROM feed_rows").fetchall())
    assert (removed, kept) == (3, [("c",)])


def test_tidying_keeps_the_edition_in_use_and_the_one_being_built(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A, **B}, whole=A | B)).result()
    shop.replica.apply(FeedChunk(feed=FEED, since=2, next=2, rows=(), restart=True)).result()
    shop.replica.apply(chunk(0, {**C})).result()
    assert shop.replica.tidy().result() == 0


def test_rows_are_found_by_the_beginning_of_their_key(shop: Shop) -> None:
    rows: dict[str, bytes | None] = {"sold/1": b"1", "sold/2": b"2", "held/1": b"3", "sold": b"4"}
    shop.replica.apply(chunk(0, rows)).result()
    assert [key for key, _ in shop.replica.rows(FEED, prefix="sold/", limit=5)] == ["sold/1", "sold/2"]


def test_feeds_do_not_see_each_other(shop: Shop) -> None:
    shop.replica.apply(chunk(0, {**A})).result()
    assert shop.replica.get("prices", "a") is None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.binary(max_size=3)), max_size=20),
    sizes=st.lists(st.integers(1, 4), min_size=20, max_size=20),
)
def test_however_it_is_cut_the_replica_ends_as_the_feed(
    tmp_path: Path, changes: list[tuple[str, bytes | None]], sizes: list[int]
) -> None:
    shop = Shop(tmp_path / str(len(list(tmp_path.iterdir()))))
    whole: dict[str, bytes] = {}
    done = 0
    for size in sizes:
        part = dict(changes[done : done + size])  # a feed gives the newest state of a row
        for key, body in part.items():
            whole.pop(key, None)
            if body is not None:
                whole[key] = body
        shop.replica.apply(chunk(done, {**part}, whole=whole, step=size)).result()
        done += size
    assert dict(shop.replica.rows(FEED)) == whole
    shop.store.close()
