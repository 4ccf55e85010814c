"""Sales, voids and returns that the books can hold. Pure."""

from __future__ import annotations

from central.intake.bookable.values import (
    AMOUNT_LIMIT_MINOR,
    fault_of_currency,
    fault_of_id,
    fault_of_item,
    fault_of_product,
    first,
)
from protocol.events import Sale, SaleLine, SaleReturned, SaleVoided


def fault_of_sale(body: Sale | SaleVoided) -> str | None:
    """Of a sale or its void."""
    return fault_of_id("sale_id", body.sale_id) or _fault_of_receipt(body)


def fault_of_return(body: SaleReturned) -> str | None:
    """Of a return."""
    if body.disposition not in ("restock", "quarantine"):
        return f"disposition {body.disposition[:40]!r}: expected restock or quarantine"
    return (
        fault_of_id("return_id", body.return_id)
        or fault_of_id("sale_id", body.sale_id)
        or _fault_of_receipt(body)
    )


def _fault_of_receipt(body: Sale | SaleVoided | SaleReturned) -> str | None:
    return (
        fault_of_currency(body.currency)
        or fault_of_id("receipt", body.receipt)
        or first(_fault_of_line(number, line) for number, line in enumerate(body.lines))
    )


def _fault_of_line(number: int, line: SaleLine) -> str | None:
    if abs(line.amount_minor) > AMOUNT_LIMIT_MINOR or abs(line.discount_minor) > AMOUNT_LIMIT_MINOR:
        return f"line {number}: amount {line.amount_minor}, discount {line.discount_minor}: expected up to {AMOUNT_LIMIT_MINOR}"
    if line.override_id is not None and (fault := fault_of_id("override_id", line.override_id)):
        return f"line {number}: {fault}"
    return fault_of_product(number, line.gtin, line.quantity) or fault_of_item(number, line.item)
