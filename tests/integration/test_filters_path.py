"""From the till of one shop to the warning at another: facts through the intake, filters, feeds, a counter's replica."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from central.embedded.database import EmbeddedDatabase
from protocol.chain import genesis, links
from protocol.events import Body, Sale
from tests.integration.books import (
    MILK,
    NOW_US,
    Central,
    batch,
    central,
    epoch_id,
    event,
    laid_out,
    line,
    returned,
    sale,
    void,
)
from tests.integration.filter_world import World

ITEM, OTHER = f"01{MILK}21A1", f"01{MILK}21A2"


class Shops:
    """Shop north, whose till tells its facts to central, and a counter at shop south."""

    def __init__(self, books: Central, elsewhere: World) -> None:
        self._books = books
        self._elsewhere = elsewhere
        self._epoch = epoch_id(1)
        self._seq = 1
        self._head = genesis("north-1", self._epoch)

    def north_tells(self, *facts: Body) -> None:
        bodies = [event(fact, at_us=NOW_US + self._seq) for fact in facts]
        self._books.tell("north-1", batch(self._epoch, self._seq, self._head, bodies))
        self._head = links(self._head, self._seq, bodies)[-1]
        self._seq += len(bodies)

    def south_is_warned_of(self) -> list[str]:
        self._elsewhere.build()
        return self._elsewhere.hits([ITEM, OTHER])


@pytest.fixture
def shops(embedded_database: EmbeddedDatabase, tmp_path: Path) -> Iterator[Shops]:
    with laid_out(embedded_database) as url, central(url) as books:
        elsewhere = World(url, tmp_path)
        try:
            yield Shops(books, elsewhere)
        finally:
            elsewhere.close()


def sale_of(*items: str) -> Sale:
    return sale(*(line(item=item) for item in items))


def test_an_item_sold_at_one_shop_warns_the_other(shops: Shops) -> None:
    shops.north_tells(sale_of(ITEM))
    assert shops.south_is_warned_of() == [ITEM]


@pytest.mark.parametrize("disposition", ["restock", "quarantine"])
def test_an_item_that_its_customer_brought_back_warns_nobody(shops: Shops, disposition: str) -> None:
    sold = sale_of(ITEM, OTHER)
    shops.north_tells(sold)
    assert shops.south_is_warned_of() == [ITEM, OTHER]
    shops.north_tells(returned(msgspec.structs.replace(sold, lines=sold.lines[:1]), disposition))
    assert shops.south_is_warned_of() == [OTHER]


def test_an_item_whose_sale_was_voided_warns_nobody(shops: Shops) -> None:
    sold = sale_of(ITEM)
    shops.north_tells(sold)
    assert shops.south_is_warned_of() == [ITEM]
    shops.north_tells(void(sold))
    assert shops.south_is_warned_of() == []


def test_an_item_that_was_sold_returned_and_sold_again_warns_the_other(shops: Shops) -> None:
    sold = sale_of(ITEM)
    shops.north_tells(sold)
    shops.south_is_warned_of()
    shops.north_tells(returned(sold), sale_of(ITEM))
    assert shops.south_is_warned_of() == [ITEM]
