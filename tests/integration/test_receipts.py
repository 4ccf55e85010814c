"""Goods received against what was announced: what was counted is booked, and every difference is a case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from central.despatches import storage as despatches
from central.despatches.rules import Despatch, DespatchState, Line
from central.embedded.database import EmbeddedDatabase
from central.items import storage as items
from central.items.lives import Step
from central.ledger.booking import post
from central.ledger.rules import ON_HAND, SUPPLIER, Movement, Posting, in_transit
from central.reconciliation import rebuild, zero_sum
from protocol.chain import genesis, links
from protocol.events import GoodsLine, GoodsReceived
from protocol.items import Action
from tests.integration.books import (
    BREAD,
    MILK,
    Central,
    batch,
    central,
    discrepancies,
    epoch_id,
    event,
    laid_out,
)

AT = datetime(2026, 9, 20, 12, tzinfo=UTC)
WAY = in_transit("south", "north")
ITEMS = ("010401234567890121A", "010401234567890121B")
START = genesis("north-1", epoch_id(1))


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    """South has sent ten pieces of milk, two of them coded, to north."""
    with laid_out(embedded_database) as url, central(url) as made:
        with made.database.transaction() as connection:
            step = Step(
                item="", gtin=MILK, action=Action.RECEIVE, site="south", event_time=AT, recorded_at=AT
            )
            arrived = [_of(step, item) for item in ITEMS]
            items.apply(connection, arrived, AT)
            shipped = [_of(step, item, action=Action.SHIP, to_site="north") for item in ITEMS]
            items.apply(connection, shipped, AT)
            sent = [
                Movement(0, MILK, Decimal(10), SUPPLIER, ON_HAND, "opening"),
                Movement(1, MILK, Decimal(10), ON_HAND, WAY, "despatch"),
            ]
            post(connection, [_posting(movement) for movement in sent], AT)
            despatches.send(
                connection,
                Despatch(
                    to_site="north",
                    despatch_id="d1",
                    from_site="south",
                    order_id=None,
                    state=DespatchState.IN_TRANSIT,
                    despatched_at=AT,
                    lines=(Line(line=1, gtin=MILK, quantity=Decimal(10), items=ITEMS),),
                ),
            )
            connection.execute("DELETE FROM discrepancies")  # of items that nobody had registered
        yield made


def _of(step: Step, item: str, **changes: object) -> Step:
    return msgspec.structs.replace(step, item=item, **changes)


def _posting(movement: Movement) -> Posting:
    return Posting(
        site="south", movement=movement, event_time=AT, recorded_at=AT, business_day=AT.date(), document="d1"
    )


def receive(books: Central, *receipts: GoodsReceived) -> None:
    bodies = [event(one) for one in receipts]
    for number, body in enumerate(bodies, 1):
        previous = links(START, 1, bodies)[number - 2] if number > 1 else START
        books.tell("north-1", batch(epoch_id(1), number, previous, [body]))
    with books.database.transaction() as connection:
        assert rebuild(connection) == []
        assert zero_sum(connection) == {}


def goods(quantity: int, *codes: str, gtin: str = MILK) -> GoodsLine:
    return GoodsLine(gtin=gtin, quantity=Decimal(quantity), items=codes)


def balances(books: Central) -> dict[tuple[str, str], Decimal]:
    found = books.rows(
        "SELECT site_id, location, sum(quantity) FROM stock GROUP BY 1, 2 HAVING sum(quantity) <> 0"
    )
    return {(site, location): quantity for site, location, quantity in found}


def test_goods_that_arrive_as_announced_leave_nothing_on_the_way_and_no_case(books: Central) -> None:
    receive(books, GoodsReceived(receipt_advice_id="r", despatch_id="d1", lines=(goods(10, *ITEMS),)))
    assert balances(books) == {
        ("south", SUPPLIER): Decimal(-10),
        ("south", WAY): Decimal(10),
        ("north", WAY): Decimal(-10),
        ("north", ON_HAND): Decimal(10),
    }
    assert books.rows("SELECT DISTINCT state, site_id FROM items") == [("sellable", "north")]
    assert discrepancies(books) == []


def test_what_is_missing_when_the_receipt_is_complete_is_one_short_case_with_its_value(
    books: Central,
) -> None:
    receive(books, GoodsReceived(receipt_advice_id="r", despatch_id="d1", lines=(goods(7, ITEMS[0]),)))
    assert balances(books)["north", ON_HAND] == 7
    assert books.rows("SELECT class, quantity, value_minor FROM discrepancies") == [
        ("short_receipt", Decimal(3), 750)
    ]
    assert books.rows("SELECT state FROM items WHERE item = %s", ITEMS[1]) == [("in_transit",)]


def test_goods_that_come_in_parts_are_short_only_at_the_end(books: Central) -> None:
    first = GoodsReceived(receipt_advice_id="r1", despatch_id="d1", lines=(goods(6),), complete=False)
    second = GoodsReceived(receipt_advice_id="r2", despatch_id="d1", lines=(goods(4, *ITEMS),))
    receive(books, first, second)
    assert discrepancies(books) == []
    assert balances(books)["north", ON_HAND] == 10


def test_what_is_beyond_the_announced_is_booked_from_a_supplier_and_is_a_case(books: Central) -> None:
    receive(
        books, GoodsReceived(receipt_advice_id="r", despatch_id="d1", lines=(goods(12), goods(1, gtin=BREAD)))
    )
    assert balances(books)["north", ON_HAND] == 13
    assert balances(books)["north", WAY] == -10
    assert books.rows("SELECT class, gtin, quantity FROM discrepancies ORDER BY gtin") == [
        ("over_receipt", MILK, Decimal(2)),
        ("over_receipt", BREAD, Decimal(1)),
    ]


def test_a_despatch_that_is_not_on_its_way_here_is_named_and_the_goods_are_booked(books: Central) -> None:
    receive(books, GoodsReceived(receipt_advice_id="r", despatch_id="no such", lines=(goods(5),)))
    assert balances(books)["north", ON_HAND] == 5
    assert discrepancies(books) == [("over_receipt", "north")]


def test_goods_without_a_despatch_come_from_a_supplier(books: Central) -> None:
    receive(books, GoodsReceived(receipt_advice_id="r", lines=(goods(5),)))
    assert balances(books)["north", SUPPLIER] == -5
    assert discrepancies(books) == []
