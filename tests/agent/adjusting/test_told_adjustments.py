"""Adjustments that are told at once, and what an adjustment may be at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adjusting import rules
from agent.adjusting.rules import FOUND, REASONS, Adjusting
from agent.adjusting.told import AdjustAsked, CodeAdjusted, request_of
from agent.documents import Refusal
from agent.tallying.rules import NotTallied, Scanned, Tally, count
from agent.tallying.steps import TallyLine
from protocol.events import EVENT_LIMIT_BYTES, GoodsLine
from protocol.items import State
from tests.agent.adjusting.test_adjusting import TEA_CODE, choose, scan, shop
from tests.agent.shop_kit import MILK, TEA, WATCH, WATCH_1, Counter, D, done, not_done

__all__ = ["shop"]


def tell(counter: Counter, reason: str, *lines: CodeAdjusted, **more: Any) -> Any:
    asked = AdjustAsked(reason=reason, lines=lines, **more)
    again = counter.parts.adjustments.again(asked.adjustment_id, request_of(asked))
    if again is not None:
        return again
    draft = counter.parts.told_adjustments.draft(asked, counter.clock.wall_us(), counter.clock.today())
    return (
        draft
        if isinstance(draft, Refusal)
        else counter.parts.adjustments.write(draft, asked.clerk, request_of(asked))
    )


def test_an_adjustment_is_told_at_once_and_leaves_the_counter_alone(shop: Counter) -> None:
    choose(shop, "theft")
    scan(shop, TEA_CODE)
    written = done(
        tell(shop, "damage", CodeAdjusted(code=TEA_CODE, quantity=D("2.5")), CodeAdjusted(code=WATCH_1))
    )
    assert shop.bodies()[0].lines == (
        GoodsLine(gtin=TEA, quantity=D("-2.5")),
        GoodsLine(gtin=WATCH, quantity=D(-1), items=(WATCH_1,)),
    )
    assert (written.number, shop.parts.adjustments.draft.reason) == ("1-A00001", "theft")


def test_the_same_told_again_gets_the_same_answer(shop: Counter) -> None:
    line = CodeAdjusted(code=WATCH_1)
    first = done(tell(shop, "damage", line, adjustment_id="a-1"))
    again = done(tell(shop, "damage", line, adjustment_id="a-1"))
    other = not_done(tell(shop, "theft", line, adjustment_id="a-1"))
    assert (again.answer, again.repeated, other.key, len(shop.events())) == (
        first.answer,
        True,
        "conflict",
        1,
    )


@pytest.mark.parametrize(
    ("reason", "lines", "says"),
    [
        ("damage", (), "0 lines: expected 1 to 5000"),
        ("gone", (CodeAdjusted(code=TEA_CODE),), "reason 'gone': expected one of damage"),
        ("damage", (CodeAdjusted(code="hello"),), "line 1: code: "),
        ("damage", (CodeAdjusted(code=TEA_CODE), CodeAdjusted(code=TEA_CODE, quantity=D(-1))), "line 2: quantity -1: expected more than 0"),
        ("damage", (CodeAdjusted(code=WATCH_1), CodeAdjusted(code=WATCH_1)), "line 2: this item has been counted already"),
        ("damage", (CodeAdjusted(code=WATCH),), "line 1: each piece of this product carries its own code"),
        ("damage", (CodeAdjusted(code=TEA_CODE, quantity=D("Infinity")),), "line 1: quantity Infinity"),
    ],
)  # fmt: skip
def test_what_cannot_be_adjusted_is_told_with_its_line_and_nothing_is_written(
    shop: Counter, reason: str, lines: tuple[CodeAdjusted, ...], says: str
) -> None:
    assert not_done(tell(shop, reason, *lines)).reason.startswith(says)
    assert shop.events() == []


# -- rules ------------------------------------------------------------------------------------------------------------------

pieces = st.lists(
    st.tuples(st.sampled_from([TEA, MILK, WATCH]), st.sampled_from([None, "A", "B", "C"]), st.integers(1, 9)),
    max_size=20,
)


@given(st.sampled_from(REASONS), pieces)
def test_an_adjustment_goes_one_way_and_is_as_much_as_was_noted(
    reason: str, noted: list[tuple[str, str | None, int]]
) -> None:
    draft: Adjusting | NotTallied = Adjusting(adjustment_id="a", reason=reason)
    total = Decimal(0)
    for at_us, (gtin, serial, quantity) in enumerate(noted):
        assert isinstance(draft, Adjusting)
        item = None if serial is None else f"01{gtin}21{serial}"
        scanned = Scanned(gtin=gtin, at_us=at_us, quantity=Decimal(1 if item else quantity), item=item)
        after = rules.with_tally(draft, count(draft.tally, scanned))
        if isinstance(after, Adjusting):
            draft, total = after, total + scanned.quantity
    assert isinstance(draft, Adjusting)
    lines = rules.adjusted(draft, None).lines
    sign = 1 if reason == FOUND else -1
    assert all(line.quantity * sign > 0 for line in lines)
    assert sum((line.quantity for line in lines), Decimal(0)) == sign * total


@given(st.sampled_from(REASONS), st.sampled_from([*State, None]))
def test_no_customers_item_is_ever_adjusted(reason: str, state: State | None) -> None:
    hindrance = rules.hindrance(reason, None if state is None else state.value)
    if state in {State.SOLD, State.SOLD_PROVISIONALLY, State.IN_TRANSIT, State.ISSUED, State.DESTROYED}:
        assert hindrance is not None
    if state in {State.SELLABLE, State.COMMISSIONED, None}:
        assert hindrance is None


def test_more_than_one_event_holds_is_told_before_it_is_lost() -> None:
    many = tuple(f"01{WATCH}21{number:020d}" for number in range(3_000))

    def noted(number: int) -> Adjusting | NotTallied:
        tally = Tally(lines=(TallyLine(gtin=WATCH, quantity=Decimal(number), at_us=0, items=many[:number]),))
        return rules.with_tally(Adjusting(adjustment_id="a", reason="damage"), tally)

    most = max(number for number in range(0, 3_000, 50) if isinstance(noted(number), Adjusting))
    full, beyond = noted(most), noted(most + 50)
    assert isinstance(full, Adjusting)
    assert isinstance(beyond, NotTallied)
    assert (
        beyond.key,
        80_000 < len(msgspec.msgpack.encode(rules.adjusted(full, None))) < EVENT_LIMIT_BYTES,
    ) == (
        "full",
        True,
    )
