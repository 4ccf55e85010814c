"""Voids by scanning an item: its receipt is taken back as a whole, where it was made and within a limit of time."""

from __future__ import annotations

from agent.documents import Refusal
from agent.till.asked import LineAsked, SaleAsked, VoidAsked
from protocol.codes import recognise
from protocol.events import SaleVoided
from protocol.feeds import ItemHere
from tests.agent.shop_kit import NOW_US, TEA, WATCH, WATCH_1, WATCH_2, Counter, OpenCounter, done, not_done
from tests.agent.till.test_returns import bring_back, give, post_sale, sell

ABROAD = f"01{WATCH}21ABROAD"
UNHEARD = f"01{WATCH}21UNHEARD"
MINUTE_US = 60_000_000


def void(counter: Counter, code: str) -> object:
    sale_id = counter.parts.voids.sale_of(recognise(code.encode()))
    return (
        sale_id
        if isinstance(sale_id, Refusal)
        else counter.parts.voids.post(sale_id, VoidAsked(reason="wrong"))
    )


def test_an_item_voids_the_receipt_it_is_on(counter: Counter) -> None:
    sale_id = sell(counter, WATCH_1, "4006381333931")
    done(void(counter, WATCH_1))
    body = counter.bodies()[-1]
    assert isinstance(body, SaleVoided)
    assert (body.sale_id, body.receipt, len(body.lines)) == (sale_id, "1-000001", 2)


def test_a_returned_items_screen_tells_until_when_its_receipt_can_be_voided(counter: Counter) -> None:
    sell(counter, WATCH_1)
    frame = bring_back(counter, WATCH_1)
    assert frame.sold is not None
    assert frame.sold.void_until_us == NOW_US + 30 * MINUTE_US


def test_a_sale_is_voided_within_its_minutes_and_not_later(
    open_counter: OpenCounter, counter: Counter
) -> None:
    again = open_counter(void_minutes=10)
    sell(again, WATCH_1)
    sell(again, WATCH_2)
    again.clock.advance(10 * MINUTE_US)
    done(void(again, WATCH_1))
    again.clock.advance(5 * MINUTE_US)
    refused = not_done(void(again, WATCH_2))
    assert (refused.key, refused.conflict, refused.reason) == (
        "void_too_late",
        True,
        "receipt 1-000002: was made 15 minutes ago, and is voided within 10; take the goods back as a return",
    )


def test_a_void_that_is_told_late_counts_when_it_happened(counter: Counter) -> None:
    sold = SaleAsked(lines=(LineAsked(gtin=TEA),), sale_id="s-1", sold_at="2025-10-01T10:00:00+02:00")
    done(counter.parts.sales.post(sold))
    assert not_done(counter.parts.voids.post("s-1", VoidAsked(reason="a"))).key == "void_too_late"
    told = VoidAsked(reason="a", voided_at="2025-10-01T10:05:00+02:00")
    done(counter.parts.voids.post("s-1", told))
    assert counter.events()[-1].at.event_time_us == 1_759_305_900_000_000


def test_a_sale_of_another_site_is_voided_there(counter: Counter) -> None:
    counter.feed(ItemHere(item=ABROAD, gtin=WATCH, state="sold", sold_site="Hamburg", sold_at_us=5))
    refused = not_done(void(counter, ABROAD))
    assert (refused.key, refused.reason) == (
        "sold_elsewhere",
        "this item was sold at Hamburg: a sale is voided where it was made",
    )


def test_a_sale_of_which_goods_without_codes_came_back_is_not_voided(counter: Counter) -> None:
    post_sale(counter)
    done(give(counter, LineAsked(gtin=TEA)))
    assert not_done(void(counter, WATCH_1)).key == "returned_since"


def test_an_item_that_was_not_sold_voids_nothing(counter: Counter) -> None:
    assert not_done(void(counter, WATCH_1)).key == "not_sold"
    assert not_done(void(counter, UNHEARD)).key == "no_sale"


def test_an_item_whose_sale_was_voided_comes_back_no_more(counter: Counter) -> None:
    sell(counter, WATCH_1)
    done(void(counter, WATCH_1))
    assert bring_back(counter, WATCH_1).key == "returned_already"
