"""What a discrepancy says, and how several facts make one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

EVIDENCE_LIMIT = 50
"""Facts kept with one discrepancy: the first ones. A thousandth repetition says nothing new."""


class DiscrepancyClass(StrEnum):
    """The classes: found as facts arrive, and by the clock. docs/discrepancies.md has one line for each."""

    # goods
    SOLD_BELOW_ZERO = "sold_below_zero"
    UNKNOWN_PRODUCT = "unknown_product"
    SHORT_RECEIPT = "short_receipt"
    OVER_RECEIPT = "over_receipt"
    IN_TRANSIT_TOO_LONG = "in_transit_too_long"
    PHANTOM_STOCK = "phantom_stock"
    STOCKTAKE_VARIANCE = "stocktake_variance"
    WRONG_ITEM_SCANNED = "wrong_item_scanned"
    COUNT_UNEXPECTED = "count_unexpected"
    DESPATCH_UNEXPECTED = "despatch_unexpected"
    # money
    PRICE_OUTSIDE_POLICY = "price_outside_policy"
    DISCOUNT_OUTSIDE_POLICY = "discount_outside_policy"
    CASH_DIFFERENCE = "cash_difference"
    PAYMENT_DIFFERENCE = "payment_difference"
    SHIFT_DIFFERS = "shift_differs"
    THREE_WAY_MATCH = "three_way_match"
    # items
    ITEM_SOLD_TWICE = "item_sold_twice"
    UNKNOWN_ITEM = "unknown_item"
    SOLD_WITHOUT_RECEIPT = "sold_without_receipt"
    ITEM_NOT_FOR_SALE = "item_not_for_sale"
    ITEM_OUTSIDE_TERRITORY = "item_outside_territory"
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    ITEM_CODE_COPIED = "item_code_copied"
    UNKNOWN_CODES_BURST = "unknown_codes_burst"
    REPEATED_CHECKS = "repeated_checks"
    CODES_AGAINST_QUANTITY = "codes_against_quantity"
    # sync
    FORK = "fork"
    REWIND = "rewind"
    PRUNED = "pruned"
    DAMAGED = "damaged"
    CLONE = "clone"
    CENTRAL_RESTORED = "central_restored"
    QUARANTINED = "quarantined"
    HELD = "held"
    CLOCK_STEP = "clock_step"
    AGENT_SILENT = "agent_silent"
    # ourselves
    BALANCE_DRIFT = "balance_drift"


ONE_HOME = frozenset(
    {
        DiscrepancyClass.ITEM_SOLD_TWICE,
        DiscrepancyClass.UNKNOWN_ITEM,
        DiscrepancyClass.SOLD_WITHOUT_RECEIPT,
        DiscrepancyClass.ITEM_NOT_FOR_SALE,
        DiscrepancyClass.ITEM_OUTSIDE_TERRITORY,
        DiscrepancyClass.IMPOSSIBLE_TRAVEL,
        DiscrepancyClass.ITEM_CODE_COPIED,
        DiscrepancyClass.REPEATED_CHECKS,
    }
)
"""Classes whose cause is one item, wherever it turns up: a third sale at a third site joins the case that is there."""


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """A contradiction, as it is raised.

    ``cause_key`` names its cause within class and site: facts with the same cause add evidence to one discrepancy.

    ``cause`` is the likely cause in one word, with its ``probability`` where that can be told; who raises it may leave both to
    :mod:`central.discrepancies.causes`. ``settlement`` is what settling it would book, see :mod:`central.discrepancies.settlements`.

    The value is ``value_minor`` of ``currency``; where none is given it is worked out from the price list for ``quantity`` of ``gtin``.
    Where it ``adds_up``, quantity and value of a new fact are added to what the discrepancy has; else they take its place.
    """

    site: str
    discrepancy_class: DiscrepancyClass
    cause_key: str
    likely_cause: str
    proposal: str
    evidence: tuple[dict[str, Any], ...]
    gtin: str | None = None
    item: str | None = None
    quantity: Decimal | None = None
    value_minor: int | None = None
    currency: str | None = None
    cause: str | None = None
    probability: float | None = None
    settlement: dict[str, Any] | None = None
    adds_up: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """(site, class, cause_key): what makes it one."""
        return self.site, self.discrepancy_class, self.cause_key


def merged(raised: Iterable[Discrepancy]) -> list[Discrepancy]:
    """One discrepancy a cause, in the order of their keys, with the evidence of all in the order of time."""
    together: dict[tuple[str, str, str], Discrepancy] = {}
    for one in raised:
        before = together.get(one.key)
        together[one.key] = one if before is None else _added(before, one)
    return [_with(together[key], together[key].evidence) for key in sorted(together)]


def _added(before: Discrepancy, one: Discrepancy) -> Discrepancy:
    if one.adds_up:
        one = msgspec.structs.replace(
            one,
            quantity=_sum(before.quantity, one.quantity),
            value_minor=_sum(before.value_minor, one.value_minor),
        )
    return _with(one, (*before.evidence, *one.evidence))


Number = TypeVar("Number", int, Decimal)


def _sum(one: Number | None, other: Number | None) -> Number | None:
    return one if other is None else other if one is None else one + other


def with_earlier(raised: Discrepancy, evidence: Iterable[dict[str, Any]]) -> Discrepancy:
    """``raised`` with the evidence that is kept of its cause already."""
    return _with(raised, (*evidence, *raised.evidence))


def _with(raised: Discrepancy, evidence: Iterable[dict[str, Any]]) -> Discrepancy:
    return msgspec.structs.replace(raised, evidence=tuple(in_order_of_time(evidence)[:EVIDENCE_LIMIT]))


def in_order_of_time(evidence: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Evidence by the time of its events, what has no time last, each fact once: of two accounts of one event the fuller one, else the
    later one."""
    fullest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for fact in evidence:
        event = (fact.get("journal"), fact.get("seq"))
        key = (
            event if None not in event else tuple(sorted((name, str(value)) for name, value in fact.items()))
        )
        if key not in fullest or len(fact) >= len(fullest[key]):
            fullest[key] = fact
    return sorted(
        fullest.values(), key=lambda fact: (not fact.get("event_time"), str(fact.get("event_time")))
    )
