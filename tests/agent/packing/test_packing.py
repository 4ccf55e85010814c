"""Packing and unpacking as the counter does it: a draft, then one event; what is in a case is known here at once."""

from __future__ import annotations

from decimal import Decimal

from agent.documents import Refusal
from agent.packing.service import CompletePackingAsked
from agent.packing.told import GoodsAsked, PackAsked, UnpackAsked, packing_told, unpacking_told
from agent.till.asked import CompleteAsked
from agent.till.frames import CompletedFrame, Mode, Outcome, PackingFrame, ScanFrame
from protocol.events import GoodsLine, GoodsPacked, GoodsUnpacked
from protocol.feeds import ContainerHere, DespatchLine, ItemHere
from tests.agent.shop_kit import (
    EPOCH,
    SITE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    OpenCounter,
    done,
    not_done,
)

CASE = "106141412345678915"
PALLET = "106141412345678908"
SOLD = f"01{WATCH}21SOLD1"
FORGED = f"01{WATCH}21NEVER"


def begin(counter: Counter, mode: Mode, sscc: str) -> ScanFrame:
    assert counter.parts.counter.set_mode(mode) is None
    return counter.scan(f"(00){sscc}")


def complete(counter: Counter, mode: Mode = Mode.PACK) -> None:
    part = counter.parts.packing if mode is Mode.PACK else counter.parts.unpacking
    done(part.complete(CompletePackingAsked()))


def packed(counter: Counter, sscc: str, *codes: str) -> None:
    begin(counter, Mode.PACK, sscc)
    for code in codes:
        counter.scan(code)
    complete(counter)


def in_case(counter: Counter, sscc: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    here = counter.parts.packing.cases.on_hand(sscc)
    return ((), ()) if here is None else (here.items, here.containers)


def test_items_and_pieces_scanned_after_a_case_go_into_it(counter: Counter) -> None:
    opened = begin(counter, Mode.PACK, CASE)
    outcomes = [counter.scan(code).outcome for code in (WATCH_1, "4006381333931", "4006381333931")]
    packing_id = counter.parts.packing.draft.document_id
    complete(counter)
    assert (opened.key, outcomes) == ("case_opened", [Outcome.PACKED] * 3)
    assert counter.bodies() == [
        GoodsPacked(
            packing_id=packing_id,
            sscc=CASE,
            items=(WATCH_1,),
            lines=(GoodsLine(gtin=TEA, quantity=Decimal(2)),),
        )
    ]


def test_a_case_goes_onto_a_pallet(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1)
    begin(counter, Mode.PACK, PALLET)
    frame = counter.scan(f"(00){CASE}")
    complete(counter)
    assert (frame.key, frame.case is not None and frame.case.items) == ("packed", 1)
    assert counter.bodies()[-1].containers == (CASE,)
    contents = counter.parts.packing.cases.contents(PALLET)
    assert contents is not None
    assert (contents.items, contents.containers) == ((WATCH_1,), (CASE,))


def test_nothing_is_packed_before_a_case_is_open(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.PACK)
    frame = counter.scan(WATCH_1)
    assert (frame.outcome, frame.key) == (Outcome.REFUSED, "no_case")


def test_an_item_is_packed_once(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1)
    begin(counter, Mode.PACK, CASE)
    assert counter.scan(WATCH_1).key == "packed_already"
    counter.scan(WATCH_2)
    assert (counter.scan(WATCH_2).outcome, counter.parts.packing.draft.items) == (Outcome.IGNORED, (WATCH_2,))


def test_a_case_goes_on_where_it_was_left(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1)
    opened = begin(counter, Mode.PACK, CASE)
    counter.scan(WATCH_2)
    complete(counter)
    assert opened.case is not None
    assert (opened.case.known, opened.case.items, in_case(counter, CASE)[0]) == (True, 1, (WATCH_1, WATCH_2))


def test_a_pallet_does_not_go_into_a_case_that_is_on_it(counter: Counter) -> None:
    counter.feed(ContainerHere(sscc=PALLET, containers=(CASE,)), ContainerHere(sscc=CASE, parent=PALLET))
    begin(counter, Mode.PACK, CASE)
    frame = counter.scan(f"(00){PALLET}")
    assert (frame.outcome, frame.key) == (Outcome.REFUSED, "inside_out")


def test_a_sold_item_goes_into_no_case(counter: Counter) -> None:
    counter.feed(ItemHere(item=SOLD, gtin=WATCH, state="sold", sold_site="x", sold_at_us=1))
    begin(counter, Mode.PACK, CASE)
    frame = counter.scan(SOLD)
    assert (frame.outcome, frame.message) == (
        Outcome.REFUSED,
        "cannot pack this item: it has been sold",
    )


def test_a_recalled_item_may_be_packed_to_be_sent_back(counter: Counter) -> None:
    counter.feed(ItemHere(item=SOLD, gtin=WATCH, state="recalled", site=SITE))
    begin(counter, Mode.PACK, CASE)
    assert counter.scan(SOLD).outcome is Outcome.PACKED


def test_a_product_with_codes_of_its_own_is_packed_by_them(counter: Counter) -> None:
    begin(counter, Mode.PACK, CASE)
    assert counter.scan("9506000134352").key == "item_code"


def test_another_case_waits_until_this_one_is_done(counter: Counter) -> None:
    begin(counter, Mode.UNPACK, CASE)
    counter.feed(ContainerHere(sscc=CASE, items=(WATCH_1,)))
    counter.scan(WATCH_1)
    refused = counter.scan(f"(00){PALLET}")
    assert (refused.outcome, refused.key) == (Outcome.REFUSED, "not_inside")


def test_a_case_unpacked_with_nothing_scanned_is_unpacked_as_a_whole(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1, WATCH_2)
    begin(counter, Mode.UNPACK, CASE)
    unpacking_id = counter.parts.unpacking.draft.document_id
    complete(counter, Mode.UNPACK)
    assert counter.bodies()[-1] == GoodsUnpacked(unpacking_id=unpacking_id, sscc=CASE)
    assert in_case(counter, CASE) == ((), ())


def test_an_item_taken_out_leaves_the_others_in_their_case(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1, WATCH_2)
    begin(counter, Mode.UNPACK, CASE)
    frame = counter.scan(WATCH_1)
    complete(counter, Mode.UNPACK)
    assert (frame.key, counter.bodies()[-1].items, in_case(counter, CASE)[0]) == (
        "unpacked",
        (WATCH_1,),
        (WATCH_2,),
    )


def test_what_is_not_in_a_case_does_not_come_out_of_it(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1)
    begin(counter, Mode.UNPACK, CASE)
    frame = counter.scan(WATCH_2)
    assert (frame.outcome, frame.message) == (
        Outcome.REFUSED,
        f"this is not in case {CASE}, as far as is known here",
    )


def test_a_case_that_is_not_known_here_can_be_unpacked_all_the_same(counter: Counter) -> None:
    begin(counter, Mode.UNPACK, CASE)
    counter.scan(WATCH_2)
    complete(counter, Mode.UNPACK)
    assert counter.bodies()[-1].items == (WATCH_2,)


def test_goods_without_codes_leave_a_case_with_the_whole_of_it(counter: Counter) -> None:
    counter.feed(ContainerHere(sscc=CASE, lines=(DespatchLine(gtin=TEA, quantity=Decimal(5)),)))
    begin(counter, Mode.UNPACK, CASE)
    assert counter.scan("4006381333931").key == "whole_only"


def test_a_sold_item_has_left_its_case(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1, WATCH_2)
    counter.clock.advance(1_000_000)
    counter.parts.counter.set_mode(Mode.SALE)
    counter.scan(WATCH_1)
    done(counter.parts.sales.complete(CompleteAsked()))
    assert in_case(counter, CASE)[0] == (WATCH_2,)


def test_the_feed_speaks_once_central_has_the_event_and_tells_something_new(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1)
    counter.feed(ContainerHere(sscc=CASE, items=(WATCH_2,)))
    before = in_case(counter, CASE)[0]
    counter.store.write(
        lambda at: at.execute(
            "INSERT OR REPLACE INTO acked SELECT epoch_no, 2, 0 FROM epochs WHERE epoch = ?", (EPOCH,)
        )
    ).result(10)
    assert (before, in_case(counter, CASE)[0]) == ((WATCH_1,), (WATCH_2,))


def test_a_case_under_way_outlives_a_restart(counter: Counter, open_counter: OpenCounter) -> None:
    begin(counter, Mode.PACK, CASE)
    counter.scan(WATCH_1)
    before = counter.parts.packing.draft
    again = open_counter()
    assert (again.parts.packing.draft, again.parts.counter.mode) == (before, Mode.PACK)


def test_a_completed_case_does_not_come_back_after_a_restart(
    counter: Counter, open_counter: OpenCounter
) -> None:
    packed(counter, CASE, WATCH_1)
    assert open_counter().parts.packing.draft.sscc is None


def test_a_case_into_which_nothing_went_is_not_packed(counter: Counter) -> None:
    begin(counter, Mode.PACK, CASE)
    assert not_done(counter.parts.packing.complete(CompletePackingAsked())).key == "empty"


def test_completing_again_by_its_id_packs_nothing_twice(counter: Counter) -> None:
    begin(counter, Mode.PACK, CASE)
    counter.scan(WATCH_1)
    asked = CompletePackingAsked(document_id=counter.parts.packing.draft.document_id)
    first = done(counter.parts.packing.complete(asked))
    again = done(counter.parts.packing.complete(asked))
    assert (again.answer, len(counter.events())) == (first.answer, 1)


def test_every_screen_sees_the_case_fill(counter: Counter) -> None:
    begin(counter, Mode.PACK, CASE)
    counter.scan(WATCH_1)
    complete(counter)
    counter.events()
    shown = [len(frame.draft.items) for frame in counter.frames if isinstance(frame, PackingFrame)]
    assert shown == [0, 1, 0]
    assert [frame.number for frame in counter.frames if isinstance(frame, CompletedFrame)] == ["1-K00001"]


def told(counter: Counter, asked: PackAsked) -> Refusal | str:
    found = packing_told(asked, counter.parts.packing.cases, counter.parts.reader.read)
    return found if isinstance(found, Refusal) else done(counter.parts.packing.write(found, None)).number


def test_a_case_told_at_once_is_written_and_leaves_the_counter_alone(counter: Counter) -> None:
    begin(counter, Mode.PACK, PALLET)
    asked = PackAsked(
        sscc=CASE, codes=(WATCH_1,), lines=(GoodsAsked(gtin="4006381333931", quantity=Decimal(3)),)
    )
    assert told(counter, asked) == "1-K00001"
    assert (counter.parts.packing.draft.sscc, in_case(counter, CASE)[0]) == (PALLET, (WATCH_1,))


def test_a_case_told_with_a_wrong_code_is_refused_by_its_number(counter: Counter) -> None:
    refused = told(counter, PackAsked(sscc=CASE, codes=(WATCH_1, "4006381333932")))
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.reason.startswith("code 2: ")) == (2, True)
    assert counter.events() == []


def test_a_case_told_with_a_wrong_number_is_refused(counter: Counter) -> None:
    refused = told(counter, PackAsked(sscc="106141412345678916", codes=(WATCH_1,)))
    assert isinstance(refused, Refusal)
    assert refused.reason.startswith("sscc: SSCC 106141412345678916: its check digit")


def test_an_unpacking_told_of_an_item_elsewhere_is_refused(counter: Counter) -> None:
    packed(counter, CASE, WATCH_1)
    asked = UnpackAsked(sscc=CASE, codes=(WATCH_2,))
    refused = unpacking_told(asked, counter.parts.unpacking.cases, counter.parts.reader.read)
    assert isinstance(refused, Refusal)
    assert refused.key == "not_inside"
