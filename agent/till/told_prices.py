"""Prices and discounts of a sale that another till tells, held against the brand's limits.

A till that asks now is told to have a supervisor allow it. What it tells late (``sold_at``) has happened: it is recorded with a
warning, and central looks at it.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

import msgspec

from agent.documents import Refusal
from agent.till.asked import LineAsked, OverrideAsked, Priced, Warned, given
from agent.till.limits import PriceView, beyond
from agent.till.money import times
from agent.till.rules import AMOUNT_LIMIT_MINOR, of_one
from protocol.events import PriceOverridden, SaleLine
from protocol.feeds import TillLimits

_REASON_LIMIT = 200
_DISCOUNT = "discount"


class HeldAgainst(msgspec.Struct, frozen=True, kw_only=True):
    """The limits, and who is there to allow more (``authorised_by``)."""

    limits: TillLimits
    currency: str
    clerk: str | None
    authorised_by: str | None
    is_told_late: bool

    def price(
        self, number: int, asked: LineAsked, line: SaleLine, list_price_minor: int | None
    ) -> Priced | Refusal:
        """The line as it goes into the journal, or why somebody has to allow it first."""
        override = given(asked.override)
        if override is not None and (fault := _fault(override, line)) is not None:
            return Refusal(reason=f"line {number}: {fault}", line=number)
        gross = line.amount_minor + line.discount_minor
        view = PriceView(
            list_price_minor=list_price_minor,
            quantity=line.quantity,
            gross_minor=gross,
            discount_minor=line.discount_minor,
            is_overridden=override is not None,
        )
        why = beyond(view, self.limits)
        warnings: tuple[Warned, ...] = ()
        if why is not None and self.authorised_by is None:
            if not self.is_told_late:
                return Refusal(
                    reason=f"line {number}: {why}; a supervisor has to allow it: give their authorisation",
                    conflict=True,
                    key="needs_authorisation",
                    line=number,
                )
            warnings = (Warned(line=number, key="beyond_limits", message=why),)
        told = self._told(override, line, list_price_minor, is_allowed=why is not None)
        if told is None:
            return Priced(line=line, warnings=warnings)
        return Priced(
            line=msgspec.structs.replace(line, override_id=told.override_id),
            warnings=warnings,
            overrides=(told,),
        )

    def _told(
        self,
        override: OverrideAsked | None,
        line: SaleLine,
        list_price_minor: int | None,
        *,
        is_allowed: bool,
    ) -> PriceOverridden | None:
        """What is told of another price, or of a discount that was allowed beyond the limit; None where there is nothing to tell."""
        if override is not None:
            gross = line.amount_minor + line.discount_minor
            price = of_one(gross, line.quantity) if override.price_minor is None else override.price_minor
            reason = override.reason.strip()
        elif is_allowed and self.authorised_by is not None:
            price, reason = of_one(line.amount_minor, line.quantity), _DISCOUNT
        else:
            return None
        if price == list_price_minor and not is_allowed:
            return None
        return PriceOverridden(
            override_id=str(uuid.uuid4()),
            gtin=line.gtin,
            currency=self.currency,
            list_price_minor=list_price_minor,
            price_minor=price,
            reason=reason,
            clerk=self.clerk,
            authorised_by=self.authorised_by if is_allowed else None,
        )


def _fault(override: OverrideAsked, line: SaleLine) -> str | None:
    reason = override.reason.strip()
    if not 1 <= len(reason) <= _REASON_LIMIT or not reason.isprintable():
        return f"override: reason: expected 1 to {_REASON_LIMIT} characters that can be printed"
    if override.price_minor is None:
        return None
    if not 0 <= override.price_minor <= AMOUNT_LIMIT_MINOR:
        return f"override: price_minor {override.price_minor}: expected 0 to {AMOUNT_LIMIT_MINOR}"
    comes_to = times(override.price_minor, line.quantity or Decimal(0)) - line.discount_minor
    if comes_to != line.amount_minor:
        return (
            f"override: {line.quantity} at {override.price_minor} less {line.discount_minor} come to {comes_to}, "
            f"and amount_minor is {line.amount_minor}; expected the same, or one of the two"
        )
    return None
