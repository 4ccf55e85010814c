"""Disks that are copied, rolled back and restored: nothing is discarded, no number is used twice, and a person is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.demonstration.installation import choose_port
from tests.faults.comparison import assert_books_agree, raised
from tests.faults.shops import GTINS, Shops, copy_tree
from tests.faults.till import Till

BASKETS = 12


@pytest.mark.timeout(300)
def test_two_copies_of_one_machine_both_trade_and_every_sale_is_booked_once(shops: Shops) -> None:
    first, till = shops.open_counter()
    till.sell(BASKETS)
    shops.wait_sent(first)
    shops.stop(first.name)
    place = shops.directory / f"{first.site}-copy"
    place.mkdir()
    config, data_dir = shops.configure(place, choose_port(0, "port"))
    copy_tree(first.data_dir, data_dir)
    copy = shops.counter(f"{first.site}-copy", first.site, config, data_dir)
    copied_till = Till(copy.site, copy.url, GTINS, seed=1)
    shops.open[copy.name] = copy
    # Both in the dark of each other, then in turns at the broker, which lets in one of a name; then both at once.
    for _ in range(2):
        for counter, seller in ((first, till), (copy, copied_till)):
            shops.revive(counter.name)
            shops.wait_ready(counter)
            seller.sell(BASKETS)
            shops.wait_sent(counter)
            shops.kill(counter.name)
    for counter in (first, copy):
        shops.revive(counter.name)
        shops.wait_ready(counter)
    till.sell(BASKETS)
    copied_till.sell(BASKETS)
    assert_books_agree(shops, [(first, till), (copy, copied_till)])
    assert raised(shops, first.site) & {"fork", "clone"}


@pytest.mark.timeout(300)
def test_a_journal_set_back_to_an_older_copy_and_used_is_told_and_nothing_is_discarded(shops: Shops) -> None:
    counter, till = shops.open_counter()
    older = counter.data_dir.with_name("older")
    till.sell(BASKETS)
    shops.wait_sent(counter)
    shops.stop(counter.name)
    copy_tree(counter.data_dir, older)
    shops.revive(counter.name)
    shops.wait_ready(counter)
    till.sell(BASKETS)
    shops.wait_sent(counter)
    shops.kill(counter.name)
    replace(counter.data_dir, older)
    shops.revive(counter.name)
    shops.wait_ready(counter)
    till.sell(BASKETS)
    books = assert_books_agree(shops, [(counter, till)])
    assert books.applied == 3 * BASKETS
    assert raised(shops, counter.site) & {"rewind", "fork"}


@pytest.mark.timeout(300)
def test_central_restored_from_a_backup_is_sent_again_what_it_has_lost(shops: Shops) -> None:
    counter, till = shops.open_counter()
    till.sell(BASKETS)
    shops.wait_sent(counter)
    data = shops.database.directory / "data"
    backup = data.with_name("backup")
    shops.stop("central")
    shops.stop_database()
    copy_tree(data, backup)
    shops.revive("postgres")
    shops.revive("central")
    shops.wait_central()
    till.sell(BASKETS)
    shops.wait_sent(counter)
    shops.kill("central")
    shops.kill_postmaster()
    replace(data, backup)
    shops.revive("postgres")
    shops.revive("central")
    shops.wait_central()
    till.sell(BASKETS)
    books = assert_books_agree(shops, [(counter, till)])
    assert books.applied == 3 * BASKETS


def replace(data: Path, older: Path) -> None:
    """Put an older copy in the place of a directory."""
    shutil.rmtree(data)
    older.rename(data)
