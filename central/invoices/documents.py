"""An invoice or a credit note, as its supplier wrote it (UBL 2.1 Invoice, CreditNote). Values."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

INVOICE = "380"
CREDIT_NOTE = "381"
"""UNCL1001, the document types of UBL."""


class InvoiceState(StrEnum):
    """Where an invoice is: it waits for goods, agrees, is in dispute, or has been ended by a person."""

    OPEN = "open"
    MATCHED = "matched"
    DISPUTED = "disputed"
    PAID = "paid"
    CANCELLED = "cancelled"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What was charged for a product: ``quantity`` at ``price_minor`` for one unit."""

    line: int
    gtin: str
    quantity: Decimal
    price_minor: Decimal
    order_line: int | None = None


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """A document of ``site``, the buyer. ``invoice_id`` is the supplier's own number; a credit note names the invoice it takes back from."""

    site: str
    invoice_id: str
    currency: str
    issued_at: datetime
    lines: tuple[Line, ...]
    type_code: str = INVOICE
    from_site: str | None = None
    order_id: str | None = None
    despatch_id: str | None = None
    billing_reference: str | None = None

    @property
    def is_credit_note(self) -> bool:
        """Whether it gives back instead of charging."""
        return self.type_code == CREDIT_NOTE

    def body_hash(self) -> bytes:
        """The identity of the content: the same document sent twice has the same (SHA-256)."""
        plain = msgspec.structs.replace(
            self,
            lines=tuple(
                msgspec.structs.replace(
                    line, quantity=line.quantity.normalize(), price_minor=line.price_minor.normalize()
                )
                for line in sorted(self.lines, key=lambda line: line.line)
            ),
        )
        return hashlib.sha256(msgspec.msgpack.encode(plain, order="deterministic")).digest()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it stands here."""

    invoice: Invoice
    state: InvoiceState
    body_hash: bytes
    recorded_at: datetime
    actor: str
