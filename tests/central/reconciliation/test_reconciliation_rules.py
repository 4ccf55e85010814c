"""When a day is balanced, and what is said when it is not."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from central.reconciliation.rules import Drift, JournalState, ProductDay, faults

amounts = st.decimals(min_value=-1_000, max_value=1_000, places=3)
WHOLE = JournalState(
    agent="a", epoch="e", next_seq=11, applied=8, quarantined=1, repeated=1, archived=9, set_apart=1
)


@given(st.lists(amounts, min_size=7, max_size=7), amounts)
def test_a_line_is_balanced_exactly_when_its_sum_is_its_closing(sums: list[Decimal], off: Decimal) -> None:
    opening, received, returned, came, sold, went, adjusted = sums
    line = ProductDay(
        gtin="g",
        opening=opening,
        received=received,
        returned=returned,
        transferred_in=came,
        sold=sold,
        transferred_out=went,
        adjusted=adjusted,
        closing=opening + received + returned + came - sold - went + adjusted + off,
    )
    assert line.difference == off
    assert bool(faults([line], [], [])) == bool(off)


def test_a_whole_journal_is_no_fault() -> None:
    assert faults([], [], [WHOLE]) == ()


def test_a_journal_with_a_gap_a_surplus_or_a_lost_quarantine_is_named() -> None:
    odd = [
        msgspec.structs.replace(WHOLE, applied=7),
        msgspec.structs.replace(WHOLE, archived=10),
        msgspec.structs.replace(WHOLE, set_apart=0),
    ]
    assert len(faults([], [], odd)) == 3


def test_a_drifting_balance_is_named_with_both_figures() -> None:
    drift = Drift(site="north", gtin="g", location="on_hand", kept=Decimal(3), replayed=Decimal(2))
    assert faults([], [drift], []) == ("balance on_hand of g: 3 is kept, its movements give 2",)
