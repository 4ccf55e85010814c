"""Provisional sales and what becomes of them when central has heard of them."""

from __future__ import annotations

import pytest

from agent.journal.notices import Notice, notices
from agent.till.asked import CompleteAsked, VoidAsked
from agent.verification.local_items import find_item, open_count
from agent.verification.rules import LocalItem
from agent.verification.settlement import Standing, standing_after
from protocol.events import Payment, Sale
from protocol.feeds import ItemHere
from tests.agent.shop_kit import NOW_US, SITE, WATCH, WATCH_1, Counter, done

NEW = f"01{WATCH}21NEW1"
OTHER = "Hamburg"


def sell(counter: Counter, item: str) -> Sale:
    counter.scan(f"]d2{item}")
    total = counter.parts.desk.frame().total_minor
    done(counter.parts.sales.complete(CompleteAsked(payments=(Payment(method="cash", amount_minor=total),))))
    body = counter.bodies()[-1]
    assert isinstance(body, Sale)
    return body


def standing(counter: Counter, item: str = NEW) -> str | None:
    found = counter.store.read(lambda at: find_item(at, item))
    assert found is not None
    return found.standing


def told(counter: Counter) -> list[Notice]:
    return [notice for notice in counter.store.read(notices) if not notice.dismissed]


def heard(
    item: str = NEW, state: str = "sold", site: str | None = SITE, at_us: int | None = NOW_US
) -> ItemHere:
    return ItemHere(item=item, gtin=WATCH, state=state, site=SITE, sold_site=site, sold_at_us=at_us)


def test_a_provisional_sale_stands_open(counter: Counter) -> None:
    sell(counter, NEW)
    assert (standing(counter), counter.store.read(open_count)) == ("open", 1)


def test_a_certain_sale_does_not(counter: Counter) -> None:
    sell(counter, WATCH_1)
    assert (standing(counter, WATCH_1), counter.store.read(open_count)) == (None, 0)


def test_a_confirmed_sale_is_settled_and_nobody_is_told(counter: Counter) -> None:
    sell(counter, NEW)
    counter.feed(heard())
    assert (standing(counter), counter.store.read(open_count), told(counter)) == ("confirmed", 0, [])


def test_a_sale_that_central_holds_open_stays_open(counter: Counter) -> None:
    sell(counter, NEW)
    counter.feed(heard(state="sold_provisionally"))
    assert standing(counter) == "open"


def test_an_item_that_was_sold_elsewhere_is_told_with_its_receipt(counter: Counter) -> None:
    sale = sell(counter, NEW)
    counter.feed(heard(site=OTHER, at_us=NOW_US - 3_600_000_000))
    (notice,) = told(counter)
    assert (standing(counter), notice.kind, notice.subject) == ("contested", "sold_twice", sale.receipt)
    assert notice.text == (
        f"receipt {sale.receipt}: an item on it was also sold at Hamburg on 2025-10-09 07:53 UTC. "
        "Central has both sales as one case; keep what shows where this item came from"
    )


def test_the_same_news_again_is_not_told_again(counter: Counter) -> None:
    sell(counter, NEW)
    counter.feed(heard(site=OTHER))
    counter.feed(heard(site=OTHER, at_us=NOW_US - 1))
    assert [notice.times for notice in told(counter)] == [1]


def test_a_certain_sale_that_turns_out_to_be_a_second_one_is_told_too(counter: Counter) -> None:
    sale = sell(counter, WATCH_1)
    counter.feed(heard(WATCH_1, site=OTHER, at_us=NOW_US - 1))
    assert [notice.subject for notice in told(counter)] == [sale.receipt]


def test_when_the_other_sale_is_taken_back_the_notice_goes(counter: Counter) -> None:
    sell(counter, NEW)
    counter.feed(heard(site=OTHER))
    counter.feed(heard())
    assert (standing(counter), told(counter)) == ("confirmed", [])


def test_a_voided_sale_stands_open_no_more(counter: Counter) -> None:
    sale = sell(counter, NEW)
    done(counter.parts.voids.post(sale.sale_id, VoidAsked(reason="changed mind")))
    assert counter.store.read(open_count) == 0


def test_news_of_an_item_that_was_voided_here_are_no_news_of_a_sale(counter: Counter) -> None:
    sale = sell(counter, NEW)
    done(counter.parts.voids.post(sale.sale_id, VoidAsked(reason="changed mind")))
    counter.feed(heard(site=OTHER))
    assert told(counter) == []


def test_a_row_without_a_sale_settles_one_that_central_has_only() -> None:
    sold = LocalItem(item=NEW, gtin=WATCH, state="sold", at_us=1, sale_id="s", standing="open")
    back = heard(state="sellable", site=None, at_us=None)
    assert [standing_after(sold, back, SITE, is_acked=acked) for acked in (False, True)] == [
        Standing.OPEN,
        Standing.CONFIRMED,
    ]


@pytest.mark.parametrize("state", ["sellable", "quarantined"])
def test_an_item_that_is_not_sold_here_has_nothing_to_settle(state: str) -> None:
    local = LocalItem(item=NEW, gtin=WATCH, state=state, at_us=1)
    assert standing_after(local, heard(site=OTHER), SITE, is_acked=True) is None
