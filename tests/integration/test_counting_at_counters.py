"""Counters that count and send goods, and central that books it: what the one writes, the other understands."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from agent.clock import ManualClock
from agent.despatching.service import CompleteShippingAsked
from agent.receiving.service import CompleteReceivingAsked
from agent.stocktakes import progress
from agent.stocktakes.rules import AreaDraft, Stocktake
from agent.stocktakes.sending import SendAsked
from agent.till.frames import Mode, Outcome
from central.embedded.database import EmbeddedDatabase
from central.stocktakes import counts
from central.stocktakes.counting import tallied
from protocol.events import GoodsLine, GoodsReceived
from protocol.feeds import ContainerHere, DespatchView, Feed, ItemHere, SiteHere, StocktakeHere
from tests.agent.shop_kit import NOW_US, SITE, Counter, done
from tests.integration.books import BREAD, MILK, Central, central, event, exchange, laid_out, machine
from tests.simulation.machine import Machine

NORTH, SOUTH = (
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
)
CASE = "106141412345678915"
ITEMS = tuple(f"01{MILK}21{serial}" for serial in ("A1", "A2", "A3"))
TOLD = ((Feed.CONTAINERS, ContainerHere), (Feed.DESPATCHES, DespatchView), (Feed.STOCKTAKES, StocktakeHere))


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


def feed(books: Central, counter: Counter, site: str) -> None:
    """Give a counter what central's feeds tell its site."""
    for name, kind in TOLD:
        rows = books.rows(
            "SELECT body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL", name, site
        )
        counter.feed(*(msgspec.json.decode(body, type=kind) for (body,) in rows))
    counter.clock.advance(2_000_000)


def stock_up(books: Central, north: Machine, counter: Counter) -> None:
    """Bread and coded milk at the north, and known to its counter."""
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
    counter.feed(*(ItemHere(item=item, gtin=MILK, state="sellable", site=SITE) for item in ITEMS))


def open_area(counter: Counter, stocktake_id: str, area: str, again: str | None = None) -> None:
    opened = counter.parts.counting.open((stocktake_id, area), again=again)
    assert isinstance(opened, AreaDraft), opened


def send_area(counter: Counter, stocktake_id: str, area: str) -> None:
    done(counter.parts.sending.send((stocktake_id, area), SendAsked(complete=True)))


def found(books: Central, stocktake_id: str) -> dict[str, Decimal]:
    """What central takes a product to have been counted as, by its latest round."""
    with books.database.transaction() as connection:
        rounds = tallied(counts.read(connection, "north", stocktake_id))
    return {gtin: tallies[-1].quantity for gtin, tallies in rounds.items()}


def test_goods_shipped_at_one_counter_are_received_at_the_other(
    books: Central, counters: tuple[Counter, Counter]
) -> None:
    sender, receiver = counters
    north, south = machine("north-1", NORTH), machine("south-1", SOUTH)
    stock_up(books, north, sender)
    with books.database.transaction() as connection:  # one dealer has both shops
        connection.execute("UPDATE sites SET dealer_id = 'd-north' WHERE site_id = 'south'")
    sender.feed(SiteHere(site="south", name="South", kind="store"))
    assert sender.parts.shipping.choose("south") is None
    sender.parts.counter.set_mode(Mode.SHIP)
    frames = [sender.scan(code) for code in (ITEMS[0], ITEMS[1], BREAD, BREAD)]
    done(sender.parts.shipping.complete(CompleteShippingAsked(reason="runs short there")))
    tell(books, north, *sender.bodies())
    assert [frame.outcome for frame in frames] == [Outcome.LOADED] * 4

    feed(books, receiver, "south")
    (awaited,) = receiver.parts.goods.despatches()
    receiver.parts.counter.set_mode(Mode.RECEIVE, awaited.despatch_id)
    for code in (ITEMS[0], ITEMS[1], BREAD, BREAD):
        receiver.scan(code)
    done(receiver.parts.goods.complete(CompleteReceivingAsked()))
    tell(books, south, *receiver.bodies())

    assert books.rows("SELECT item, state, site_id FROM items ORDER BY item") == [
        (ITEMS[0], "sellable", "south"),
        (ITEMS[1], "sellable", "south"),
        (ITEMS[2], "sellable", "north"),
    ]
    assert books.rows(
        "SELECT site_id, gtin, quantity FROM stock WHERE location = 'on_hand' AND quantity <> 0 ORDER BY 1, 2"
    ) == [("north", MILK, 1), ("north", BREAD, 8), ("south", MILK, 2), ("south", BREAD, 2)]
    assert books.rows("SELECT state FROM despatches") == [("received",)]
    assert books.rows("SELECT class, cause_key FROM discrepancies WHERE state = 'open'") == []


def test_a_stocktake_begun_at_a_counter_becomes_one_of_centrals(
    books: Central, counters: tuple[Counter, Counter]
) -> None:
    counter, other = counters
    north = machine("north-1", NORTH)
    stock_up(books, north, counter)
    begun = counter.parts.counting.stocktakes.begin("After the flood")
    assert isinstance(begun, Stocktake)
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    for area, codes in (("Shelf", (BREAD, BREAD, ITEMS[0])), ("Store room", (BREAD, ITEMS[1]))):
        open_area(counter, begun.stocktake_id, area)
        for code in codes:
            counter.scan(code)
        send_area(counter, begun.stocktake_id, area)
    tell(books, north, *counter.bodies())
    assert books.rows("SELECT name, state, round FROM stocktakes") == [("After the flood", "counting", 1)]
    assert found(books, begun.stocktake_id) == {BREAD: 3, MILK: 2}

    feed(books, other, "north")
    (told,) = other.parts.counting.stocktakes.listed()
    seen = progress.seen(other.parts.counting, told)
    assert (told.name, [area.area for area in seen.areas]) == ("After the flood", ["Shelf", "Store room"])


def test_an_area_that_is_sent_again_in_fewer_parts_replaces_all_of_it_at_central(
    books: Central, counters: tuple[Counter, Counter]
) -> None:
    counter, _ = counters
    north = machine("north-1", NORTH)
    many = tuple(f"01{MILK}21{'L' * 16}{number:05d}" for number in range(3_000))
    counter.feed(ContainerHere(sscc=CASE, items=many))
    begun = counter.parts.counting.stocktakes.begin("Yearly")
    assert isinstance(begun, Stocktake)
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    open_area(counter, begun.stocktake_id, "Shelf")
    counter.scan(f"(00){CASE}")
    counter.scan(BREAD)
    send_area(counter, begun.stocktake_id, "Shelf")
    first = counter.bodies()
    tell(books, north, *first)
    assert len(first) == 2
    assert found(books, begun.stocktake_id) == {MILK: 3_000, BREAD: 1}

    open_area(counter, begun.stocktake_id, "Shelf", again="anew")
    counter.scan(BREAD)
    counter.scan(BREAD)
    send_area(counter, begun.stocktake_id, "Shelf")
    tell(books, north, *counter.bodies()[len(first) :])
    assert found(books, begun.stocktake_id) == {MILK: 0, BREAD: 2}
