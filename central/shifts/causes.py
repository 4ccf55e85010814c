"""Why a drawer does not hold what it should: the most likely cause, in one word. Pure.

A difference tells where it comes from by its size: it is that of one receipt, of the float, of a refund, of change. The rules are tried in
the order in which they are least likely to fit by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from central.prices.rules import decimals_of
from central.shifts.receipts import CASH

_MENTIONED = 5
"""Receipts named as evidence, at most: more that fit say only that the amount is a common one."""


class Cause(StrEnum):
    """The likely cause of a difference."""

    WRONG_METHOD = "wrong_method"
    FLOAT_WRONG = "float_wrong"
    CASH_MOVE_WRONG = "cash_move_wrong"
    REFUND_WRONG = "refund_wrong"
    UNPAID_RECEIPT = "unpaid_receipt"
    UNRECORDED_SALE = "unrecorded_sale"
    CHANGE_ERROR = "change_error"
    MISSING_CASH = "missing_cash"
    SURPLUS_CASH = "surplus_cash"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a receipt of the shift, or (``kind`` ``move``) cash that was moved. Signed: what went out is below zero."""

    journal: int
    seq: int
    kind: str
    method: str
    amount_minor: int
    event_time: datetime
    tendered_minor: int | None = None

    @property
    def change_minor(self) -> int:
        """What was given back as change; 0 where that is not known."""
        return 0 if self.tendered_minor is None else max(0, self.tendered_minor - self.amount_minor)


class Likely(msgspec.Struct, frozen=True, kw_only=True):
    """A cause with its probability, in words, and the receipts that point to it."""

    cause: Cause
    probability: float
    words: str
    receipts: tuple[Receipt, ...] = ()


def likely(
    method: str,
    differences: Mapping[str, int],
    float_minor: int,
    receipts: Sequence[Receipt],
    currency: str,
) -> Likely:
    """Why ``method`` is off by ``differences[method]`` (counted less expected), given what else is off and what happened."""
    off = differences[method]
    other = swapped_with(method, differences)
    if other is not None:
        there, missing = (method, other) if off > 0 else (other, method)
        fitting = _fitting(receipts, lambda one: one.method == missing and one.amount_minor == abs(off))
        words = f"receipts were booked as {missing} that were paid by {there}"
        return Likely(cause=Cause.WRONG_METHOD, probability=0.95, words=words, receipts=fitting)
    if method != CASH:
        return _of_other_method(method, off, receipts)
    return _of_cash(off, float_minor, receipts, currency)


def swapped_with(method: str, differences: Mapping[str, int]) -> str | None:
    """The method that has too much what this one has too little, or the other way round."""
    off = differences[method]
    return next(
        (name for name, amount in sorted(differences.items()) if name != method and amount == -off), None
    )


def _of_other_method(method: str, off: int, receipts: Sequence[Receipt]) -> Likely:
    """Methods other than cash are counted from slips or a terminal: a difference there is a receipt booked as something else."""
    fitting = _fitting(receipts, lambda one: one.amount_minor == -off and one.method == method)
    if off > 0:
        fitting = _fitting(receipts, lambda one: one.amount_minor == off and one.method != method)
    words = (
        f"a receipt paid otherwise was booked as {method}"
        if off < 0
        else f"a receipt paid by {method} was booked otherwise"
    )
    return Likely(
        cause=Cause.WRONG_METHOD, probability=0.8 if fitting else 0.5, words=words, receipts=fitting
    )


def _of_cash(off: int, float_minor: int, receipts: Sequence[Receipt], currency: str) -> Likely:
    size = abs(off)
    moves = _fitting(
        receipts,
        lambda one: one.kind == "move" and size in (abs(one.amount_minor), 2 * abs(one.amount_minor)),
    )
    refunds = _fitting(
        receipts,
        lambda one: one.kind in ("void", "return") and one.method == CASH and one.amount_minor == -size,
    )
    sales = _fitting(
        receipts, lambda one: one.kind == "sale" and one.method == CASH and one.amount_minor == size
    )
    cards = _fitting(
        receipts, lambda one: one.kind == "sale" and one.method != CASH and one.amount_minor == off
    )
    changes = _fitting(receipts, lambda one: one.change_minor > 0 and one.change_minor == size)
    if float_minor and size == abs(float_minor):
        said = "the float was not put in" if off < 0 else "the float was counted as takings, or put in twice"
        return Likely(cause=Cause.FLOAT_WRONG, probability=0.9, words=said)
    if moves:
        words = "cash was moved otherwise than it was booked"
        return Likely(cause=Cause.CASH_MOVE_WRONG, probability=0.85, words=words, receipts=moves)
    if refunds:
        words = "a refund was booked and not paid out" if off > 0 else "a refund was paid out twice"
        return Likely(cause=Cause.REFUND_WRONG, probability=0.8, words=words, receipts=refunds)
    if cards:
        words = "a receipt booked as paid otherwise was paid in cash"
        return Likely(cause=Cause.WRONG_METHOD, probability=_of_many(cards), words=words, receipts=cards)
    if sales:
        cause = Cause.UNPAID_RECEIPT if off < 0 else Cause.UNRECORDED_SALE
        words = (
            "a receipt booked as cash was not paid, or paid otherwise"
            if off < 0
            else "a sale like this one was paid and not rung up"
        )
        return Likely(cause=cause, probability=_of_many(sales), words=words, receipts=sales)
    if changes or is_between_notes(size, currency):
        words = (
            "change was given wrongly: it is the change of a receipt"
            if changes
            else "change was given for another banknote"
        )
        return Likely(cause=Cause.CHANGE_ERROR, probability=0.7, words=words, receipts=changes)
    if off < 0:
        return Likely(
            cause=Cause.MISSING_CASH, probability=0.6, words="cash is missing, and no receipt says why"
        )
    return Likely(
        cause=Cause.SURPLUS_CASH, probability=0.6, words="there is more cash than any receipt explains"
    )


def is_between_notes(size_minor: int, currency: str) -> bool:
    """Whether an amount is what two neighbouring banknotes differ by, and no banknote itself: 15, 30, 40 of the major unit, or ten times that."""
    major, rest = divmod(size_minor, 10 ** decimals_of(currency))
    while major and major % 10 == 0 and major > 40:
        major //= 10
    return rest == 0 and major in (15, 30, 40)


def _of_many(fitting: Sequence[Receipt]) -> float:
    return 0.8 if len(fitting) == 1 else 0.7


def _fitting(receipts: Iterable[Receipt], fits: Callable[[Receipt], bool]) -> tuple[Receipt, ...]:
    return tuple(one for one in receipts if fits(one))[:_MENTIONED]
