"""The ledger's rules: what leaves one place arrives at another, and no order of arrival changes a sum."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from central.ledger.rules import (
    ON_HAND,
    Arrived,
    Movement,
    Posting,
    adjusted,
    in_transit,
    moved,
    postings,
    received,
    returned,
    sold,
    voided,
)
from protocol.events import GoodsLine, SaleLine
from tests.central.facts import BREAD, MILK, fact, line, sale
from tests.central.ledger.paper_books import PaperBooks

quantities = st.decimals(min_value=-10_000, max_value=10_000, places=3)
gtins = st.sampled_from((MILK, BREAD, "07622210449283"))
lines = st.lists(st.builds(line, gtin=gtins, quantity=quantities), max_size=5).map(tuple)
goods = st.lists(st.builds(GoodsLine, gtin=gtins, quantity=quantities), max_size=5).map(tuple)
sites = st.sampled_from(("north", "south"))


@st.composite
def booked(draw: st.DrawFn) -> list[Posting]:
    """What one fact of any kind books."""
    kind = draw(st.sampled_from((sold, voided, returned, adjusted)))
    if kind is adjusted:
        movements = adjusted(draw(goods), draw(st.sampled_from(("damage", "found"))))
    elif kind is returned:
        movements = returned(draw(lines), draw(st.sampled_from(("restock", "quarantine"))))
    else:
        movements = (sold if kind is sold else voided)(draw(lines))
    return postings(fact(sale(), site=draw(sites)), movements)


facts = st.lists(booked(), max_size=12)


def balances(postings_: Iterable[Posting]) -> dict[tuple[str, str, str], Decimal]:
    books = PaperBooks()
    books.book(list(postings_))
    return books.quantities()


@given(facts, st.randoms(use_true_random=False), st.integers(1, 4))
def test_no_order_of_arrival_and_no_grouping_changes_a_balance(
    booked_facts: list[list[Posting]], chance: Random, groups: int
) -> None:
    together = balances(posting for one in booked_facts for posting in one)
    shuffled = list(booked_facts)
    chance.shuffle(shuffled)
    books = PaperBooks()
    for number in range(groups):
        books.book([posting for one in shuffled[number::groups] for posting in one])
    assert books.quantities() == together


@given(lines)
def test_a_void_undoes_its_sale(sold_lines: tuple[SaleLine, ...]) -> None:
    one = fact(sale())
    assert balances(postings(one, [*sold(sold_lines), *voided(sold_lines)])) == {}


@given(lines)
def test_a_restocked_return_undoes_its_sale_on_the_shelf(sold_lines: tuple[SaleLine, ...]) -> None:
    one = fact(sale())
    assert balances(postings(one, [*sold(sold_lines), *returned(sold_lines, "restock")])) == {}


def test_every_kind_of_movement_goes_where_it_should() -> None:
    three = Decimal(3)
    assert (
        sold([line(quantity="3")]),
        voided([line(quantity="3")]),
        returned([line(quantity="3")], "restock"),
        returned([line(quantity="3")], "quarantine"),
        adjusted([GoodsLine(gtin=MILK, quantity=-three)], "theft"),
        adjusted([GoodsLine(gtin=MILK, quantity=three)], "found"),
    ) == (
        [Movement(0, MILK, three, "on_hand", "customer", "sale")],
        [Movement(0, MILK, three, "customer", "on_hand", "void")],
        [Movement(0, MILK, three, "customer", "on_hand", "return")],
        [Movement(0, MILK, three, "customer", "quarantine", "return")],
        [Movement(0, MILK, three, "on_hand", "adjustment:theft", "adjustment")],
        [Movement(0, MILK, three, "adjustment:found", "on_hand", "adjustment")],
    )


def test_a_line_below_zero_brings_goods_back_and_a_line_of_zero_moves_nothing() -> None:
    assert sold([line(quantity="-2"), line(quantity="0")]) == [
        Movement(0, MILK, Decimal(2), "customer", "on_hand", "sale")
    ]


def test_what_was_counted_is_booked_the_announced_part_from_its_way_and_the_rest_from_a_supplier() -> None:
    way = in_transit("warehouse", "north")
    counted = [
        Arrived(gtin=MILK, counted=Decimal(12), from_transit=Decimal(10), source=way),
        Arrived(gtin=BREAD, counted=Decimal(4)),
    ]
    assert received(counted) == [
        Movement(0, MILK, Decimal(10), way, ON_HAND, "receipt"),
        Movement(1, MILK, Decimal(2), "supplier", ON_HAND, "receipt"),
        Movement(3, BREAD, Decimal(4), "supplier", ON_HAND, "receipt"),
    ]


def test_goods_in_transit_are_the_sum_of_what_one_side_sent_and_the_other_took() -> None:
    way = in_transit("north", "south")
    sent = postings(fact(sale(), site="north"), moved(0, MILK, Decimal(10), ON_HAND, way, "despatch"))
    took = postings(
        fact(sale(), site="south"),
        received([Arrived(gtin=MILK, counted=Decimal(7), from_transit=Decimal(7), source=way)]),
    )
    changes = balances([*sent, *took])
    on_the_way = sum(change for (_, _, location), change in changes.items() if location == way)
    assert (on_the_way, {site for site, _, location in changes if location == way}) == (3, {"north", "south"})


def test_a_posting_names_the_fact_behind_it() -> None:
    one = fact(sale(line()), seq=7)
    [posting] = postings(one, sold([line()]))
    assert (posting.journal, posting.seq, posting.document) == (1, 7, None)
    assert (posting.event_time, posting.recorded_at) == (one.event_time, one.recorded_at)
