"""The rules of a stocktake: names, what is wanted in a round, how a long area is divided, what is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import ManualClock
from agent.stocktakes import rules
from agent.stocktakes.rules import AreaDraft, Sent, Stocktake
from agent.tallying.rules import NotTallied, Scanned, Tally, count, merged
from protocol.events import EVENT_LIMIT_BYTES, CountedLine, Event, StockCounted, encode_event
from protocol.feeds import StocktakeHere

TEA, MILK, WATCH = "04006381333931", "05000112637922", "09506000134352"
D = Decimal
DRAFT = AreaDraft(stocktake_id="s-1", area="Shelf", round=1, count_id="c-1", name="Spring")


def line(gtin: str, quantity: str, *items: str, at_us: int = 5) -> CountedLine:
    return CountedLine(gtin=gtin, quantity=D(quantity), counted_at_us=at_us, items=items)


LINES = st.lists(
    st.builds(
        lambda gtin, loose, items: line(
            f"{gtin:014d}", str(loose + items), *(f"01{gtin:014d}21S{number:05d}" for number in range(items))
        ),
        st.integers(0, 10**13),
        st.integers(1, 99),
        st.integers(0, 40),
    ),
    max_size=40,
    unique_by=lambda made: made.gtin,
)


@given(LINES, st.integers(150, 3000))
def test_a_divided_area_has_everything_once(lines: list[CountedLine], room_bytes: int) -> None:
    parts = rules.divided(lines, room_bytes)
    again = [piece for part in parts for piece in part]
    assert rules.quantities(again) == rules.quantities(lines)
    assert [one for piece in again for one in piece.items] == [one for made in lines for one in made.items]


@given(LINES, st.integers(150, 3000))
def test_no_piece_of_a_divided_area_has_more_items_than_pieces(
    lines: list[CountedLine], room_bytes: int
) -> None:
    parts = rules.divided(lines, room_bytes)
    assert [piece for part in parts for piece in part if piece.quantity < len(piece.items)] == []


def test_each_part_of_a_long_area_fits_one_event() -> None:
    lines = [
        line(
            f"{number:014d}",
            "12345.678901",
            *(f"01{number:014d}21{'X' * 20}{one:04d}" for one in range(number % 5)),
        )
        for number in range(5_000)
    ]
    lines.append(line(WATCH, "9000", *(f"01{WATCH}21{'Y' * 20}{number:05d}" for number in range(9_000))))
    sizes = [
        len(
            encode_event(
                Event(
                    at=ManualClock().moment(),
                    body=StockCounted(
                        count_id="c" * 110,
                        stocktake_id="s" * 100,
                        area="a" * 66,
                        lines=part,
                        name="n" * 100,
                    ),
                )
            )
        )
        for part in rules.divided(lines)
    ]
    assert max(sizes) <= EVENT_LIMIT_BYTES
    assert min(sizes[:-1]) > EVENT_LIMIT_BYTES // 2


def test_an_empty_area_is_one_part_with_nothing_in_it() -> None:
    assert rules.divided([]) == ((),)


def test_the_parts_of_an_area_bear_its_name() -> None:
    names = [rules.part_name("Shelf", number) for number in (1, 2, 13)]
    assert (names, [rules.area_of(name) for name in names]) == (
        ["Shelf", "Shelf #2", "Shelf #13"],
        ["Shelf"] * 3,
    )


@pytest.mark.parametrize("area", ["", " Shelf", "Shelf ", "A/B", "x" * 61, "line\nfeed", "Shelf #2"])
def test_a_name_that_no_area_can_have(area: str) -> None:
    refused = rules.area_fault(area)
    assert refused is not None
    assert refused.key == "bad_area"


@pytest.mark.parametrize("area", ["Shelf", "货架 3", "Shelf #2a", "x" * 60, "A-12"])
def test_a_name_that_an_area_can_have(area: str) -> None:
    assert rules.area_fault(area) is None


def test_a_product_outside_the_stocktake_is_not_wanted() -> None:
    stocktake = Stocktake(stocktake_id="s-1", name="Spring", gtins=frozenset({TEA}))
    refused = rules.not_wanted(stocktake, DRAFT, MILK)
    assert (refused and refused.key, rules.not_wanted(stocktake, DRAFT, TEA)) == ("not_in_stocktake", None)


def test_a_recount_wants_what_it_names_and_nothing_else() -> None:
    stocktake = Stocktake(stocktake_id="s-1", name="Spring", round=2, recount=frozenset({TEA}))
    draft = AreaDraft(stocktake_id="s-1", area="Shelf", round=2, count_id="c-1", name="Spring")
    refused = rules.not_wanted(stocktake, draft, MILK)
    assert (refused and refused.key, rules.not_wanted(stocktake, draft, TEA)) == ("not_to_recount", None)


def test_an_area_of_an_earlier_round_is_counted_to_its_end() -> None:
    stocktake = Stocktake(stocktake_id="s-1", name="Spring", round=2, recount=frozenset({TEA}))
    assert rules.not_wanted(stocktake, DRAFT, MILK) is None


def test_a_blind_stocktake_hides_what_the_feed_expects() -> None:
    row = StocktakeHere(stocktake_id="s-1", name="Spring", blind=True, expected={TEA: D(9)})
    assert rules.from_feed(row).expected == {}


def test_a_guided_count_tells_how_much_is_missing() -> None:
    stocktake = Stocktake(
        stocktake_id="s-1", name="Spring", blind=False, expected={TEA: D(5), MILK: D(3), WATCH: D(1)}
    )
    missing = rules.still_missing(stocktake, {TEA: D(2), MILK: D(4)})
    assert missing == ((TEA, D(3)), (WATCH, D(1)))


def test_a_blind_count_tells_what_is_missing_and_not_how_much() -> None:
    stocktake = Stocktake(stocktake_id="s-1", name="Spring", gtins=frozenset({TEA, MILK}))
    assert rules.still_missing(stocktake, {MILK: D(1)}) == ((TEA, None),)


def test_in_a_recount_a_product_is_missing_until_it_is_found() -> None:
    stocktake = Stocktake(
        stocktake_id="s-1", name="Spring", round=2, recount=frozenset({TEA, MILK}), expected={TEA: D(9)}
    )
    assert rules.still_missing(stocktake, {TEA: D(1)}) == ((MILK, None),)


def test_no_line_was_counted_later_than_it_is_sent() -> None:
    tally = count(Tally(), Scanned(gtin=TEA, at_us=9))
    assert isinstance(tally, Tally)
    assert [made.counted_at_us for made in rules.counted_lines(tally, 7)] == [7]


def test_an_area_goes_on_with_what_was_sent() -> None:
    lines = (line(TEA, "3"), line(WATCH, "2", "a", "b"))
    sent = Sent(
        area="Shelf", round=1, number="1-C00001", count_id="c", parts=1, complete=True, at_us=9, lines=lines
    )
    tally = rules.continued(sent)
    assert rules.counted_lines(tally, 9) == lines
    assert isinstance(count(tally, Scanned(gtin=WATCH, item="a", at_us=9)), NotTallied)
    assert [made.quantity for made in merged(tally)] == [D(3), D(2)]
