"""The rules of an order at central, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.orders import rules
from central.orders.documents import Line, Order, view
from protocol.events import OrderLine, OrderSubmitted
from protocol.feeds import OrderLineView, OrderView
from protocol.orders import Forbidden, OrderAction, OrderState

WATER, TEA = "00000000005081", "00000000018388"
NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)


def submitted(*lines: tuple[int, str, str], revision: int = 1) -> OrderSubmitted:
    """An order document from (line, gtin, quantity)."""
    return OrderSubmitted(
        order_id="o1",
        number="PO-1",
        lines=tuple(OrderLine(line=n, gtin=gtin, quantity=Decimal(quantity)) for n, gtin, quantity in lines),
        currency="CNY",
        revision=revision,
    )


def order(*lines: Line, state: OrderState = OrderState.SUBMITTED) -> Order:
    """An order as central keeps it."""
    return Order(
        site="D1",
        order_id="o1",
        revision=1,
        number="PO-1",
        state=state,
        from_site="WH",
        agent_id="a1",
        currency="CNY",
        body_hash=b"",
        submitted_at=NOW,
        updated_at=NOW,
        lines=lines,
    )


def line(
    number: int = 1,
    gtin: str = WATER,
    *,
    ordered: int,
    accepted: int = 0,
    allocated: int = 0,
    despatched: int = 0,
) -> Line:
    """A line with quantities as numbers."""
    return Line(
        line=number,
        gtin=gtin,
        ordered=Decimal(ordered),
        accepted=Decimal(accepted),
        allocated=Decimal(allocated),
        despatched=Decimal(despatched),
    )


def test_an_order_of_known_products_begins_submitted() -> None:
    expected = rules.Submission(
        state=OrderState.SUBMITTED, reason=None, lines=(Line(line=1, gtin=WATER, ordered=Decimal(4)),)
    )
    assert rules.submission(submitted((1, WATER, "4")), {WATER}, "WH") == expected


def test_an_order_of_an_unknown_product_is_held_with_the_line_and_the_reason() -> None:
    begun = rules.submission(submitted((1, WATER, "4"), (2, TEA, "1")), {WATER}, "WH")
    assert (begun.state, begun.reason, [one.reason for one in begun.lines]) == (
        OrderState.HELD,
        f"line 2: product {TEA} is not in the catalogue",
        [None, f"product {TEA} is not in the catalogue"],
    )


def test_an_order_of_a_site_that_nobody_serves_is_held() -> None:
    begun = rules.submission(submitted((1, WATER, "4")), {WATER}, None)
    assert (begun.state, begun.reason) == (
        OrderState.HELD,
        "no warehouse serves this site yet: name its serving site",
    )


@pytest.mark.parametrize(
    ("lines", "reason", "kept"),
    [
        ((), "the order has no lines", []),
        (((1, WATER, "0"),), "line 1: quantity 0: expected more than 0, at most 6 decimals", []),
        (((1, WATER, "-2"),), "line 1: quantity -2: expected more than 0, at most 6 decimals", []),
        (((1, WATER, "NaN"),), "line 1: quantity NaN: expected more than 0, at most 6 decimals", []),
        (
            ((1, WATER, "0.1234567"),),
            "line 1: quantity 0.1234567: expected more than 0, at most 6 decimals",
            [],
        ),
        (((0, WATER, "1"),), "line 0: expected a number from 1 to 32767", []),
        (((1, "abc", "1"),), "line 1: product 'abc': expected a GTIN of 14 digits", []),
        (((1, WATER, "1"), (1, TEA, "1")), "line 1 stands in the order twice", [1]),
    ],
)
def test_what_cannot_be_an_order_is_refused_and_kept_as_far_as_it_can_be(
    lines: tuple[tuple[int, str, str], ...], reason: str, kept: list[int]
) -> None:
    begun = rules.submission(submitted(*lines), {WATER, TEA}, "WH")
    assert (begun.state, begun.reason, [one.line for one in begun.lines]) == (
        OrderState.REFUSED,
        reason,
        kept,
    )


def test_a_reason_names_five_faults_and_counts_the_rest() -> None:
    begun = rules.submission(submitted(*((n, WATER, "0") for n in range(1, 9))), {WATER}, "WH")
    assert begun.reason is not None
    assert begun.reason.endswith("; and 3 more")


def test_an_order_of_more_lines_than_a_feed_row_carries_is_refused() -> None:
    begun = rules.submission(submitted(*((n, WATER, "1") for n in range(1, 402))), {WATER}, "WH")
    assert (begun.state, len(begun.lines)) == (OrderState.REFUSED, rules.LINES_LIMIT)


def test_a_document_has_one_hash_and_another_one_another() -> None:
    hashes = [rules.document_hash(submitted((1, WATER, quantity))) for quantity in ("4", "4", "5")]
    assert (hashes[0] == hashes[1], hashes[0] == hashes[2]) == (True, False)


def test_only_an_unanswered_order_is_changed_and_only_by_a_higher_revision() -> None:
    unanswered, answered = order(line(ordered=4)), order(line(ordered=4), state=OrderState.ACCEPTED)
    answers = [
        rules.may_revise(unanswered, 2),
        rules.may_revise(unanswered, 1),
        rules.may_revise(answered, 2),
    ]
    assert [isinstance(answer, Forbidden) for answer in answers] == [False, True, True]


def test_accepting_without_quantities_accepts_everything() -> None:
    answer = rules.accept(order(line(ordered=4)), None)
    assert isinstance(answer, rules.Acceptance)
    assert (answer.action, int(answer.lines[0].accepted), answer.lines[0].response) == (
        OrderAction.ACCEPT,
        4,
        "5",
    )


def test_a_line_that_is_not_named_is_not_accepted() -> None:
    answer = rules.accept(order(line(1, ordered=4), line(2, TEA, ordered=2)), {1: Decimal(3)})
    assert isinstance(answer, rules.Acceptance)
    assert answer.action is OrderAction.ACCEPT_PART
    assert [(int(one.accepted), one.response) for one in answer.lines] == [(3, "6"), (0, "7")]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({2: Decimal(1)}, "line 2: the order has no such line; its lines are 1"),
        ({1: Decimal(5)}, "line 1: quantity 5: expected 0 to 4, which is what is ordered"),
        ({1: Decimal(-1)}, "line 1: quantity -1: expected 0 to 4, which is what is ordered"),
        ({1: Decimal(0)}, "no quantity of any line was accepted: refuse the order instead, with a reason"),
    ],
)
def test_what_cannot_be_accepted_is_said_in_words(asked: dict[int, Decimal], reason: str) -> None:
    assert rules.accept(order(line(ordered=4)), asked) == Forbidden(reason)


def test_an_allocation_gives_to_one_line_after_the_other_what_there_is() -> None:
    lines = (
        line(1, ordered=4, accepted=4),
        line(2, ordered=4, accepted=4),
        line(3, TEA, ordered=1, accepted=1),
    )
    found = rules.allocate(lines, {WATER: Decimal(5)})
    assert [int(one.allocated) for one in found.lines] == [4, 1, 0]
    assert found.taken == {WATER: Decimal(5)}


def test_stock_below_zero_gives_nothing() -> None:
    assert rules.allocate((line(ordered=4, accepted=4),), {WATER: Decimal(-3)}).taken == {}


quantities = st.integers(min_value=0, max_value=50)


@given(
    wanted=st.lists(st.tuples(st.sampled_from([WATER, TEA]), quantities, quantities, quantities), max_size=8),
    available=st.dictionaries(st.sampled_from([WATER, TEA]), st.integers(-20, 60).map(Decimal)),
)
def test_an_allocation_never_takes_more_than_there_is_nor_than_a_line_lacks(
    wanted: list[tuple[str, int, int, int]], available: dict[str, Decimal]
) -> None:
    lines = tuple(
        line(number, gtin, ordered=accepted, accepted=accepted, allocated=allocated, despatched=despatched)
        for number, (gtin, accepted, allocated, despatched) in enumerate(wanted, 1)
    )
    found = rules.allocate(lines, available)
    for gtin in (WATER, TEA):
        given_out = sum(
            after.allocated - before.allocated
            for before, after in zip(lines, found.lines, strict=True)
            if before.gtin == gtin
        )
        assert given_out == found.taken.get(gtin, 0)
        assert given_out <= max(available.get(gtin, Decimal(0)), Decimal(0))
    for before, after in zip(lines, found.lines, strict=True):
        assert 0 <= after.allocated - before.allocated <= before.to_allocate


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (OrderState.ACCEPTED, OrderState.ALLOCATED),
        (OrderState.PART_ACCEPTED, OrderState.ALLOCATED),
        (OrderState.ALLOCATED, OrderState.ALLOCATED),
        (OrderState.PART_RECEIVED, OrderState.PART_RECEIVED),
        (OrderState.SUBMITTED, Forbidden("cannot allocate this order: it has not been answered yet")),
        (OrderState.RECEIVED, Forbidden("cannot allocate this order: it has been received")),
    ],
)
def test_an_order_under_way_may_be_given_more_and_stays_where_it_is(
    state: OrderState, after: OrderState | Forbidden
) -> None:
    assert rules.allocation_state(state) == after


def test_a_despatch_takes_from_what_is_allocated_and_no_more() -> None:
    lines = (line(1, ordered=4, accepted=4, allocated=3),)
    assert rules.despatched_quantities(lines, None) == {1: Decimal(3)}
    assert rules.despatched_quantities(lines, {1: Decimal(4)}) == Forbidden(
        "line 1: quantity 4: expected 0 to 3, which is what is allocated"
    )


def test_a_despatch_is_whole_when_all_that_was_accepted_has_left() -> None:
    lines = (line(1, ordered=4, accepted=4, allocated=4),)
    part, after = rules.despatch(lines, {1: Decimal(3)})
    whole, gone = rules.despatch(after, {1: Decimal(1)})
    assert (part, whole) == (OrderAction.DESPATCH_PART, OrderAction.DESPATCH)
    assert [(int(one.allocated), int(one.despatched)) for one in (*after, *gone)] == [(1, 3), (0, 4)]


@pytest.mark.parametrize(
    ("despatched", "more", "action"),
    [
        (4, False, OrderAction.RECEIVE),
        (4, True, OrderAction.RECEIVE_PART),
        (3, False, OrderAction.RECEIVE_PART),
    ],
)
def test_an_order_is_received_when_nothing_is_on_its_way_or_still_to_be_sent(
    despatched: int, more: bool, action: OrderAction
) -> None:
    lines = (line(1, ordered=4, accepted=4, despatched=despatched),)
    found, after = rules.receive(lines, {1: Decimal(3)}, more_on_the_way=more)
    assert (found, int(after[0].received)) == (action, 3)


def test_a_release_gives_back_everything_once() -> None:
    lines = (line(1, ordered=4, allocated=3), line(2, ordered=2, allocated=2), line(3, TEA, ordered=1))
    given_back, after = rules.release(lines)
    assert given_back == {WATER: Decimal(5)}
    assert rules.release(after) == ({}, after)


def test_a_dealer_sees_its_order_with_the_answer_line_by_line() -> None:
    expected = OrderView(
        order_id="o1",
        number="PO-1",
        state="submitted",
        submitted_at_us=1_772_445_600_123_456,
        lines=(OrderLineView(line=1, gtin=WATER, ordered=Decimal(4), accepted=Decimal(3)),),
    )
    assert view(order(line(ordered=4, accepted=3, allocated=2))) == expected
