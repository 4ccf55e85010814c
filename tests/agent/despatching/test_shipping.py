"""Ship mode on a real store: what is loaded, what is refused, and what leaving does to the items."""

from __future__ import annotations

from typing import Any

import pytest

from agent.despatching.service import CompleteShippingAsked
from agent.documents import Refusal, Written
from agent.receiving.service import CompleteReceivingAsked
from agent.till.frames import Mode, Outcome, Question
from protocol.events import GoodsDespatched, GoodsLine, Unopened
from protocol.feeds import ContainerHere, DespatchLine, DespatchView, ItemHere
from tests.agent.despatching.ship_kit import (
    CASE,
    PALLET,
    SHOP,
    TEA_CODE,
    WAREHOUSE,
    D,
    complete,
    despatches,
    item_here,
    loaded,
    told,
)
from tests.agent.shop_kit import (
    EPOCH,
    SITE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    answer,
    done,
    not_done,
)


def test_what_is_scanned_leaves_with_one_event(shop: Counter) -> None:
    frames = [shop.scan(code) for code in (TEA_CODE, TEA_CODE, WATCH_1)]
    despatch_id = shop.parts.shipping.leaving.despatch_id
    written = complete(shop, reason="runs short there")
    assert [told(frame) for frame in frames] == [(Outcome.LOADED, "loaded")] * 3
    assert despatches(shop) == [
        GoodsDespatched(
            despatch_id=despatch_id,
            to_site="site-2",
            lines=(
                GoodsLine(gtin=TEA, quantity=D(2)),
                GoodsLine(gtin=WATCH, quantity=D(1), items=(WATCH_1,)),
            ),
            reason="runs short there",
        )
    ]
    assert (written.number, answer(written)["to_name"], answer(written)["pieces"]) == (
        "1-D00001",
        "Store two",
        "3",
    )


def test_nothing_is_loaded_before_somebody_says_where_it_goes(counter: Counter) -> None:
    counter.feed(SHOP)
    counter.parts.counter.set_mode(Mode.SHIP)
    assert told(counter.scan(TEA_CODE)) == (Outcome.REFUSED, "no_destination")
    assert not_done(counter.parts.shipping.complete(CompleteShippingAsked())).key == "no_destination"


def test_a_card_at_the_ramp_says_where_it_goes(counter: Counter) -> None:
    counter.feed(SHOP)
    found = counter.parts.shipping.choose_by_card("SITE-2")
    assert (found.key, counter.parts.shipping.leaving.to) == ("destination", SHOP)


def test_goods_go_nowhere_that_central_has_not_told_of(counter: Counter) -> None:
    refused = counter.parts.shipping.choose("nowhere")
    assert isinstance(refused, Refusal)
    assert refused.key == "no_site"


def test_warehouses_stand_first_among_the_destinations(shop: Counter) -> None:
    assert shop.parts.shipping.sites() == [WAREHOUSE, SHOP]


def test_an_item_is_loaded_once(shop: Counter) -> None:
    shop.scan(WATCH_1)
    assert told(shop.scan(WATCH_1)) == (Outcome.IGNORED, "counted_already")


@pytest.mark.parametrize(
    ("state", "more", "key"),
    [
        ("sold", {"sold_site": SITE, "sold_at_us": 1}, "ship_already_sold"),
        ("recalled", {}, "ship_recalled"),
        ("held", {}, "ship_held"),
        ("in_transit", {}, "ship_not_received"),
        ("sellable", {"site": "site-9"}, "ship_not_received"),
    ],
)
def test_an_item_that_may_not_leave_is_refused_with_the_reason(
    shop: Counter, state: str, more: dict[str, Any], key: str
) -> None:
    frame = shop.scan(item_here(shop, state, **more))
    assert (told(frame), loaded(shop), bool(frame.message)) == ((Outcome.REFUSED, key), {}, True)


def test_an_item_of_which_nothing_is_known_here_is_received_first(shop: Counter) -> None:
    shop.central.is_linked = False
    assert told(shop.scan(f"01{WATCH}21NEVERSEEN")) == (Outcome.REFUSED, "ship_not_known_here")


def test_central_is_asked_about_an_item_that_is_not_known_here(shop: Counter) -> None:
    item = f"01{WATCH}21FRESH"
    shop.answers = {item: ItemHere(item=item, gtin=WATCH, state="sellable", site=SITE)}
    assert (told(shop.scan(item)), shop.asked) == ((Outcome.LOADED, "loaded"), [item])


def test_a_recalled_item_goes_back_to_a_warehouse(shop: Counter) -> None:
    item = item_here(shop, "recalled")
    assert shop.parts.shipping.choose("W-1") is None
    assert told(shop.scan(item)) == (Outcome.LOADED, "loaded_back")
    refused = shop.parts.shipping.choose("site-2")
    assert isinstance(refused, Refusal)
    assert refused.key == "back_only"
    complete(shop)
    assert despatches(shop)[0].lines == (GoodsLine(gtin=WATCH, quantity=D(1), items=(item,)),)


def test_an_item_that_left_cannot_be_sold_here(shop: Counter) -> None:
    shop.scan(WATCH_1)
    complete(shop)
    shop.parts.counter.set_mode(Mode.SALE)
    frame = shop.scan(WATCH_1)
    assert frame.outcome is Outcome.REFUSED
    assert frame.finding is not None
    assert frame.finding.reason == "it left this site with 1-D00001: receive it first, if it is here"


def test_an_item_that_left_does_not_leave_again(shop: Counter) -> None:
    shop.scan(WATCH_1)
    complete(shop)
    shop.parts.shipping.choose("site-2")
    assert told(shop.scan(WATCH_1)) == (Outcome.REFUSED, "ship_left")


def test_an_item_that_left_and_was_received_again_is_sold(shop: Counter) -> None:
    shop.scan(WATCH_1)
    complete(shop)
    shop.parts.counter.set_mode(Mode.RECEIVE)
    shop.scan(WATCH_1)
    done(shop.parts.goods.complete(CompleteReceivingAsked()))
    shop.parts.counter.set_mode(Mode.SALE)
    assert shop.scan(WATCH_1).outcome is Outcome.ADDED


def test_an_item_that_left_and_that_another_till_received_again_is_sold(shop: Counter) -> None:
    shop.scan(WATCH_1)
    written = complete(shop)
    back = ItemHere(item=WATCH_1, gtin=WATCH, state="sellable", site=SITE, expiry="2030-01-01")
    shop.parts.counter.set_mode(Mode.SALE)
    shop.feed(back)
    before = shop.scan(WATCH_1)
    acked(shop, written)
    shop.feed(back)
    after = shop.scan(WATCH_1)
    assert (before.outcome, after.outcome) == (Outcome.REFUSED, Outcome.ADDED)


def acked(counter: Counter, written: Written) -> None:
    """Central has everything up to this document."""
    counter.store.write(
        lambda connection: connection.execute(
            "INSERT OR REPLACE INTO acked (epoch_no, next_seq, at_us)"
            " SELECT epoch_no, ?, 0 FROM epochs WHERE epoch = ?",
            (written.seq + 1, EPOCH),
        )
    ).result(10)


def test_a_customer_may_bring_back_an_item_that_left_for_another_shop(shop: Counter) -> None:
    shop.scan(WATCH_1)
    complete(shop)
    shop.parts.counter.set_mode(Mode.RETURN)
    assert told(shop.scan(WATCH_1)) == (Outcome.ASK, "sale_not_known")


def test_a_case_leaves_as_one_with_everything_in_it(shop: Counter) -> None:
    shop.feed(
        ContainerHere(sscc=PALLET, containers=(CASE,), lines=(DespatchLine(gtin=TEA, quantity=D(12)),)),
        ContainerHere(sscc=CASE, items=(WATCH_1, WATCH_2), parent=PALLET),
    )
    frame = shop.scan(f"(00){PALLET}")
    written = complete(shop)
    assert told(frame) == (Outcome.LOADED, "loaded_case")
    assert (despatches(shop)[0].lines, despatches(shop)[0].containers) == (
        (),
        (Unopened(sscc=PALLET, items=2),),
    )
    assert answer(written)["pieces"] == "14"
    shop.parts.counter.set_mode(Mode.SALE)
    assert shop.scan(WATCH_2).outcome is Outcome.REFUSED
    shop.parts.counter.set_mode(Mode.SHIP)
    shop.parts.shipping.choose("site-2")
    assert [told(shop.scan(f"(00){sscc}")) for sscc in (PALLET, CASE)] == [(Outcome.REFUSED, "ship_left")] * 2


def test_a_case_that_holds_a_recalled_item_stays(shop: Counter) -> None:
    item = item_here(shop, "recalled")
    shop.feed(ContainerHere(sscc=CASE, items=(WATCH_1, item)))
    refused = shop.scan(f"(00){CASE}")
    shop.parts.shipping.choose("W-1")
    taken = shop.scan(f"(00){CASE}")
    assert (told(refused), told(taken)) == (
        (Outcome.REFUSED, "ship_case_holds"),
        (Outcome.LOADED, "loaded_case"),
    )
    assert isinstance(shop.parts.shipping.choose("site-2"), Refusal)


def test_a_case_that_is_not_known_here_waits_for_an_answer(shop: Counter) -> None:
    frame = shop.scan(f"(00){CASE}")
    assert (told(frame), frame.question) == ((Outcome.ASK, "ship_case_unknown"), Question.SEALED)
    assert shop.parts.shipping.leaving.is_empty


def test_an_empty_case_does_not_leave(shop: Counter) -> None:
    shop.feed(ContainerHere(sscc=CASE))
    assert told(shop.scan(f"(00){CASE}")) == (Outcome.REFUSED, "case_is_empty")


def test_a_case_on_its_way_here_is_received_first(shop: Counter) -> None:
    shop.feed(
        ContainerHere(sscc=CASE, items=(WATCH_1,), despatch_id="d-1"),
        DespatchView(despatch_id="d-1", from_site="w", lines=(DespatchLine(gtin=WATCH, quantity=D(1)),)),
    )
    before = shop.scan(f"(00){CASE}")
    shop.parts.counter.set_mode(Mode.RECEIVE)
    shop.scan(f"(00){CASE}")
    done(shop.parts.goods.complete(CompleteReceivingAsked()))
    shop.parts.counter.set_mode(Mode.SHIP)
    assert (told(before), told(shop.scan(f"(00){CASE}"))) == (
        (Outcome.REFUSED, "ship_not_received"),
        (Outcome.LOADED, "loaded_case"),
    )
