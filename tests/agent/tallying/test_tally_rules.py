"""The rules of a tally: every code once, whatever the order; the last change taken back; what does not fit is said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.packing.contents import Contents
from agent.tallying import rules
from agent.tallying.rules import NotTallied, Scanned, Tally, case_of, merged
from agent.tallying.steps import TallyCase
from protocol.events import GoodsLine

TEA = "04006381333931"
WATCH = "09506000134352"
CASE = "106141412345678915"
OTHER = "106141412345678922"
PALLET = "106141412345678908"
ITEMS = tuple(f"01{WATCH}21SN{number}" for number in range(8))
D = Decimal


def goods(quantity: str = "1", at_us: int = 0, gtin: str = TEA) -> Scanned:
    return Scanned(gtin=gtin, quantity=D(quantity), at_us=at_us)


def item(number: int, at_us: int = 0) -> Scanned:
    return Scanned(gtin=WATCH, item=ITEMS[number], at_us=at_us)


def case(sscc: str, numbers: tuple[int, ...], *, tea: int = 0, inside: tuple[str, ...] = ()) -> TallyCase:
    lines = [
        GoodsLine(gtin=WATCH, quantity=D(len(numbers)), items=tuple(ITEMS[number] for number in numbers))
    ]
    lines += [GoodsLine(gtin=TEA, quantity=D(tea))] if tea else []
    return TallyCase(sscc=sscc, at_us=0, lines=tuple(lines), containers=inside)


CASES = {
    CASE: case(CASE, (0, 1), tea=3),
    OTHER: case(OTHER, (1, 2)),  # two cases that both claim an item: central's trouble, not a piece more
    PALLET: case(PALLET, (0, 1, 3), tea=5, inside=(CASE,)),
}


def taken(tally: Tally, scans: list[Scanned | str]) -> Tally:
    """The tally after scans, those that do not count left out."""
    for scan in scans:
        after = rules.count_case(tally, CASES[scan]) if isinstance(scan, str) else rules.count(tally, scan)
        tally = after if isinstance(after, Tally) else tally
    return tally


def quantities(tally: Tally) -> dict[str, tuple[Decimal, tuple[str, ...]]]:
    return {line.gtin: (line.quantity, line.items) for line in merged(tally)}


def counted(tally: Tally | NotTallied) -> Tally:
    assert isinstance(tally, Tally), tally
    return tally


SCANS = st.lists(
    st.one_of(
        st.sampled_from([*CASES]),
        st.integers(0, 7).map(item),
        st.sampled_from(["1", "2", "0.375"]).map(goods),
    ),
    max_size=14,
)


@given(SCANS, st.randoms())
def test_the_same_scans_in_any_order_come_to_the_same_tally(
    scans: list[Scanned | str], random: object
) -> None:
    shuffled = list(scans)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert quantities(taken(Tally(), scans)) == quantities(taken(Tally(), shuffled))


@given(SCANS)
def test_scanning_every_code_twice_counts_no_code_twice(scans: list[Scanned | str]) -> None:
    coded = [scan for scan in scans if isinstance(scan, str) or scan.item is not None]
    once = taken(Tally(), scans)
    assert quantities(taken(once, coded)) == quantities(once)


@given(SCANS)
def test_no_item_stands_in_a_tally_twice(scans: list[Scanned | str]) -> None:
    found = [one for line in merged(taken(Tally(), scans)) for one in line.items]
    assert sorted(found) == sorted(set(found))


@given(SCANS)
def test_a_quantity_is_never_less_than_its_items(scans: list[Scanned | str]) -> None:
    assert [line for line in merged(taken(Tally(), scans)) if line.quantity < len(line.items)] == []


@given(SCANS, SCANS)
def test_taking_everything_back_leads_to_what_was_before(
    before: list[Scanned | str], since: list[Scanned | str]
) -> None:
    begun = settled(taken(Tally(), before))
    tally = taken(begun, since)
    while not isinstance(undone := rules.undo(tally), NotTallied):
        tally = undone[0]
    assert quantities(tally) == quantities(begun)


def settled(tally: Tally) -> Tally:
    return Tally(lines=tally.lines, cases=tally.cases)


@given(SCANS, SCANS)
def test_two_halves_joined_are_the_whole(first: list[Scanned | str], second: list[Scanned | str]) -> None:
    apart = rules.joined(taken(Tally(), first), taken(Tally(), second))
    assert quantities(apart) == quantities(taken(Tally(), first + second))


def test_the_time_of_a_line_is_that_of_its_last_piece() -> None:
    tally = taken(Tally(), [goods(at_us=5), goods(at_us=9), goods(at_us=7)])
    assert [(line.quantity, line.at_us) for line in merged(tally)] == [(D(3), 9)]


def test_a_second_scan_of_an_item_says_so_and_does_not_count() -> None:
    tally = taken(Tally(), [item(0)])
    assert rules.count(tally, item(0)) == NotTallied("counted_already", "this item has been counted already")


def test_an_item_of_a_counted_case_was_counted_with_it() -> None:
    tally = taken(Tally(), [PALLET])
    assert rules.count(tally, item(3)) == NotTallied(
        "counted_already", f"this item was counted with case {PALLET}"
    )


def test_a_case_of_a_counted_pallet_was_counted_with_it() -> None:
    tally = taken(Tally(), [PALLET])
    assert rules.count_case(tally, CASES[CASE]) == NotTallied(
        "counted_already", f"this case was counted with {PALLET}, which holds it"
    )


def test_a_quantity_is_set_over_what_was_scanned() -> None:
    tally = taken(Tally(), [goods(), goods()])
    assert quantities(counted(rules.set_quantity(tally, TEA, D(24), 9))) == {TEA: (D(24), ())}


def test_a_quantity_is_set_for_a_product_that_was_never_scanned() -> None:
    assert quantities(counted(rules.set_quantity(Tally(), TEA, D("0.250"), 9))) == {TEA: (D("0.250"), ())}


def test_a_quantity_is_not_set_below_what_stands_in_cases() -> None:
    refused = rules.set_quantity(taken(Tally(), [CASE]), TEA, D(2), 9)
    assert refused == NotTallied("below_cases", "3 stand in counted cases; take out a case to count less")


def test_a_quantity_is_not_set_below_the_items_that_were_scanned() -> None:
    refused = rules.set_quantity(taken(Tally(), [item(0), item(1)]), WATCH, D(1), 9)
    assert isinstance(refused, NotTallied)
    assert refused.key == "below_items"


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "10000001", "0.0000001"])
def test_a_quantity_that_cannot_be_is_refused(quantity: str) -> None:
    refused = rules.count(Tally(), goods(quantity))
    assert isinstance(refused, NotTallied)
    assert refused.key == "bad_quantity"


def test_nothing_is_taken_back_of_nothing() -> None:
    assert isinstance(rules.undo(Tally()), NotTallied)


def test_undo_gives_a_quantity_back_that_was_set_to_nothing() -> None:
    tally = counted(rules.set_quantity(taken(Tally(), [goods("5", 3)]), TEA, D(0), 9))
    undone = rules.undo(tally)
    assert not isinstance(undone, NotTallied)
    assert [(line.quantity, line.at_us) for line in merged(undone[0])] == [(D(5), 3)]


@pytest.mark.parametrize("part", [TEA, ITEMS[0], CASE])
def test_a_part_that_was_taken_out_comes_back_with_undo(part: str) -> None:
    tally = taken(Tally(), [item(5), goods("2"), item(0) if part == ITEMS[0] else CASE])
    without = counted(rules.take_out(tally, part))
    undone = rules.undo(without)
    assert not isinstance(undone, NotTallied)
    assert quantities(without) != quantities(tally)
    assert quantities(undone[0]) == quantities(tally)


def test_what_was_not_counted_cannot_be_taken_out() -> None:
    refused = rules.take_out(taken(Tally(), [goods()]), ITEMS[0])
    assert isinstance(refused, NotTallied)
    assert refused.key == "no_line"


def test_a_tally_is_full_at_its_limit_of_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ITEMS_LIMIT", 2)
    tally = taken(Tally(), [item(0), item(1)])
    refused = rules.count(tally, item(2))
    assert isinstance(refused, NotTallied)
    assert refused.key == "full"


def test_a_case_is_counted_by_product_with_the_items_of_each() -> None:
    contents = Contents(
        sscc=CASE, items=("x", *ITEMS[:2]), pieces={TEA: D(3), WATCH: D(2)}, containers=(OTHER,)
    )
    gtins = dict.fromkeys(ITEMS, WATCH)
    assert case_of(contents, gtins.get, 7) == TallyCase(
        sscc=CASE,
        at_us=7,
        lines=(
            GoodsLine(gtin=TEA, quantity=D(3)),
            GoodsLine(gtin=WATCH, quantity=D(2), items=ITEMS[:2]),
        ),
        containers=(OTHER,),
    )
