"""Central, its database and the broker stopped at the points where it matters most.

Central is brought to a chosen point without any hook in it: a lock that the test holds on its cursor keeps it before its commit, and a
broker that is stopped (not ended) keeps every answer from the agent while the commit goes through.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.faults.comparison import assert_books_agree
from tests.faults.shops import Counter, Shops, until

BASKETS = 5


@contextmanager
def cursor_held(shops: Shops, counter: Counter) -> Iterator[None]:
    """Hold the row of the agent's cursor, as another central process would; released at the end of the block."""
    connection = psycopg.connect(shops.database_url)
    try:
        connection.execute("SELECT 1 FROM epochs WHERE agent_id = %s FOR UPDATE", (counter.agent,))
        yield
    finally:
        connection.close()  # without a word to the server, which may have been killed meanwhile


def waiting_session(shops: Shops) -> int | None:
    """The process id of the session in which the intake waits for the lock, as the server itself tells it."""
    with shops.connect() as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM epochs%FOR UPDATE%'"
        ).fetchone()
    return None if found is None else int(str(found[0]))


def next_seq(shops: Shops, counter: Counter) -> int:
    """Central's cursor, as it is committed."""
    with shops.connect() as connection:
        found = connection.execute(
            "SELECT max(next_seq) FROM epochs WHERE agent_id = %s", (counter.agent,)
        ).fetchone()
    assert found is not None
    return int(str(found[0]))


def test_what_central_committed_before_it_was_killed_without_an_ack_is_booked_once(shops: Shops) -> None:
    counter, till = shops.open_counter()
    till.sell()
    shops.wait_sent(counter)
    with cursor_held(shops, counter):
        till.sell()
        until(lambda: waiting_session(shops) is not None, "central waits for the lock on the cursor")
        before = next_seq(shops, counter)
        shops.send_signal("broker", signal.SIGSTOP)
    until(lambda: next_seq(shops, counter) > before, "central commits")
    shops.kill("central")
    shops.kill("broker")
    unsent = shops.status(counter)["unsent"]
    shops.revive("broker")
    shops.revive("central")
    assert unsent == 1  # the agent has heard of no ack …
    till.sell(BASKETS)
    books = assert_books_agree(shops, [(counter, till)])
    assert books.applied == 2 + BASKETS  # … and learns from the next central that the row is booked


def test_central_killed_before_its_commit_has_booked_nothing_and_is_sent_everything_again(
    shops: Shops,
) -> None:
    counter, till = shops.open_counter()
    till.sell()
    shops.wait_sent(counter)
    before = next_seq(shops, counter)
    with cursor_held(shops, counter):
        till.sell(BASKETS)
        until(lambda: waiting_session(shops) is not None, "central waits for the lock on the cursor")
        shops.kill("central")
    assert next_seq(shops, counter) == before
    shops.revive("central")
    assert_books_agree(shops, [(counter, till)])


def test_a_session_killed_in_the_middle_of_a_transaction_is_rolled_back_and_done_again(shops: Shops) -> None:
    counter, till = shops.open_counter()
    with cursor_held(shops, counter):
        till.sell(BASKETS)
        until(lambda: waiting_session(shops) is not None, "central waits for the lock on the cursor")
        waiting = waiting_session(shops)
        shops.kill_backend(lambda sessions: next(one for one in sessions if one.pid == waiting))
    till.sell(BASKETS)
    assert_books_agree(shops, [(counter, till)])


def test_a_broker_whose_state_is_wiped_costs_nothing(shops: Shops) -> None:
    counter, till = shops.open_counter()
    till.start(pause_s=0.01)
    for _ in range(3):
        sold = len(till.accepted)
        until(lambda sold=sold: len(till.accepted) > sold + BASKETS, "the till goes on selling")  # type: ignore[misc]
        shops.kill("broker")
        shops.revive("broker")
    till.stop()
    assert_books_agree(shops, [(counter, till)])


def test_while_postgresql_is_stopped_the_shops_sell_on_and_everything_arrives_after_its_start(
    shops: Shops,
) -> None:
    counter, till = shops.open_counter()
    till.sell(BASKETS)
    shops.stop_database()
    refused = till.sell(BASKETS)
    unsent = shops.status(counter)["unsent"]
    shops.revive("postgres")
    assert refused is None
    assert int(str(unsent)) >= BASKETS
    assert_books_agree(shops, [(counter, till)])


def test_an_agent_killed_again_and_again_while_it_sells_loses_and_doubles_nothing(shops: Shops) -> None:
    counter, till = shops.open_counter()
    till.start(pause_s=0)
    for _ in range(4):
        sold = len(till.accepted)
        until(lambda sold=sold: len(till.accepted) > sold + BASKETS, "the till goes on selling")  # type: ignore[misc]
        shops.kill(counter.name)
        shops.revive(counter.name)
    till.stop()
    assert_books_agree(shops, [(counter, till)])
