"""The rules of orders at the counter."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.orders import rules
from agent.orders.rules import Draft, DraftLine, Listed, Own
from protocol.events import OrderLine, OrderSubmitted, Sale, SaleLine, SaleReturned, SaleVoided, ScanRefused
from protocol.feeds import OrderLineView, OrderView, StockLevel
from tests.agent.shop_kit import MILK, TEA, D


def level(gtin: str = TEA, on_hand: int = 0, **more: Decimal) -> StockLevel:
    return StockLevel(gtin=gtin, on_hand=D(on_hand), **{"reorder_point": D(5), "order_up_to": D(20), **more})


def own(order_id: str, quantity: int = 1, at_us: int = 1) -> Own:
    line = OrderLine(line=1, gtin=TEA, quantity=D(quantity))
    return Own(
        submitted=OrderSubmitted(order_id=order_id, number=f"n-{order_id}", lines=(line,), currency="EUR"),
        submitted_at_us=at_us,
    )


def view(order_id: str, state: str, at_us: int = 1) -> OrderView:
    return OrderView(order_id=order_id, number=f"n-{order_id}", state=state, submitted_at_us=at_us, lines=())


def quantities(
    levels: list[StockLevel],
    unsent: dict[str, Decimal] | None = None,
    waiting: dict[str, Decimal] | None = None,
) -> dict[str, int]:
    return {entry.gtin: int(entry.quantity) for entry in rules.propose(levels, unsent or {}, waiting or {})}


def test_at_its_reorder_point_a_product_is_ordered_up_to_its_upper_level() -> None:
    assert quantities([level(on_hand=5)]) == {TEA: 15}


def test_above_its_reorder_point_nothing_is_ordered() -> None:
    assert quantities([level(on_hand=6)]) == {}


def test_what_is_on_its_way_or_on_order_counts() -> None:
    assert quantities([level(on_hand=1, in_transit=D(2), on_order=D(3))]) == {}


def test_what_was_sold_here_and_not_yet_sent_counts_against_the_stock() -> None:
    assert quantities([level(on_hand=8)], unsent={TEA: D(4)}) == {TEA: 16}


def test_what_was_ordered_here_and_not_yet_answered_is_not_ordered_again() -> None:
    assert quantities([level(on_hand=0)], waiting={TEA: D(20)}) == {}


def test_a_product_without_levels_is_never_proposed() -> None:
    assert quantities([StockLevel(gtin=TEA, on_hand=D(-3))]) == {}


def test_the_shortest_product_comes_first() -> None:
    proposals = rules.propose([level(TEA, 4), level(MILK, 1)], {}, {})
    assert [entry.gtin for entry in proposals] == [MILK, TEA]


@given(
    on_hand=st.integers(-50, 50),
    in_transit=st.integers(0, 50),
    on_order=st.integers(0, 50),
    sold=st.integers(-20, 20),
)
def test_a_proposal_brings_the_position_to_exactly_its_upper_level(
    on_hand: int, in_transit: int, on_order: int, sold: int
) -> None:
    proposals = rules.propose(
        [level(on_hand=on_hand, in_transit=D(in_transit), on_order=D(on_order))], {TEA: D(sold)}, {}
    )
    assert [entry.position + entry.quantity for entry in proposals] == [D(20)] * len(proposals)


def test_voids_and_restocked_returns_count_against_what_was_sold() -> None:
    line = SaleLine(gtin=TEA, quantity=D(2), amount_minor=1)
    sale = Sale(sale_id="s", receipt="1", currency="EUR", lines=(line, line))
    void = SaleVoided(void_id="v", sale_id="s", receipt="1", currency="EUR", lines=(line,), reason="r")
    back = SaleReturned(return_id="r", receipt="2", currency="EUR", lines=(line,), disposition="restock")
    aside = SaleReturned(return_id="q", receipt="3", currency="EUR", lines=(line,), disposition="quarantine")
    scan = ScanRefused(verdict="unknown", cause="c")
    assert rules.sold_net([sale, sale, void, back, aside, scan]) == {TEA: D(4)}


def test_the_answer_of_central_wins_over_what_was_submitted() -> None:
    (listed,) = rules.merged([own("a")], {"a": view("a", "accepted")})
    assert listed == Listed(order=view("a", "accepted"), answered=True)


def test_an_order_that_central_has_not_answered_is_listed_as_submitted() -> None:
    (listed,) = rules.merged([own("a", 7)], {})
    assert (listed.answered, listed.order.state, listed.order.lines) == (
        False,
        "submitted",
        (OrderLineView(line=1, gtin=TEA, ordered=D(7)),),
    )


def test_an_order_that_only_central_knows_is_listed_too_and_the_newest_comes_first() -> None:
    listed = rules.merged([own("a", at_us=5)], {"b": view("b", "closed", at_us=9)})
    assert [entry.order.order_id for entry in listed] == ["b", "a"]


def test_only_what_is_not_answered_waits() -> None:
    assert rules.ordered_and_unanswered([own("a", 7), own("b", 5)], {"b": view("b", "accepted")}) == {
        TEA: D(7)
    }


def test_a_proposal_leaves_a_quantity_that_a_person_has_set() -> None:
    draft = rules.set_line(Draft(order_id="o"), DraftLine(gtin=TEA, quantity=D(2)))
    proposals = rules.propose([level(TEA), level(MILK)], {}, {})
    after = rules.with_proposals(draft, proposals, {MILK: "Milk"})
    assert [(line.gtin, line.quantity, line.name) for line in after.lines] == [
        (TEA, D(2), ""),
        (MILK, D(20), "Milk"),
    ]


def test_quantity_zero_takes_a_line_out_of_the_draft() -> None:
    draft = rules.set_line(Draft(order_id="o"), DraftLine(gtin=TEA, quantity=D(2)))
    assert rules.set_line(draft, DraftLine(gtin=TEA, quantity=D(0))).lines == ()


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "an order without lines; expected at least one"),
        ([(TEA, D(0))], f"quantity 0 of {TEA}: expected more than 0 and at most 10000000"),
        ([(TEA, D(1)), (TEA, D(1))], f"{TEA} stands on two lines; expected one line for a product"),
    ],
)
def test_lines_that_make_no_order_are_told_why(lines: list[tuple[str, Decimal]], fault: str) -> None:
    assert rules.lines_fault(lines) == fault


def test_an_order_number_is_the_lane_and_its_series() -> None:
    assert rules.number("2", 42) == "2-PO00042"


def test_what_has_been_despatched_cannot_be_cancelled() -> None:
    entry = Listed(order=view("a", "despatched"), answered=True)
    assert rules.cancel_fault(entry) == "cannot cancel this order: it has been despatched"
