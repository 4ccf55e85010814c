"""A pallet from counter to counter: packed at one, sent by central, received at the other by one scan, in the books of both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from agent.clock import ManualClock
from agent.packing.service import CompletePackingAsked
from agent.receiving.service import CompleteReceivingAsked
from agent.till.frames import Mode
from central.actors import By
from central.despatches import transfers
from central.despatches.rules import Despatch
from central.despatches.transfers import Transfer
from central.embedded.database import EmbeddedDatabase
from protocol.events import GoodsLine, GoodsReceived, Unopened
from protocol.feeds import ContainerHere, DespatchView, Feed
from tests.agent.shop_kit import NOW_US, Counter, done
from tests.integration.books import BREAD, MILK, Central, central, event, exchange, laid_out, machine
from tests.simulation.machine import Machine

NORTH, SOUTH = (
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
)
PALLET, CASE = "106141412345678908", "106141412345678915"
ITEMS = tuple(f"01{MILK}21{serial}" for serial in ("A1", "A2", "A3", "A4"))


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[tuple[Counter, Counter]]:
    opened = []
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        opened.append(Counter(tmp_path / name, ManualClock(NOW_US)))
    yield opened[0], opened[1]
    for counter in opened:
        counter.close()


def tell(books: Central, one: Machine, *bodies: object) -> None:
    one.sell([event(body) for body in bodies], 0)  # type: ignore[arg-type]
    exchange(books, [one])


def stock_up(books: Central, north: Machine) -> None:
    with books.database.transaction() as connection:
        for item in ITEMS:
            connection.execute(
                "INSERT INTO items (item, gtin, state, site_id) VALUES (%s, %s, 'commissioned', 'north')",
                (item, item[2:16]),
            )
    lines = (
        GoodsLine(gtin=MILK, quantity=Decimal(len(ITEMS)), items=ITEMS),
        GoodsLine(gtin=BREAD, quantity=Decimal(10)),
    )
    tell(books, north, GoodsReceived(receipt_advice_id="r0", lines=lines))


def pack(counter: Counter, sscc: str, *codes: str) -> None:
    counter.parts.counter.set_mode(Mode.PACK)
    for code in (f"(00){sscc}", *codes):
        counter.scan(code)
    done(counter.parts.packing.complete(CompletePackingAsked()))


def feed(books: Central, counter: Counter, site: str) -> None:
    """Give a counter what central's feeds tell its site of cases and despatches."""
    for name, kind in ((Feed.CONTAINERS, ContainerHere), (Feed.DESPATCHES, DespatchView)):
        rows = books.rows(
            "SELECT body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL", name, site
        )
        counter.feed(*(msgspec.json.decode(body, type=kind) for (body,) in rows))


def send(books: Central) -> None:
    transfer = Transfer(from_site="north", to_site="south", containers=(PALLET,), despatch_id="d-1")
    by = By(actor="test", at=datetime.fromtimestamp(NOW_US / 1_000_000, UTC))
    with books.database.transaction() as connection:
        assert isinstance(transfers.send(connection, transfer, by), Despatch)


def test_a_pallet_packed_at_one_counter_is_received_at_the_other_by_one_scan(
    books: Central, counters: tuple[Counter, Counter]
) -> None:
    packer, receiver = counters
    north, south = machine("north-1", NORTH), machine("south-1", SOUTH)
    stock_up(books, north)
    pack(packer, CASE, ITEMS[0], ITEMS[1], ITEMS[2], f"{BREAD}", f"{BREAD}")
    pack(packer, PALLET, f"(00){CASE}", ITEMS[3])
    tell(books, north, *packer.bodies())
    send(books)

    feed(books, receiver, "south")
    receiver.parts.counter.set_mode(Mode.RECEIVE)
    receiver.scan(ITEMS[0])
    frame = receiver.scan(f"(00){PALLET}")
    counted = receiver.parts.goods.frame().progress
    progress = {line.gtin: (line.received, line.announced) for line in counted}
    done(receiver.parts.goods.complete(CompleteReceivingAsked()))
    tell(books, south, *receiver.bodies())

    assert (frame.key, frame.case is not None and frame.case.items) == ("received_case", 4)
    assert progress == {MILK: (Decimal(4), Decimal(4)), BREAD: (Decimal(2), Decimal(2))}
    assert receiver.bodies()[0].containers == (Unopened(sscc=PALLET, items=4),)
    assert books.rows("SELECT DISTINCT state, site_id FROM items") == [("sellable", "south")]
    assert books.rows(
        "SELECT site_id, gtin, quantity FROM stock WHERE location = 'on_hand' AND quantity <> 0 ORDER BY 1, 2"
    ) == [("north", BREAD, 8), ("south", MILK, 4), ("south", BREAD, 2)]
    assert books.rows("SELECT state FROM despatches") == [("received",)]
    assert books.rows("SELECT class, cause_key FROM discrepancies") == []
