"""The three-way match: invoice against order against receipts, within tolerances. Pure.

All documents of one reference (an order, or a despatch without one) are set against it together, in the order of their dates, so that it
makes no difference which was heard of first. What was received is given to the earlier invoice first; credit notes free it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from central.discrepancies.limits import DEFAULTS, Limits
from central.invoices.documents import Invoice

ZERO = Decimal(0)


class Fault(StrEnum):
    """What does not match; also the likely cause in one word."""

    BEYOND_RECEIVED = "invoiced_beyond_received"
    PRICE_DIFFERS = "price_differs"
    NEVER_ORDERED = "never_ordered"
    INVOICED_TWICE = "invoiced_twice"


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice is held against, by product. ``agreed_minor`` has no row where no price was agreed on; ``coming`` is still to arrive.

    ``is_known`` is False where the documents name neither an order nor a despatch that is there.
    """

    is_known: bool = True
    ordered: Mapping[str, Decimal] = {}
    received: Mapping[str, Decimal] = {}
    coming: Mapping[str, Decimal] = {}
    agreed_minor: Mapping[str, Decimal] = {}


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """A product of an invoice that does not match: the ``quantity`` in question, and by how much its price is wrong or what it costs."""

    invoice_id: str
    gtin: str
    fault: Fault
    quantity: Decimal
    price_minor: Decimal
    charged: Decimal
    charged_price_minor: Decimal
    before: Decimal = ZERO
    received: Decimal = ZERO
    ordered: Decimal = ZERO
    agreed_minor: Decimal | None = None
    other_invoice: str | None = None

    @property
    def value_minor(self) -> int:
        """What is charged too much; below zero: too little."""
        return int((self.quantity * self.price_minor).to_integral_value())

    @property
    def cause_key(self) -> str:
        """What makes it one case."""
        return f"{self.invoice_id}/{self.fault}/{self.gtin}"


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each invoice: its mismatches, and whether it waits for goods that are still to come."""

    mismatches: Mapping[str, Sequence[Mismatch]]
    waiting: frozenset[str]


class _Charge(msgspec.Struct, frozen=True):
    quantity: Decimal
    price_minor: Decimal


def match(
    documents: Sequence[Invoice], reference: Reference, now: datetime, limits: Limits = DEFAULTS
) -> Matched:
    """Set the documents of one reference against it. Cancelled ones are left out by the caller."""
    invoices = sorted(
        (one for one in documents if not one.is_credit_note), key=lambda one: (one.issued_at, one.invoice_id)
    )
    found: dict[str, list[Mismatch]] = {}
    waiting: set[str] = set()
    before: dict[str, Decimal] = {}
    charges: dict[str, dict[str, _Charge]] = {}
    for invoice in invoices:
        charges[invoice.invoice_id] = _charges(
            invoice, [one for one in documents if one.billing_reference == invoice.invoice_id]
        )
        found[invoice.invoice_id] = []
        for gtin, charge in charges[invoice.invoice_id].items():
            earlier = before.get(gtin, ZERO)
            before[gtin] = earlier + charge.quantity
            if charge.quantity <= 0:
                continue
            mismatch, waits = _quantity(invoice, gtin, charge, earlier, reference, now, limits)
            if mismatch is not None:
                found[invoice.invoice_id].append(_twice(mismatch, invoice, charges))
            if waits:
                waiting.add(invoice.invoice_id)
            price = _price(invoice, gtin, charge, reference, limits)
            if price is not None:
                found[invoice.invoice_id].append(price)
    return Matched(mismatches=found, waiting=frozenset(waiting))


def _charges(invoice: Invoice, notes: Sequence[Invoice]) -> dict[str, _Charge]:
    """What an invoice charges by product, credit notes taken off.

    A credit at the charged price (to a hundredth) takes a quantity back; one at another takes that much off the price of what it names.
    """
    quantities: dict[str, Decimal] = {}
    amounts: dict[str, Decimal] = {}
    for line in invoice.lines:
        quantities[line.gtin] = quantities.get(line.gtin, ZERO) + line.quantity
        amounts[line.gtin] = amounts.get(line.gtin, ZERO) + line.quantity * line.price_minor
    prices = {gtin: amounts[gtin] / quantity if quantity else ZERO for gtin, quantity in quantities.items()}
    left = dict(quantities)
    for line in (line for note in notes for line in note.lines if line.gtin in quantities):
        if abs(line.price_minor - prices[line.gtin]) * 100 <= prices[line.gtin]:
            left[line.gtin] -= line.quantity
        elif quantities[line.gtin]:
            prices[line.gtin] -= line.quantity * line.price_minor / quantities[line.gtin]
    return {gtin: _Charge(left[gtin], prices[gtin]) for gtin in quantities}


def _quantity(
    invoice: Invoice,
    gtin: str,
    charge: _Charge,
    before: Decimal,
    reference: Reference,
    now: datetime,
    limits: Limits,
) -> tuple[Mismatch | None, bool]:
    """What is charged beyond what has come, and whether it may wait."""
    received, ordered = reference.received.get(gtin, ZERO), reference.ordered.get(gtin, ZERO)
    if not reference.is_known or (ordered <= 0 and received <= 0):
        return _mismatch(
            invoice, gtin, Fault.NEVER_ORDERED, charge, charge.quantity, before, reference
        ), False
    beyond = min(before + charge.quantity - received, charge.quantity)
    if beyond <= 0:
        return None, False
    may_wait = now - invoice.issued_at < limits.invoice_wait
    coming = reference.coming.get(gtin, ZERO) if may_wait else ZERO
    # Goods to come are for the earlier invoices first.
    coming = max(min(received + coming - before, charge.quantity) - (charge.quantity - beyond), ZERO)
    excess = beyond - coming
    if excess <= 0:
        return None, True
    return _mismatch(invoice, gtin, Fault.BEYOND_RECEIVED, charge, excess, before, reference), coming > 0


def _price(
    invoice: Invoice, gtin: str, charge: _Charge, reference: Reference, limits: Limits
) -> Mismatch | None:
    agreed = reference.agreed_minor.get(gtin)
    if agreed is None:
        return None
    difference = charge.price_minor - agreed
    if abs(difference) * 10_000 <= agreed * limits.invoice_tolerance_bp:
        return None
    wrong = _mismatch(invoice, gtin, Fault.PRICE_DIFFERS, charge, charge.quantity, ZERO, reference)
    return msgspec.structs.replace(wrong, price_minor=difference)


def _twice(mismatch: Mismatch, invoice: Invoice, charges: Mapping[str, Mapping[str, _Charge]]) -> Mismatch:
    """The same charge stands on an earlier invoice already."""
    if mismatch.fault is not Fault.BEYOND_RECEIVED or mismatch.quantity != mismatch.charged:
        return mismatch
    own = charges[invoice.invoice_id][mismatch.gtin]
    earlier = next(
        (
            name
            for name, lines in charges.items()
            if name != invoice.invoice_id and lines.get(mismatch.gtin) == own
        ),
        None,
    )
    if earlier is None:
        return mismatch
    return msgspec.structs.replace(mismatch, fault=Fault.INVOICED_TWICE, other_invoice=earlier)


def _mismatch(
    invoice: Invoice,
    gtin: str,
    fault: Fault,
    charge: _Charge,
    quantity: Decimal,
    before: Decimal,
    reference: Reference,
) -> Mismatch:
    return Mismatch(
        invoice_id=invoice.invoice_id,
        gtin=gtin,
        fault=fault,
        quantity=quantity,
        price_minor=charge.price_minor,
        charged=charge.quantity,
        charged_price_minor=charge.price_minor,
        before=before,
        received=reference.received.get(gtin, ZERO),
        ordered=reference.ordered.get(gtin, ZERO),
        agreed_minor=reference.agreed_minor.get(gtin),
    )
