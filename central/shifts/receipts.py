"""How a receipt was paid. Pure.

The rows of a receipt always add up to its amount, so that the payments of a day are what the day took. What the till did not say is kept
as ``unstated``. The money of a void went back the way it had come, unless the void says otherwise; while its sale is not known, it is
kept as ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from central.journals.facts import Fact
from protocol.events import Payment, Sale, SaleReturned, SaleVoided

CASH = "cash"
UNSTATED = "unstated"
UNKNOWN = "unknown"


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of what a receipt took, or below zero gave back. ``tendered_minor`` is what was handed over, where that was more."""

    fact: Fact
    line: int
    kind: str
    sale_id: str
    method: str
    amount_minor: int
    currency: str
    tendered_minor: int | None = None


Part = tuple[str, int, int | None]
"""(method, amount, tendered)"""


def sale_rows(fact: Fact, sale: Sale) -> list[PaymentRow]:
    """What a sale was paid with."""
    total = sum(line.amount_minor for line in sale.lines)
    return _rows(fact, "sale", sale.sale_id, sale.currency, _parts(sale.payments), total)


def return_rows(fact: Fact, returned: SaleReturned) -> list[PaymentRow]:
    """What went back for returned goods: as the return says, else in cash."""
    total = -sum(line.amount_minor for line in returned.lines)
    refunded = _parts(returned.refunds, -1) or [(CASH, total, None)]
    sale_id = returned.sale_id or returned.return_id
    return _rows(fact, "return", sale_id, returned.currency, refunded, total)


def void_rows(fact: Fact, void: SaleVoided, sale_paid: Iterable[Part] | None) -> list[PaymentRow]:
    """What went back for a void: as it says, else what the sale was paid with (``sale_paid``, None while the sale is not known)."""
    total = -sum(line.amount_minor for line in void.lines)
    if void.refunds:
        back = _parts(void.refunds, -1)
    elif sale_paid is None:
        back = [(UNKNOWN, total, None)]
    else:
        back = reversed_parts(sale_paid)
    return _rows(fact, "void", void.sale_id, void.currency, back, total)


def awaits_its_sale(rows: Iterable[PaymentRow]) -> bool:
    """Whether these rows of a void are to be put right when its sale arrives."""
    return any(row.method == UNKNOWN for row in rows)


def reversed_parts(paid: Iterable[Part]) -> list[Part]:
    """The same money back the same way."""
    return [(method, -amount, None) for method, amount, _ in paid]


def _parts(payments: Sequence[Payment], sign: int = 1) -> list[Part]:
    # A till that calls a method "unknown" has said as little as one that says nothing.
    return [
        (UNSTATED if one.method == UNKNOWN else one.method, sign * one.amount_minor, one.tendered_minor)
        for one in payments
    ]


def _rows(
    fact: Fact, kind: str, sale_id: str, currency: str, parts: Sequence[Part], total: int
) -> list[PaymentRow]:
    rest = total - sum(amount for _, amount, _ in parts)
    if rest or not parts:
        parts = [*parts, (UNSTATED, rest, None)]
    return [
        PaymentRow(
            fact=fact,
            line=number,
            kind=kind,
            sale_id=sale_id,
            method=method,
            amount_minor=amount,
            tendered_minor=tendered,
            currency=currency,
        )
        for number, (method, amount, tendered) in enumerate(parts)
    ]
