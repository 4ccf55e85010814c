"""How far a clerk may go alone with prices and discounts, and what goes beyond it. Pure.

Percentages are of the list price of the line, in hundredths of a percent. Without a list price, or without limits from the
brand, nothing is held against anything here; central looks at the sale all the same.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.till.money import times
from protocol.feeds import TillLimits

WHOLE_BP = 10_000


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """A line as limits see it: ``gross_minor`` is its amount before the discount. ``is_overridden``: a person set it, not a label."""

    list_price_minor: int | None
    quantity: Decimal
    gross_minor: int
    discount_minor: int
    is_overridden: bool = False

    @property
    def list_minor(self) -> int | None:
        """What the line costs by the list."""
        return None if self.list_price_minor is None else times(self.list_price_minor, self.quantity)

    @property
    def deviation_minor(self) -> int:
        """How far a person has moved the price from the list's, up or down."""
        if not self.is_overridden or self.list_minor is None:
            return 0
        return abs(self.gross_minor - self.list_minor)

    @property
    def base_minor(self) -> int:
        """What a discount is a part of: the list's amount where a person set the price, else what the label says."""
        return self.list_minor if self.is_overridden and self.list_minor is not None else self.gross_minor


def beyond(view: PriceView, limits: TillLimits, authorised: PriceView | None = None) -> str | None:
    """What goes beyond the limits, in words; None where a clerk may do it alone.

    ``authorised`` is the line as a supervisor has let it be: no further than that is no further.
    """
    further_off = authorised is None or _moved(view) > _moved(authorised)
    cheaper = authorised is None or _taken_off(view) > _taken_off(authorised)
    if further_off:
        if view.deviation_minor and not limits.override:
            return "prices are not overridden here without a supervisor"
        if _exceeds(view.deviation_minor, limits.override_limit_bp, view.list_minor or 0):
            return f"the price is more than {_percent(limits.override_limit_bp)} from the list's"
    if cheaper and _exceeds(view.discount_minor, limits.discount_limit_bp, view.base_minor):
        return f"the discount is more than {_percent(limits.discount_limit_bp)}"
    return None


def _moved(view: PriceView) -> Decimal:
    return _share(view.deviation_minor, view.list_minor)


def _taken_off(view: PriceView) -> Decimal:
    return _share(view.discount_minor, view.base_minor)


def _exceeds(part_minor: int, limit_bp: int | None, of_minor: int) -> bool:
    return limit_bp is not None and part_minor * WHOLE_BP > limit_bp * of_minor


def _share(part_minor: int, of_minor: int | None) -> Decimal:
    if not part_minor:
        return Decimal(0)
    return Decimal("Infinity") if not of_minor else Decimal(part_minor) / of_minor


def _percent(limit_bp: int | None) -> str:
    return f"{Decimal(limit_bp or 0) / 100:f}%"
