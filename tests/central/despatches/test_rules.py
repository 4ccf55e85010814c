"""What was announced against what was counted, without a database."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from central.despatches.rules import Counted, DespatchState, Line, Short, compare, state_after
from protocol.events import GoodsLine

WATER, TEA = "00000000005081", "00000000018388"


def announced(number: int, gtin: str, quantity: int, received: int = 0, items: tuple[str, ...] = ()) -> Line:
    """A line of a despatch advice."""
    return Line(line=number, gtin=gtin, quantity=Decimal(quantity), received=Decimal(received), items=items)


def goods(gtin: str, quantity: int, *items: str) -> GoodsLine:
    """A line of a receipt."""
    return GoodsLine(gtin=gtin, quantity=Decimal(quantity), items=items)


def test_what_was_announced_and_came_is_neither_over_nor_short() -> None:
    found = compare([announced(1, WATER, 4)], [goods(WATER, 4)], complete=True)
    expected = Counted(index=0, gtin=WATER, counted=Decimal(4), from_transit=Decimal(4), over=Decimal(0))
    assert (found.counted, found.short, found.arrived) == ((expected,), (), {1: Decimal(4)})


def test_what_did_not_come_is_short_once_the_receipt_is_complete() -> None:
    lines, received = [announced(1, WATER, 4)], [goods(WATER, 3)]
    answers = [compare(lines, received, complete=complete).short for complete in (True, False)]
    assert answers == [(Short(gtin=WATER, quantity=Decimal(1)),), ()]


def test_what_nobody_announced_is_over() -> None:
    found = compare([announced(1, WATER, 4)], [goods(WATER, 6), goods(TEA, 1)], complete=True)
    assert [(int(one.from_transit), int(one.over)) for one in found.counted] == [(4, 2), (0, 1)]


def test_one_product_on_two_lines_is_filled_line_by_line() -> None:
    found = compare([announced(1, WATER, 2), announced(2, WATER, 3)], [goods(WATER, 4)], complete=False)
    assert found.arrived == {1: Decimal(2), 2: Decimal(2)}


def test_a_second_receipt_draws_on_what_the_first_has_left() -> None:
    first = compare([announced(1, WATER, 4)], [goods(WATER, 3)], complete=False)
    second = compare(first.lines, [goods(WATER, 3)], complete=True)
    assert [(int(one.from_transit), int(one.over)) for one in second.counted] == [(1, 2)]


def test_codes_that_were_announced_and_not_scanned_are_named() -> None:
    lines = [announced(1, WATER, 3, items=("a", "b", "c"))]
    found = compare(lines, [goods(WATER, 1, "a")], complete=True, seen_items=["b"])
    assert found.short == (Short(gtin=WATER, quantity=Decimal(2), items=("c",)),)


def test_codes_that_were_not_announced_are_named() -> None:
    lines = [announced(1, WATER, 2, items=("a", "b"))]
    (counted,) = compare(lines, [goods(WATER, 2, "a", "x")], complete=True).counted
    assert counted.unannounced_items == ("x",)


def test_an_advice_without_codes_announces_none_and_misses_none() -> None:
    (counted,) = compare([announced(1, WATER, 2)], [goods(WATER, 2, "a")], complete=True).counted
    assert counted.unannounced_items == ()


def test_a_quantity_below_zero_takes_nothing_from_the_way() -> None:
    (counted,) = compare([announced(1, WATER, 2)], [goods(WATER, -1)], complete=False).counted
    assert counted.from_transit == 0


def test_a_despatch_is_received_when_all_has_come_or_no_more_is_awaited() -> None:
    lines = [announced(1, WATER, 4, received=3)]
    states = [state_after(lines, complete=complete) for complete in (True, False)]
    assert states == [DespatchState.RECEIVED, DespatchState.PART_RECEIVED]
    assert state_after([announced(1, WATER, 4, received=4)], complete=False) is DespatchState.RECEIVED


@given(
    sent=st.lists(st.tuples(st.sampled_from([WATER, TEA]), st.integers(1, 9)), max_size=5),
    counted=st.lists(st.tuples(st.sampled_from([WATER, TEA]), st.integers(0, 20)), max_size=5),
)
def test_whatever_is_counted_is_either_from_the_way_or_over_and_nothing_arrives_twice(
    sent: list[tuple[str, int]], counted: list[tuple[str, int]]
) -> None:
    lines = [announced(number, gtin, quantity) for number, (gtin, quantity) in enumerate(sent, 1)]
    found = compare(lines, [goods(gtin, quantity) for gtin, quantity in counted], complete=True)
    assert [int(one.from_transit + one.over) for one in found.counted] == [
        quantity for _, quantity in counted
    ]
    assert sum(one.from_transit for one in found.counted) == sum(found.arrived.values())
    short = {one.gtin: one.quantity for one in found.short}
    for gtin in (WATER, TEA):
        missing = sum(line.outstanding for line in found.lines if line.gtin == gtin)
        assert missing == short.get(gtin, 0)
        assert all(0 <= line.received <= line.quantity for line in found.lines)


def test_a_line_shares_its_worth_between_what_arrives_and_the_last_takes_the_rest() -> None:
    line = Line(line=1, gtin=WATER, quantity=Decimal(3), value_minor=100)
    assert [line.worth_minor(Decimal(1), Decimal(gone)) for gone in range(3)] == [33, 34, 33]


def test_what_is_outstanding_is_worth_what_has_neither_arrived_nor_been_settled() -> None:
    line = Line(
        line=1, gtin=WATER, quantity=Decimal(10), received=Decimal(4), settled=Decimal(1), value_minor=1000
    )
    assert (line.outstanding, line.outstanding_minor) == (Decimal(5), 500)


def test_a_line_of_no_known_worth_is_worth_nothing() -> None:
    line = Line(line=1, gtin=WATER, quantity=Decimal(10))
    assert (line.outstanding_minor, line.worth_minor(Decimal(3), Decimal(0))) == (0, 0)


def test_a_receipt_that_draws_on_two_lines_is_worth_its_share_of_both() -> None:
    lines = [
        Line(line=1, gtin=WATER, quantity=Decimal(2), value_minor=200),
        Line(line=2, gtin=WATER, quantity=Decimal(4), received=Decimal(1), value_minor=600),
    ]
    [counted] = compare(lines, [GoodsLine(gtin=WATER, quantity=Decimal(9))], complete=True).counted
    assert (counted.from_transit, counted.value_minor, counted.over) == (Decimal(5), 650, Decimal(4))
