"""The agent's disk is full: sales are refused in words, nothing that was accepted is lost, and room is all that is needed."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.faults.comparison import assert_books_agree
from tests.faults.shops import Counter, Shops, until
from tests.faults.small_disk import SmallDisk
from tests.faults.till import Refused, Till

BASKETS = 20


@pytest.fixture
def small(shops: Shops) -> Iterator[tuple[SmallDisk, Counter, Till]]:
    """A counter on a small disk, with sales that are not sent yet, because the line is cut."""
    counter = shops.enrol()
    disk = SmallDisk(shops, counter)
    counter, till = shops.open_counter(counter)
    shops.send_signal("relay", signal.SIGUSR1)
    till.sell(BASKETS)
    yield disk, counter, till
    shops.send_signal("relay", signal.SIGUSR2)
    shops.stop(counter.name)
    disk.close()


def sell_until_refused(disk: SmallDisk, till: Till) -> Refused:
    """Sell, while somebody else takes all room that comes free: first the reserve carries the sales, then nothing does."""
    for _ in range(200):
        disk.fill()
        refused = till.sell()
        if refused is not None:
            return refused
    raise AssertionError("200 sales were accepted on a full disk")


def test_on_a_full_disk_sales_are_refused_in_words_and_all_that_was_accepted_arrives_after_room_is_made(
    shops: Shops, small: tuple[SmallDisk, Counter, Till]
) -> None:
    disk, counter, till = small
    refused = sell_until_refused(disk, till)
    told = shops.status(counter)
    disk.free()
    sold_again = till.sell(BASKETS)
    shops.send_signal("relay", signal.SIGUSR2)
    assert (refused.status, refused.problem["type"]) == (503, "urn:countermark:problem:disk/disk_full")
    assert "disk is full" in refused.problem["detail"]
    assert told["disk_trouble"]
    assert sold_again is None
    books = on_the_disk(shops, disk, counter, till)
    assert books >= 2 * BASKETS


def test_an_agent_killed_on_a_full_disk_comes_back_and_sends_what_it_has(
    shops: Shops, small: tuple[SmallDisk, Counter, Till]
) -> None:
    disk, counter, till = small
    sell_until_refused(disk, till)
    shops.kill(counter.name)
    shops.revive(counter.name)
    shops.wait_ready(counter)
    shops.send_signal("relay", signal.SIGUSR2)
    until(lambda: shops.status(counter)["phase"] == "idle", "everything is sent from the full disk", 90)
    disk.free()
    till.sell(BASKETS)
    assert on_the_disk(shops, disk, counter, till) >= 2 * BASKETS


def on_the_disk(shops: Shops, disk: SmallDisk, counter: Counter, till: Till) -> int:
    """Compare the books, with the journal as it is on the small disk; the number of sales accepted."""
    shops.wait_sent(counter)
    copied = disk.copy_of_journal(counter.data_dir.with_name("copied"))
    return assert_books_agree(shops, [(counter._replace(data_dir=copied), till)]).accepted
