"""A difference tells by its size where it comes from."""

from __future__ import annotations

import pytest

from central.shifts.causes import Cause, Receipt, is_between_notes, likely
from tests.central.facts import NOON

FLOAT = 20_000
SHIFT = (
    Receipt(journal=1, seq=4, kind="sale", method="cash", amount_minor=1_234, event_time=NOON),
    Receipt(journal=1, seq=5, kind="sale", method="card", amount_minor=5_678, event_time=NOON),
    Receipt(journal=1, seq=6, kind="sale", method="cash", amount_minor=2_611, tendered_minor=5_000, event_time=NOON),
    Receipt(journal=1, seq=7, kind="return", method="cash", amount_minor=-777, event_time=NOON),
    Receipt(journal=1, seq=8, kind="move", method="cash", amount_minor=-8_200, event_time=NOON),
)  # fmt: skip


@pytest.mark.parametrize(
    ("differences", "method", "cause", "seqs"),
    [
        ({"cash": -1_234}, "cash", Cause.UNPAID_RECEIPT, [4]),
        ({"cash": 1_234}, "cash", Cause.UNRECORDED_SALE, [4]),
        ({"cash": -FLOAT}, "cash", Cause.FLOAT_WRONG, []),
        ({"cash": FLOAT}, "cash", Cause.FLOAT_WRONG, []),
        ({"cash": 777}, "cash", Cause.REFUND_WRONG, [7]),
        ({"cash": -777}, "cash", Cause.REFUND_WRONG, [7]),
        ({"cash": 8_200}, "cash", Cause.CASH_MOVE_WRONG, [8]),
        ({"cash": -16_400}, "cash", Cause.CASH_MOVE_WRONG, [8]),
        ({"cash": 5_678}, "cash", Cause.WRONG_METHOD, [5]),
        ({"cash": -2_389}, "cash", Cause.CHANGE_ERROR, [6]),
        ({"cash": -3_000}, "cash", Cause.CHANGE_ERROR, []),
        ({"cash": -4_999}, "cash", Cause.MISSING_CASH, []),
        ({"cash": 4_999}, "cash", Cause.SURPLUS_CASH, []),
        ({"cash": -1_234, "card": 1_234}, "card", Cause.WRONG_METHOD, [4]),
        ({"cash": 5_678, "card": -5_678}, "card", Cause.WRONG_METHOD, [5]),
        ({"card": -5_678}, "card", Cause.WRONG_METHOD, [5]),
        ({"card": 1_234}, "card", Cause.WRONG_METHOD, [4]),
        ({"card": 3}, "card", Cause.WRONG_METHOD, []),
    ],
)
def test_a_difference_has_the_cause_that_its_size_tells(
    differences: dict[str, int], method: str, cause: Cause, seqs: list[int]
) -> None:
    found = likely(method, differences, FLOAT, SHIFT, "EUR")
    assert (found.cause, [one.seq for one in found.receipts]) == (cause, seqs)


def test_no_more_receipts_are_named_than_somebody_would_look_at() -> None:
    many = [
        Receipt(journal=1, seq=seq, kind="sale", method="cash", amount_minor=100, event_time=NOON)
        for seq in range(50)
    ]
    assert len(likely("cash", {"cash": -100}, 0, many, "EUR").receipts) == 5


@pytest.mark.parametrize(
    ("size_minor", "currency", "is_one"),
    [
        (1_500, "EUR", True),
        (30_000, "EUR", True),
        (2_000, "EUR", False),
        (3_001, "EUR", False),
        (40_000, "JPY", True),
        (0, "EUR", False),
    ],
)
def test_change_for_another_banknote_is_told_by_the_amount(
    size_minor: int, currency: str, is_one: bool
) -> None:
    assert is_between_notes(size_minor, currency) == is_one


def test_what_is_told_is_more_certain_with_one_receipt_than_with_many() -> None:
    one = likely("cash", {"cash": -1_234}, 0, SHIFT, "EUR")
    two = likely("cash", {"cash": -1_234}, 0, (*SHIFT, SHIFT[0]), "EUR")
    assert one.probability > two.probability
