"""Events past their retention: the bodies go, and journals that part ways are told apart as before; no sale is lost or counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from central.embedded.database import EmbeddedDatabase
from central.journals.storage import remember_branch
from central.partitions.rules import Retention
from central.partitions.upkeep import Gone, Kept, let_go
from central.reconciliation import day_statement, rebuild, zero_sum
from protocol.chain import fact_id
from protocol.messages import Ack, RowsAnswered, RowsAsked
from tests.integration.books import (
    BREAD,
    NOW_US,
    Central,
    batch,
    central,
    discrepancies,
    epoch_id,
    event,
    exchange,
    laid_out,
    line,
    machine,
    sale,
    sold_at_central,
    sold_by_hand,
)
from tests.simulation.machine import Machine

AGENT, OTHER = "north-1", "south-1"
LATER = datetime.now(UTC) + timedelta(days=500)


@pytest.fixture
def books(embedded_database: EmbeddedDatabase) -> Iterator[Central]:
    with laid_out(embedded_database) as url, central(url) as made:
        yield made


def sell(to: Machine, count: int, gtin: str = BREAD) -> list[bytes]:
    bodies = [event(sale(line(gtin))) for _ in range(count)]
    to.sell(bodies, NOW_US)
    return bodies


def let_events_go(books: Central, dark: str = "") -> list[Gone | Kept]:
    """More than a year later; every agent was heard meanwhile, but for one."""
    with books.database.transaction() as connection:
        connection.execute("UPDATE agents SET seen_at = %s WHERE agent_id <> %s", (LATER, dark))
    outcomes = let_go(books.database, LATER, Retention(events_months=6))
    return [one for one in outcomes if isinstance(one, Kept) or one.rows]


def assert_sold_once(books: Central, accepted: list[bytes]) -> None:
    assert sold_at_central(books) == sold_by_hand(accepted)
    with books.database.transaction() as connection:
        assert (rebuild(connection), zero_sum(connection)) == ([], {})


def sync_classes(books: Central) -> set[str]:
    return {name for name, _ in discrepancies(books)} & {"rewind", "fork", "clone", "pruned", "damaged"}


def test_the_bodies_go_and_what_tells_them_apart_stays(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    bodies = sell(till, 25)
    exchange(books, [till])
    before = books.rows("SELECT hash FROM events ORDER BY seq")
    (gone,) = let_events_go(books)
    digests = books.rows("SELECT first_seq, last_seq, hashes, fact_ids FROM event_digests")
    assert isinstance(gone, Gone)
    assert (gone.rows, books.rows("SELECT count(*) FROM events")) == (25, [(0,)])
    assert digests == [(1, 25, b"".join(row[0] for row in before), b"".join(map(fact_id, bodies)))]


def test_an_agent_that_comes_back_after_years_goes_on_where_it_was(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 25)
    exchange(books, [till])
    let_events_go(books)
    till.start()
    accepted += sell(till, 5)
    exchange(books, [till])
    assert_sold_once(books, accepted)
    assert sync_classes(books) == set()


def test_an_image_older_than_the_events_that_are_kept_is_a_fork_and_loses_nothing(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 10)
    exchange(books, [till])
    image = till.disk.image()
    accepted += sell(till, 10)
    exchange(books, [till])
    let_events_go(books)
    till.disk = image
    accepted += sell(till, 5)
    till.start()
    exchange(books, [till])
    assert_sold_once(books, accepted)
    assert sync_classes(books) == {"fork"}


def test_an_older_image_that_has_what_was_sent_since_brings_nothing_twice(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 10)
    exchange(books, [till])
    accepted += sell(till, 5)  # in the image, and not sent yet
    image = till.disk.image()
    exchange(books, [till])
    accepted += sell(till, 10)
    exchange(books, [till])
    let_events_go(books)
    till.disk = image
    till.start()
    accepted += sell(till, 3)
    exchange(books, [till])
    assert_sold_once(books, accepted)


def test_rows_that_are_sent_again_are_acknowledged_again(books: Central) -> None:
    bodies = [event(sale(line(BREAD))) for _ in range(5)]
    opening = books.rows("SELECT opening_hash FROM epochs WHERE agent_id = %s", AGENT)[0][0]
    one = batch(epoch_id(1), 1, bytes(opening), bodies)
    books.tell(AGENT, one)
    let_events_go(books)
    (answer,) = books.tell(AGENT, one)
    assert isinstance(answer, Ack)
    assert (answer.cursor.next_seq, sync_classes(books)) == (6, set())
    assert_sold_once(books, bodies)


def test_facts_of_a_branch_are_remembered_though_their_bodies_have_gone(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    bodies = sell(till, 30)
    exchange(books, [till])
    let_events_go(books)
    with books.database.transaction() as connection:
        remember_branch(connection, AGENT, epoch_id(1), 12)
    found = books.rows("SELECT fact_id FROM branch_facts WHERE agent_id = %s", AGENT)
    assert {bytes(row[0]) for row in found} == set(map(fact_id, bodies[12:]))


def test_rows_that_have_gone_are_answered_with_none(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    sell(till, 9)
    exchange(books, [till])
    let_events_go(books)
    answers = books.tell(AGENT, RowsAsked(epoch=epoch_id(1), first_seq=3, last_seq=4), "ask")
    assert answers == [RowsAnswered(epoch=epoch_id(1), first_seq=3, bodies=())]


def test_events_stay_while_an_agent_may_want_them_back(books: Central) -> None:
    till, other = machine(AGENT, epoch_id(1)), machine(OTHER, epoch_id(2))
    for one in (till, other):
        sell(one, 3)
    exchange(books, [till, other])
    (kept,) = let_events_go(books, dark=OTHER)
    assert isinstance(kept, Kept)
    assert kept.reason == (
        "not heard of since it could have forgotten these events: south-1; revoke an agent that will not come back"
    )
    assert books.rows("SELECT count(*) FROM events") == [(6,)]
    with books.database.transaction() as connection:
        connection.execute("UPDATE agents SET state = 'revoked' WHERE agent_id = %s", (OTHER,))
    (gone,) = let_events_go(books, dark=OTHER)
    assert isinstance(gone, Gone)
    assert gone.rows == 6


def test_a_day_whose_events_have_gone_is_still_balanced(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    sell(till, 25)
    exchange(books, [till])
    let_events_go(books)
    with books.database.transaction() as connection:
        (day,) = connection.execute("SELECT DISTINCT business_day FROM movements").fetchall()
        statement = day_statement(connection, "north", day[0])
    assert (statement.unbalanced, statement.totals.receipts) == ((), 25)


def test_what_is_in_quarantine_never_goes(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    bodies = sell(till, 5)
    till.disk.damaged.add(bodies[2])
    exchange(books, [till])
    let_events_go(books)
    assert books.rows("SELECT count(*) FROM quarantine") == [(1,)]
    spans = books.rows(
        "SELECT sum(last_seq - first_seq + 1), sum(octet_length(hashes)) / 32, sum(octet_length(fact_ids)) / 16 FROM event_digests"
    )
    assert spans == [(4, 4, 4)]
