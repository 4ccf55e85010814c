"""Intake: sale lines a second, from frames to committed ledger with its values, days and months, item lives, sale lines, payments, archive
and cursors; prices held against the list.

    python bench/intake.py [--lines 60000] [--agents 50] [--workers 1]

Prints one JSON line. ``ratio`` is the figure divided by the reference: a bare COPY, in the same run and into the same tables with
their keys, of all the rows that the intake ended up writing, with commits of the same size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import LiteralString

from central import migrations
from central.database import Connection, Database
from central.embedded.database import start_database
from central.intake import Intake, Limits
from central.items import storage as items
from central.items.lives import Step
from central.ledger.booking import post
from central.ledger.rules import ON_HAND, SUPPLIER, Movement, Posting
from protocol.chain import genesis, links
from protocol.codec import decode, encode
from protocol.events import Event, Moment, Payment, Sale, SaleLine, decode_event, encode_event
from protocol.items import Action
from protocol.messages import Batch, DownMessage
from protocol.topics import topic

PRODUCTS = 1_000
SALES_A_BATCH = 100
LINES_A_SALE = 3
CODED_LINES = 0.02
GTINS = [f"{4_000_000_000_000 + number:014}" for number in range(PRODUCTS)]
PRICES = {gtin: 99 + 7 * number % 900 for number, gtin in enumerate(GTINS)}
"""Of one unit; goods cost six tenths of it."""

# What the intake has written, table by table: out of its database, and into the same tables of an empty one. The opening stock, which
# was there before, is left out.
WRITTEN: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("COPY (SELECT * FROM events) TO STDOUT", "COPY events FROM STDIN"),
    ("COPY (SELECT * FROM sale_lines) TO STDOUT", "COPY sale_lines FROM STDIN"),
    ("COPY (SELECT * FROM payments) TO STDOUT", "COPY payments FROM STDIN"),
    (
        """
        COPY (SELECT site_id, gtin, quantity, value_minor, source, destination, cause, journal, seq, document, line, event_time,
                     recorded_at, business_day FROM movements WHERE journal IS NOT NULL) TO STDOUT
        """,
        """
        COPY movements (site_id, gtin, quantity, value_minor, source, destination, cause, journal, seq, document, line, event_time,
                        recorded_at, business_day) FROM STDIN
        """,
    ),
    (
        """
        COPY (SELECT * FROM stock WHERE location IN ('on_hand', 'customer') AND (site_id, gtin) IN
              (SELECT site_id, gtin FROM movements WHERE journal IS NOT NULL)) TO STDOUT
        """,
        "COPY stock FROM STDIN",
    ),
    ("COPY (SELECT * FROM stock_days WHERE flow = 'sold') TO STDOUT", "COPY stock_days FROM STDIN"),
    ("COPY (SELECT * FROM stock_months WHERE flow = 'sold') TO STDOUT", "COPY stock_months FROM STDIN"),
    ("COPY items TO STDOUT", "COPY items FROM STDIN"),
    (
        """
        COPY (SELECT item, action, from_state, to_state, legal, note, site_id, journal, seq, document, event_time,
                     recorded_at FROM item_trace WHERE journal IS NOT NULL) TO STDOUT
        """,
        """
        COPY item_trace (item, action, from_state, to_state, legal, note, site_id, journal, seq, document, event_time,
                         recorded_at) FROM STDIN
        """,
    ),
)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=60_000, help="sale lines to take in")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cm-bench-", dir="/tmp" if os.geteuid() == 0 else None) as place:
        Path(place).chmod(0o711)  # root's database runs as another account, which must be able to pass
        with (
            start_database(Path(place).resolve() / "database") as server,
            Database(server.ensure_database("intake")) as database,
            Database(server.ensure_database("reference")) as reference,
        ):
            lay_out(database, asked.agents)
            frames = list(make_frames(asked.agents, asked.lines))
            seconds, groups = take_in(database, frames, asked.workers)
            migrations.migrate(reference)
            reference_seconds, rows = copy_all(database, reference, groups)
    lines = sum(count for _, _, count in frames)
    figure, reference_figure = lines / seconds, lines / reference_seconds
    print(
        json.dumps(
            {
                "bench": "intake",
                "lines_per_s": round(figure),
                "reference_lines_per_s": round(reference_figure),
                "ratio": round(figure / reference_figure, 3),
                "lines": lines,
                "rows_written": rows,
                "agents": asked.agents,
                "workers": asked.workers,
                "commits": groups,
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            }
        )
    )


def lay_out(database: Database, agents: int) -> None:
    """Sites with one agent each, products with prices and costs, and stock enough for the day."""
    migrations.migrate(database)
    at = datetime.now(UTC)
    long_ago = at - timedelta(days=365)
    with database.transaction() as connection:
        connection.execute("INSERT INTO dealers (dealer_id, name, path) VALUES ('d', 'd', 'd/')")
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO products (gtin, name) VALUES (%s, 'x')", [(gtin,) for gtin in GTINS]
            )
            cursor.executemany(
                "INSERT INTO prices VALUES ('default', %s, %s, %s, 'EUR')",
                [(gtin, long_ago, price) for gtin, price in PRICES.items()],
            )
            cursor.executemany(
                "INSERT INTO costs VALUES (%s, 'EUR', %s, %s)",
                [(gtin, long_ago, price * Decimal("0.6")) for gtin, price in PRICES.items()],
            )
        for number in range(agents):
            lay_out_site(connection, number, at)


def lay_out_site(connection: Connection, number: int, at: datetime) -> None:
    """One site with its agent and its opening stock."""
    site, agent = f"site-{number}", f"agent-{number}"
    opening = genesis(agent, epoch(number))
    connection.execute(
        "INSERT INTO sites (site_id, dealer_id, kind, name, currency) VALUES (%s, 'd', 'store', 'x', 'EUR')",
        (site,),
    )
    connection.execute(
        "INSERT INTO agents (agent_id, site_id, lane, public_key_pem) VALUES (%s, %s, '1', '')", (agent, site)
    )
    connection.execute(
        "INSERT INTO epochs (agent_id, epoch, opening_hash, head_hash, cause) VALUES (%s, %s, %s, %s, 'enrolled')",
        (agent, epoch(number), opening, opening),
    )
    stock = [
        Posting(
            site=site,
            movement=Movement(line, gtin, Decimal(1_000_000), SUPPLIER, ON_HAND, "opening"),
            event_time=at,
            recorded_at=at,
            business_day=at.date(),
            document=f"opening:{site}",
        )
        for line, gtin in enumerate(GTINS)
    ]
    post(connection, stock, at)


def make_frames(agents: int, lines: int) -> Iterator[tuple[str, bytes, int]]:
    """(agent, frame, lines) of batches, the agents in turn."""
    chance = random.Random(1)
    heads = {number: (1, genesis(f"agent-{number}", epoch(number))) for number in range(agents)}
    made = number = 0
    while made < lines:
        agent = f"agent-{number}"
        first, head = heads[number]
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
        number = (number + 1) % agents


def sale(chance: random.Random, number: int, seq: int) -> bytes:
    """The bytes of one receipt."""
    return encode_event(sale_event(chance, number, seq))


def sale_event(chance: random.Random, number: int, seq: int, size: int = LINES_A_SALE) -> Event:
    """One receipt of ``size`` lines; now and then an item with a code of its own."""
    now_us = time.time_ns() // 1000
    lines = tuple(sale_line(chance, number, seq, position) for position in range(size))
    body = Sale(
        sale_id=f"{number:08x}-0000-4000-8000-{seq:012x}",
        receipt=f"{number}-{seq}",
        currency="EUR",
        lines=lines,
        payments=(Payment(method="cash", amount_minor=sum(line.amount_minor for line in lines)),),
    )
    at = Moment(
        event_time_us=now_us, record_time_us=now_us, monotonic_us=seq, boot_id="boot", clock_synced=True
    )
    return Event(at=at, body=body)


def sale_line(chance: random.Random, number: int, seq: int, position: int) -> SaleLine:
    """One line."""
    # A few products make most of the lines, as in any shop.
    gtin = GTINS[int(PRODUCTS * chance.random() ** 2)]
    item = f"01{gtin}21{number}-{seq}-{position}" if chance.random() < CODED_LINES else None
    quantity = chance.randrange(1, 4)
    return SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=PRICES[gtin] * quantity, item=item)


def take_in(database: Database, frames: list[tuple[str, bytes, int]], workers: int) -> tuple[float, int]:
    """(seconds, commits) for all frames; the coded items are registered before the clock starts.

    Each agent has one batch in flight, as on the wire: the answer to one brings the next.
    """
    register(database, frames)
    waiting: dict[str, deque[bytes]] = {}
    for agent, frame, _ in frames:
        waiting.setdefault(agent, deque()).append(frame)

    def offer_next(agent: str, _: DownMessage) -> None:
        if waiting[agent]:
            assert intake.offer(agent, "up", waiting[agent].popleft(), time.time_ns() // 1000)

    limits = Limits(workers=workers, group_batches=-(-len(waiting) // workers))
    intake = Intake(database, offer_next, limits=limits)
    for agent, batches in waiting.items():
        assert intake.offer(agent, "up", batches.popleft(), time.time_ns() // 1000)
    applied = sum(count for _, _, count in frames) // LINES_A_SALE
    began = time.perf_counter()
    intake.start()
    while intake.tallies.counts().get("applied", 0) < applied:
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    intake.stop()
    return seconds, intake.tallies.counts()["groups"]


def register(database: Database, frames: list[tuple[str, bytes, int]]) -> None:
    """Put the coded items of the sales in stock at their sites."""

    at = datetime.now(UTC)
    steps = []
    for agent, frame, _ in frames:
        message = decode(frame).message
        assert isinstance(message, Batch)
        for body in message.bodies:
            sold = decode_event(body).body
            assert isinstance(sold, Sale)
            steps += [
                Step(
                    item=line.item, gtin=line.gtin, action=Action.RECEIVE, site=agent.replace("agent", "site"),
                    event_time=at, recorded_at=at, document="bench",
                )
                for line in sold.lines
                if line.item
            ]  # fmt: skip
    with database.transaction() as connection:
        items.apply(connection, steps, at)


def copy_all(source: Database, target: Database, commits: int) -> tuple[float, int]:
    """(seconds, rows) to COPY every row of ``source`` into ``target``, in as many commits as the intake made."""
    tables: list[tuple[LiteralString, list[bytes]]] = []
    with source.transaction() as connection:
        for out, into in WRITTEN:
            with connection.cursor().copy(out) as copy:
                tables.append((into, b"".join(bytes(block) for block in copy).splitlines(keepends=True)))
    began = time.perf_counter()
    for number in range(commits):
        with target.transaction() as connection:
            for into, rows in tables:
                with connection.cursor().copy(into) as copy:
                    copy.write(b"".join(rows[number::commits]))
    return time.perf_counter() - began, sum(len(rows) for _, rows in tables)


def epoch(number: int) -> str:
    """The epoch of an agent."""
    return f"00000000-0000-4000-8000-{number:012}"


if __name__ == "__main__":
    main()
