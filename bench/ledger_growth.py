"""Ledger growth: what the intake of a line costs in books of 1, 10 and 50 million movements.

    python -m bench.ledger_growth [--sizes 1 10 50] [--lines 60000] [--workers 2]

Prints one JSON line. ``ratio`` is the cost of a line in the largest books, divided by that in the smallest, in the same run: 1 is flat. Each cost
is the median of several rounds, after one that warms the caches; ``cpu_us_per_line`` counts what the processors of intake and database did for
a line, which a busy machine changes less than the time on the wall.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.grown_books import FILL_SETTINGS, MEASURE_SETTINGS, GrownBooks
from bench.intake import LINES_A_SALE, SALES_A_BATCH, epoch, sale, take_in
from bench.surroundings import report, say, temporary_place
from central.database import Database
from central.embedded.database import EmbeddedDatabase, start_database
from central.reconciliation.rebuild import compare_all
from protocol.chain import genesis, links
from protocol.codec import encode
from protocol.messages import Batch
from protocol.topics import topic

Heads = dict[int, tuple[int, bytes]]
"""Where the journal of each agent goes on: (next seq, hash before it)."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 50], help="millions of movements")
    parser.add_argument("--lines", type=int, default=60_000, help="sale lines of one round")
    parser.add_argument("--rounds", type=int, default=5, help="that are measured at each size")
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--directory", type=Path, default=None, help="where the books are kept meanwhile")
    asked = parser.parse_args()
    sizes: list[int] = asked.sizes
    heads: Heads = {number: (1, genesis(f"agent-{number}", epoch(number))) for number in range(asked.sites)}
    chance = random.Random(1)
    costs: dict[str, dict[str, float]] = {}
    with temporary_place(asked.directory) as place:
        books: GrownBooks | None = None
        months = 0
        for millions in sizes:
            with start_database(place / "database", settings=FILL_SETTINGS) as server:
                began = time.perf_counter()
                with Database(server.ensure_database("ledger")) as database:
                    books = grown(database, books, asked.sites, millions, months_for(sizes, millions))
                    months += months_for(sizes, millions)
                    with database.connect() as connection:
                        connection.autocommit = True
                        connection.execute("ANALYZE")
                fill_s = time.perf_counter() - began
                say(f"{millions} million movements after {fill_s:.0f} s")
            with (
                start_database(place / "database", settings=MEASURE_SETTINGS) as server,
                Database(server.ensure_database("ledger")) as database,
            ):
                costs[f"{millions}_million"] = {
                    **measure(server, database, heads, chance, asked.lines, asked.rounds, asked.workers),
                    "fill_s": round(fill_s),
                    "gigabytes": round(size_bytes(database) / 1e9, 1),
                    "agrees": compare_all(database).agrees,
                }
                say(f"{millions} million movements: {costs[f'{millions}_million']}")
    smallest, largest = costs[f"{sizes[0]}_million"], costs[f"{sizes[-1]}_million"]
    report(
        bench="ledger_growth",
        us_per_line=largest["us_per_line"],
        reference_us_per_line=smallest["us_per_line"],
        ratio=round(largest["us_per_line"] / smallest["us_per_line"], 3),
        cpu_ratio=round(largest["cpu_us_per_line"] / smallest["cpu_us_per_line"], 3),
        costs=costs,
        lines=asked.lines,
        sites=asked.sites,
        workers=asked.workers,
    )


def months_for(sizes: list[int], millions: int) -> int:
    """How many of the twelve months a size takes for what it adds: at least one each, by their shares."""
    before = max((size for size in sizes if size < millions), default=0)
    return max(1, 12 * (millions - before) // (sizes[-1] + 1))


def grown(database: Database, books: GrownBooks | None, sites: int, millions: int, months: int) -> GrownBooks:
    """The books grown to a size; laid out first if there are none."""
    if books is None:
        books = GrownBooks(database, sites, by_site=True)
        books.lay_out()
    books.database = database
    books.grow(millions * 1_000_000, months)
    return books


def measure(
    server: EmbeddedDatabase,
    database: Database,
    heads: Heads,
    chance: random.Random,
    lines: int,
    rounds: int,
    workers: int,
) -> dict[str, float]:
    """The cost of a line, by the clock and by the processors."""
    wall: list[float] = []
    cpu: list[float] = []
    for _ in range(rounds + 1):
        frames = list(make_frames(heads, chance, lines))
        made = sum(count for _, _, count in frames)
        before = cpu_s(server)
        seconds, _ = take_in(database, frames, workers)
        wall.append(seconds / made * 1e6)
        cpu.append((cpu_s(server) - before) / made * 1e6)
    return {
        "us_per_line": round(statistics.median(wall[1:]), 1),
        "cpu_us_per_line": round(statistics.median(cpu[1:]), 1),
        "lines_per_s": round(1e6 / statistics.median(wall[1:])),
    }


def make_frames(heads: Heads, chance: random.Random, lines: int) -> Iterator[tuple[str, bytes, int]]:
    """(agent, frame, lines) of batches, the agents in turn, each going on where it was."""
    made = 0
    while made < lines:
        for number, (first, head) in heads.items():
            agent = f"agent-{number}"
            bodies = [sale(chance, number, first + offset) for offset in range(SALES_A_BATCH)]
            hashes = links(head, first, bodies)
            batch = Batch(
                epoch=epoch(number),
                first_seq=first,
                previous_hash=head,
                head_hash=hashes[-1],
                bodies=tuple(bodies),
            )
            heads[number] = (first + len(bodies), hashes[-1])
            yield agent, encode(batch, topic("up", agent)), SALES_A_BATCH * LINES_A_SALE
            made += SALES_A_BATCH * LINES_A_SALE
            if made >= lines:
                return


def cpu_s(server: EmbeddedDatabase) -> float:
    """What this process and all of the server's have taken of the processors so far."""
    times = [psutil.Process().cpu_times()]
    root = psutil.Process(server.pid)
    for one in (root, *root.children()):
        try:
            times.append(one.cpu_times())
        except psutil.NoSuchProcess:
            continue
    ended = root.cpu_times()
    return sum(one.user + one.system for one in times) + ended.children_user + ended.children_system


def size_bytes(database: Database) -> int:
    """What the books take on the disk."""
    with database.transaction() as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    main()
