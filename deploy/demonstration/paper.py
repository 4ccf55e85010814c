"""The books on paper: what the day must add up to, reckoned from the files alone, without a look at the product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from deploy.demonstration.sales_file import Receipt


class Totals(NamedTuple):
    """What a site sold."""

    lines: int = 0
    receipts: int = 0
    quantity: Decimal = Decimal(0)
    amount_minor: int = 0

    def and_receipt(self, receipt: Receipt) -> Totals:
        """With one more receipt."""
        return Totals(
            self.lines + len(receipt.lines),
            self.receipts + 1,
            self.quantity + sum((line.quantity for line in receipt.lines), Decimal(0)),
            self.amount_minor + sum(line.amount_minor for line in receipt.lines),
        )


class Paper:
    """Stock by site and product, and sales by site."""

    def __init__(self) -> None:
        self.stock: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.sold: dict[str, Totals] = defaultdict(Totals)

    def put(self, site: str, gtin: str, quantity: Decimal) -> None:
        """Goods come in (or, negative, go out)."""
        self.stock[site, gtin] += quantity

    def sell(self, site: str, receipt: Receipt) -> None:
        """A receipt is taken."""
        self.sold[site] = self.sold[site].and_receipt(receipt)
        for line in receipt.lines:
            self.stock[site, line.gtin] -= line.quantity

    def differences(
        self, derived: Iterable[tuple[str, str, Decimal]]
    ) -> list[tuple[str, str, Decimal, Decimal]]:
        """Where paper and the product's derived stock differ: site, gtin, on paper, derived."""
        found = {(site, gtin): quantity for site, gtin, quantity in derived}
        every = sorted(self.stock.keys() | found.keys())
        return [
            (site, gtin, self.stock.get((site, gtin), Decimal(0)), found.get((site, gtin), Decimal(0)))
            for site, gtin in every
            if self.stock.get((site, gtin), Decimal(0)) != found.get((site, gtin), Decimal(0))
        ]
