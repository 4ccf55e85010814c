"""The rules of receiving."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.receiving import rules
from agent.receiving.rules import NotCounted, Progress, Receiving
from protocol.feeds import DespatchLine, DespatchView
from tests.agent.shop_kit import MILK, TEA, WATCH, WATCH_1, WATCH_2

NOTHING = Receiving(receipt_advice_id="r")
ADVICE = DespatchView(
    despatch_id="d",
    from_site="north",
    lines=(
        DespatchLine(gtin=TEA, quantity=Decimal(3)),
        DespatchLine(gtin=WATCH, quantity=Decimal(1), items=(WATCH_1,)),
    ),
)


def counted(*scans: tuple[str, str | None]) -> Receiving:
    receiving = NOTHING
    for gtin, item in scans:
        after = rules.count(receiving, gtin, item=item)
        assert isinstance(after, Receiving), after
        receiving = after
    return receiving


def test_two_scans_of_a_product_count_two() -> None:
    assert counted((TEA, None), (TEA, None)).lines[0].quantity == 2


def test_an_item_counts_once() -> None:
    assert rules.count(counted((WATCH, WATCH_1)), WATCH, item=WATCH_1) == NotCounted(
        "counted_already", "this item has been counted already"
    )


def test_progress_tells_what_was_announced_first_and_then_what_was_not() -> None:
    assert rules.progress(counted((MILK, None), (TEA, None)), ADVICE) == (
        Progress(gtin=TEA, received=Decimal(1), announced=Decimal(3)),
        Progress(gtin=WATCH, received=Decimal(0), announced=Decimal(1)),
        Progress(gtin=MILK, received=Decimal(1), announced=None),
    )


def test_an_item_that_the_advice_does_not_name_is_not_announced() -> None:
    assert [rules.is_announced(ADVICE, WATCH, item) for item in (WATCH_1, WATCH_2)] == [True, False]


def test_everything_is_expected_where_there_is_no_advice() -> None:
    assert rules.is_announced(None, MILK, None)


def test_a_quantity_by_hand_is_never_below_the_items_scanned() -> None:
    after = rules.set_quantity(counted((WATCH, WATCH_1), (WATCH, WATCH_2)), WATCH, Decimal(1))
    assert isinstance(after, NotCounted)
    assert after.key == "below_items"


def test_quantity_zero_takes_a_product_away() -> None:
    after = rules.set_quantity(counted((TEA, None)), TEA, Decimal(0))
    assert isinstance(after, Receiving)
    assert after.lines == ()


def test_a_receipt_holds_no_more_items_than_an_event_can() -> None:
    receiving = counted(*((WATCH, f"01{WATCH}21{number}") for number in range(rules.ITEMS_LIMIT)))
    full = rules.count(receiving, WATCH, item=f"01{WATCH}21MORE")
    assert isinstance(full, NotCounted)
    assert full.key == "full"


@given(st.lists(st.tuples(st.sampled_from([TEA, MILK]), st.none()), max_size=40))
def test_what_goes_into_the_journal_is_what_was_scanned(scans: list[tuple[str, None]]) -> None:
    lines = {line.gtin: int(line.quantity) for line in rules.goods_lines(counted(*scans))}
    assert lines == {gtin: [gtin for gtin, _ in scans].count(gtin) for gtin in {gtin for gtin, _ in scans}}
