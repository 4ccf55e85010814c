"""The intake against a real PostgreSQL: whatever arrives, in whatever state, each fact has one effect or stands in quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import psycopg
import pytest

from central.database import Database, DatabaseUrlError
from central.embedded.database import EmbeddedDatabase
from central.intake import booking
from central.journals.facts import Fact
from central.sales.rules import ReceiptLine, receipt_lines
from protocol.chain import genesis, links
from protocol.delivery.receiver import Arrival
from protocol.events import GoodsLine, GoodsReceived, ScanRefused
from protocol.messages import (
    Ack,
    Cursor,
    HelloWanted,
)
from tests.integration.books import (
    BREAD,
    MILK,
    NOW_US,
    Central,
    assert_books_hold,
    batch,
    central,
    discrepancies,
    effects,
    epoch_id,
    event,
    laid_out,
    lay_out,
    line,
    sale,
)

AGENT = "north-1"
EPOCH = epoch_id(1)
START = genesis(AGENT, EPOCH)
ITEM = "010401234567890121ABC"


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def sales(count: int) -> list[bytes]:
    return [event(sale(line(MILK, str(number + 1)))) for number in range(count)]


def cursor_after(bodies: list[bytes]) -> Cursor:
    return Cursor(EPOCH, len(bodies) + 1, links(START, 1, bodies)[-1] if bodies else START)


# -- what arrives, against the cursor ---------------------------------------------------------------------------------


def test_a_batch_is_applied_and_acknowledged_with_the_cursor(books: Central) -> None:
    bodies = sales(3)
    assert books.tell(AGENT, batch(EPOCH, 1, START, bodies)) == [Ack(cursor=cursor_after(bodies))]
    assert_books_hold(books, bodies)


def test_a_repeated_batch_is_acknowledged_again_and_has_no_second_effect(books: Central) -> None:
    bodies = sales(3)
    answers = [books.tell(AGENT, batch(EPOCH, 1, START, bodies)) for _ in range(3)]
    assert answers == [[Ack(cursor=cursor_after(bodies))]] * 3
    assert_books_hold(books, bodies)


def test_a_batch_that_comes_twice_in_one_group_has_one_effect(books: Central) -> None:
    bodies = sales(3)
    for _ in range(3):
        books.offer(AGENT, batch(EPOCH, 1, START, bodies))
    books.intake.drain()
    assert books.take_answers() == [(AGENT, Ack(cursor=cursor_after(bodies)))]
    assert_books_hold(books, bodies)


def test_of_an_overlapping_batch_only_the_new_rows_are_applied(books: Central) -> None:
    bodies = sales(5)
    books.tell(AGENT, batch(EPOCH, 1, START, bodies[:3]))
    second = batch(EPOCH, 2, links(START, 1, bodies)[0], bodies[1:])
    assert books.tell(AGENT, second) == [Ack(cursor=cursor_after(bodies))]
    assert_books_hold(books, bodies)


def test_a_batch_from_above_the_cursor_is_answered_with_the_cursor(books: Central) -> None:
    bodies = sales(4)
    ahead = batch(EPOCH, 3, links(START, 1, bodies)[1], bodies[2:])
    assert books.tell(AGENT, ahead) == [Ack(cursor=cursor_after([]))]
    assert_books_hold(books, [])


def test_a_damaged_batch_changes_nothing(books: Central) -> None:
    bodies = sales(2)
    whole = batch(EPOCH, 1, START, bodies)
    damaged = msgspec.structs.replace(whole, bodies=(bodies[0], bodies[1][:-1] + b"\0"))
    assert books.tell(AGENT, damaged) == [Ack(cursor=cursor_after([]))]
    assert books.intake.tallies.counts()[f"batches_{Arrival.DAMAGED}"] == 1
    assert_books_hold(books, [])


def test_a_forked_batch_asks_for_a_hello_and_changes_nothing(books: Central) -> None:
    bodies, others = sales(3), sales(3)
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    [answer] = books.tell(AGENT, batch(EPOCH, 1, START, others))
    assert isinstance(answer, HelloWanted)
    assert_books_hold(books, bodies)


def test_a_fork_that_begins_in_the_overlap_is_noticed(books: Central) -> None:
    bodies = sales(3)
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    [answer] = books.tell(AGENT, batch(EPOCH, 1, START, [*bodies[:2], *sales(2)]))
    assert isinstance(answer, HelloWanted)
    assert_books_hold(books, bodies)


def test_an_unknown_epoch_asks_for_a_hello(books: Central) -> None:
    unknown = epoch_id(77)
    [answer] = books.tell(AGENT, batch(unknown, 1, genesis(AGENT, unknown), sales(1)))
    assert answer == HelloWanted(epoch=unknown, cause="this epoch is not known")


def test_batches_of_many_agents_share_one_transaction(books: Central) -> None:
    south = genesis("south-1", epoch_id(2))
    one, two = sales(2), sales(3)
    books.offer(AGENT, batch(EPOCH, 1, START, one))
    books.offer("south-1", batch(epoch_id(2), 1, south, two))
    books.intake.drain()
    assert books.intake.tallies.counts()["groups"] == 1
    assert {agent for agent, _ in books.take_answers()} == {AGENT, "south-1"}
    assert_books_hold(books, [*one, *two])


# -- poison -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "poison",
    [
        b"garbage",
        b"",
        event(sale(line("not a gtin"))),
        event(sale(line(MILK, "NaN"))),
        event(sale(line(MILK, "1E+400"))),
        event(sale(line(MILK, "1", 1 << 60))),
        event(sale(sale_id="nul\0byte")),
        event(sale(sale_id="x" * 9_000)),
        event(msgspec.structs.replace(sale(), currency="EURO")),
        event(GoodsReceived(receipt_advice_id="r", lines=()), at_us=NOW_US).replace(
            b"goods_received", b"goods_conceive"
        ),
    ],
    ids=["garbage", "empty", "gtin", "nan", "huge", "amount", "nul", "long", "currency", "kind"],
)
def test_a_poisonous_event_in_a_fitting_chain_is_quarantined_and_the_rest_goes_on(
    books: Central, poison: bytes
) -> None:
    before, after = sales(2), sales(2)
    bodies = [*before, poison, *after]
    assert books.tell(AGENT, batch(EPOCH, 1, START, bodies)) == [Ack(cursor=cursor_after(bodies))]
    assert effects(books) == Counter(bodies)
    assert books.rows("SELECT seq FROM quarantine") == [(3,)]
    assert books.rows("SELECT applied, quarantined FROM epochs WHERE agent_id = %s", AGENT) == [(4, 1)]
    assert ("quarantined", "north") in discrepancies(books)


def test_a_batch_with_a_quarantined_event_is_recognised_when_it_is_repeated(books: Central) -> None:
    bodies = [*sales(1), b"garbage"]
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    assert books.tell(AGENT, batch(EPOCH, 1, START, bodies)) == [Ack(cursor=cursor_after(bodies))]
    assert effects(books) == Counter(bodies)


def test_an_event_that_only_the_database_refuses_is_found_and_quarantined(books: Central) -> None:
    with books.database.transaction() as connection:
        connection.execute(
            "ALTER TABLE sale_lines ADD CONSTRAINT odd CHECK (amount_minor <> 66600) NOT VALID"
        )
    bodies = [*sales(2), event(sale(line(MILK, "1", 66600))), *sales(2)]
    others = sales(3)
    books.offer("south-1", batch(epoch_id(2), 1, genesis("south-1", epoch_id(2)), others))
    books.offer(AGENT, batch(EPOCH, 1, START, bodies))
    books.intake.drain()
    assert dict(books.take_answers())[AGENT] == Ack(cursor=cursor_after(bodies))
    assert books.rows("SELECT seq, cause LIKE '23514 %%' FROM quarantine") == [(3, True)]
    assert effects(books) == Counter([*bodies, *others])


def test_an_event_that_our_own_rules_trip_over_is_found_and_quarantined(
    books: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trips_over_bread(fact: Fact) -> list[ReceiptLine]:
        if BREAD in repr(fact):
            raise KeyError("bread")
        return receipt_lines(fact)

    monkeypatch.setattr(booking, "receipt_lines", trips_over_bread)
    bodies = [*sales(2), event(sale(line(BREAD))), *sales(2)]
    assert books.tell(AGENT, batch(EPOCH, 1, START, bodies)) == [Ack(cursor=cursor_after(bodies))]
    assert books.rows("SELECT seq, cause FROM quarantine") == [(3, "KeyError: 'bread'")]


# -- what follows from facts ------------------------------------------------------------------------------------------


def test_a_refused_scan_is_archived_and_moves_nothing(books: Central) -> None:
    bodies = [event(ScanRefused(verdict="forged", cause="signature"))]
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    assert books.rows("SELECT kind FROM events") == [("scan_refused",)]
    assert books.rows("SELECT * FROM movements") == []


def test_a_sale_in_the_future_is_booked_when_it_arrived(books: Central) -> None:
    ten_years_us = 10 * 365 * 86_400 * 1_000_000
    bodies = [event(sale(), at_us=NOW_US + ten_years_us)]
    books.tell(AGENT, batch(EPOCH, 1, START, bodies))
    assert books.rows("SELECT event_time = recorded_at FROM movements") == [(True,)]
    assert ("clock_step", "north") in discrepancies(books)


def test_one_item_sold_at_two_sites_is_one_case_with_both_sales(books: Central) -> None:
    later = event(sale(line(item=ITEM)), at_us=NOW_US + 60_000_000)
    earlier = event(sale(line(item=ITEM)), at_us=NOW_US)
    books.tell(AGENT, batch(EPOCH, 1, START, [later]))
    south = epoch_id(2)
    books.tell("south-1", batch(south, 1, genesis("south-1", south), [earlier]))
    [(evidence,)] = books.rows("SELECT evidence FROM discrepancies WHERE class = 'item_sold_twice'")
    assert [fact["site"] for fact in evidence] == ["south", "north"]
    third = event(sale(line(item=ITEM)), at_us=NOW_US + 90_000_000)
    books.tell(AGENT, batch(EPOCH, 2, links(START, 1, [later])[0], [third]))
    [(evidence,)] = books.rows("SELECT evidence FROM discrepancies WHERE class = 'item_sold_twice'")
    assert len(evidence) == 3
    assert_books_hold(books, [later, earlier, third])


def test_a_shelf_that_comes_back_from_below_zero_settles_its_discrepancy(books: Central) -> None:
    received = GoodsReceived(receipt_advice_id="r1", lines=(GoodsLine(gtin=MILK, quantity=Decimal(10)),))
    bodies = [event(sale(line(MILK, "2"))), event(received)]
    books.tell(AGENT, batch(EPOCH, 1, START, bodies[:1]))
    assert books.rows("SELECT class, state, value_minor FROM discrepancies") == [
        ("sold_below_zero", "open", 500)
    ]
    books.tell(AGENT, batch(EPOCH, 2, links(START, 1, bodies)[0], bodies[1:]))
    assert books.rows("SELECT class, state FROM discrepancies") == [("sold_below_zero", "settled")]
    assert books.rows("SELECT quantity FROM stock WHERE location = 'on_hand'") == [(Decimal(8),)]


# -- the database in the way ------------------------------------------------------------------------------------------


def test_a_connection_killed_before_the_commit_leaves_nothing_and_answers_nothing(database_url: str) -> None:
    with central(database_url) as books:
        lay_out(books.database)
        bodies = sales(3)
        kills = iter((True,))

        def killing_clock() -> int:
            # Central looks at its clock inside the transaction: that is the moment at which its backend is ended.
            if next(kills, False):
                with psycopg.connect(database_url, autocommit=True) as killer:
                    killer.execute(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()
                        """
                    )
            return NOW_US

        with central(database_url, killing_clock) as dying:
            dying.offer(AGENT, batch(EPOCH, 1, START, bodies))
            with pytest.raises(psycopg.OperationalError):
                dying.intake.drain()
            assert dying.take_answers() == []
        assert_books_hold(books, [])
        assert books.tell(AGENT, batch(EPOCH, 1, START, bodies)) == [Ack(cursor=cursor_after(bodies))]
        assert_books_hold(books, bodies)


def test_a_process_that_dies_between_commit_and_ack_is_asked_again_and_counts_once(database_url: str) -> None:
    bodies = sales(3)
    with central(database_url) as dying:
        lay_out(dying.database)
        dying.tell(AGENT, batch(EPOCH, 1, START, bodies))  # the ack goes down with the process
    with central(database_url) as next_one:
        assert next_one.tell(AGENT, batch(EPOCH, 1, START, bodies)) == [Ack(cursor=cursor_after(bodies))]
        assert_books_hold(next_one, bodies)


def test_an_intake_without_its_tables_answers_nothing(empty_database_url: str) -> None:
    with central(empty_database_url) as books:
        books.offer(AGENT, batch(EPOCH, 1, START, sales(1)))
        with pytest.raises(psycopg.errors.UndefinedTable):
            books.intake.drain()
        assert books.take_answers() == []


def test_the_threads_wait_for_a_database_that_is_away_and_then_go_on(books: Central) -> None:
    bodies = sales(3)
    with psycopg.connect(books.database.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE agents RENAME TO agents_are_away")
        books.intake.start()
        books.offer(AGENT, batch(EPOCH, 1, START, bodies))
        while not books.intake.tallies.counts().get("retries"):
            books.clock()
        connection.execute("ALTER TABLE agents_are_away RENAME TO agents")
        assert books.answers.get(timeout=30) == (AGENT, Ack(cursor=cursor_after(bodies)))
        books.intake.stop()
        assert_books_hold(books, bodies)


def test_a_wrong_url_is_one_clear_line() -> None:
    with pytest.raises(DatabaseUrlError, match=r"expected postgresql://user:password@host:5432/database"):
        Database("mysql://root:secret@host/x")
