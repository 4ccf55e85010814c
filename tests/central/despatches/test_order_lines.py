"""What was scanned out for an order, on the lines that it belongs to."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from central.despatches.order_lines import numbered, on_order
from central.orders.documents import Line as OrderLine
from protocol.events import GoodsLine

MILK, BREAD = "04012345678901", "05901234123457"


def ordered(
    line: int, gtin: str = MILK, accepted: int = 5, allocated: int = 0, despatched: int = 0
) -> OrderLine:
    return OrderLine(
        line=line,
        gtin=gtin,
        ordered=Decimal(accepted),
        accepted=Decimal(accepted),
        allocated=Decimal(allocated),
        despatched=Decimal(despatched),
    )


def goods(quantity: int, gtin: str = MILK, *items: str) -> GoodsLine:
    return GoodsLine(gtin=gtin, quantity=Decimal(quantity), items=items)


def test_goods_go_on_the_line_of_their_product() -> None:
    found = on_order([ordered(1), ordered(2, BREAD)], [goods(3, BREAD), goods(2)])
    assert found.leaving == {1: 2, 2: 3}
    assert [(line.line, line.gtin, int(line.quantity)) for line in found.lines] == [
        (1, MILK, 2),
        (2, BREAD, 3),
    ]


def test_what_is_allocated_leaves_first() -> None:
    assert on_order([ordered(1), ordered(2, allocated=5)], [goods(6)]).leaving == {1: 1, 2: 5}


def test_what_was_despatched_before_leaves_no_room() -> None:
    found = on_order([ordered(1, despatched=4)], [goods(3)])
    assert (dict(found.leaving), dict(found.beyond)) == ({1: Decimal(1)}, {MILK: Decimal(2)})


def test_what_the_order_does_not_ask_for_stands_in_lines_of_its_own_after_it() -> None:
    found = on_order([ordered(1), ordered(7)], [goods(12, MILK), goods(1, BREAD, "A")])
    assert [(line.line, line.gtin, int(line.quantity), line.items) for line in found.lines] == [
        (1, MILK, 5, ()), (7, MILK, 5, ()), (8, MILK, 2, ()), (9, BREAD, 1, ("A",))
    ]  # fmt: skip


def test_codes_stay_with_their_quantities_and_those_in_cases_are_left_out() -> None:
    found = on_order(
        [ordered(1, accepted=2), ordered(2, accepted=2)], [goods(3, MILK, "A", "B", "C")], packed={"B"}
    )
    assert [line.items for line in found.lines] == [("A", "C"), ()]


def test_goods_without_an_order_are_numbered_as_they_come() -> None:
    assert [(line.line, line.items) for line in numbered([goods(2), goods(1, BREAD, "A", "A")])] == [
        (1, ()),
        (2, ("A",)),
    ]


@given(
    st.lists(
        st.builds(ordered, st.integers(1, 9), st.sampled_from((MILK, BREAD)), st.integers(0, 9)),
        unique_by=lambda one: one.line,
    ),
    st.lists(st.builds(goods, st.integers(1, 9), st.sampled_from((MILK, BREAD))), min_size=1),
)
def test_everything_that_left_stands_on_a_line_and_no_line_takes_more_than_it_asks_for(
    lines: list[OrderLine], sent: list[GoodsLine]
) -> None:
    found = on_order(lines, sent)
    for gtin in (MILK, BREAD):
        left = sum(one.quantity for one in sent if one.gtin == gtin)
        assert sum(line.quantity for line in found.lines if line.gtin == gtin) == left
    assert all(found.leaving.get(line.line, Decimal(0)) <= line.accepted for line in lines)
