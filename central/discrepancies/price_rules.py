"""A receipt line against the price list valid at its time and the limits of its till. Pure.

A line is held against the list only where the brand has set a tolerance, its discount only where there is a limit. A minor unit of rounding is
always allowed. A price that a person set (``override_id``) may be as far from the list as the limit says, further if somebody allowed it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from central.discrepancies.rules import DiscrepancyClass
from protocol.events import SaleLine

ROUNDING_MINOR = 1
BP = 10_000

Prices = Sequence[tuple[datetime, int]]
"""The prices of a product in a list, each with the moment from which it is valid, oldest first."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds at a site. None: not judged (tolerance), no limit (the others)."""

    price_list: str
    currency: str
    price_tolerance_bp: int | None = None
    discount_limit_bp: int | None = None
    override_limit_bp: int | None = None
    override: bool = True

    @property
    def judges(self) -> bool:
        """Whether anything is held against anything here."""
        return self.price_tolerance_bp is not None or self.discount_limit_bp is not None


class Override(msgspec.Struct, frozen=True):
    """A price that a person set, and who allowed it."""

    price_minor: int
    authorised_by: str | None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What is outside the policy. ``off_minor`` is how much the line is off; ``charged`` what a unit cost, or how much was taken off, in words
    that are the same for the same cause."""

    discrepancy_class: DiscrepancyClass
    cause: str
    off_minor: int
    charged: str
    list_price_minor: int | None = None


def price_at(prices: Prices, at: datetime) -> int | None:
    """The price that was valid at a moment; None before the first."""
    place = bisect_right(prices, at, key=lambda one: one[0])
    return prices[place - 1][1] if place else None


def is_plain(line: SaleLine, price_minor: int | None) -> bool:
    """Whether a line costs just what the list says, and nothing was taken off: as most do."""
    if line.discount_minor or price_minor is None:
        return False
    quantity = line.quantity
    if quantity == 1:
        return line.amount_minor == price_minor
    return -ROUNDING_MINOR <= line.amount_minor - price_minor * quantity <= ROUNDING_MINOR


def judge(
    line: SaleLine, prices: Prices, at: datetime, policy: Policy, override: Override | None = None
) -> list[Finding]:
    """What of a line is outside the policy. ``override`` is the one that the line names, None also where it was never heard of."""
    if line.quantity <= 0:
        return []
    found = []
    listed = price_at(prices, at)
    if policy.price_tolerance_bp is not None and listed is not None:
        price = _price(line, prices, at, listed, policy, override)
        if price is not None:
            found.append(price)
    discount = _discount(line, policy, override)
    if discount is not None:
        found.append(discount)
    return found


def _price(
    line: SaleLine, prices: Prices, at: datetime, listed: int, policy: Policy, override: Override | None
) -> Finding | None:
    gross = line.amount_minor + line.discount_minor
    expected = listed * line.quantity
    off = gross - expected
    assert policy.price_tolerance_bp is not None
    if abs(off) <= ROUNDING_MINOR or abs(off) * BP <= expected * policy.price_tolerance_bp:
        return None
    cause = _cause(line, gross, prices, at, listed, policy, override)
    if cause is None:
        return None
    return Finding(
        discrepancy_class=DiscrepancyClass.PRICE_OUTSIDE_POLICY,
        cause=cause,
        off_minor=int(off.to_integral_value()),
        charged=_unit_price(gross, line.quantity, listed),
        list_price_minor=listed,
    )


def _cause(
    line: SaleLine,
    gross: int,
    prices: Prices,
    at: datetime,
    listed: int,
    policy: Policy,
    override: Override | None,
) -> str | None:
    """Why a price is another than the list's, in one word; None where the policy allows it."""
    if line.override_id is not None:
        if override is None or not _is(gross, override.price_minor, line.quantity):
            return "override_without_reason"
        limit = policy.override_limit_bp
        apart = abs(override.price_minor - listed) * BP
        beyond = not policy.override or (limit is not None and apart > listed * limit)
        return "override_beyond_limit" if beyond and override.authorised_by is None else None
    earlier = {price for since, price in prices if since <= at} - {listed}
    if any(_is(gross, price, line.quantity) for price in earlier):
        return "price_not_heard"
    return "override_without_reason"


def _discount(line: SaleLine, policy: Policy, override: Override | None) -> Finding | None:
    if override is not None and override.authorised_by is not None:
        return None  # a till asks for somebody who may for a discount beyond the limit too, and tells it the same way
    limit = policy.discount_limit_bp
    gross = line.amount_minor + line.discount_minor
    if limit is None or line.discount_minor <= ROUNDING_MINOR or gross <= 0:
        return None
    allowed = gross * limit / Decimal(BP)
    if line.discount_minor <= allowed + ROUNDING_MINOR:
        return None
    return Finding(
        discrepancy_class=DiscrepancyClass.DISCOUNT_OUTSIDE_POLICY,
        cause="discount_beyond_limit",
        off_minor=line.discount_minor - int(allowed),
        charged=f"{line.discount_minor * 100 // gross}%",
    )


def _is(gross: int, price_minor: int, quantity: Decimal) -> bool:
    return abs(gross - price_minor * quantity) <= ROUNDING_MINOR


def _unit_price(gross: int, quantity: Decimal, listed: int) -> str:
    """What a unit cost: to the minor unit where whole units were sold, else to a hundredth of the list price, for rounding is larger there."""
    if quantity == quantity.to_integral_value():
        return str(round(gross / quantity))
    return f"~{round(gross * 100 / (quantity * listed))}%" if listed else "~"
