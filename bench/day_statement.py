"""Day statement: a site's day through the HTTP interface, in books of 10 million movements.

    python -m bench.day_statement [--movements 10]

Prints one JSON line: how long a statement takes that is asked for again (the median), and the first one of a site and day, in a central that has
just been started over a database that has just been started; each asks for every product of the site. ``ratio`` is the median, divided by that
of the bare SQL for what moved on that day, in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from bench.grown_books import filled
from bench.services import Services, running
from bench.surroundings import report, say, temporary_place
from central.database import Database
from central.tokens.bearer import new_token, token_hash
from central.tokens.storage import NewToken, add

BARE = """
SELECT gtin, flow, quantity, value_minor, amount_minor FROM stock_days WHERE site_id = %s AND business_day = %s
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movements", type=int, default=10, help="millions of them")
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument(
        "--asked", type=int, default=60, help="statements, each of several days and sites in turn"
    )
    parser.add_argument(
        "--books", type=Path, default=None, help="where filled books are kept, and used again"
    )
    asked = parser.parse_args()
    with filled(asked.books, asked.movements, asked.sites) as books, temporary_place() as place:
        (place / "database").symlink_to(books / "database")
        with running(place, lambda _: None) as services:
            measure(services, asked.asked, asked.movements, asked.sites)


def new_reader(services: Services) -> str:
    """A token that may read everything."""
    token = new_token()
    with Database(services.database_url) as database, database.transaction() as connection:
        connection.execute("UPDATE api_tokens SET revoked_at = now()")
        assert add(connection, token_hash(token), NewToken(name="bench", role="brand")) is None
    return token


def measure(services: Services, asked: int, millions: int, sites: int) -> None:
    """Ask, and the one line about it."""
    last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    days = [(f"site-{number % sites}", last - timedelta(days=11 * number)) for number in range(10)]
    first: list[float] = []
    warm: list[float] = []
    products = 0
    with httpx.Client(headers={"Authorization": f"Bearer {new_reader(services)}"}, timeout=60) as client:
        for number in range(asked):
            site, day = days[number % len(days)]
            seconds, products = statement(client, services, site, day)
            (first if number < len(days) else warm).append(seconds)
    say(f"the very first took {first[0] * 1000:.1f} ms")
    bare = bare_s(services, days)
    report(
        bench="day_statement",
        warm_ms=milliseconds(statistics.median(warm)),
        warm_p95_ms=milliseconds(sorted(warm)[int(len(warm) * 0.95)]),
        very_first_ms=milliseconds(first[0]),
        first_ms=milliseconds(statistics.median(first)),
        reference_ms=milliseconds(bare),
        ratio=round(statistics.median(warm) / bare, 1),
        goal_ms=100,
        movements=millions * 1_000_000,
        movements_of_the_site=millions * 1_000_000 // sites,
        products=products,
        sites=sites,
    )


def statement(client: httpx.Client, services: Services, site: str, day: date) -> tuple[float, int]:
    """(seconds, products) of one statement, which must balance."""
    began = time.perf_counter()
    answer = client.get(f"{services.url}/v1/reconciliation/{site}/{day}")
    seconds = time.perf_counter() - began
    said = answer.raise_for_status().json()
    assert said["balanced"], said["unbalanced"]
    assert said["products"]
    return seconds, len(said["products"])


def bare_s(services: Services, days: list[tuple[str, date]]) -> float:
    """The bare SQL for what moved on those days, over a connection that is open."""
    times = []
    with Database(services.database_url) as database, database.transaction() as connection:
        for site, day in days * 6:
            began = time.perf_counter()
            connection.execute(BARE, (site, day)).fetchall()
            times.append(time.perf_counter() - began)
    return statistics.median(times[len(days) :])


def milliseconds(seconds: float) -> float:
    """In thousandths, to a tenth of one."""
    return round(seconds * 1000, 1)


if __name__ == "__main__":
    main()
