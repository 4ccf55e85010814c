"""A durable sale: from ``complete`` until its commit is on the disk, through the shop's own code.

    python -m bench.durable_sale [--sales 1000] [--pause-ms 0] [--directory PLACE]

Prints one JSON line. ``ratio`` is the median sale of three lines divided by the median of the reference, taken in turn with it on
the same file system: one bare SQLite insert of the same bytes, write-ahead log, ``synchronous=FULL``. ``answered_us`` is the
median until the caller has the answer and the screens have been told.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from agent.documents import Refusal, Written
from agent.main import Agent
from agent.settings import Settings
from agent.till.asked import CompleteAsked
from bench.services import enrol
from bench.surroundings import Progress, report, temporary_place
from central.authority.certificates import create_authority
from devices.scan import Scan
from protocol.events import Payment
from protocol.feeds import Feed, Price, Product, body_encoder
from protocol.messages import FeedChunk, FeedRow

LINES = 3
PRODUCTS = 1_000
WARM_UP = 50
PRICE_MINOR = 250


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sales", type=int, default=1_000)
    parser.add_argument(
        "--pause-ms",
        type=int,
        default=0,
        help="of the cashier, before each sale and each insert: cold caches",
    )
    parser.add_argument(
        "--directory", type=Path, help="on the file system to be measured; default: temporary files"
    )
    asked = parser.parse_args()
    with temporary_place(asked.directory) as place:
        sales, answers, inserts, size_bytes = measure(place, asked.sales, asked.pause_ms / 1000)
    figure, reference = statistics.median(sales), statistics.median(inserts)
    report(
        bench="durable_sale",
        median_us=round(figure * 1e6),
        reference_median_us=round(reference * 1e6),
        ratio=round(figure / reference, 2),
        p99_us=round(statistics.quantiles(sales, n=100, method="inclusive")[98] * 1e6),
        reference_p99_us=round(statistics.quantiles(inserts, n=100, method="inclusive")[98] * 1e6),
        answered_us=round(statistics.median(answers) * 1e6),
        sales=asked.sales,
        pause_ms=asked.pause_ms,
        event_bytes=size_bytes,
    )


def measure(place: Path, count: int, pause_s: float) -> tuple[list[float], list[float], list[float], int]:
    """(seconds of each sale until committed, until answered, of each bare insert, bytes of the last event)."""
    agent = open_shop(place / "data")
    bare = open_bare(place / "bare.db")
    progress = Progress("sales", count + WARM_UP)
    chance = random.Random(1)
    sales, answers, inserts = [], [], []
    commits: list[float] = []
    agent.store.on_commit(lambda: commits.append(time.perf_counter()))
    body = b""
    try:
        for number in range(count + WARM_UP):
            fill_basket(agent, chance, number)
            time.sleep(pause_s)
            began, answered, body = sell(agent)
            # Nothing else waited for the disk: the first commit since is the sale's.
            sales.append(next(at for at in commits if at > began) - began)
            answers.append(answered - began)
            commits.clear()
            settle(agent)
            time.sleep(pause_s)
            inserts.append(insert(bare, number, body))
            progress.show(number + 1)
    finally:
        agent.close()
        bare.close()
    return sales[WARM_UP:], answers[WARM_UP:], inserts[WARM_UP:], len(body)


def open_shop(data_dir: Path) -> Agent:
    """An agent with a catalogue, made but not running: no link and no server compete with the sale."""
    authority = create_authority("bench", datetime.now(UTC))
    identity = enrol(data_dir, authority, "agent-0", "site-0", "00000000-0000-4000-8000-000000000000", 1)
    agent = Agent(Settings(data_dir=data_dir), identity)
    gtins = [gtin(number) for number in range(PRODUCTS)]
    feeds = {
        Feed.CATALOGUE: {name: body_encoder.encode(Product(gtin=name, name="Tea")) for name in gtins},
        Feed.PRICES: {
            name: body_encoder.encode(Price(gtin=name, price_minor=PRICE_MINOR, currency="EUR"))
            for name in gtins
        },
    }
    for feed, rows in feeds.items():
        chunk = FeedChunk(
            feed=feed,
            since=0,
            next=len(rows),
            rows=tuple(FeedRow(*row) for row in rows.items()),
            head=len(rows),
        )
        agent.replica.apply(chunk).result()
    return agent


def fill_basket(agent: Agent, chance: random.Random, number: int) -> None:
    """Scan three products; the basket's own writes are on the disk before the clock starts."""
    for line in range(LINES):
        code = gtin(chance.randrange(PRODUCTS)).removeprefix("0")
        scan = Scan(
            raw=code.encode(),
            symbology=None,
            device=f"bench-{number}-{line}",
            wall_us=agent.parts.clock.wall_us(),
            monotonic_us=agent.parts.clock.monotonic_us(),
        )
        agent.parts.counter.scanned(scan).result()
    settle(agent)


def settle(agent: Agent) -> None:
    """Wait until nothing of the agent's waits for the disk."""
    agent.store.write(lambda _: None).result()


def sell(agent: Agent) -> tuple[float, float, bytes]:
    """(when it began, when it was answered, the event's bytes) of the basket on the counter."""
    lines = agent.parts.desk.basket.lines
    total_minor = sum(line.amount_minor or 0 for line in lines)
    asked = CompleteAsked(payments=(Payment(method="cash", amount_minor=total_minor),))
    began = time.perf_counter()
    outcome = agent.parts.sales.complete(asked)
    assert not isinstance(outcome, Refusal), outcome
    written = outcome.result()
    answered = time.perf_counter()
    assert isinstance(written, Written), written
    ((_, body),) = agent.journal.rows(
        written.epoch, written.seq, written.seq, limit_rows=1, limit_bytes=1 << 20
    )
    return began, answered, body


def open_bare(path: Path) -> sqlite3.Connection:
    """The reference's database: the plainest that survives a power cut."""
    bare = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA fullfsync = ON",
        "CREATE TABLE sales (number INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    ):
        bare.execute(statement)
    return bare


def insert(bare: sqlite3.Connection, number: int, body: bytes) -> float:
    """Seconds of one bare insert."""
    began = time.perf_counter()
    bare.execute("INSERT INTO sales VALUES (?, ?)", (number, body))
    return time.perf_counter() - began


def gtin(number: int) -> str:
    """A GTIN-14 of a 13-digit number with its check digit (GS1 General Specifications, 7.9)."""
    digits = f"0{400_000_000_000 + number:012}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


if __name__ == "__main__":
    main()
