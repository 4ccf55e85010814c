"""Online question: what central knows of an item, asked by counters at a fixed pace: agent → broker → central → agent.

    python -m bench.online_question [--rate 300] [--seconds 20] [--agents 8] [--items 200000]

Prints one JSON line. Real links (the agents' own, with their certificates) over a real Mosquitto to a real central on PostgreSQL. The
questions are sent by the clock, whether or not the last ones were answered, and each one's time counts from when it was due: whoever
waits behind a slow one waits too. Half of the items are known to central. ``ratio`` is the 95th percentile divided by the 300 ms
that a sale waits at most.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.identity.storage import Identity
from agent.journal.journal import Journal
from agent.main import JOURNAL_FILE
from agent.store import Store
from agent.uplink.asks import DEFAULT_TIMEOUT_MS
from agent.uplink.settings import LinkIdentity, LinkSettings
from agent.uplink.uplink import Uplink
from bench import intake
from bench.durable_sale import gtin
from bench.services import enrol, running
from bench.surroundings import Progress, peak_rss_mb, report, say, temporary_place
from central.database import Database

SWITCH_INTERVAL_S = 0.0005
WARM_UP_S = 2.0
WAIT_S = 30.0
ASKERS_AN_AGENT = 16
PRODUCTS = 1000
_FILL = """
INSERT INTO items (item, gtin, state, site_id)
SELECT '01' || gtin || '21SN' || lpad(number::text, 7, '0'), gtin, 'sellable', 'site-' || number %% %s
  FROM (SELECT number, (%s::text[])[1 + number %% cardinality(%s::text[])] AS gtin FROM generate_series(0, %s) AS number) AS made
"""


class Asked(NamedTuple):
    """One question: when it was due, how long the answer took from then (None: it did not come), whether it was as expected."""

    due_s: float
    taken_s: float | None
    is_right: bool


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=300, help="questions a second, of all agents together")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--items", type=int, default=200_000, help="that central knows")
    wanted = parser.parse_args()
    sys.setswitchinterval(
        SWITCH_INTERVAL_S
    )  # as the agent itself does: an answer crosses from the link's thread to who asked
    with (
        temporary_place() as place,
        running(place, lambda database: lay_out(database, wanted.agents, wanted.items)) as services,
        ExitStack() as stack,
    ):
        links: list[Uplink] = []
        for number in range(wanted.agents):
            data_dir = place / f"agent-{number}"
            epoch = intake.epoch(number)
            identity = enrol(
                data_dir, services.authority, f"agent-{number}", f"site-{number}", epoch, services.broker_port
            )
            links.append(link(stack, data_dir, identity))
        wait_until_linked(links)
        asked = ask_all(links, wanted.rate, wanted.seconds, wanted.items)
        central_mb = peak_rss_mb(services.children.pid("central"))
    taken = sorted(one.taken_s * 1000 for one in asked if one.taken_s is not None)
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    report(
        bench="online_question",
        p50_ms=round(statistics.median(taken), 1),
        p95_ms=round(cuts[94], 1),
        p99_ms=round(cuts[98], 1),
        max_ms=round(taken[-1], 1),
        reference_ms=DEFAULT_TIMEOUT_MS,
        ratio=round(cuts[94] / DEFAULT_TIMEOUT_MS, 3),
        rate_per_s=wanted.rate,
        questions=len(asked),
        unanswered=len(asked) - len(taken),
        wrong=sum(not one.is_right for one in asked if one.taken_s is not None),
        agents=wanted.agents,
        items=wanted.items,
        central_peak_rss_mb=central_mb,
    )


def lay_out(database: Database, agents: int, count: int) -> None:
    """Sites with their agents, and items that central knows."""
    intake.lay_out(database, agents)
    gtins = [gtin(number) for number in range(PRODUCTS)]
    say(f"items at central: {count:,}")
    with database.transaction() as connection:
        connection.execute(_FILL, (agents, gtins, gtins, count - 1))
    with database.transaction() as connection:
        connection.execute("ANALYZE items")


def item(number: int) -> str:
    """An item as :data:`_FILL` makes it; beyond its count, central has never heard of it."""
    return f"01{gtin(number % PRODUCTS)}21SN{number:07}"


def link(stack: ExitStack, data_dir: Path, identity: Identity) -> Uplink:
    """The link of an enrolled machine, running until the stack ends."""
    clock = Clock()
    store = Store.open(data_dir / JOURNAL_FILE)
    stack.callback(store.close)
    uplink = Uplink(
        LinkSettings(host=identity.broker.host, port=identity.broker.port, software="bench"),
        LinkIdentity(
            agent=identity.agent,
            ca_path=identity.ca_path,
            certificate_path=identity.certificate_path,
            key_path=identity.key_path,
        ),
        Journal(store, identity.agent, clock),
        Replica(store, clock),
        clock,
    )
    uplink.start()
    stack.callback(uplink.stop)
    return uplink


def wait_until_linked(links: list[Uplink]) -> None:
    """Until every machine has its broker, and its feeds are pulled."""
    until_s = time.monotonic() + WAIT_S
    while not all(one.is_linked and one.status().phase == "idle" for one in links):
        assert time.monotonic() < until_s, [one.status() for one in links]
        time.sleep(0.05)


def ask_all(links: list[Uplink], rate: int, seconds: float, count: int) -> list[Asked]:
    """Ask by the clock, the machines in turn; what came of each question after the warm-up."""
    chance = random.Random(1)
    total = int(rate * (seconds + WARM_UP_S))
    progress = Progress("questions", total)
    answers: list[Asked] = []
    mutex = threading.Lock()

    def ask(one: Uplink, number: int, due_s: float) -> None:
        answered = one.ask_item(item(number))
        taken_s = None if answered is None else time.perf_counter() - due_s
        is_right = answered is not None and (answered.body is not None) == (number < count)
        with mutex:
            answers.append(Asked(due_s, taken_s, is_right))

    began_s = time.perf_counter()
    with ThreadPoolExecutor(max_workers=ASKERS_AN_AGENT * len(links)) as askers:
        for turn in range(total):
            due_s = began_s + turn / rate
            pause_s = due_s - time.perf_counter()
            if pause_s > 0:
                time.sleep(pause_s)
            askers.submit(ask, links[turn % len(links)], chance.randrange(2 * count), due_s)
            progress.show(turn + 1)
    return [one for one in answers if one.due_s >= began_s + WARM_UP_S]


if __name__ == "__main__":
    main()
