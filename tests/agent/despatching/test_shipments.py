"""Despatches on a real store: written once, told at once, noted, and kept through trouble."""

from __future__ import annotations

import pytest

from agent.despatching.service import CompleteShippingAsked
from agent.despatching.told import GoodsTold, ShipmentAsked
from agent.store.faults import WriteRefused
from agent.till.asked import CompleteAsked
from agent.till.frames import CompletedFrame, Mode, Outcome
from protocol.events import GoodsDespatched, GoodsLine, Unopened
from protocol.feeds import ContainerHere, DespatchLine, Feed, StockLevel
from tests.agent.despatching.ship_kit import (
    CASE,
    SHOP,
    TEA_CODE,
    D,
    complete,
    despatches,
    loaded,
)
from tests.agent.shop_kit import (
    CATALOGUE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    OpenCounter,
    done,
    not_done,
)


def test_an_item_that_was_sold_between_scan_and_despatch_stays(shop: Counter) -> None:
    shop.scan(WATCH_1)
    shop.parts.counter.set_mode(Mode.SALE)
    shop.scan(WATCH_1)
    done(shop.parts.sales.complete(CompleteAsked()))
    refused = not_done(shop.parts.shipping.complete(CompleteShippingAsked()))
    assert (refused.key, loaded(shop), despatches(shop)) == ("gone_meanwhile", {WATCH: D(1)}, [])


def test_goods_that_the_disk_refuses_stay_at_the_door(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.store.close()
    with pytest.raises(WriteRefused):
        shop.parts.shipping.complete(CompleteShippingAsked()).result(10)  # type: ignore[union-attr]
    assert not shop.parts.shipping.leaving.is_empty


def test_the_same_completion_again_gets_the_same_answer(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    first = complete(shop, despatch_id="d-1")
    shop.parts.shipping.choose("site-2")
    shop.scan(TEA_CODE)
    again = complete(shop, despatch_id="d-1")
    assert (again.answer, again.repeated, loaded(shop)) == (first.answer, True, {TEA: D(1)})


def test_undo_takes_back_the_last_scan(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.scan(WATCH_1)
    found = shop.parts.shipping_scans.undo()
    for work in found.follow_up:
        work()
    assert (found.outcome, loaded(shop)) == (Outcome.FOUND, {TEA: D(1)})


def test_goods_at_the_door_survive_a_restart(open_counter: OpenCounter) -> None:
    counter = open_counter()
    counter.feed(*CATALOGUE, SHOP)
    counter.parts.counter.set_mode(Mode.SHIP)
    counter.parts.shipping.choose("site-2")
    counter.scan(WATCH_1)
    again = open_counter()
    assert (again.parts.counter.mode, again.parts.shipping.leaving.to, loaded(again)) == (
        Mode.SHIP,
        SHOP,
        {WATCH: D(1)},
    )
    complete(again)
    assert open_counter().parts.shipping.leaving.is_empty


def test_screens_hear_of_what_left(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    complete(shop)
    shop.events()
    told_of = [(frame.kind, frame.number) for frame in shop.frames if isinstance(frame, CompletedFrame)]
    assert told_of == [("despatch", "1-D00001")]


def test_what_was_sent_away_counts_against_the_stock_that_is_proposed_for(shop: Counter) -> None:
    shop.feed(StockLevel(gtin=TEA, on_hand=D(6), reorder_point=D(5), order_up_to=D(10)))
    before = shop.parts.orders.proposals()
    for _ in range(2):
        shop.scan(TEA_CODE)
    complete(shop)
    assert (len(before), [one.quantity for one in shop.parts.orders.proposals()]) == (0, [D(6)])


def test_a_despatch_told_at_once_is_written_once(shop: Counter) -> None:
    asked = ShipmentAsked(
        to_site="site-2",
        codes=(WATCH_1, f"(00){CASE}"),
        lines=(GoodsTold(gtin=TEA_CODE, quantity=D(24)),),
        despatch_id="d-7",
        order_id="o-1",
    )
    first = done(shop.parts.told.write(asked))
    again = done(shop.parts.told.write(asked))
    assert (again.answer, again.repeated) == (first.answer, True)
    assert despatches(shop) == [
        GoodsDespatched(
            despatch_id="d-7",
            to_site="site-2",
            lines=(
                GoodsLine(gtin=TEA, quantity=D(24)),
                GoodsLine(gtin=WATCH, quantity=D(1), items=(WATCH_1,)),
            ),
            containers=(Unopened(sscc=CASE),),
            order_id="o-1",
        )
    ]
    other = ShipmentAsked(to_site="site-2", codes=(WATCH_2,), despatch_id="d-7")
    assert not_done(shop.parts.told.write(other)).key == "conflict"


def test_a_despatch_told_at_once_leaves_the_goods_at_the_door_alone(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    done(shop.parts.told.write(ShipmentAsked(to_site="W-1", codes=(WATCH_1,))))
    assert loaded(shop) == {TEA: D(1)}


@pytest.mark.parametrize(
    ("asked", "key", "line"),
    [
        (ShipmentAsked(to_site="x", codes=(WATCH_1,)), "no_site", None),
        (ShipmentAsked(to_site="site-2"), "empty", None),
        (ShipmentAsked(to_site="site-2", codes=(WATCH_1, "4006381333932")), "unreadable", 2),
        (ShipmentAsked(to_site="site-2", codes=(WATCH_1, WATCH_1)), "counted_already", 2),
        (ShipmentAsked(to_site="site-2", codes=(WATCH_1, f"01{WATCH}21WHAT")), "ship_not_known_here", 2),
        (ShipmentAsked(to_site="site-2", lines=(GoodsTold(gtin=WATCH_1),)), "invalid", 1),
        (
            ShipmentAsked(to_site="site-2", lines=(GoodsTold(gtin=TEA_CODE, quantity=D(-1)),)),
            "bad_quantity",
            1,
        ),
        (
            ShipmentAsked(to_site="site-2", lines=(GoodsTold(gtin=TEA_CODE, quantity=D(0)),)),
            "bad_quantity",
            1,
        ),
        (ShipmentAsked(to_site="site-2", codes=(WATCH_1,), reason="x" * 201), "invalid", None),
    ],
)
def test_a_despatch_that_cannot_be_is_refused_as_a_whole(
    shop: Counter, asked: ShipmentAsked, key: str, line: int | None
) -> None:
    refused = not_done(shop.parts.told.write(asked))
    assert (refused.key, refused.line, despatches(shop)) == (key, line, [])


def test_a_despatch_note_tells_what_left_long_after_the_feed_has_forgotten_its_cases(shop: Counter) -> None:
    shop.feed(ContainerHere(sscc=CASE, items=(WATCH_2,), lines=(DespatchLine(gtin=TEA, quantity=D(12)),)))
    shop.scan(WATCH_1)
    shop.scan(f"(00){CASE}")
    written = complete(shop, reason="stock rotation")
    shop.feed_rows(Feed.CONTAINERS, {CASE: None})
    note = shop.parts.notes.find(written.document_id)
    assert note is not None
    assert (note.number, note.to_name, note.reason, note.pieces) == (
        "1-D00001",
        "Store two",
        "stock rotation",
        D(14),
    )
    assert [(line.name, line.quantity, line.items) for line in note.lines] == [("Watch", D(1), (WATCH_1,))]
    assert [(case.sscc, [(line.name, line.quantity) for line in case.lines]) for case in note.cases] == [
        (CASE, [("Green tea", D(12)), ("Watch", D(1))])
    ]
    assert [one.number for one in shop.parts.notes.listed(5)] == ["1-D00001"]
