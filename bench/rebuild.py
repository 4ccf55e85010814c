"""Rebuild: replaying all movements and comparing them with every balance, in quantity and value.

    python -m bench.rebuild [--movements 10]

Prints one JSON line. ``ratio`` is the time of the whole comparison in one statement, divided by that of the bare SQL aggregate over the
same movements, taken in turns in the same run. Beside it: the same in batches of sites with days and months compared too (what
``countermark-central rebuild`` does), and one site alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench.grown_books import MEASURE_SETTINGS, NAME, filled
from bench.surroundings import report, say
from central.database import Database
from central.embedded.database import start_database
from central.reconciliation.rebuild import compare_all, rebuild

AGGREGATE = """
SELECT site_id, gtin, source, destination, sum(quantity), sum(value_minor) FROM movements GROUP BY site_id, gtin, source, destination
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movements", type=int, default=10, help="millions of them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument(
        "--books", type=Path, default=None, help="where filled books are kept, and used again"
    )
    asked = parser.parse_args()
    with (
        filled(asked.books, asked.movements, asked.sites) as place,
        start_database(place / "database", settings=MEASURE_SETTINGS) as server,
        Database(server.url(NAME)) as database,
    ):
        measure(database, asked.rounds, asked.movements, asked.sites)


def measure(database: Database, rounds: int, millions: int, sites: int) -> None:
    """The comparison and the bare aggregate in turns, and the one line about them."""
    whole: list[float] = []
    bare: list[float] = []
    for number in range(rounds + 1):
        bare.append(timed(lambda: aggregate(database)))
        whole.append(timed(lambda: agree(database)))
        say(f"round {number}: bare {bare[-1]:.2f} s, compared {whole[-1]:.2f} s")
    batches = timed(lambda: compare_all(database))
    one = [timed(lambda: agree(database, "site-0")) for _ in range(3)]
    found = compare_all(database)
    seconds, reference = statistics.median(whole[1:]), statistics.median(bare[1:])
    report(
        bench="rebuild",
        seconds=round(seconds, 2),
        reference_seconds=round(reference, 2),
        ratio=round(seconds / reference, 3),
        in_batches_s=round(batches, 2),
        one_site_s=round(min(one), 3),
        movements=millions * 1_000_000,
        sites=sites,
        agrees=found.agrees,
    )


def aggregate(database: Database) -> None:
    """What PostgreSQL takes for the sums alone."""
    with database.transaction() as connection:
        connection.execute(AGGREGATE).fetchall()


def agree(database: Database, site: str | None = None) -> None:
    """Rebuild and compare."""
    with database.transaction() as connection:
        assert rebuild(connection, site) == []


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
