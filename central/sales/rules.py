"""The receipt lines of an event. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from central.journals.facts import Fact
from protocol.events import Sale, SaleReturned, SaleVoided


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a sale, a void or a return.

    Quantity and amounts are signed: those of a void or a return are turned round, so that a plain sum is what remains sold.
    ``sale_id`` of a return without a known sale is the return's own id.
    """

    fact: Fact
    line: int
    kind: str
    sale_id: str
    receipt: str
    gtin: str
    quantity: Decimal
    amount_minor: int
    discount_minor: int
    currency: str
    item: str | None
    provisional: bool
    override_id: str | None = None


def receipt_lines(fact: Fact) -> list[ReceiptLine]:
    """The lines of a sale, a void or a return; none for any other event."""
    match fact.body:
        case Sale(sale_id=sale_id):
            kind, sign = "sale", 1
        case SaleVoided(sale_id=sale_id):
            kind, sign = "void", -1
        case SaleReturned(sale_id=known, return_id=return_id):
            kind, sign, sale_id = "return", -1, known or return_id
        case _:
            return []
    body = fact.body
    return [
        ReceiptLine(
            fact=fact,
            line=number,
            kind=kind,
            sale_id=sale_id,
            receipt=body.receipt,
            gtin=line.gtin,
            quantity=sign * line.quantity,
            amount_minor=sign * line.amount_minor,
            discount_minor=sign * line.discount_minor,
            currency=body.currency,
            item=line.item,
            provisional=line.provisional,
            override_id=line.override_id,
        )
        for number, line in enumerate(body.lines)
    ]
