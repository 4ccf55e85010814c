"""When a statement is balanced, what it says when it is not, and how it once stood."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ledger.flows import EFFECT, Flow
from central.reconciliation.beside import AgentHere, JournalState, awaited, faults_of_journals
from central.reconciliation.periods import By, Span, end_of_day, month_after
from central.reconciliation.rules import (
    End,
    FlowDrift,
    Late,
    Moved,
    ProductLine,
    as_it_was,
    faults_of_flows,
    faults_of_lines,
    lines_of,
    values_of,
)

amounts = st.decimals(min_value=-1_000, max_value=1_000, places=3)
minor = st.integers(-10_000, 10_000)
gtins = st.sampled_from(["g1", "g2", "g3"])
days = st.dates(date(2020, 1, 1), date(2029, 12, 31))
WHOLE = JournalState(
    agent="a", epoch="e", next_seq=11, applied=8, quarantined=1, repeated=1, set_apart=1,
    day_first_seq=3, day_last_seq=7, day_archived=4, day_set_apart=1,
)  # fmt: skip


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[bool, Moved]]:
    """Flows of some products, of the period itself or of before it; each (product, flow, when) once at most."""
    found: dict[tuple[str, str, bool], tuple[bool, Moved]] = {}
    for _ in range(draw(st.integers(0, 12))):
        gtin, flow, is_before = draw(gtins), draw(st.sampled_from(sorted(EFFECT))), draw(st.booleans())
        quantity = Decimal(0) if flow == Flow.REVALUED else draw(amounts)
        sold = draw(minor) if flow in (Flow.SOLD, Flow.RETURNED) and not is_before else 0
        found[gtin, flow, is_before] = (is_before, Moved(gtin, flow, quantity, draw(minor), sold))
    return list(found.values())


def statement(moved: list[tuple[bool, Moved]]) -> tuple[ProductLine, ...]:
    """The lines that these flows make, with the closing that they add up to."""
    ends = []
    for gtin in sorted({one.gtin for _, one in moved}):
        quantity, value = (
            {True: Decimal(0), False: Decimal(0)},
            {True: 0, False: 0},
        )  # of what was before, and after
        for is_before, one in moved:
            if one.gtin == gtin:
                quantity[is_before] += EFFECT[Flow(one.flow)] * one.quantity
                value[is_before] += EFFECT[Flow(one.flow)] * one.value_minor
        ends.append(
            End(gtin, quantity[True], value[True], sum(quantity.values(), Decimal(0)), sum(value.values()))
        )
    return lines_of(ends, [one for is_before, one in moved if not is_before])


@given(moves())
def test_what_moved_makes_lines_that_add_up(moved: list[tuple[bool, Moved]]) -> None:
    assert faults_of_lines(statement(moved)) == ()


@given(moves(), amounts, minor)
def test_a_balance_that_is_off_shows_by_how_much(
    moved: list[tuple[bool, Moved]], off: Decimal, value_off: int
) -> None:
    ends = [End("g1", Decimal(5), 500, Decimal(5) + off, 500 + value_off)]
    (line,) = lines_of(ends, [])
    assert (line.difference, line.value_difference_minor) == (off, value_off)
    assert len(faults_of_lines([line])) == bool(off) + bool(value_off)


def test_a_line_tells_each_flow_in_quantity_and_value_and_what_customers_paid() -> None:
    moved = [
        Moved("g", Flow.RECEIVED, Decimal(10), 1_000, 0),
        Moved("g", Flow.SOLD, Decimal(4), 400, 799),
        Moved("g", Flow.RETURNED, Decimal(1), 100, 399),
        Moved("g", Flow.REVALUED, Decimal(0), -7, 0),
        Moved("g", Flow.SET_ASIDE, Decimal(1), 100, 0),
    ]
    assert lines_of([End("g", Decimal(2), 200, Decimal(9), 893)], moved) == (
        ProductLine(
            gtin="g", opening=Decimal(2), opening_value_minor=200, received=Decimal(10), received_value_minor=1_000,
            sold=Decimal(4), sold_value_minor=400, amount_minor=799, returned=Decimal(1), returned_value_minor=100,
            refunded_minor=399, revalued_value_minor=-7, set_aside=Decimal(1), set_aside_value_minor=100,
            closing=Decimal(9), closing_value_minor=893,
        ),
    )  # fmt: skip


def test_a_product_of_which_there_is_nothing_to_say_is_left_out() -> None:
    assert lines_of([End("g", Decimal(0), 0, Decimal(0), 0)], []) == ()


def test_a_flow_of_a_product_without_a_balance_is_shown_and_does_not_add_up() -> None:
    (line,) = lines_of([], [Moved("g", Flow.RECEIVED, Decimal(1), 10, 0)])
    assert (line.difference, line.value_difference_minor) == (Decimal(-1), -10)


@given(moves(), st.data())
def test_without_what_was_heard_late_a_statement_is_as_it_was(
    moved: list[tuple[bool, Moved]], data: st.DataObject
) -> None:
    then = [one for one in moved if data.draw(st.booleans())]
    late = [Late(one, is_before) for is_before, one in moved if (is_before, one) not in then]
    assert as_it_was(statement(moved), late) == statement(then)


def test_a_product_that_is_gone_now_and_was_there_then_is_shown_then() -> None:
    late = [Late(Moved("g", Flow.SOLD, Decimal(3), 30, 0), True)]
    assert as_it_was([], late) == (
        ProductLine(
            gtin="g", opening=Decimal(3), opening_value_minor=30, closing=Decimal(3), closing_value_minor=30
        ),
    )


@given(moves())
def test_values_are_the_sums_of_the_lines(moved: list[tuple[bool, Moved]]) -> None:
    lines = statement(moved)
    found = values_of(lines, "EUR")
    into = sum(getattr(found, f"{flow}_value_minor") * effect for flow, effect in EFFECT.items())
    assert found.closing_value_minor == found.opening_value_minor + into
    assert found.amount_minor == sum(line.amount_minor for line in lines)


def test_a_flow_that_its_movements_do_not_bear_out_is_named_with_both_figures() -> None:
    drift = FlowDrift(
        gtin="g",
        flow="sold",
        kept=Decimal(3),
        replayed=Decimal(2),
        kept_value_minor=30,
        replayed_value_minor=20,
    )
    assert faults_of_flows([drift]) == (
        "product g, sold: 3 worth 30 is kept, the movements of the day give 2 worth 20",
    )


def test_a_whole_journal_is_no_fault() -> None:
    assert faults_of_journals([WHOLE]) == ()


def test_a_journal_without_events_of_the_day_is_no_fault() -> None:
    quiet = msgspec.structs.replace(
        WHOLE, day_first_seq=None, day_last_seq=None, day_archived=0, day_set_apart=0
    )
    assert faults_of_journals([quiet]) == ()


def test_a_journal_with_a_gap_a_surplus_or_a_lost_quarantine_is_named() -> None:
    odd = [
        msgspec.structs.replace(WHOLE, applied=7),
        msgspec.structs.replace(WHOLE, day_archived=3),
        msgspec.structs.replace(WHOLE, day_archived=5),
        msgspec.structs.replace(WHOLE, set_apart=0),
    ]
    assert len(faults_of_journals(odd)) == 4


# -- who is awaited -----------------------------------------------------------------------------------------------------

END = datetime(2026, 9, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEARD = AgentHere(
    agent="a",
    is_enrolled=True,
    enrolled_at=END - 90 * 24 * HOUR,
    unsent=0,
    oldest_unsent_at=None,
    seen_at=END + HOUR,
)


@pytest.mark.parametrize(
    ("changes", "now", "why"),
    [
        ({}, END + 2 * HOUR, None),
        ({"unsent": 3}, END + 2 * HOUR, "it has told of 3 events that have not arrived"),
        (
            {"unsent": 3, "oldest_unsent_at": END - HOUR},
            END + 2 * HOUR,
            "it has told of 3 events that have not arrived",
        ),
        ({"unsent": 3, "oldest_unsent_at": END + HOUR}, END + 2 * HOUR, None),
        (
            {"unsent": 3, "is_enrolled": False},
            END + 2 * HOUR,
            "it has told of 3 events that have not arrived",
        ),
        ({"seen_at": END - HOUR}, END + 2 * HOUR, "it has not been heard since the day ended"),
        ({"seen_at": END - HOUR}, END - HOUR, None),
        ({"seen_at": None}, END + 2 * HOUR, "it has never been heard"),
        ({"seen_at": None, "enrolled_at": END + HOUR}, END + 2 * HOUR, None),
        ({"seen_at": END - HOUR, "is_enrolled": False}, END + 2 * HOUR, None),
    ],
)
def test_an_agent_is_awaited_as_long_as_it_may_bring_events_of_the_day(
    changes: dict[str, object], now: datetime, why: str | None
) -> None:
    agent = msgspec.structs.replace(HEARD, **changes)
    assert [one.why for one in awaited([agent], END, now)] == ([] if why is None else [why])


# -- days and months ----------------------------------------------------------------------------------------------------


@given(days, st.integers(0, 900), st.sampled_from(list(By)))
def test_the_pieces_of_a_span_are_the_span(first: date, length: int, by: By) -> None:
    span = Span(first, first + timedelta(days=length))
    pieces = list(span.pieces(by))
    assert (pieces[0].first, pieces[-1].last, sum(piece.days for piece in pieces)) == (
        first,
        span.last,
        span.days,
    )
    assert all(piece.first.replace(day=1) == piece.last.replace(day=1) for piece in pieces) or by is By.TOTAL


@given(days, st.integers(0, 900))
def test_whole_months_and_single_days_make_a_span_without_gap_or_overlap(first: date, length: int) -> None:
    span = Span(first, first + timedelta(days=length))
    begin, end = span.whole_months
    singles = [
        day
        for number in range(span.days)
        if (day := span.first + timedelta(days=number)) < begin or day >= end
    ]
    whole = (end - begin).days
    assert len(singles) + whole == span.days
    assert (begin.day, end.day) == (1, 1)
    if whole:
        assert span.first <= begin
        assert end <= span.last + timedelta(days=1)


def test_the_month_after_december_is_january() -> None:
    assert month_after(date(2026, 12, 31)) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("time_zone", "end"),
    [
        ("Asia/Shanghai", datetime(2026, 3, 29, 16, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),  # a day of 23 hours
        ("Mars/Olympus", datetime(2026, 3, 30, 0, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_local_midnight(time_zone: str, end: datetime) -> None:
    assert end_of_day(date(2026, 3, 29), time_zone) == end
