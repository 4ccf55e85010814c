"""The plan of the demonstration: which sites there are, what lies on their shelves, what is coded, what runs short.

Derived from the files alone and always the same for the same files.
"""

from __future__ import annotations

import re
from collections import Counter as Tally
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.demonstration.sales_file import Product, Receipt, SalesFile

WAREHOUSE = "warehouse"
DEALER_SITE = "dealer"
SPARE_PIECES = 5  # on every shelf beside what the day will sell
SHORT_PRODUCTS = 3  # that the dealer runs short of
REORDER_POINT, ORDER_UP_TO, DEALER_STOCK = Decimal(4), Decimal(9), Decimal(3)
WAREHOUSE_STOCK = Decimal(500)
CODED_SERIAL = "7K2M9QX4TB3D"


class CodedItem(NamedTuple):
    """One coded item: it stands for one piece on one line of the sale day."""

    gtin: str
    store: str
    receipt: str
    line: int
    price_minor: int
    sold_at: datetime

    @property
    def elsewhere_at(self) -> datetime:
        """When the same code is scanned at the other counter: half an hour later, on the same day."""
        return min(self.sold_at + timedelta(minutes=30), self.sold_at.replace(hour=23, minute=59, second=59))

    @property
    def link(self) -> str:
        """Its code as printed: a GS1 Digital Link."""
        return f"https://id.example.com/01/{self.gtin}/21/{CODED_SERIAL}"

    @property
    def item(self) -> str:
        """Its canonical id."""
        return f"01{self.gtin}21{CODED_SERIAL}"


class Opening(NamedTuple):
    """What lies at a site when the day begins."""

    site: str
    gtin: str
    quantity: Decimal
    reorder_point: Decimal | None = None
    order_up_to: Decimal | None = None


class Plan(NamedTuple):
    """The whole plan. ``sites`` gives each shop of the file its site id."""

    sites: dict[str, str]
    time_zone: ZoneInfo
    openings: list[Opening]
    coded: CodedItem | None
    days: list[date]

    @property
    def opened_at(self) -> str:
        """When the opening stock was counted, in UTC: before the first sale, on the day before."""
        eve = self.moment(datetime.combine(self.days[0], datetime.min.time())) - timedelta(hours=1)
        return eve.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def moment(self, local: datetime) -> datetime:
        """A shop's local time as a moment."""
        return local.replace(tzinfo=self.time_zone)


def make_plan(sales: SalesFile, products: list[Product], time_zone: ZoneInfo) -> Plan:
    """The plan for these files."""
    known = {product.gtin for product in products}
    sites = _site_ids(sales.stores)
    sold: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    pieces: Tally[str] = Tally()
    for receipt in sales.receipts:
        for line in receipt.lines:
            sold[sites[receipt.store], line.gtin] += line.quantity
            pieces[line.gtin] += line.quantity == 1
    openings = [
        Opening(site, gtin, quantity.to_integral_value(ROUND_UP) + SPARE_PIECES)
        for (site, gtin), quantity in sold.items()
        if gtin in known
    ]
    coded = _coded(sales.receipts, sites, known)
    short = [gtin for gtin, _ in pieces.most_common() if gtin in known][:SHORT_PRODUCTS]
    if coded is not None and coded.gtin not in short:
        short = [coded.gtin, *short][:SHORT_PRODUCTS]
    for gtin in short:
        openings.append(Opening(DEALER_SITE, gtin, DEALER_STOCK, REORDER_POINT, ORDER_UP_TO))
        openings.append(Opening(WAREHOUSE, gtin, WAREHOUSE_STOCK))
    days = sorted({receipt.sold_at.date() for receipt in sales.receipts})
    return Plan(sites, time_zone, openings, coded, days)


def _site_ids(stores: list[str]) -> dict[str, str]:
    """Site ids are letters, digits, '-' and '_'; a shop whose name is something else gets one made of it."""
    taken = {WAREHOUSE, DEALER_SITE}
    ids = {}
    for store in stores:
        wish = re.sub(r"[^A-Za-z0-9_-]+", "-", store).strip("-_")[:32] or "shop"
        found, number = wish, 2
        while found in taken:
            found, number = f"{wish}-{number}", number + 1
        taken.add(found)
        ids[store] = found
    return ids


def _coded(receipts: list[Receipt], sites: dict[str, str], known: set[str]) -> CodedItem | None:
    """The first single piece of a known product that was paid for."""
    every = (
        CodedItem(
            line.gtin, sites[receipt.store], receipt.number, position, line.amount_minor, receipt.sold_at
        )
        for receipt in receipts
        for position, line in enumerate(receipt.lines)
        if line.quantity == 1 and line.amount_minor > 0 and line.gtin in known
    )
    return next(every, None)
