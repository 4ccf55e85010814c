"""The comparison itself, shown what it is there to find: a check that never fails would prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from tests.faults.comparison import compare
from tests.faults.shops import Counter, Shops
from tests.faults.till import Sold, Till

BASKETS = 5


@pytest.fixture(scope="module")
def trade(installation: Shops) -> Iterator[tuple[Shops, Counter, Till]]:
    """A counter whose books agree."""
    counter, till = installation.open_counter()
    till.sell(BASKETS)
    installation.wait_sent(counter)
    yield installation, counter, till
    installation.stop(counter.name)
    del installation.open[counter.name]


def first_words(trade: tuple[Shops, Counter, Till]) -> set[str]:
    """The first word of each difference."""
    shops, counter, till = trade
    return {line.split(":")[0] for line in compare(shops, [(counter, till)])[1]}


@contextmanager
def tampered(shops: Shops, change: str, undo: str, site: str) -> Iterator[None]:
    """Central's tables changed by hand for as long as the block lasts."""
    with shops.connect() as connection:
        connection.execute(change.encode(), {"site": site})
        try:
            yield
        finally:
            connection.execute(undo.encode(), {"site": site})


def test_books_that_agree_show_no_difference(trade: tuple[Shops, Counter, Till]) -> None:
    assert first_words(trade) == set()


def test_a_sale_that_was_accepted_and_is_not_booked_is_lost(trade: tuple[Shops, Counter, Till]) -> None:
    _, counter, till = trade
    till.accepted["00000000-lost"] = Sold((("04012345678901", Decimal(1), 199),), "1-999999")
    try:
        assert first_words(trade) == {"LOST", counter.site}
    finally:
        del till.accepted["00000000-lost"]


def test_a_sale_that_is_booked_and_was_never_accepted_is_invented(trade: tuple[Shops, Counter, Till]) -> None:
    _, counter, till = trade
    sale_id, sold = till.accepted.popitem()
    try:
        assert first_words(trade) == {"INVENTED", "stock", counter.site}
    finally:
        till.accepted[sale_id] = sold


def test_a_sale_in_two_rows_is_doubled(trade: tuple[Shops, Counter, Till]) -> None:
    shops, counter, _ = trade
    change = """
        INSERT INTO sale_lines SELECT site_id, journal, seq + 1000, line, kind, sale_id, receipt, gtin, quantity, amount_minor,
        discount_minor, currency, item, provisional, event_time, business_day FROM sale_lines WHERE site_id = %(site)s AND seq = 1
        """
    undo = "DELETE FROM sale_lines WHERE site_id = %(site)s AND seq > 1000"
    with tampered(shops, change, undo, counter.site):
        assert first_words(trade) == {"DOUBLED"}


def test_a_sale_booked_with_another_amount_is_told(trade: tuple[Shops, Counter, Till]) -> None:
    shops, counter, _ = trade
    change = "UPDATE sale_lines SET amount_minor = amount_minor + 1 WHERE site_id = %(site)s AND seq = 1"
    with tampered(shops, change, change.replace("+ 1", "- 1"), counter.site):
        assert first_words(trade) == {counter.site}


def test_a_balance_that_is_not_the_sum_of_its_movements_is_told(trade: tuple[Shops, Counter, Till]) -> None:
    shops, counter, _ = trade
    change = "UPDATE stock SET quantity = quantity + 1 WHERE site_id = %(site)s AND location = 'on_hand'"
    with tampered(shops, change, change.replace("+ 1", "- 1"), counter.site):
        assert first_words(trade) == {"stock", "ledger", "zero-sum"}


def test_a_cursor_that_is_not_at_the_head_of_the_journal_is_told(trade: tuple[Shops, Counter, Till]) -> None:
    shops, counter, _ = trade
    change = """
        UPDATE epochs SET next_seq = next_seq - 1, repeated = repeated - 1
        WHERE agent_id IN (SELECT agent_id FROM agents WHERE site_id = %(site)s)
        """
    with tampered(shops, change, change.replace("- 1", "+ 1"), counter.site):
        assert first_words(trade) == {"cursor"}
