"""Areas on a real store: what is sent, what is counted again, how far a stocktake is."""

from __future__ import annotations

import pytest

from agent.documents import Refusal
from agent.stocktakes import progress
from agent.stocktakes.rules import Stocktake
from agent.stocktakes.sending import SendAsked
from agent.store.faults import WriteRefused
from agent.till.frames import CompletedFrame, Mode, Outcome, StocktakeFrame
from protocol.feeds import ContainerHere, Feed, StockLevel, StocktakeHere
from tests.agent.shop_kit import (
    CATALOGUE,
    MILK,
    NOW_US,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    OpenCounter,
    answer,
    done,
    not_done,
)
from tests.agent.stocktakes.stocktake_kit import (
    KEY,
    PALLET,
    SPRING,
    TEA_CODE,
    D,
    begin,
    counts,
    send,
    shown,
    told,
)


def test_several_areas_are_counted_side_by_side(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    begin(shop, "Store room")
    shop.scan(TEA_CODE)
    shop.scan(TEA_CODE)
    line = shop.parts.counting.frame().lines[0]
    assert (line.quantity, line.elsewhere) == (D(2), D(1))
    begin(shop, "Shelf")
    assert shown(shop) == {TEA: D(1)}


def test_an_area_that_was_sent_is_not_counted_again_unawares(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop)
    refused = shop.parts.counting.open(KEY)
    assert isinstance(refused, Refusal)
    assert (refused.key, "1-C00001" in refused.reason) == ("area_counted", True)


def test_an_area_that_was_sent_goes_on_where_it_was(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.scan(WATCH_1)
    send(shop)
    begin(shop, again="continue")
    assert told(shop.scan(WATCH_1)) == (Outcome.IGNORED, "counted_already")
    shop.scan(WATCH_2)
    send(shop)
    assert [(line.gtin, line.quantity) for line in counts(shop)[-1].lines] == [(TEA, D(1)), (WATCH, D(2))]


def test_an_area_that_was_sent_is_counted_anew(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop)
    begin(shop, again="anew")
    shop.scan(WATCH_1)
    send(shop)
    assert [line.gtin for line in counts(shop)[-1].lines] == [WATCH]


def test_an_area_that_another_till_counted_is_not_replaced_unawares(counter: Counter) -> None:
    counter.feed(StocktakeHere(stocktake_id="s-1", name="Spring", blind=True, areas={"Shelf": NOW_US}))
    asked = [counter.parts.counting.open(KEY, again=again) for again in (None, "continue", "anew")]
    keys = [one.key if isinstance(one, Refusal) else "open" for one in asked]
    assert keys == ["area_counted_elsewhere", "not_sent_here", "open"]


def test_a_long_area_is_sent_in_parts_in_one_go(shop: Counter) -> None:
    items = tuple(f"01{WATCH}21{'L' * 16}{number:05d}" for number in range(3_000))
    shop.feed(ContainerHere(sscc=PALLET, items=items))
    shop.scan(f"(00){PALLET}")
    written = send(shop)
    sent = counts(shop)
    assert answer(written)["parts"] == len(sent) == 2
    assert [(one.area, one.complete) for one in sent] == [("Shelf", True), ("Shelf #2", True)]
    assert sum(line.quantity for one in sent for line in one.lines) == 3_000
    assert len({item for one in sent for line in one.lines for item in line.items}) == 3_000


def test_a_long_area_that_is_counted_again_empties_the_parts_it_does_not_need(shop: Counter) -> None:
    items = tuple(f"01{WATCH}21{'L' * 16}{number:05d}" for number in range(3_000))
    shop.feed(ContainerHere(sscc=PALLET, items=items))
    shop.scan(f"(00){PALLET}")
    send(shop)
    begin(shop, again="anew")
    shop.scan(TEA_CODE)
    send(shop)
    again = [(one.area, len(one.lines), one.complete) for one in counts(shop)[2:]]
    assert again == [("Shelf", 1, True), ("Shelf #2", 0, True)]


def test_the_same_send_again_gets_the_same_answer(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    first = send(shop, count_id="c-1")
    again = send(shop, count_id="c-1")
    assert (again.answer, again.repeated, len(counts(shop))) == (first.answer, True, 1)


def test_another_send_under_a_used_id_is_a_conflict(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop, count_id="c-1")
    asked = SendAsked(complete=False, count_id="c-1")
    assert not_done(shop.parts.sending.send(KEY, asked)).key == "conflict"


def test_an_empty_area_is_sent_only_as_complete(shop: Counter) -> None:
    refused = not_done(shop.parts.sending.send(KEY, SendAsked()))
    send(shop)
    assert (refused.key, counts(shop)[0].lines) == ("empty", ())


def test_what_is_scanned_after_an_area_was_sent_is_counted_nowhere(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop)
    assert told(shop.scan(TEA_CODE)) == (Outcome.REFUSED, "no_area")


def test_screens_hear_of_what_was_sent(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop)
    shop.events()
    completed = [frame for frame in shop.frames if isinstance(frame, CompletedFrame)]
    last = [frame for frame in shop.frames if isinstance(frame, StocktakeFrame)][-1]
    assert [(frame.kind, frame.number) for frame in completed] == [("count", "1-C00001")]
    assert (last.stocktake_id, last.area) == ("s-1", None)


def test_a_guided_count_shows_what_is_expected_and_what_is_missing(counter: Counter) -> None:
    counter.feed(
        StocktakeHere(stocktake_id="s-1", name="Spring", blind=False, expected={TEA: D(5), MILK: D(2)})
    )
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    begin(counter)
    counter.scan(TEA_CODE)
    stocktake = counter.parts.counting.stocktakes.find("s-1")
    assert stocktake is not None
    assert [line.expected for line in counter.parts.counting.frame().lines] == [D(5)]
    missing = progress.missing(counter.parts.counting, stocktake)
    assert [(one.name, one.quantity) for one in missing] == [("Green tea", D(4)), ("Milk", D(2))]


def test_a_guided_count_without_figures_of_its_own_expects_what_the_site_has(counter: Counter) -> None:
    counter.feed(
        StocktakeHere(stocktake_id="s-1", name="Spring", blind=False),
        StockLevel(gtin=TEA, on_hand=D(3)),
        StockLevel(gtin=MILK, on_hand=D(0)),
    )
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    begin(counter)
    counter.scan(TEA_CODE)
    stocktake = counter.parts.counting.stocktakes.find("s-1")
    assert stocktake is not None
    assert [line.expected for line in counter.parts.counting.frame().lines] == [D(3)]
    assert [(one.gtin, one.quantity) for one in progress.missing(counter.parts.counting, stocktake)] == [
        (TEA, D(2))
    ]


def test_a_blind_count_shows_no_figure_of_the_books(shop: Counter) -> None:
    shop.feed(StockLevel(gtin=TEA, on_hand=D(3)))
    shop.scan(TEA_CODE)
    assert [line.expected for line in shop.parts.counting.frame().lines] == [None]


def test_a_recount_tells_where_its_products_were_found_before(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop)
    shop.feed(StocktakeHere(stocktake_id="s-1", name="Spring", blind=True, round=2, recount=(TEA,)))
    shop.clock.advance(2_000_000)
    stocktake = shop.parts.counting.stocktakes.find("s-1")
    assert stocktake is not None
    assert [(one.gtin, one.areas) for one in progress.missing(shop.parts.counting, stocktake)] == [
        (TEA, ("Shelf",))
    ]
    begin(shop)
    assert told(shop.scan(WATCH_1)) == (Outcome.ASK, "not_to_recount")
    shop.scan(TEA_CODE)
    send(shop)
    assert (counts(shop)[-1].round, counts(shop)[-1].lines[0].quantity) == (2, D(1))


def test_a_part_stocktake_counts_what_it_names(counter: Counter) -> None:
    counter.feed(StocktakeHere(stocktake_id="s-1", name="Watches", blind=True, gtins=(WATCH,)))
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    begin(counter)
    assert told(counter.scan(TEA_CODE)) == (Outcome.ASK, "not_in_stocktake")
    assert counter.scan(WATCH_1).outcome is Outcome.COUNTED


def test_a_stocktake_begun_at_the_counter_carries_its_name(counter: Counter) -> None:
    begun = counter.parts.counting.stocktakes.begin("After the flood")
    assert isinstance(begun, Stocktake)
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    begin(counter, stocktake_id=begun.stocktake_id)
    counter.scan(TEA_CODE)
    done(counter.parts.sending.send((begun.stocktake_id, "Shelf"), SendAsked(complete=True)))
    assert [(one.stocktake_id, one.name) for one in counts(counter)] == [
        (begun.stocktake_id, "After the flood")
    ]


def test_a_stocktake_begun_here_is_kept_until_central_has_it_and_then_ends_with_central(
    open_counter: OpenCounter,
) -> None:
    counter = open_counter()
    begun = counter.parts.counting.stocktakes.begin("After the flood", "s-9")
    counter.events()
    counter = open_counter()
    kept = counter.parts.counting.stocktakes.listed()
    counter.feed(StocktakeHere(stocktake_id="s-9", name="After the flood", blind=True))
    counter.clock.advance(2_000_000)
    told_of = counter.parts.counting.stocktakes.listed()
    counter.feed_rows(Feed.STOCKTAKES, {"s-9": None})
    counter.clock.advance(2_000_000)
    assert isinstance(begun, Stocktake)
    assert [one.is_begun_here for one in kept + told_of] == [True, False]
    assert counter.parts.counting.stocktakes.listed() == []


def test_a_stocktake_that_has_ended_is_chosen_no_more(shop: Counter) -> None:
    shop.parts.counting.select("s-1")
    shop.feed_rows(Feed.STOCKTAKES, {"s-1": None})
    shop.clock.advance(2_000_000)
    before = shop.parts.counting.frame().stocktake_id
    assert shop.parts.counting.clear(KEY) is None
    assert (before, shop.parts.counting.frame().stocktake_id) == ("s-1", None)


def test_an_area_of_a_stocktake_that_has_ended_can_still_be_sent(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.feed_rows(Feed.STOCKTAKES, {"s-1": None})
    shop.clock.advance(2_000_000)
    assert shop.parts.counting.frame().is_open is False
    send(shop)
    assert len(counts(shop)) == 1


def test_progress_tells_of_every_area(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    send(shop)
    begin(shop, "Store room")
    shop.scan(WATCH_1)
    shop.feed(
        StocktakeHere(stocktake_id="s-1", name="Spring", blind=True, areas={"Window": 7, "Window #2": 9})
    )
    shop.clock.advance(2_000_000)
    stocktake = shop.parts.counting.stocktakes.find("s-1")
    assert stocktake is not None
    seen = progress.seen(shop.parts.counting, stocktake)
    assert [(one.area, one.is_open, one.number, one.pieces, one.at_us) for one in seen.areas] == [
        ("Store room", True, None, D(1), NOW_US),
        ("Shelf", False, "1-C00001", D(1), NOW_US),
        ("Window", False, None, D(0), 9),
    ]
    assert seen.counted == 2


def test_an_area_that_the_disk_refuses_is_counted_on(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.parts.counting.frame()
    shop.store.close()
    with pytest.raises(WriteRefused):
        shop.parts.sending.send(KEY, SendAsked(complete=True)).result(10)  # type: ignore[union-attr]
    draft = shop.parts.counting.draft(KEY)
    assert draft is not None
    assert (draft.tally.lines[0].quantity, shop.parts.counting.key) == (D(1), KEY)


def test_an_area_card_at_a_shelf_chooses_that_area(open_counter: OpenCounter) -> None:
    counter = open_counter()
    counter.feed(*CATALOGUE, SPRING)
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    assert counter.parts.counting.select("s-1") is None
    found = counter.parts.counting_scans.area("SHELF-7")
    assert (found.key, counter.parts.counting.key) == ("area_chosen", ("s-1", "SHELF-7"))
