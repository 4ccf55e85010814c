"""Filters over a real PostgreSQL, told by the real feed to a real replica: what central knows, a counter elsewhere is warned of."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from central.actors import By
from central.codes import keys
from central.embedded.database import EmbeddedDatabase
from central.filters import rounds as filter_rounds
from central.filters import rules, storage
from central.filters.build import Interrupted
from protocol.filters import FilterKind
from protocol.items import State
from tests.integration.books import laid_out
from tests.integration.filter_world import START, World, put, serial, serials


@pytest.fixture
def world(embedded_database: EmbeddedDatabase, tmp_path: Path) -> Iterator[World]:
    with laid_out(embedded_database) as url:
        made = World(url, tmp_path)
        try:
            yield made
        finally:
            made.close()


A, B, C = serial(1), serial(2), serial(3)


def test_an_item_sold_at_one_shop_is_a_hit_at_another(world: World) -> None:
    world.put([A, B], State.SELLABLE)
    world.put([A], State.SOLD)
    world.build()
    assert world.hits([A, B]) == [A]


@pytest.mark.parametrize(
    ("state", "kind"),
    [(State.SOLD_PROVISIONALLY, "sold"), (State.RECALLED, "recalled"), (State.STOLEN, "stolen")],
)
def test_each_set_has_its_own_hit(world: World, state: State, kind: str) -> None:
    world.put([A], state)
    world.build()
    world.pull()
    assert [hit.kind for hit in world.filters.hits(A)] == [kind]


@pytest.mark.parametrize("state", [State.SELLABLE, State.QUARANTINED])
def test_an_item_that_came_back_is_no_hit_any_more(world: World, state: State) -> None:
    world.put([A, B], State.SOLD)
    world.build()
    assert world.hits([A, B]) == [A, B]
    world.put([A], state)
    world.build()
    assert world.hits([A, B]) == [B]


def test_the_last_item_that_comes_back_leaves_an_empty_feed(world: World) -> None:
    world.put([A], State.SOLD)
    world.build()
    world.put([A], State.SELLABLE)
    world.build()
    assert (world.hits([A]), world.feed_keys()) == ([], [])


def test_a_build_after_which_nothing_happened_changes_no_row(world: World) -> None:
    world.put([A], State.SOLD)
    world.build()
    before = world.versions()
    assert [(one.came, one.went, one.rows) for one in world.build()] == [(0, 0, 0)] * 3
    assert world.versions() == before


def test_a_few_sales_change_two_rows_however_large_the_set_is(world: World) -> None:
    world.put(serials(0, 40_000), State.SOLD)
    world.build()
    assert world.feed_keys() == ["layer/sold/2", "part/sold/2/0", "part/sold/2/1"]
    world.put(serials(50_000, 10), State.SOLD)
    assert sum(one.rows for one in world.build()) == 2
    assert world.feed_keys() == [
        "layer/sold/0",
        "layer/sold/2",
        "part/sold/0/0",
        "part/sold/2/0",
        "part/sold/2/1",
    ]
    assert world.hits(serials(50_000, 10)) == serials(50_000, 10)


def test_a_full_layer_melts_into_the_next_and_nothing_is_missed(world: World) -> None:
    for first in range(0, 10_000, 2_000):
        world.put(serials(first, 2_000), State.SOLD)
        world.build()
    # 2,000 and 4,000 are in layer 0, 6,000 are too many for it; then two more builds begin again with layer 0.
    assert world.feed_keys() == ["layer/sold/0", "layer/sold/1", "part/sold/0/0", "part/sold/1/0"]
    assert world.hits(serials(0, 10_000)) == serials(0, 10_000)


def test_what_comes_back_from_a_large_layer_costs_one_row_and_spares_the_bits(world: World) -> None:
    world.put(serials(0, 5_000), State.SOLD)
    world.build()
    world.put([A, B], State.SELLABLE)
    assert sum(one.rows for one in world.build()) == 1
    assert world.feed_keys() == ["gone/sold/1/0", "layer/sold/1", "part/sold/1/0"]
    assert world.hits([A, B, C]) == [C]


def test_an_item_that_came_back_and_was_sold_again_is_a_hit_again(world: World) -> None:
    world.put(serials(0, 5_000), State.SOLD)
    world.build()
    for state in (State.SELLABLE, State.SOLD):
        world.put([A], state)
        world.build()
    assert world.hits([A]) == [A]
    world.put([A], State.SELLABLE)
    world.build()
    assert world.hits([A]) == []


def test_what_came_back_is_named_in_further_rows_when_one_is_full(world: World) -> None:
    world.put(serials(0, 60_000), State.SOLD)
    world.build()
    for first, count in ((0, 500), (500, 100)):
        world.put(serials(first, count), State.SELLABLE)
        world.build()
    assert [key for key in world.feed_keys() if key.startswith("gone/")] == ["gone/sold/2/0", "gone/sold/2/1"]
    assert len(world.hits(serials(0, 600))) < 10
    assert world.hits(serials(600, 1_000)) == serials(600, 1_000)


def test_a_commit_that_lands_after_a_build_is_met_by_the_next(world: World) -> None:
    with world.database.transaction() as slow:
        put(
            slow, [A], State.SOLD, START - timedelta(hours=1)
        )  # an earlier number and an earlier time than all that follows
        world.put([B], State.SOLD)
        world.build()
        assert world.hits([A, B]) == [B]
        world.put([C], State.SOLD)
        world.build()
        assert world.hits([A, B, C]) == [B, C]
    world.build()
    assert world.hits([A, B, C]) == [A, B, C]


def test_a_return_that_commits_after_a_build_is_met_by_the_next(world: World) -> None:
    world.put([A, B], State.SOLD)
    world.build()
    with world.database.transaction() as slow:
        put(slow, [A], State.SELLABLE, START - timedelta(hours=1))
        world.put([B], State.SELLABLE)
        world.build()
        assert world.hits([A, B]) == [A]
    world.build()
    assert world.hits([A, B]) == []


def test_a_transaction_that_begins_before_a_build_and_writes_after_it_is_met_by_the_next(
    world: World,
) -> None:
    with world.database.transaction() as slow:
        slow.execute("SELECT pg_current_xact_id()")
        world.put([B], State.SOLD)
        world.build()
        put(slow, [A], State.SOLD)
    world.build()
    assert world.hits([A, B]) == [A, B]


def test_a_database_restored_into_another_cluster_is_read_anew(world: World) -> None:
    world.put([A], State.SOLD)
    world.build()
    with world.database.transaction() as connection:
        # As a dump leaves it: the numbers of transactions are those of a cluster that had counted further.
        connection.execute("UPDATE filter_sets SET cluster = 1, horizon = '4000000000'")
    world.put([B], State.SOLD)
    world.put([A], State.SELLABLE)
    world.build()
    assert world.hits([A, B]) == [B]


def test_a_build_from_nothing_says_the_same_as_all_the_builds_before_it(world: World) -> None:
    world.put(serials(0, 5_000), State.SOLD)
    world.build()
    world.put([A], State.SELLABLE)
    world.put([B], State.STOLEN)
    world.build()
    every = serials(0, 6_000)
    before = world.hits(every)
    world.build(from_nothing=True)
    assert world.feed_keys() == ["layer/sold/1", "layer/stolen/0", "part/sold/1/0", "part/stolen/0/0"]
    # The set is the same; which other item is a false hit may differ.
    assert len(set(before) ^ set(world.hits(every))) < 40
    assert set(serials(2, 4_998)) <= set(before) & set(world.hits(every))


def test_beyond_the_limit_the_items_sold_longest_ago_are_left_out(world: World) -> None:
    for day in range(11):
        world.put(serials(day * 100, 100), State.SOLD, START + timedelta(days=day))
    [sold, *_] = world.build(limit_items=1_000)
    assert len(world.hits(serials(0, 100))) < 5
    assert world.hits(serials(200, 900)) == serials(200, 900)
    assert sold.came == 1_000


def test_a_set_that_grows_beyond_its_limit_lets_its_oldest_go(world: World) -> None:
    evicted = 0
    for day in range(11):
        world.put(serials(day * 100, 100), State.SOLD, START + timedelta(days=day))
        evicted += sum(built.evicted for built in world.build(limit_items=1_000))
    assert evicted == 200
    assert len(world.hits(serials(0, 200))) < 5
    assert world.hits(serials(200, 900)) == serials(200, 900)


def test_another_key_signs_what_stands_in_the_feed_already(world: World) -> None:
    world.put(serials(0, 5_000), State.SOLD)
    world.build()
    world.put([A], State.SELLABLE)
    world.build()
    with world.database.transaction() as connection:
        [old] = {layer.key_id for layer in storage.layers(connection, FilterKind.SOLD).values()}
        keys.revoke(connection, old, By(actor="test", at=world.now, reason="stolen"))
    assert world.hits([B]) == []
    world.build()
    assert world.hits([A, B]) == [B]


def test_only_one_process_builds_at_a_time(world: World) -> None:
    world.put([A], State.SOLD)
    with world.database.transaction() as connection:
        assert storage.lock(connection, wait=False)
        assert world.rounds.once() == []
    assert [one.came for one in world.rounds.once()] == [1, 0, 0]


def test_two_processes_do_not_build_what_one_of_them_has_just_built(world: World) -> None:
    world.put([A], State.SOLD)
    assert len(world.rounds.once()) == 3
    assert world.another_process().once() == []


def test_sales_wait_for_the_interval(world: World) -> None:
    world.rounds.once()
    world.put([A], State.SOLD)
    assert (world.rounds.once(), world.hits([A])) == ([], [])
    world.now += timedelta(minutes=5)
    world.rounds.once()
    assert world.hits([A]) == [A]


@pytest.mark.parametrize("state", [State.RECALLED, State.STOLEN])
def test_a_recall_or_a_theft_does_not_wait(world: World, state: State) -> None:
    world.rounds.once()
    world.put([A], state)
    assert [one.kind for one in world.rounds.once()] == [state.value]
    assert world.hits([A]) == [A]
    assert world.rounds.once() == []


def test_a_build_is_given_up_when_the_process_is_to_end(world: World) -> None:
    world.put([A], State.SOLD)
    ending = world.another_process()
    ending.start()
    ending.stop()
    world.rounds.once()
    world.put(serials(10, 10), State.RECALLED)
    with pytest.raises(Interrupted):
        ending.once()
    assert world.hits([A, *serials(10, 10)]) == [A]
    world.rounds.once()
    assert world.hits([A, *serials(10, 10)]) == [A, *serials(10, 10)]


def test_a_server_that_goes_away_in_the_middle_of_a_round_is_met_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_rounds, "LOOK_S", 0.02)
    world.put([A], State.SOLD)
    with world.database.connect() as watching:
        watching.autocommit = True
        watching.execute("LISTEN countermark_feeds")
        with world.database.transaction() as blocking:
            blocking.execute("LOCK TABLE filter_sets")
            world.rounds.start()
            ended = 0
            while not ended:  # until the round waits for the table
                ended = watching.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                    """
                ).rowcount
        told = [notice.payload for notice in watching.notifies(timeout=30, stop_after=2)]
    world.rounds.stop()
    assert "filters\n\n2" in told
    assert world.hits([A]) == [A]


def test_the_status_says_how_much_there_is(world: World) -> None:
    world.put(serials(0, 5_000), State.SOLD)
    world.build()
    world.put([A], State.SELLABLE)
    world.build()
    with world.database.transaction() as connection:
        found = {row["kind"]: row for row in storage.status_of(connection)}
    sold = found["sold"]
    assert (sold["items"], sold["layers"], sold["parts"], sold["gone"]) == (4_999, 1, 1, 1)
    assert sold["built_at"] == world.now
    assert found["stolen"]["items"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_after_any_history_no_sold_item_is_missed(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LAYER_ITEMS", (4, 16, 64))  # so that a short history goes through all layers
    chance = random.Random(seed)
    sold: set[str] = set()
    every = serials(0, 300)
    for _ in range(25):
        selling = chance.sample(every, chance.randrange(12))
        back = chance.sample(sorted(sold), min(len(sold), chance.randrange(6)))
        world.put(selling, State.SOLD)
        world.put(back, State.SELLABLE)
        sold = (sold | set(selling)) - set(back)
        world.build()
        assert sold - set(world.hits(every)) == set()
    assert len(set(world.hits(every)) - sold) < 12  # a false hit in eighty, and nothing that has gone
