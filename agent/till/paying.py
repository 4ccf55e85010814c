"""How a receipt is paid, and how money goes back. Pure.

A payment is recorded, never processed. What the receipt keeps of it is ``amount_minor``; what was handed over beyond that was
change.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.till.rules import AMOUNT_LIMIT_MINOR, NotAllowed
from protocol.events import Payment, SaleReturned, SaleVoided

CASH = "cash"
PAYMENT_METHODS = (CASH, "card", "wallet")
PAYMENTS_LIMIT = 50


def payments_fault(payments: tuple[Payment, ...], field: str = "payments") -> NotAllowed | None:
    """Why these payments cannot be recorded, whatever they are for."""
    if len(payments) > PAYMENTS_LIMIT:
        return NotAllowed("invalid", f"{field}: {len(payments)} of them; expected {PAYMENTS_LIMIT} at most")
    for payment in payments:
        if payment.method not in PAYMENT_METHODS:
            wanted = ", ".join(PAYMENT_METHODS)
            return NotAllowed("invalid", f"payment method {payment.method!r}: expected one of {wanted}")
        tendered = payment.tendered_minor
        if not -AMOUNT_LIMIT_MINOR <= payment.amount_minor <= AMOUNT_LIMIT_MINOR:
            return NotAllowed(
                "bad_amount", f"{field}: amount {payment.amount_minor}: expected up to {AMOUNT_LIMIT_MINOR}"
            )
        if tendered is not None and not payment.amount_minor <= tendered <= AMOUNT_LIMIT_MINOR:
            return NotAllowed(
                "tendered_too_little",
                f"{field}: tendered {tendered} for {payment.amount_minor}: expected at least as much; "
                "amount_minor is what the receipt keeps, the rest is change",
            )
    return None


def sum_fault(payments: tuple[Payment, ...], total_minor: int, field: str = "payments") -> NotAllowed | None:
    """Why these payments do not pay a total; no payments at all say nothing of how it was paid."""
    if not payments:
        return None
    paid = sum(payment.amount_minor for payment in payments)
    if paid == total_minor:
        return None
    return NotAllowed(
        "payments_differ",
        f"{field}: come to {paid}, and the total is {total_minor}; expected the same, in minor units",
    )


def refunds_fault(refunds: tuple[Payment, ...], total_minor: int) -> NotAllowed | None:
    """Why money cannot go back like this."""
    if (fault := payments_fault(refunds, "refunds")) is not None:
        return fault
    if any(refund.amount_minor < 0 or refund.tendered_minor is not None for refund in refunds):
        return NotAllowed("bad_amount", "refunds: expected amounts of 0 or more, and nothing tendered")
    return sum_fault(refunds, total_minor, "refunds")


def kept(payments: Iterable[Payment]) -> tuple[Payment, ...]:
    """The payments as they go into the journal: nothing is said of what was tendered where that was the amount itself."""
    return tuple(
        Payment(method=payment.method, amount_minor=payment.amount_minor)
        if payment.tendered_minor == payment.amount_minor
        else payment
        for payment in payments
    )


def tendered_minor(payments: Iterable[Payment]) -> int:
    """What was handed over where change was given; 0 where none was."""
    return sum(payment.tendered_minor for payment in payments if payment.tendered_minor is not None)


def change_minor(payments: Iterable[Payment]) -> int:
    """What was given back of it."""
    return sum(
        payment.tendered_minor - payment.amount_minor
        for payment in payments
        if payment.tendered_minor is not None
    )


def refunds_of_void(void: SaleVoided, sale_payments: tuple[Payment, ...]) -> tuple[Payment, ...]:
    """How the money of a voided sale went back: as told, else the way it had come."""
    return void.refunds or sale_payments


def refunds_of_return(returned: SaleReturned) -> tuple[Payment, ...]:
    """How the money of a return went back: as told, else in cash."""
    total_minor = sum(line.amount_minor for line in returned.lines)
    return returned.refunds or (Payment(method=CASH, amount_minor=total_minor),)
