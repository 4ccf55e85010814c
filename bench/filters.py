"""Filters: how fast a counter asks them, how large they are, and what they cost on the wire.

    python -m bench.filters [--items 4000000]

Prints one JSON line. A counter with a filter of ``items`` sold items asks for items that are not in it (``absent_us``, the usual
case) and for some that are. ``reference_us`` is one read of the same replica by its key, which is what an exact answer costs.
``mb_a_million_sold`` plays the sale of a million items, 2,000 a build and one in twenty brought back, through the rules that
decide what is built anew.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.store import Store
from agent.verification.filters import Filters
from bench.surroundings import peak_rss_mb, report, say, temporary_place
from central.filters.rules import LAST_LAYER, Size, everything, plan
from protocol.feeds import Feed, body_encoder
from protocol.filters import (
    BITS_AN_ITEM,
    ITEMS_A_GONE_ROW,
    FilterLayer,
    LayerBits,
    digest_of,
    encode_digests,
    encode_part,
    layer_key,
    part_key,
    parts_for,
)
from protocol.messages import FeedChunk, FeedRow

ASKED = 100_000
SOLD_A_BUILD = 2_000
BACK_A_BUILD = SOLD_A_BUILD // 20
BUILDS = 1_000_000 // SOLD_A_BUILD
HEADER_BYTES = 300
DIGEST_BYTES = 22  # 16, in base64
MARK_BYTES = 8


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=4_000_000)
    asked = parser.parse_args()
    with temporary_place() as place:
        store = Store.open(place / "journal.db")
        replica = Replica(store)
        started = time.perf_counter()
        rows = layer(asked.items)
        build_s = time.perf_counter() - started
        say(f"{asked.items:,} items built")
        fill(replica, rows)
        filters = Filters(replica, anyone, store=store, clock=Clock())
        started = time.perf_counter()
        filters.refresh()
        unpack_s = time.perf_counter() - started
        absent_us = median_us(filters.hits, items(asked.items, ASKED))
        present_us = median_us(filters.hits, items(0, min(ASKED, asked.items)))
        reference_us = median_us(partial(replica.get, Feed.ITEMS), items(0, ASKED))
        false_hits = sum(bool(filters.hits(item)) for item in items(2 * asked.items, ASKED))
        used_mb = store.health().used_bytes / 1e6
        store.close()
    report(
        bench="filters",
        absent_us=round(absent_us, 2),
        present_us=round(present_us, 2),
        reference_us=round(reference_us, 2),
        ratio=round(absent_us / reference_us, 3),
        one_false_hit_in=round(ASKED / max(false_hits, 1)),
        items=asked.items,
        bits_mb=round(asked.items * BITS_AN_ITEM / 8e6, 2),
        replica_mb=round(used_mb, 1),
        build_s=round(build_s, 1),
        unpack_s=round(unpack_s, 3),
        mb_a_million_sold={
            size: round(a_million_sold(size) / 1e6, 1) for size in (100_000, 1_000_000, 4_000_000)
        },
        peak_rss_mb=peak_rss_mb(os.getpid()),
    )


def items(first: int, count: int) -> list[str]:
    """Item codes."""
    return [f"010950600013435221{number:020d}" for number in range(first, first + count)]


def layer(count: int) -> list[FeedRow]:
    """One layer with all items, as rows of the feed."""
    bits = LayerBits(count)
    for first in range(0, count, 100_000):
        bits.add(items(first, min(100_000, count - first)))
    parts = bits.parts()
    header = FilterLayer(
        kind="sold",
        layer=LAST_LAYER,
        parts=len(parts),
        items=count,
        as_of_us=1,
        digests=encode_digests(map(digest_of, parts)),
    )
    rows = [FeedRow(part_key("sold", LAST_LAYER, part), encode_part(one)) for part, one in enumerate(parts)]
    return [*rows, FeedRow(layer_key("sold", LAST_LAYER), body_encoder.encode(header))]


def fill(replica: Replica, rows: list[FeedRow]) -> None:
    """Pull the rows."""
    for at, row in enumerate(rows):
        chunk = FeedChunk(
            feed=Feed.FILTERS, since=at, next=at + 1, rows=(row,), more=at + 1 < len(rows), head=len(rows)
        )
        replica.apply(chunk).result()


def anyone(key_id: str, data: bytes, signature: bytes, purpose: str, day: date) -> bool:  # noqa: ARG001 - the question is given
    """Believes every signature: one a layer is not what takes the time."""
    return True


def median_us(ask: Callable[[str], object], asked: Iterable[str]) -> float:
    """The median of the times of one call each."""
    times = []
    for item in asked:
        started = time.perf_counter()
        ask(item)
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1e6


def a_million_sold(size: int) -> float:
    """The bytes of all rows that change while a million items are sold, in a set that keeps ``size`` items."""
    layers = {everything({}, size).into: Size(size)}
    total = 0.0
    for build in range(2 * BUILDS):
        total = 0.0 if build == BUILDS else total  # the first half fills the layers
        total += _come_back(layers)
        planned = plan(layers, SOLD_A_BUILD, size)
        assert planned is not None
        joined = [layers.pop(one) for one in (planned.into, *planned.melted) if one in layers]
        held = SOLD_A_BUILD + sum(one.items - one.gone for one in joined)
        held = min(held, planned.keep) if planned.keep is not None else held
        layers[planned.into] = Size(held)
        total += held * BITS_AN_ITEM / 8 + HEADER_BYTES + DIGEST_BYTES * parts_for(held)
    return total


def _come_back(layers: dict[int, Size]) -> float:
    """Items leave the layers, each its share; the bytes of the lists that name them."""
    held = sum(size.items for size in layers.values())
    sent = 0.0
    for number, size in list(layers.items()):
        back = round(BACK_A_BUILD * size.items / held)
        layers[number] = Size(size.items, size.gone + back)
        if number > 0 and back:
            sent += MARK_BYTES * (back + size.gone % ITEMS_A_GONE_ROW) + HEADER_BYTES
    return sent


if __name__ == "__main__":
    main()
