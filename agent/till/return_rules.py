"""What of a receipt can still come back, and what was paid for it. Pure.

A coded item comes back once. Of goods without codes, no more comes back of a receipt than was sold on it; several returns
of one line refund exactly what was paid for it, to the last minor unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from agent.till.money import times
from protocol.events import Sale, SaleLine


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What came back of a sale on one line of an earlier return, whose number is ``receipt``."""

    gtin: str
    quantity: Decimal
    amount_minor: int
    receipt: str
    item: str | None = None


class NotReturnable(msgspec.Struct, frozen=True):
    """Why a line cannot come back (``line`` counts from 1)."""

    key: str
    reason: str
    line: int


def paid_for(
    sale: Sale, gtin: str, item: str | None, quantity: Decimal, before: Decimal = Decimal(0)
) -> int | None:
    """What was paid for this part of a receipt, its discount taken off; None if it is not on it, or no longer.

    ``before`` is how much of a product has come back already.
    """
    if item is not None:
        return next((line.amount_minor for line in sale.lines if line.item == item), None)
    plain = [line for line in sale.lines if line.gtin == gtin and line.item is None]
    sold = sum((line.quantity for line in plain), Decimal(0))
    if not 0 < quantity <= sold - before:
        return None
    amount = sum(line.amount_minor for line in plain)
    return _share(amount, before + quantity, sold) - _share(amount, before, sold)


def _share(amount_minor: int, quantity: Decimal, of: Decimal) -> int:
    return times(amount_minor, quantity / of)


def returned_of(returned: Iterable[Returned], gtin: str) -> Decimal:
    """How much of a product without codes has come back."""
    return sum((line.quantity for line in returned if line.gtin == gtin and line.item is None), Decimal(0))


def fault(
    sale: Sale, returned: Sequence[Returned], lines: Sequence[tuple[int, SaleLine]]
) -> NotReturnable | None:
    """The first of these lines that cannot come back of this sale; each with its number."""
    now: dict[str, Decimal] = {}
    for number, line in lines:
        if line.item is not None:
            earlier = next((one for one in returned if one.item == line.item), None)
            if earlier is not None:
                reason = f"this item has come back already, with {earlier.receipt}"
                return NotReturnable("returned_already", f"line {number}: {reason}", number)
            if all(sold.item != line.item for sold in sale.lines):
                return NotReturnable(
                    "not_on_receipt", f"line {number}: this item is not on receipt {sale.receipt}", number
                )
            continue
        sold = sum(
            (one.quantity for one in sale.lines if one.gtin == line.gtin and one.item is None), Decimal(0)
        )
        before = returned_of(returned, line.gtin)
        now[line.gtin] = now.get(line.gtin, Decimal(0)) + line.quantity
        if sold == 0:
            reason = f"{line.gtin} is not on receipt {sale.receipt}"
            return NotReturnable("not_on_receipt", f"line {number}: {reason}", number)
        if before + now[line.gtin] > sold:
            back = f"{before} of {sold} have come back already" if before else f"{sold} were sold"
            reason = f"{now[line.gtin]} of {line.gtin} on receipt {sale.receipt}: {back}"
            return NotReturnable("returned_already", f"line {number}: {reason}", number)
    return None
