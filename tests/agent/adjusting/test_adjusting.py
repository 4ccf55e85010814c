"""Adjustments of stock with their reasons, on a real store: what is noted, what is refused, what becomes of the items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from agent.adjusting.rules import REASONS
from agent.adjusting.service import CompleteAdjustingAsked
from agent.tallying.rules import Tally
from agent.till.asked import LineAsked, SaleAsked
from agent.till.frames import AdjustingFrame, CompletedFrame, Mode, Outcome, ScanFrame
from protocol.codes import render_element_string
from protocol.events import GoodsLine, GoodsUnpacked, StockAdjusted
from protocol.feeds import ContainerHere, DespatchLine, Feed, ItemHere
from protocol.messages import FeedRow
from tests.agent.shop_kit import (
    MILK,
    SITE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    D,
    OpenCounter,
    answer,
    done,
    not_done,
)
from tests.agent.verification.signing_kit import code_key, label

TEA_CODE = "4006381333931"
CASE = "106141412345678908"
INNER = "206141412300000000"
IN_CASE = tuple(f"01{WATCH}21CASE{number}" for number in range(3))


@pytest.fixture
def shop(counter: Counter) -> Counter:
    """A counter in adjust mode."""
    counter.parts.counter.set_mode(Mode.ADJUST)
    return counter


def choose(counter: Counter, reason: str) -> None:
    assert counter.parts.adjustments.choose(reason) is None


def complete(counter: Counter, **asked: Any) -> Any:
    return counter.parts.adjustments.complete(CompleteAdjustingAsked(**asked))


def scan(counter: Counter, *codes: str) -> list[tuple[str, str]]:
    frames: Iterable[ScanFrame] = (counter.scan(code) for code in codes)
    return [(frame.outcome.value, frame.key) for frame in frames]


def sold(counter: Counter, item: str) -> None:
    done(counter.parts.sales.post(SaleAsked(lines=(LineAsked(item=item),))))


def verdict(counter: Counter, item: str) -> str:
    counter.parts.counter.set_mode(Mode.VERIFY)
    finding = counter.scan(item).finding
    assert finding is not None
    return finding.verdict.value


def test_goods_and_items_are_taken_off_with_their_reason(shop: Counter) -> None:
    choose(shop, "damage")
    assert scan(shop, TEA_CODE, TEA_CODE, WATCH_1) == [("counted", "noted")] * 3
    told = answer(done(complete(shop)))
    (body,) = shop.bodies()
    assert body == StockAdjusted(
        adjustment_id=told["adjustment_id"],
        lines=(
            GoodsLine(gtin=TEA, quantity=D(-2)),
            GoodsLine(gtin=WATCH, quantity=D(-1), items=(WATCH_1,)),
        ),
        reason="damage",
    )
    assert (told["number"], told["pieces"], told["reason"]) == ("1-A00001", "3", "damage")


def test_what_is_found_is_added(shop: Counter) -> None:
    choose(shop, "found")
    scan(shop, TEA_CODE)
    done(complete(shop))
    assert shop.bodies()[0].lines == (GoodsLine(gtin=TEA, quantity=D(1)),)


@pytest.mark.parametrize(
    ("reason", "after"), [("theft", "stolen"), ("damage", "destroyed"), ("sample", "destroyed")]
)
def test_an_item_that_is_written_off_is_sold_no_more(shop: Counter, reason: str, after: str) -> None:
    choose(shop, reason)
    scan(shop, WATCH_1)
    done(complete(shop))
    assert verdict(shop, WATCH_1) == after
    shop.parts.counter.set_mode(Mode.SALE)
    assert scan(shop, WATCH_1) == [("refused", "verdict")]
    shop.parts.counter.set_mode(Mode.RETURN)
    assert scan(shop, WATCH_1) == [("refused", "not_sold")]


def test_a_stolen_item_that_is_found_is_looked_at_before_it_is_sold(shop: Counter) -> None:
    for reason in ("theft", "found"):
        choose(shop, reason)
        assert scan(shop, WATCH_1) == [("counted", "noted")]
        done(complete(shop))
    assert verdict(shop, WATCH_1) == "held"


def test_what_central_has_back_in_stock_is_sold_again(shop: Counter) -> None:
    choose(shop, "theft")
    scan(shop, WATCH_1)
    written = done(complete(shop))
    row = FeedRow(
        WATCH_1, msgspec.json.encode(ItemHere(item=WATCH_1, gtin=WATCH, state="sellable", site=SITE))
    )
    shop._apply(Feed.ITEMS, [row])
    assert verdict(shop, WATCH_1) == "stolen"  # an old row, from before central had heard of it
    shop.journal.note_acked(written.epoch, written.seq + 1).result(10)
    shop._apply(Feed.ITEMS, [row])
    assert verdict(shop, WATCH_1) == "genuine"


def test_without_a_reason_nothing_is_noted(shop: Counter) -> None:
    assert scan(shop, TEA_CODE) == [("refused", "no_reason")]
    assert not_done(complete(shop)).key == "no_reason"


def test_nothing_noted_is_nothing_to_complete(shop: Counter) -> None:
    choose(shop, "damage")
    assert not_done(complete(shop)).key == "empty"


def test_a_reason_that_nobody_knows_is_refused_with_those_there_are(shop: Counter) -> None:
    refused = shop.parts.adjustments.choose("thef")
    assert refused is not None
    assert (refused.key, refused.reason) == (
        "bad_reason",
        "reason 'thef': expected one of damage, expired, theft, lost, own_use, sample, donation, found",
    )


def test_what_was_noted_as_gone_does_not_turn_into_something_found(shop: Counter) -> None:
    choose(shop, "damage")
    scan(shop, TEA_CODE)
    choose(shop, "theft")
    refused = shop.parts.adjustments.choose("found")
    assert refused is not None
    assert (refused.key, refused.conflict) == ("adjusting_open", True)
    shop.parts.adjustments.clear()
    choose(shop, "found")


def test_an_item_counts_once(shop: Counter) -> None:
    choose(shop, "damage")
    assert scan(shop, WATCH_1, WATCH_1) == [("counted", "noted"), ("ignored", "counted_already")]


def test_a_sold_item_is_no_stock(shop: Counter) -> None:
    sold(shop, WATCH_1)
    choose(shop, "damage")
    assert scan(shop, WATCH_1) == [("refused", "adjust_sold")]


def test_an_item_that_is_sold_meanwhile_keeps_the_draft_on_the_counter(shop: Counter) -> None:
    choose(shop, "damage")
    scan(shop, WATCH_1, TEA_CODE)
    sold(shop, WATCH_1)
    refused = not_done(complete(shop))
    assert (refused.key, refused.conflict, len(shop.events())) == ("changed_meanwhile", True, 1)
    assert [line.gtin for line in shop.parts.adjustments.draft.tally.lines] == [WATCH, TEA]


@pytest.mark.parametrize(
    ("state", "reason", "key"),
    [
        ("in_transit", "damage", "adjust_in_transit"),
        ("issued", "damage", "adjust_issued"),
        ("sold", "found", "adjust_sold"),
        ("destroyed", "found", "adjust_destroyed"),
        ("destroyed", "damage", "adjust_destroyed"),
        ("stolen", "theft", "adjust_stolen"),
        ("recalled", "damage", "noted"),
        ("held", "theft", "noted"),
        ("stolen", "found", "noted"),
        ("quarantined", "own_use", "noted"),
    ],
)
def test_the_life_of_an_item_says_what_may_be_done_to_it(
    shop: Counter, state: str, reason: str, key: str
) -> None:
    shop.feed(ItemHere(item=WATCH_2, gtin=WATCH, state=state, site=SITE))
    choose(shop, reason)
    assert scan(shop, WATCH_2)[0][1] == key


def test_a_piece_whose_code_nobody_can_read_is_noted_when_a_person_says_so(shop: Counter) -> None:
    choose(shop, "damage")
    frame = shop.scan(WATCH)
    assert (frame.outcome, frame.question) == (Outcome.ASK, "uncoded")
    code = shop.parts.reader.read(WATCH.encode())
    judged = shop.parts.verification.confirmed(code)
    assert shop.parts.adjusting_scans.note(code, judged, uncoded=True).key == "noted"
    done(complete(shop))
    assert shop.bodies()[0].lines == (GoodsLine(gtin=WATCH, quantity=D(-1)),)


def fill_case(counter: Counter) -> None:
    counter.feed(
        ContainerHere(
            sscc=CASE, items=IN_CASE[:2], containers=(INNER,), lines=(DespatchLine(gtin=TEA, quantity=D(6)),)
        ),
        ContainerHere(
            sscc=INNER, items=IN_CASE[2:], lines=(DespatchLine(gtin=MILK, quantity=D(4)),), parent=CASE
        ),
        *(ItemHere(item=item, gtin=WATCH, state="sellable", site=SITE) for item in IN_CASE),
    )


def test_a_case_is_written_off_with_everything_in_it_and_is_a_case_no_more(shop: Counter) -> None:
    fill_case(shop)
    choose(shop, "damage")
    frame = shop.scan(f"(00){CASE}")
    assert (frame.key, frame.case and frame.case.known) == ("noted_case", True)
    done(complete(shop))
    outer, inner, body = shop.bodies()
    assert [(one.sscc, one.items, one.containers) for one in (outer, inner)] == [
        (CASE, (), ()),
        (INNER, (), ()),
    ]
    assert isinstance(outer, GoodsUnpacked)
    assert body.lines == (
        GoodsLine(gtin=TEA, quantity=D(-6)),
        GoodsLine(gtin=MILK, quantity=D(-4)),
        GoodsLine(gtin=WATCH, quantity=D(-3), items=IN_CASE),
    )
    held = shop.parts.packing.cases.contents_on_hand(CASE)
    assert held is not None
    assert held.pieces == {}
    assert verdict(shop, IN_CASE[2]) == "destroyed"


def test_a_case_that_is_found_stays_one(shop: Counter) -> None:
    fill_case(shop)
    choose(shop, "found")
    shop.scan(f"(00){CASE}")
    done(complete(shop))
    (body,) = shop.bodies()
    assert (body.lines[0].quantity, shop.parts.packing.cases.contents_on_hand(CASE) is not None) == (6, True)


def test_a_case_of_which_nothing_is_known_is_not_written_off_unseen(shop: Counter) -> None:
    choose(shop, "damage")
    assert scan(shop, f"(00){CASE}") == [("refused", "case_unknown")]


def test_a_case_on_its_way_is_received_first(shop: Counter) -> None:
    shop.feed(ContainerHere(sscc=CASE, lines=(DespatchLine(gtin=TEA, quantity=D(1)),), despatch_id="d-1"))
    choose(shop, "damage")
    assert scan(shop, f"(00){CASE}") == [("refused", "not_received")]


def test_an_item_in_a_noted_case_counts_with_it(shop: Counter) -> None:
    fill_case(shop)
    choose(shop, "theft")
    assert scan(shop, IN_CASE[0], f"(00){CASE}", IN_CASE[1]) == [
        ("counted", "noted"), ("counted", "noted_case"), ("ignored", "counted_already"),
    ]  # fmt: skip
    done(complete(shop))
    assert shop.bodies()[-1].lines[-1] == GoodsLine(gtin=WATCH, quantity=D(-3), items=IN_CASE)


def test_a_forged_label_is_no_stock(shop: Counter) -> None:
    shop.feed(code_key())
    choose(shop, "damage")
    genuine, forged = (render_element_string(fields) for fields in (label(), label() | {"21": "ANOTHER"}))
    assert scan(shop, genuine, forged) == [("counted", "noted"), ("refused", "verdict")]


def test_a_draft_survives_a_restart_and_leaves_the_disk_with_its_event(
    open_counter: OpenCounter, shop: Counter
) -> None:
    choose(shop, "damage")
    scan(shop, TEA_CODE)
    shop.events()
    again = open_counter()
    assert (again.parts.adjustments.draft.reason, again.parts.counter.mode) == ("damage", Mode.ADJUST)
    done(complete(again))
    third = open_counter()
    assert (third.parts.adjustments.draft.tally, len(third.events())) == (Tally(), 1)


def test_completing_the_same_adjustment_again_takes_nothing_twice(shop: Counter) -> None:
    choose(shop, "damage")
    scan(shop, TEA_CODE)
    adjustment_id = shop.parts.adjustments.draft.adjustment_id
    first = done(complete(shop, adjustment_id=adjustment_id))
    choose(shop, "theft")
    scan(shop, TEA_CODE)
    again = done(complete(shop, adjustment_id=adjustment_id))
    assert (again.repeated, again.answer, len(shop.events())) == (True, first.answer, 1)
    assert len(shop.parts.adjustments.draft.tally.lines) == 1


def test_the_last_scan_is_taken_back_by_card_or_key(shop: Counter) -> None:
    choose(shop, "damage")
    scan(shop, TEA_CODE, WATCH_1)
    found = shop.parts.adjusting_scans.undo()
    assert (found.key, [line.gtin for line in shop.parts.adjustments.draft.tally.lines]) == (
        "undone_scan",
        [TEA],
    )


def test_every_screen_is_told(shop: Counter) -> None:
    choose(shop, "damage")
    scan(shop, TEA_CODE)
    done(complete(shop))
    shop.events()
    frames = [frame for frame in shop.frames if isinstance(frame, AdjustingFrame)]
    assert [frame.pieces for frame in frames] == [0, 1, 0]
    assert (frames[1].names, frames[1].reasons) == ({TEA: "Green tea"}, REASONS)
    assert [frame.kind for frame in shop.frames if isinstance(frame, CompletedFrame)] == ["adjustment"]
