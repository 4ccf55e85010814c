"""Drain: events a second from one agent that was dark, over a real broker, into central's books.

    python -m bench.drain [--events 100000]

Prints one JSON line. The receipts are as long as those of a real year of five grocery shops (1.65 lines each on average; ``--lines 3``
makes all of them three). The clock runs from the agent's connection until central has acknowledged its last event. ``ratio`` is the
figure divided by the events that the plain intake takes in a second, measured before it in the same run.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from agent.clock import Clock
from agent.identity.storage import Identity
from agent.journal.journal import Journal
from agent.main import JOURNAL_FILE
from agent.store import Connection, Store
from bench import intake
from bench.services import enrol, running, start_agent
from bench.surroundings import Progress, intake_figure, peak_rss_mb, report, temporary_place
from central.database import Database
from central.items import storage as items
from central.items.lives import Step
from protocol.events import Event, Sale
from protocol.items import Action

GROUP_EVENTS = 500
REAL_RECEIPTS = ((1, 62), (2, 22), (3, 9), (4, 4), (5, 2), (6, 1))
"""(lines, of a hundred receipts): the shape of ``deploy/data/retail``."""
POLL_S = 0.1


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--reference-lines", type=int, default=60_000, help="sale lines of the plain intake")
    parser.add_argument("--lines", type=int, help="of each receipt; default: as in a real year of sales")
    asked = parser.parse_args()
    sizes = (
        [size for size, share in REAL_RECEIPTS for _ in range(share)]
        if asked.lines is None
        else [asked.lines]
    )
    mean_lines = sum(sizes) / len(sizes)
    reference = intake_figure(asked.reference_lines, 1)
    with temporary_place() as place, running(place, lambda database: intake.lay_out(database, 1)) as services:
        data_dir = place / "agent-0"
        identity = enrol(
            data_dir, services.authority, "agent-0", "site-0", intake.epoch(0), services.broker_port
        )
        fill(data_dir, identity, services.database_url, asked.events, sizes)
        pid, url = start_agent(services.children, data_dir)
        seconds = wait_until_drained(url, asked.events)
        agent_mb = peak_rss_mb(pid)
        central_mb = peak_rss_mb(services.children.pid("central"))
        broker_mb = peak_rss_mb(services.children.pid("broker"))
    figure, reference_figure = asked.events / seconds, reference["lines_per_s"] / mean_lines
    report(
        bench="drain",
        events_per_s=round(figure),
        reference_events_per_s=round(reference_figure),
        ratio=round(figure / reference_figure, 3),
        events=asked.events,
        lines_per_s=round(figure * mean_lines),
        lines_an_event=mean_lines,
        agent_peak_rss_mb=agent_mb,
        central_peak_rss_mb=central_mb,
        broker_peak_rss_mb=broker_mb,
    )


def fill(data_dir: Path, identity: Identity, database_url: str, count: int, sizes: Sequence[int]) -> None:
    """Put sales into the journal, as ninety dark days leave it, and the coded items of theirs in stock at central."""
    chance = random.Random(1)
    store = Store.open(data_dir / JOURNAL_FILE)
    progress = Progress("sales in the dark", count)
    try:
        journal = Journal(store, identity.agent, Clock())
        with Database(database_url) as database:
            for first in range(0, count, GROUP_EVENTS):
                last = min(first + GROUP_EVENTS, count)
                events = [
                    intake.sale_event(chance, 0, seq, chance.choice(sizes))
                    for seq in range(first + 1, last + 1)
                ]
                receive(database, identity.site, events)
                store.write(lambda connection, events=events: append(journal, connection, events)).result()  # type: ignore[misc]
                progress.show(last)
    finally:
        store.close()


def append(journal: Journal, connection: Connection, events: list[Event]) -> None:
    """One group of events, in one commit."""
    for event in events:
        journal.append(connection, event)


def receive(database: Database, site: str, events: list[Event]) -> None:
    """Put the coded items of these sales in stock."""
    at = datetime.now(UTC)
    steps = [
        Step(
            item=line.item,
            gtin=line.gtin,
            action=Action.RECEIVE,
            site=site,
            event_time=at,
            recorded_at=at,
            document="bench",
        )
        for event in events
        if isinstance(event.body, Sale)
        for line in event.body.lines
        if line.item
    ]
    if steps:
        with database.transaction() as connection:
            items.apply(connection, steps, at)


def wait_until_drained(url: str, count: int) -> float:
    """Seconds from the agent's connection until everything is acknowledged, as the agent itself tells."""
    progress = Progress("events sent", count)
    began_s: float | None = None
    with httpx.Client(base_url=url, timeout=30.0) as local:
        while True:
            status = local.get("/v1/status").raise_for_status().json()
            now_s = time.perf_counter()
            if began_s is None and status["online"]:
                began_s = now_s
            if began_s is not None and status["unsent"] == 0:
                progress.show(count)
                return now_s - began_s
            progress.show(count - status["unsent"])
            time.sleep(POLL_S)


if __name__ == "__main__":
    main()
