"""Value in the books: it moves with the goods, in the transaction of their movements, and every figure is the sum of its movements."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from central.actors import By
from central.database import Connection
from central.despatches import transfers
from central.despatches.rules import Despatch, Line
from central.despatches.transfers import Transfer
from central.embedded.database import EmbeddedDatabase
from central.ledger import documents
from central.ledger.booking import post
from central.ledger.documents import Differs, Document, Revaluation, Unknown
from central.ledger.flows import flow_of
from central.ledger.rules import (
    CUSTOMER,
    ON_HAND,
    QUARANTINE,
    SUPPLIER,
    VALUATION,
    Movement,
    Posting,
    adjustment,
    in_transit,
)
from central.moments import from_microseconds
from protocol.events import GoodsLine, GoodsReceived, Payment, Sale, StockAdjusted
from tests.integration.books import (
    BREAD,
    MILK,
    NOW_US,
    Central,
    assert_values_hold,
    central,
    event,
    laid_out,
    line,
    returned,
    sale,
)
from tests.integration.tills import SOUTH, Till

AT = datetime(2026, 9, 20, 12, tzinfo=UTC)
BY = By(actor="test", at=AT)
DAY = date(2026, 9, 21)


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    """A unit of milk costs 1.20; what bread costs nobody has said."""
    with laid_out(embedded_database) as url, central(url) as made:
        with made.database.transaction() as connection:
            connection.execute("INSERT INTO costs VALUES (%s, 'EUR', '2020-01-01', 120)", (MILK,))
        yield made
        assert_values_hold(made)


def stock(books: Central, location: str = ON_HAND, gtin: str = MILK) -> dict[str, object]:
    """site -> (quantity, value)."""
    found = books.rows(
        "SELECT site_id, quantity, value_minor FROM stock WHERE location = %s AND gtin = %s", location, gtin
    )
    return {site: (quantity, worth) for site, quantity, worth in found}


def open_with(
    books: Central, quantity: int, unit_cost: str | None = None, *, site: str = "north", name: str = "o"
) -> None:
    cost = None if unit_cost is None else Decimal(unit_cost)
    opening = documents.Line(line=1, gtin=MILK, quantity=Decimal(quantity), unit_cost_minor=cost)
    document = Document(site=site, document=f"opening:{name}", lines=(opening,), event_time=AT)
    with books.database.transaction() as connection:
        assert documents.book(connection, document, AT) is True


def send(connection: Connection, *quantities: int) -> Despatch:
    lines = tuple(
        Line(line=number, gtin=MILK, quantity=Decimal(quantity))
        for number, quantity in enumerate(quantities, 1)
    )
    sent = transfers.send(
        connection, Transfer(from_site="north", to_site="south", lines=lines, despatch_id="d"), BY
    )
    assert isinstance(sent, Despatch)
    return sent


def receipt(quantity: int, *, complete: bool = True) -> GoodsReceived:
    goods = (GoodsLine(gtin=MILK, quantity=Decimal(quantity)),)
    return GoodsReceived(receipt_advice_id=f"r{quantity}", lines=goods, despatch_id="d", complete=complete)


def test_goods_carry_to_the_other_site_what_they_were_worth_and_the_last_to_arrive_take_the_rest(
    books: Central,
) -> None:
    open_with(books, 7, "33.335")  # 2.33 in all
    with books.database.transaction() as connection:
        sent = send(connection, 7)
    assert [one.value_minor for one in sent.lines] == [233]
    till = Till(books, SOUTH)
    till.write(receipt(3, complete=False))
    assert stock(books)["south"] == (3, 100)
    till.write(receipt(2, complete=False), receipt(2))
    assert stock(books)["south"] == (7, 233)
    on_the_way = stock(books, in_transit("north", "south"))
    assert on_the_way == {"north": (7, 233), "south": (-7, -233)}


def test_goods_of_another_currency_are_worth_here_what_they_cost_here(books: Central) -> None:
    open_with(books, 10, "100")
    with books.database.transaction() as connection:
        connection.execute("UPDATE sites SET currency = 'CNY' WHERE site_id = 'south'")
        connection.execute("INSERT INTO costs VALUES (%s, 'CNY', '2020-01-01', 900)", (MILK,))
        send(connection, 4)
    Till(books, SOUTH).write(receipt(4))
    assert stock(books) == {"north": (6, 600), "south": (4, 3600)}


def test_events_of_every_kind_move_value(books: Central) -> None:
    open_with(books, 10, "100")
    till = Till(books)
    one = sale(line(MILK, "4"))
    gone = StockAdjusted(
        adjustment_id="a", lines=(GoodsLine(gtin=MILK, quantity=Decimal(-1)),), reason="damage"
    )
    till.write(one, gone, returned(one, "quarantine"))
    till.write(GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=MILK, quantity=Decimal(5)),)))
    assert {
        location: stock(books, location)["north"]
        for location in (ON_HAND, QUARANTINE, SUPPLIER, adjustment("damage"))
    } == {
        ON_HAND: (10, 1100),  # five left at 1.00, five came at the list's 1.20
        QUARANTINE: (4, 400),
        SUPPLIER: (-15, -1600),
        adjustment("damage"): (1, 100),
    }
    assert stock(books, CUSTOMER) == {}  # what was sold came back in the same transaction


def test_a_shelf_that_owed_goods_is_put_right_when_they_come(books: Central) -> None:
    open_with(books, 1, "100")
    till = Till(books)
    till.write(sale(line(MILK, "3")))
    till.write(GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=MILK, quantity=Decimal(5)),)))
    assert stock(books)["north"] == (3, 360)
    assert books.rows(
        "SELECT cause, quantity, value_minor, seq FROM movements WHERE source = %s", ON_HAND
    ) == [
        ("sale", 3, 300, 1),
        ("revaluation", 0, 40, 2),
    ]


def test_goods_of_no_known_cost_are_booked_at_nothing(books: Central) -> None:
    till = Till(books)
    till.write(GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=BREAD, quantity=Decimal(5)),)))
    till.write(sale(line(BREAD, "2")))
    assert stock(books, gtin=BREAD)["north"] == (3, 0)
    assert books.rows("SELECT unit_cost_minor FROM stock WHERE gtin = %s", BREAD) == [(None,)] * 3


def test_a_cost_that_becomes_known_makes_what_is_there_worth_something(books: Central) -> None:
    till = Till(books)
    till.write(GoodsReceived(receipt_advice_id="r", lines=(GoodsLine(gtin=BREAD, quantity=Decimal(5)),)))
    with books.database.transaction() as connection:
        connection.execute("INSERT INTO costs VALUES (%s, 'EUR', '2026-09-01', 12.5)", (BREAD,))
    till.write(sale(line(BREAD, "2")))
    assert stock(books, gtin=BREAD)["north"] == (3, 37)
    assert stock(books, VALUATION, BREAD)["north"] == (0, -62)


def test_takings_of_another_currency_are_kept_with_their_lines_and_stay_out_of_the_day(
    books: Central,
) -> None:
    dollars = Sale(
        sale_id="usd", receipt="1-1", currency="USD", lines=(line(MILK, "2", 500),),
        payments=(Payment(method="cash", amount_minor=500),),
    )  # fmt: skip
    Till(books).write(dollars, sale(line(MILK, "1", 199)))
    assert books.rows("SELECT flow, quantity, amount_minor FROM stock_days") == [("sold", 3, 199)]
    assert books.rows("SELECT currency, amount_minor FROM sale_lines ORDER BY 1") == [
        ("EUR", 199),
        ("USD", 500),
    ]
    assert ("USD", 500) in books.rows("SELECT currency, amount_minor FROM payments")


def test_odd_quantities_of_real_tills_are_booked(books: Central) -> None:
    lines = (line(MILK, "0", 199), line(MILK, "-2", -398), line(MILK, "0.333", 66), line(BREAD, "1", 0))
    Till(books).write(sale(*lines))
    assert books.rows("SELECT gtin, quantity, amount_minor FROM stock_days ORDER BY 1") == [
        (MILK, Decimal("-1.667"), -133),
        (BREAD, 1, 0),
    ]


def test_a_value_beyond_all_numbers_is_set_aside_visibly_and_stops_nobody(books: Central) -> None:
    with books.database.transaction() as connection:
        connection.execute("INSERT INTO costs VALUES (%s, 'EUR', '2020-01-01', 99999999999)", (BREAD,))
    absurd = GoodsReceived(
        receipt_advice_id="r", lines=(GoodsLine(gtin=BREAD, quantity=Decimal(999_999_999_999)),)
    )
    Till(books).write(sale(line(MILK)), absurd, sale(line(MILK)))
    assert stock(books, CUSTOMER)["north"] == (2, 240)
    assert books.rows("SELECT seq, left(cause, 5) FROM quarantine") == [(2, "22003")]


def test_what_is_told_after_a_day_was_closed_is_a_restatement_with_its_event(books: Central) -> None:
    till = Till(books)
    till.write(sale(line(MILK, "1", 199)))
    with books.database.transaction() as connection:
        connection.execute(
            "INSERT INTO day_closings (site_id, business_day, closed_at, actor, complete) VALUES ('north', %s, %s, 'test', true)",
            (DAY, AT),
        )
    till.write(sale(line(MILK, "2", 398)))
    assert books.rows(
        "SELECT gtin, flow, quantity, value_minor, amount_minor, seq FROM restatements ORDER BY quantity"
    ) == [(MILK, "sold", 0, 0, 398, 2), (MILK, "sold", 2, 240, 0, 2)]


def test_a_sale_from_before_a_booked_count_corrects_that_count_and_leaves_the_shelf_as_it_was(
    books: Central,
) -> None:
    open_with(books, 10, "100")
    with books.database.transaction() as connection:
        connection.execute(
            "UPDATE stock SET counted_at = %s, counted_in = 'spring' WHERE location = 'on_hand'",
            (from_microseconds(NOW_US),),
        )
    Till(books).write(sale(line(MILK, "2")))
    assert stock(books)["north"] == (10, 1000)
    assert stock(books, adjustment("stocktake"))["north"] == (-2, -200)
    found = books.rows("SELECT document, seq, event_time FROM movements WHERE cause = 'stocktake'")
    [(document, seq, event_time)] = found
    assert document.startswith("stocktake:spring:late:")
    assert (seq, event_time) == (1, from_microseconds(NOW_US))


def test_a_line_that_is_turned_over_after_a_count_corrects_it_twice(books: Central) -> None:
    open_with(books, 10, "100")
    with books.database.transaction() as connection:
        connection.execute(
            "UPDATE stock SET counted_at = %s, counted_in = 'spring' WHERE location = 'on_hand'",
            (from_microseconds(NOW_US),),
        )
    for source, destination in ((SUPPLIER, ON_HAND), (ON_HAND, SUPPLIER)):
        again = Posting(
            site="north", movement=Movement(1, MILK, Decimal(3), source, destination, "receipt"),
            event_time=AT, recorded_at=AT, business_day=AT.date(), journal=1, seq=7,
        )  # fmt: skip
        with books.database.transaction() as connection:
            [correction] = post(connection, [again], AT).corrections
        assert abs(correction.quantity) == 3
    assert stock(books)["north"] == (10, 1000)


def test_two_transactions_that_bring_the_same_new_product_wait_for_each_other(books: Central) -> None:
    start = threading.Barrier(2)

    def bring(number: int) -> None:
        movement = Movement(1, BREAD, Decimal(10), SUPPLIER, ON_HAND, "opening", 100 * number)
        posting = Posting(
            site="north", movement=movement, event_time=AT, recorded_at=AT, business_day=DAY, document=f"n{number}"
        )  # fmt: skip
        start.wait()
        books.database.run(lambda connection: post(connection, [posting], AT))

    threads = [threading.Thread(target=bring, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stock(books, gtin=BREAD)["north"] == (20, 300)
    assert books.rows(
        "SELECT unit_cost_minor FROM stock WHERE location = 'on_hand' AND gtin = %s", BREAD
    ) == [(15,)]


def test_a_revaluation_makes_stock_worth_what_it_says_and_is_booked_once(books: Central) -> None:
    open_with(books, 10, "100")
    costs = {MILK: Decimal("130.5"), BREAD: Decimal(7)}
    wanted = Revaluation(site="north", document="revaluation:r", unit_costs_minor=costs)
    with books.database.transaction() as connection:
        assert documents.revalue(connection, wanted, AT) is True
        assert documents.revalue(connection, wanted, AT) is False
        other = Revaluation(site="north", document="revaluation:r", unit_costs_minor={BREAD: Decimal(7)})
        assert documents.revalue(connection, other, AT) == Differs(AT)
        assert (
            documents.revalue(connection, Revaluation(site="x", document="r", unit_costs_minor={}), AT)
            == Unknown()
        )
    assert stock(books)["north"] == (10, 1305)
    Till(books).write(sale(line(BREAD, "2")))
    assert stock(books, gtin=BREAD)["north"] == (-2, -14)


def test_a_devaluation_lowers_the_worth(books: Central) -> None:
    open_with(books, 10, "100")
    down = Revaluation(site="north", document="revaluation:r", unit_costs_minor={MILK: Decimal(0)})
    with books.database.transaction() as connection:
        assert documents.revalue(connection, down, AT) is True
    assert (stock(books)["north"], stock(books, VALUATION)["north"]) == ((10, 0), (0, 1000))
    assert books.rows("SELECT flow, value_minor FROM stock_days WHERE flow = 'revalued'") == [
        ("revalued", -1000)
    ]


def test_goods_set_aside_and_written_off_from_quarantine(books: Central) -> None:
    open_with(books, 10, "100")
    goods = (documents.Line(line=1, gtin=MILK, quantity=Decimal(4)),)
    gone = (documents.Line(line=1, gtin=MILK, quantity=Decimal(-3)),)
    aside = Document(site="north", document="set_aside:s", lines=goods, event_time=AT, set_aside=True)
    written_off = Document(
        site="north",
        document="adjustment:a",
        lines=gone,
        event_time=AT,
        reason="expired",
        location=QUARANTINE,
    )
    with books.database.transaction() as connection:
        assert documents.book(connection, aside, AT) is True
        assert documents.book(connection, written_off, AT) is True
        assert documents.book(connection, written_off, AT) is False
    assert (stock(books)["north"], stock(books, QUARANTINE)["north"]) == ((6, 600), (1, 100))


def test_the_database_and_the_rules_have_the_same_heads(books: Central) -> None:
    places = (ON_HAND, CUSTOMER, QUARANTINE, SUPPLIER, VALUATION, adjustment("found"), in_transit("a", "b"))
    for source, destination, cause in product(places, places, ("sale", "return", "revaluation")):
        if source != destination:
            [(flow, sense)] = books.rows(
                "SELECT flow_of(%s, %s, %s), sense_of(%s, %s, %s)", *(source, destination, cause) * 2
            )
            expected = flow_of(source, destination, cause)
            assert (flow, sense if flow else None) == (expected or (None, None)), (source, destination, cause)


def test_goods_of_a_day_long_past_stand_in_that_day(books: Central) -> None:
    ten_years_ago = NOW_US - int(timedelta(days=3650).total_seconds()) * 1_000_000
    till = Till(books)
    till.bring([event(sale(line(MILK, "2")), at_us=ten_years_ago)])
    assert books.rows("SELECT business_day, quantity FROM stock_days") == [(date(2016, 9, 23), 2)]


def test_the_queries_of_the_guide_find_nothing_where_books_are_whole_and_something_where_not(
    books: Central,
) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()
    queries = [block.split("```")[0] for block in guide.split("```sql\n")[1:]]
    open_with(books, 5, "100")
    one = sale(line(MILK, "2"))
    Till(books).write(one, returned(one, "quarantine"), sale(line(MILK, "4")))
    with books.database.transaction() as connection:
        assert [connection.execute(query.encode()).fetchall() for query in queries] == [[]] * len(queries)
        with connection.transaction(force_rollback=True):
            connection.execute("UPDATE stock SET quantity = 3, value_minor = -1 WHERE location = 'on_hand'")
            connection.execute("UPDATE epochs SET next_seq = 9, applied = 8")
            assert all(connection.execute(query.encode()).fetchall() for query in queries)
