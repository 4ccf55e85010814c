"""What a scanned string turned out to be: one value, believed or refused."""

from __future__ import annotations

from typing import Literal

import msgspec

from protocol.errors import ProtocolError

Kind = Literal[
    "gtin",
    "sgtin",
    "sscc",
    "in_store",
    "drug_trace_code",
    "private",
    "member",
    "control",
    "payment_code",
    "element_string",
    "unknown",
]

Cause = Literal[
    "empty",
    "too_long",
    "non_ascii",
    "layout",
    "symbology",
    "check_digit",
    "all_zero",
    "separator_missing",
    "unknown_ai",
    "bad_value",
    "bad_date",
    "conflict",
    "signature",
    "payment_code",
    "not_recognised",
]


class Code(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One scan, recognised. Where `refusal` is set nothing else of the label is carried.

    gtin: always 14 digits (GS1 General Specifications 3.3.2), whatever the symbol held.
    sscc: 18 digits. expiry: ISO 8601 date. quantity, price, weight: exact decimals as text; weight in kg.
    attributes: every other element by its Application Identifier, as printed; the further query keys of a
    Digital Link; `item_reference`, `member`, `command`, `argument`, `add_on` where the kind has them.
    symbology: in words, only where the scanner said so.
    item: the canonical id of one single thing: "01…21…", "8006…21…", "00…", "drug:…" or "private:…".
    """

    kind: Kind
    gtin: str | None = None
    serial: str | None = None
    batch: str | None = None
    expiry: str | None = None
    quantity: str | None = None
    price: str | None = None
    weight: str | None = None
    sscc: str | None = None
    attributes: dict[str, str] = {}
    symbology: str | None = None
    item: str | None = None
    warnings: tuple[str, ...] = ()
    refusal: str | None = None
    refusal_cause: Cause | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing of a label may be believed. `words` never quote a serial or a whole code: they are logged."""

    cause: Cause
    words: str
    kind: Kind = "unknown"

    def as_code(self) -> Code:
        return Code(kind=self.kind, refusal=self.words, refusal_cause=self.cause)


class RulesError(ProtocolError):
    """A rule that cannot be applied; says which, what was expected, and what to do."""


class RenderError(ProtocolError):
    """An element that may not be printed; says which, and what was expected."""
