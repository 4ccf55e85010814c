"""Code storage: bytes that an item code takes on an agent's disk, in the replica and as a database file.

    python -m bench.code_storage [--items 1000000] [--sold 20000]

Prints one JSON line. The replica takes the items in chunks, as pulls bring them; then some are sold, which writes what the journal here
did to each. The bytes are those of the database file after everything is in it and the log is emptied, less those of a fresh
agent. The reference is the least that could be kept: the bytes of the codes themselves. ``ratio`` is the figure divided by it.
"""

from __future__ import annotations

import argparse
from decimal import Decimal
from pathlib import Path

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.main import JOURNAL_FILE
from agent.store import Connection, Store
from agent.store.database import DatabaseError
from agent.verification.local_items import note_items
from bench.scan_to_verdict import item, item_row, pull
from bench.surroundings import report, temporary_place
from protocol.events import Sale, SaleLine
from protocol.feeds import Feed

PRODUCTS = 100_000
GOAL_BYTES = 300
SALES_A_COMMIT = 1_000
_USED = "SELECT sum(pgsize) FROM dbstat WHERE name = 'feed_rows'"
_PAYLOAD = "SELECT sum(payload) FROM dbstat WHERE name = 'feed_rows'"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--sold", type=int, default=20_000)
    wanted = parser.parse_args()
    with temporary_place() as place:
        path = place / JOURNAL_FILE
        empty = size_of(path)
        fill(path, wanted.items)
        filled = size_of(path)
        pages, payload = in_tables(path)
        sell(path, wanted.sold)
        after_sales = size_of(path)
    figure = (filled - empty) / wanted.items
    least = sum(len(item(number, PRODUCTS)) for number in range(0, wanted.items, 1_000)) / len(
        range(0, wanted.items, 1_000)
    )
    report(
        bench="code_storage",
        bytes_a_code=round(figure, 1),
        reference_bytes=round(least, 1),
        ratio=round(figure / least, 2),
        goal_bytes=GOAL_BYTES,
        payload_bytes_a_code=None if payload is None else round(payload / wanted.items, 1),
        page_bytes_a_code=None if pages is None else round(pages / wanted.items, 1),
        bytes_a_sold_item=round((after_sales - filled) / max(1, wanted.sold), 1),
        items=wanted.items,
        file_mb=round(after_sales / 1e6, 1),
    )


def size_of(path: Path) -> int:
    """Bytes of the database, once it was opened and closed: the log is in it then."""
    Store.open(path, reserve_bytes=0).close()
    return path.stat().st_size


def fill(path: Path, count: int) -> None:
    """The items of a site, as pulls bring them."""
    store = Store.open(path, reserve_bytes=0)
    try:
        pull(Replica(store, Clock()), Feed.ITEMS, (item_row(n, PRODUCTS) for n in range(count)), count)
    finally:
        store.close()


def sell(path: Path, count: int) -> None:
    """What selling writes about each item, besides the journal."""
    store = Store.open(path, reserve_bytes=0)

    def note(connection: Connection, numbers: range) -> None:
        for number in numbers:
            key = item(number, PRODUCTS)
            line = SaleLine(
                gtin=key[2:16], quantity=Decimal(1), amount_minor=100, item=key, verdict="genuine"
            )
            sale = Sale(sale_id=f"{number:032x}", receipt=f"1-{number:06}", currency="EUR", lines=(line,))
            note_items(connection, sale, sale.receipt, 1_800_000_000_000_000)

    try:
        for first in range(0, count, SALES_A_COMMIT):
            numbers = range(first, min(first + SALES_A_COMMIT, count))
            store.write(lambda connection, numbers=numbers: note(connection, numbers)).result()  # type: ignore[misc]
    finally:
        store.close()


def in_tables(path: Path) -> tuple[int | None, int | None]:
    """Bytes of the pages of the replica, and of what stands in them; None where SQLite was built without the means to tell."""
    store = Store.inspect(path)
    try:
        return store.read(
            lambda at: (int(at.execute(_USED).fetchone()[0]), int(at.execute(_PAYLOAD).fetchone()[0]))
        )
    except DatabaseError:
        return None, None
    finally:
        store.close()


if __name__ == "__main__":
    main()
