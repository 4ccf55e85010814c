"""Costs as people write them, and which one holds at a moment. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec

from central.imports.rules import Columns, Fields, Wrong
from central.prices.rules import CURRENCY, decimals_of, parse_moment

COLUMNS = Columns(required=("gtin", "cost", "currency"), optional=("valid_from",))
COST_LIMIT_MINOR = Decimal(10) ** 12
COST_PLACES = 6
"""Decimals: weighed goods and screws cost fractions of a cent."""


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of a product costs, in minor units, from a moment on."""

    gtin: str
    currency: str
    valid_from: datetime
    cost_minor: Decimal


class CostList:
    """Costs by product and currency, to be asked for moments."""

    def __init__(self, rows: Iterable[CostRow] = ()) -> None:
        self._costs: dict[tuple[str, str], tuple[list[datetime], list[Decimal]]] = {}
        for row in sorted(rows, key=lambda row: row.valid_from):
            moments, costs = self._costs.setdefault((row.gtin, row.currency), ([], []))
            moments.append(row.valid_from)
            costs.append(row.cost_minor)

    def at(self, gtin: str, currency: str, moment: datetime) -> Decimal | None:
        """The cost that holds at ``moment``; before the first one that one, which is nearer the truth than none. None for no cost."""
        found = self._costs.get((gtin, currency))
        if found is None:
            return None
        moments, costs = found
        return costs[max(0, bisect_right(moments, moment) - 1)]


def parse_row(fields: Fields, gtin: str | Wrong, now: datetime) -> CostRow | Wrong:
    """A line of a cost file. ``gtin`` is its product, read already; without ``valid_from`` it holds from ``now``."""
    if isinstance(gtin, Wrong):
        return gtin
    if not CURRENCY.fullmatch(fields["currency"]):
        return Wrong("currency", fields["currency"], "a currency of ISO 4217, such as CNY")
    cost = parse_unit_cost(fields["cost"], "cost")
    if cost is None:
        return Wrong("cost", "", "an amount of 0 or more, such as 3.20")
    if isinstance(cost, Wrong):
        return cost
    valid_from = parse_moment(fields.get("valid_from", ""), now)
    if isinstance(valid_from, Wrong):
        return valid_from
    return CostRow(
        gtin=gtin,
        currency=fields["currency"],
        valid_from=valid_from,
        cost_minor=cost.scaleb(decimals_of(fields["currency"])),
    )


def parse_unit_cost(text: str, column: str = "unit_cost") -> Decimal | Wrong | None:
    """The cost of one unit as written (``1.2345``), in whole currency; None for an empty text."""
    if not text:
        return None
    try:
        cost = Decimal(text)
    except InvalidOperation:
        cost = Decimal(-1)
    exponent = cost.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -COST_PLACES or not 0 <= cost < COST_LIMIT_MINOR / 1000:
        return Wrong(column, text, f"0 or more, such as 3.20 or 0.0185, with at most {COST_PLACES} decimals")
    return cost
