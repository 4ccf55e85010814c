"""Scan to verdict: from the last byte of a code on the serial line until the screen's frame is there.

    python -m bench.scan_to_verdict [--products 100000] [--items 1000000] [--scans 1000]

Prints one JSON line. A real agent process with a scanner on a pseudo-terminal, a replica of that size, and a screen on its
WebSocket; every other scan is a product's code, every other an item's own. ``ratio`` is the 99th percentile divided by the
100 ms that people call instant.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import time
import tty
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from agent.clock import Clock
from agent.feeds.chunks import Applied
from agent.feeds.replica import Replica
from agent.main import JOURNAL_FILE
from agent.store import Store
from bench.durable_sale import gtin
from bench.services import enrol, start_agent
from bench.surroundings import Progress, peak_rss_mb, report, say, temporary_place
from central.authority.certificates import create_authority
from deploy.demonstration.installation import choose_port
from deploy.demonstration.processes import Children
from protocol.feeds import DIGEST_MODULUS, Feed, ItemHere, Price, Product, body_encoder, row_digest
from protocol.messages import FeedChunk, FeedRow

INSTANT_MS = 100
CHUNK_ROWS = 5_000
BASKET_SCANS = 10
PAUSE_S = 0.02
WARM_UP = 20
TIMEOUT_S = 10.0
SITE = "site-0"
EPOCH = "00000000-0000-4000-8000-000000000000"

Row = tuple[str, msgspec.Struct]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--scans", type=int, default=1_000)
    asked = parser.parse_args()
    with temporary_place() as place:
        data_dir = place / "data"
        # Nobody listens there: a counter that is offline judges by what it has.
        enrol(
            data_dir,
            create_authority("bench", datetime.now(UTC)),
            "agent-0",
            SITE,
            EPOCH,
            choose_port(0, "port"),
        )
        fill(data_dir, asked.products, asked.items)
        pty = SerialLine(place / "scanner")
        children = Children(place, say)
        scanner = f'[[scanner]]\nkind = "serial"\npath = {json.dumps(str(pty.path))}\n'
        try:
            pid, url = start_agent(children, data_dir, scanner)
            taken, told = scan_all(pty, url, list(codes(asked.scans + WARM_UP, asked.products, asked.items)))
            agent_mb = peak_rss_mb(pid)
        finally:
            children.end_all()
            pty.close()
    p99 = statistics.quantiles(taken, n=100, method="inclusive")[98] * 1000
    report(
        bench="scan_to_verdict",
        p50_ms=round(statistics.median(taken) * 1000, 2),
        p99_ms=round(p99, 2),
        max_ms=round(max(taken) * 1000, 2),
        reference_ms=INSTANT_MS,
        ratio=round(p99 / INSTANT_MS, 3),
        scans=asked.scans,
        outcomes=told,
        products=asked.products,
        items=asked.items,
        agent_peak_rss_mb=agent_mb,
    )


# What the agent knows ---------------------------------------------------------------------------------------------------


def fill(data_dir: Path, products: int, items: int) -> None:
    """Give the replica its rows by way of chunks, as pulls do."""
    store = Store.open(data_dir / JOURNAL_FILE)
    try:
        replica = Replica(store, Clock())
        pull(
            replica,
            Feed.CATALOGUE,
            ((gtin(n), Product(gtin=gtin(n), name=f"Product {n}")) for n in range(products)),
            products,
        )
        prices = (
            (gtin(n), Price(gtin=gtin(n), price_minor=100 + n % 900, currency="EUR")) for n in range(products)
        )
        pull(replica, Feed.PRICES, prices, products)
        pull(replica, Feed.ITEMS, (item_row(n, products) for n in range(items)), items)
    finally:
        store.close()


def item_row(number: int, products: int) -> Row:
    """An item that is for sale here."""
    key = item(number, products)
    return key, ItemHere(item=key, gtin=gtin(number % products), state="sellable", site=SITE)


def item(number: int, products: int) -> str:
    """The code of its own that an item carries: GTIN and serial number (GS1 application identifiers 01 and 21)."""
    return f"01{gtin(number % products)}21SN{number:07}"


def pull(replica: Replica, feed: Feed, rows: Iterator[Row], count: int) -> None:
    """One feed, from nothing to ``count`` rows."""
    progress = Progress(f"feed {feed.value}", count)
    digest = version = 0
    while version < count:
        chunk_rows = [
            FeedRow(key, body_encoder.encode(body))
            for _, (key, body) in zip(range(min(CHUNK_ROWS, count - version)), rows, strict=False)
        ]
        digest = (digest + sum(row_digest(row.key, row.body) for row in chunk_rows)) % DIGEST_MODULUS
        after = version + len(chunk_rows)
        chunk = FeedChunk(
            feed=feed,
            since=version,
            next=after,
            rows=tuple(chunk_rows),
            head=count,
            more=after < count,
            digest=digest,
        )
        outcome = replica.apply(chunk).result()
        assert isinstance(outcome, Applied), outcome
        version = after
        progress.show(version)


# The hand with the scanner, and the screen ------------------------------------------------------------------------------


def codes(count: int, products: int, items: int) -> Iterator[str]:
    """What is scanned: a product's EAN-13 and an item's DataMatrix in turn, no item twice."""
    chance = random.Random(1)
    numbers = chance.sample(range(items), min(items, count))
    for turn in range(count):
        if turn % 2 or not numbers:
            yield gtin(chance.randrange(products)).removeprefix("0")
        else:
            yield f"]d2{item(numbers[turn % len(numbers)], products)}"


class SerialLine:
    """A scanner's line: a pseudo-terminal whose port is ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master, self._port = os.openpty()
        tty.setraw(self._port)
        path.symlink_to(os.ttyname(self._port))

    def scan(self, code: str) -> float:
        """Send a code; when its last byte went out."""
        os.write(self._master, code.encode("ascii"))
        sent_s = time.perf_counter()
        os.write(self._master, b"\r")
        return sent_s

    def close(self) -> None:
        """Unplug it."""
        os.close(self._port)
        os.close(self._master)


class Screen:
    """A screen's WebSocket, read without a thread between."""

    def __init__(self, url: str) -> None:
        address = parse_uri(url.replace("http", "ws", 1) + "/v1/events")
        self._protocol = ClientProtocol(address)
        self._socket = socket.create_connection((address.host, address.port), timeout=TIMEOUT_S)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def next_scan(self) -> tuple[dict[str, Any], float]:
        """The next frame of a scan, and when it came."""
        while True:
            data = self._socket.recv(65536)
            came_s = time.perf_counter()
            assert data, "the agent has closed the screen's connection"
            self._protocol.receive_data(data)
            self._flush()  # answers to pings
            for happening in self._protocol.events_received():
                if isinstance(happening, Frame) and bytes(happening.data).startswith(b'{"type":"scan"'):
                    shown: dict[str, Any] = json.loads(bytes(happening.data))
                    return shown, came_s

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)


def scan_all(pty: SerialLine, url: str, scanned: list[str]) -> tuple[list[float], dict[str, int]]:
    """(seconds of each scan after the warm-up, how often each outcome was shown)."""
    taken, told = [], dict[str, int]()
    progress = Progress("scans", len(scanned))
    screen = Screen(url)
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as local:
        wait_for_scanner(local)
        for turn, code in enumerate(scanned):
            if turn % BASKET_SCANS == 0:
                local.delete("/v1/basket").raise_for_status()
            time.sleep(PAUSE_S)  # the last scan's work is done; a hand is slower still
            sent_s = pty.scan(code)
            shown, came_s = screen.next_scan()
            if turn >= WARM_UP:
                taken.append(came_s - sent_s)
                told[shown["outcome"]] = told.get(shown["outcome"], 0) + 1
            progress.show(turn + 1)
    screen.close()
    return taken, told


def wait_for_scanner(local: httpx.Client) -> None:
    """Until the agent has opened its port."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        scanners = local.get("/v1/status").raise_for_status().json()["scanners"]
        if scanners and all(scanner["state"] == "open" for scanner in scanners):
            return
        assert time.monotonic() < until, scanners
        time.sleep(0.05)


if __name__ == "__main__":
    main()
