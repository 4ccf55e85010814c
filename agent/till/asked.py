"""What an existing till, or the page, asks for: sales, returns, voids. Requests as values, and their lines resolved.

A till that posts a sale tells what has happened. So a line is refused only where it cannot be understood; what is merely odd
(a product that nobody knows, an item that was sold before) is recorded and comes back as a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from agent.documents import Refusal
from agent.till.catalogue import Catalogue, ProductView
from agent.till.money import times
from agent.till.rules import AMOUNT_LIMIT_MINOR, LINES_LIMIT, NotAllowed, quantity_fault
from agent.verification.reader import Reader
from agent.verification.rules import is_counted_by_item
from agent.verification.service import Judged, Verification
from protocol.codes import Code, parse_typed
from protocol.events import Payment, PriceOverridden, SaleLine
from protocol.feeds import Product
from protocol.verdicts import Act

T = TypeVar("T")
DISPOSITIONS = ("restock", "quarantine")


class OverrideAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a person gave a line another price than the list's, and why. Without ``price_minor`` (of one unit) the line's amount tells it."""

    reason: str
    price_minor: int | None = None


# A field that older requests lack stands as UNSET, so that the same request again has the same digest over an update.
class LineAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: exactly one of ``code``, ``gtin`` and ``item`` says what. Without an amount, the price here counts."""

    code: str | None = None
    gtin: str | None = None
    item: str | None = None
    quantity: Decimal = Decimal(1)
    amount_minor: int | None = None
    discount_minor: int = 0
    override: OverrideAsked | UnsetType | None = UNSET


class SaleAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/sales``. ``sold_at`` is ISO 8601 with an offset, for a sale that happened before it is told.

    ``authorisation`` is a supervisor's PIN or the content of their card, where prices or discounts go beyond the limits. It is kept nowhere.
    """

    lines: tuple[LineAsked, ...]
    sale_id: str | None = None
    payments: tuple[Payment, ...] = ()
    sold_at: str | None = None
    currency: str | None = None
    reference: str | None = None
    member: str | None = None
    clerk: str | None = None
    authorisation: str | UnsetType | None = UNSET


class CompleteAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/basket/complete``: the basket on the counter is sold."""

    sale_id: str | None = None
    payments: tuple[Payment, ...] = ()
    sold_at: str | None = None
    reference: str | None = None
    member: str | None = None
    clerk: str | None = None


class ReturnAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/returns``; the amounts are what is refunded. Without ``lines``, the return on the counter is completed.

    ``refunds`` say how the money goes back; without them, in cash.
    """

    lines: tuple[LineAsked, ...] = ()
    return_id: str | None = None
    disposition: str = "restock"
    sale_id: str | None = None
    returned_at: str | None = None
    reason: str | None = None
    clerk: str | None = None
    refunds: tuple[Payment, ...] | UnsetType = UNSET


class VoidAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/sales/{sale_id}/void``. ``voided_at`` is ISO 8601 with an offset, for a void that is told late.

    ``refunds`` say how the money goes back; without them, the way it came.
    """

    reason: str
    voided_at: str | None = None
    clerk: str | None = None
    refunds: tuple[Payment, ...] = ()


class ItemVoidAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/voids``: the sale that this item is on, as a whole."""

    code: str
    reason: str
    voided_at: str | None = None
    clerk: str | None = None
    refunds: tuple[Payment, ...] = ()


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """Something odd about a line (counted from 1) that was recorded all the same."""

    line: int
    key: str
    message: str


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The lines as they go into the journal, and what is told there of prices that a person changed."""

    lines: tuple[SaleLine, ...]
    warnings: tuple[Warned, ...]
    overrides: tuple[PriceOverridden, ...] = ()


def given(value: T | UnsetType | None) -> T | None:
    """A field that may be missing; None where it is."""
    return None if isinstance(value, UnsetType) else value


def refusal(fault: NotAllowed | None) -> Refusal | None:
    """What a rule forbids, as the answer to a document."""
    return None if fault is None else Refusal(reason=fault.reason, key=fault.key, line=fault.line)


def digest_source(asked: msgspec.Struct) -> bytes:
    """The same bytes for the same request, however its JSON was written."""
    return msgspec.json.encode(asked, order="deterministic")


def moment_us(text: str | None, field: str) -> int | Refusal | None:
    """An ISO 8601 time with an offset as UTC microseconds; None for None."""
    if text is None:
        return None
    expected = "expected ISO 8601 with an offset, such as 2025-03-01T09:30:00+08:00"
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return Refusal(reason=f"{field} {text!r}: {expected}")
    if when.tzinfo is None:
        return Refusal(reason=f"{field} {text!r}: has no offset; {expected}")
    return int(when.timestamp() * 1_000_000)


Paid = Callable[[str, str | None, Decimal], int | None]
"""What was paid for a product or item (GTIN, item, quantity) that is brought back; None where that is not known."""


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A sale's line held against the limits."""

    line: SaleLine
    warnings: tuple[Warned, ...] = ()
    overrides: tuple[PriceOverridden, ...] = ()


class Held(Protocol):
    """What the prices of a sale are held against; see :mod:`agent.till.told_prices`."""

    def price(
        self, number: int, asked: LineAsked, line: SaleLine, list_price_minor: int | None
    ) -> Priced | Refusal:
        """The line (counted from 1) as it goes into the journal, or why somebody has to allow it first."""


class Resolver:
    """Resolves the lines of a request against the catalogue and what is known of items. Asks nobody: it never waits."""

    def __init__(self, *, catalogue: Catalogue, verification: Verification, reader: Reader) -> None:
        self._catalogue = catalogue
        self._verification = verification
        self._reader = reader

    def lines(
        self, asked: tuple[LineAsked, ...], *, held: Held | None = None, paid: Paid | None = None
    ) -> Resolved | Refusal:
        """Every line, or the first that cannot be understood. ``held`` is what a sale's prices are held against.

        Without it, it is a return: a sold item is no warning, and a line without an amount costs what was ``paid``, else the price here.
        """
        if not 0 < len(asked) <= LINES_LIMIT:
            return Refusal(reason=f"{len(asked)} lines: expected 1 to {LINES_LIMIT}")
        lines: list[SaleLine] = []
        warnings: list[Warned] = []
        overrides: list[PriceOverridden] = []
        for number, entry in enumerate(asked, 1):
            code = self._code(entry)
            resolved = (
                code
                if isinstance(code, str)
                else self._line(number, entry, code, warnings, None if held else paid or _nothing_paid)
            )
            if isinstance(resolved, str):
                return Refusal(reason=f"line {number}: {resolved}", line=number)
            if held is not None:
                priced = held.price(number, entry, resolved, self._catalogue.price_minor(resolved.gtin))
                if isinstance(priced, Refusal):
                    return priced
                resolved = priced.line
                warnings.extend(priced.warnings)
                overrides.extend(priced.overrides)
            if resolved.item is not None and any(resolved.item == line.item for line in lines):
                return Refusal(
                    reason=f"line {number}: this item stands on two lines; an item is one piece", line=number
                )
            lines.append(resolved)
        return Resolved(lines=tuple(lines), warnings=tuple(warnings), overrides=tuple(overrides))

    def _code(self, entry: LineAsked) -> Code | str:
        """What the line is about, or what is wrong with it."""
        if sum(value is not None for value in (entry.code, entry.gtin, entry.item)) != 1:
            return "expected exactly one of code, gtin and item"
        if entry.item is not None:
            is_sgtin = (
                entry.item.startswith("01") and entry.item[16:18] == "21" and entry.item[2:16].isdigit()
            )
            return Code(
                kind="sgtin" if is_sgtin else "private",
                gtin=entry.item[2:16] if is_sgtin else None,
                item=entry.item,
            )
        code = self._reader.read(parse_typed(entry.code or entry.gtin or ""))
        if code.refusal is not None:
            return f"{'code' if entry.code else 'gtin'}: {code.refusal}"
        if entry.gtin is not None and code.kind not in {"gtin", "in_store"}:
            return f"gtin: a {code.kind}; expected 8, 12, 13 or 14 digits"
        return code

    def _line(
        self, number: int, entry: LineAsked, code: Code, warnings: list[Warned], paid: Paid | None
    ) -> SaleLine | str:
        """``paid`` is None for a sale."""
        judged = self._verification.confirmed(code)
        gtin = judged.gtin
        if gtin is None:
            return "this code names no product known here; give the gtin"
        if (fault := quantity_fault(entry.quantity)) is not None:
            return fault.reason
        product = self._catalogue.product(gtin)
        known = (
            None if product is None else Product(gtin=gtin, name=product.name, serialised=product.serialised)
        )
        by_item = code.item is not None and is_counted_by_item(judged.finding, known)
        if by_item and entry.quantity != 1:
            return f"quantity {entry.quantity} of one item; expected 1"
        amount = _amount(entry, gtin, code.item if by_item else None, product, paid)
        if isinstance(amount, str):
            return amount
        if not 0 <= amount <= AMOUNT_LIMIT_MINOR or entry.discount_minor < 0:
            return (
                f"amount {amount}, discount {entry.discount_minor}: expected neither below 0, in minor units"
            )
        if product is None:
            warnings.append(
                Warned(line=number, key="not_in_catalogue", message=f"{gtin} is not in the catalogue")
            )
        if paid is None:
            warnings.extend(_doubts(number, judged))
        finding = judged.finding if by_item else None
        return SaleLine(
            gtin=gtin,
            quantity=entry.quantity,
            amount_minor=amount,
            discount_minor=entry.discount_minor,
            item=code.item if by_item else None,
            verdict=None if finding is None else finding.verdict.value,
            provisional=finding is not None and not finding.certain,
        )


def _amount(
    entry: LineAsked, gtin: str, item: str | None, product: ProductView | None, paid: Paid | None
) -> int | str:
    """What the line costs: as told, else what was paid for it, else by the price that a person gave or the list's; or what is wrong."""
    override = given(entry.override)
    if override is not None and paid is not None:
        return "override: belongs to a sale; a return refunds amount_minor"
    amount = entry.amount_minor
    if amount is None and paid is not None:
        amount = paid(gtin, item, entry.quantity)
    if amount is not None:
        return amount
    price = None if product is None else product.price_minor
    if override is not None and override.price_minor is not None:
        price = override.price_minor
    if price is None:
        return f"no price is known for {gtin}; give amount_minor"
    return times(price, entry.quantity) - entry.discount_minor


def _nothing_paid(gtin: str, item: str | None, quantity: Decimal) -> int | None:  # noqa: ARG001 - the shape is given
    return None


def _doubts(number: int, judged: Judged) -> list[Warned]:
    finding = judged.finding
    if finding is None or finding.act is Act.ACCEPT:
        return []
    return [Warned(line=number, key=finding.verdict.value, message=finding.reason)]
