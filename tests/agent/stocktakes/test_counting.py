"""Stocktake mode on a real store: what a scan counts, and what is kept."""

from __future__ import annotations

from agent.receiving.service import CompleteReceivingAsked
from agent.till.frames import Mode, Outcome, Question
from protocol.events import CountedLine, StockCounted
from protocol.feeds import ContainerHere, DespatchLine, ItemHere, Product
from tests.agent.shop_kit import (
    MILK,
    NOW_US,
    SITE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    OpenCounter,
    answer,
    done,
)
from tests.agent.stocktakes.stocktake_kit import (
    CASE,
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


def test_scans_are_counted_and_sent_as_one_area(shop: Counter) -> None:
    frames = [shop.scan(code) for code in (TEA_CODE, TEA_CODE, WATCH_1)]
    draft = shop.parts.counting.draft(KEY)
    written = send(shop)
    assert draft is not None
    assert [frame.outcome for frame in frames] == [Outcome.COUNTED] * 3
    assert counts(shop) == [
        StockCounted(
            count_id=draft.count_id,
            stocktake_id="s-1",
            area="Shelf",
            lines=(
                CountedLine(gtin=TEA, quantity=D(2), counted_at_us=NOW_US),
                CountedLine(gtin=WATCH, quantity=D(1), counted_at_us=NOW_US, items=(WATCH_1,)),
            ),
            complete=True,
        )
    ]
    assert (written.number, answer(written)["area"], answer(written)["products"]) == ("1-C00001", "Shelf", 2)


def test_a_line_remembers_when_its_last_piece_was_counted(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.clock.advance(60_000_000)
    shop.scan(TEA_CODE)
    shop.clock.advance(60_000_000)
    shop.scan(WATCH_1)
    send(shop)
    times = {line.gtin: line.counted_at_us - NOW_US for line in counts(shop)[0].lines}
    assert times == {TEA: 60_000_000, WATCH: 120_000_000}


def test_a_second_scan_of_an_item_says_so_and_does_not_count(shop: Counter) -> None:
    shop.scan(WATCH_1)
    again = shop.scan(WATCH_1, device="another scanner")
    assert (told(again), shown(shop)) == ((Outcome.IGNORED, "counted_already"), {WATCH: D(1)})


def test_two_scanners_count_one_area_together(shop: Counter) -> None:
    for number in range(10):
        shop.scan(TEA_CODE, device=f"scanner {number % 2}")
    assert shown(shop) == {TEA: D(10)}


def test_without_an_area_nothing_is_counted(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    assert told(counter.scan(TEA_CODE)) == (Outcome.REFUSED, "no_area")


def test_the_plain_code_of_a_coded_product_asks_for_its_own(shop: Counter) -> None:
    frame = shop.scan(WATCH[1:])
    assert (told(frame), frame.question) == ((Outcome.ASK, "own_code"), Question.UNCODED)
    assert shown(shop) == {}


def test_weighed_goods_ask_how_much(shop: Counter) -> None:
    frame = shop.scan(MILK[1:])
    assert (told(frame), frame.question) == ((Outcome.ASK, "how_much"), Question.QUANTITY)


def test_a_scale_label_counts_its_weight(open_counter: OpenCounter) -> None:
    counter = open_counter()
    counter.feed(Product(gtin="02100001000000", name="Cheese", unit="kg"), SPRING)
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    begin(counter)
    counter.scan("(01)90614141000015(3103)000375")
    assert shown(counter) == {"90614141000015": D("0.375")}


def test_a_sold_item_on_the_shelf_is_counted_with_a_warning(shop: Counter) -> None:
    sold = f"01{WATCH}21SOLD1"
    shop.feed(ItemHere(item=sold, gtin=WATCH, state="sold", sold_site="Hamburg", sold_at_us=1))
    assert told(shop.scan(sold)) == (Outcome.ASK, "counted_all_the_same")
    assert shown(shop) == {WATCH: D(1)}


def test_an_item_on_its_way_here_is_received_before_it_is_counted(shop: Counter) -> None:
    coming = f"01{WATCH}21WAY1"
    shop.feed(ItemHere(item=coming, gtin=WATCH, state="in_transit", site=SITE))
    before = shop.scan(coming)
    shop.parts.counter.set_mode(Mode.RECEIVE)
    shop.scan(coming)
    done(shop.parts.goods.complete(CompleteReceivingAsked()))
    shop.parts.counter.set_mode(Mode.STOCKTAKE)
    after = shop.scan(coming)
    assert (told(before), after.outcome) == ((Outcome.REFUSED, "count_not_received"), Outcome.COUNTED)


def test_a_case_counts_with_everything_in_it(shop: Counter) -> None:
    shop.feed(
        ContainerHere(sscc=CASE, items=(WATCH_1, WATCH_2), lines=(DespatchLine(gtin=TEA, quantity=D(12)),))
    )
    shop.scan(WATCH_1)
    frame = shop.scan(f"(00){CASE}")
    again = shop.scan(WATCH_2)
    assert (told(frame), shown(shop)) == ((Outcome.COUNTED, "counted_case"), {WATCH: D(2), TEA: D(12)})
    assert told(again) == (Outcome.IGNORED, "counted_already")
    send(shop)
    assert [(line.gtin, line.quantity, line.items) for line in counts(shop)[0].lines] == [
        (TEA, D(12), ()),
        (WATCH, D(2), (WATCH_1, WATCH_2)),
    ]


def test_a_case_of_which_nothing_is_known_is_not_counted(shop: Counter) -> None:
    assert told(shop.scan(f"(00){CASE}")) == (Outcome.REFUSED, "case_contents_unknown")


def test_a_case_with_a_case_that_is_not_known_counts_in_part_and_says_so(shop: Counter) -> None:
    shop.feed(ContainerHere(sscc=PALLET, containers=(CASE,), lines=(DespatchLine(gtin=TEA, quantity=D(6)),)))
    frame = shop.scan(f"(00){PALLET}")
    assert (told(frame), shown(shop)) == ((Outcome.ASK, "counted_case_in_part"), {TEA: D(6)})


def test_a_case_on_its_way_here_is_received_first(shop: Counter) -> None:
    shop.feed(ContainerHere(sscc=CASE, items=(WATCH_1,), despatch_id="d-1"))
    assert told(shop.scan(f"(00){CASE}")) == (Outcome.REFUSED, "count_not_received")


def test_undo_takes_back_the_last_scan_by_key_and_by_card(shop: Counter) -> None:
    for code in (TEA_CODE, WATCH_1, TEA_CODE):
        shop.scan(code)
    by_key = shop.parts.counting_scans.undo_in(KEY)
    by_card = shop.parts.counting_scans.undo()
    assert (by_key.message, by_card.message) == ("taken back: 1 × Green tea", "taken back: 1 × Watch")
    assert shown(shop) == {TEA: D(1)}
    assert told(shop.scan(WATCH_1)) == (Outcome.COUNTED, "counted")


def test_an_area_survives_a_restart(open_counter: OpenCounter) -> None:
    counter = open_counter()
    counter.feed(SPRING)
    counter.parts.counter.set_mode(Mode.STOCKTAKE)
    begin(counter)
    for _ in range(3):
        counter.scan(TEA_CODE)
    again = open_counter()
    again.scan(TEA_CODE)
    assert (again.parts.counter.mode, again.parts.counting.key) == (Mode.STOCKTAKE, KEY)
    assert shown(again) == {TEA: D(4)}


def test_other_modes_leave_the_count_as_it_is(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    shop.parts.counter.set_mode(Mode.SALE)
    shop.scan(TEA_CODE)
    shop.parts.counter.set_mode(Mode.STOCKTAKE)
    assert (shown(shop), len(shop.parts.desk.basket.lines)) == ({TEA: D(1)}, 1)
