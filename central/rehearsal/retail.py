"""The rhythm of a real retail year, and real goods: from a folder with ``sales.csv`` and ``products.csv``."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from central.errors import CentralError

WEIGHED = frozenset({"PRODUCE", "MEAT", "DELI", "SEAFOOD", "SALAD BAR"})
CODED = frozenset({"DRUG GM", "COSMETICS", "NUTRITION"})
LARGEST_BASKET_QUANTITY = 12
"""Beyond it lie metered goods (fuel, in thousandths)."""
LARGEST_DISCOUNT = 0.5


class RetailDataError(CentralError):
    """The retail data is not there, or cannot be used."""


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """A product. ``price_minor`` and ``cost_minor`` are those of a unit; ``coded`` pieces carry a code each."""

    gtin: str
    name: str
    department: str
    category: str
    price_minor: int
    cost_minor: int
    popularity: int
    weighed: bool = False
    coded: bool = False


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """How a shop sells: weights of weekdays and months (1 on average), and what was seen of times of day, baskets, quantities, discounts."""

    weekdays: tuple[float, ...]
    months: tuple[float, ...]
    minutes: tuple[int, ...]
    baskets: tuple[int, ...]
    quantities: tuple[int, ...]
    discounts: tuple[float, ...]


class Retail(msgspec.Struct, frozen=True):
    """Goods, the most sold first, and the rhythm."""

    goods: tuple[Goods, ...]
    rhythm: Rhythm


def read(folder: Path) -> Retail:
    """The retail year of a folder. Raises :class:`RetailDataError`."""
    products = {row["gtin"]: row for row in _rows(folder / "products.csv")}
    sold: Counter[str] = Counter()
    baskets: Counter[tuple[str, str]] = Counter()
    moments: dict[tuple[str, str], datetime] = {}
    quantities: list[int] = []
    discounts: list[float] = []
    for row in _rows(folder / "sales.csv"):
        receipt = row["store"], row["receipt"]
        sold[row["gtin"]] += 1
        baskets[receipt] += 1
        moments[receipt] = datetime.fromisoformat(row["sold_at"])
        quantity, amount, discount = float(row["quantity"]), float(row["amount"]), float(row["discount"])
        if quantity <= LARGEST_BASKET_QUANTITY:
            quantities.append(round(quantity))
        share = discount / (amount + discount) if amount + discount > 0 else 0.0
        discounts.append(min(share, LARGEST_DISCOUNT))
    if not moments or not products:
        raise RetailDataError(f"retail data {folder}: expected products and sale lines, found none")
    times = list(moments.values())
    rhythm = Rhythm(
        weekdays=_weights(Counter(at.weekday() for at in times), 7, 0),
        months=_weights(Counter(at.month for at in times), 12, 1),
        minutes=tuple(sorted(at.hour * 60 + at.minute for at in times)),
        baskets=tuple(sorted(baskets.values())),
        quantities=tuple(sorted(quantities)),
        discounts=tuple(sorted(discounts)),
    )
    return Retail(
        tuple(
            one
            for gtin, count in sorted(sold.items(), key=lambda pair: (-pair[1], pair[0]))
            if (one := _goods(products.get(gtin), count)) is not None
        ),
        rhythm,
    )


def _goods(row: dict[str, str] | None, count: int) -> Goods | None:
    if row is None or not row["list_price"] or not row["category"]:
        return None
    price_minor = int(Decimal(row["list_price"]) * 100)
    department = row["department"]
    if price_minor < 50 or department == "FUEL":
        return None
    return Goods(
        gtin=row["gtin"].zfill(14),
        name=row["name"],
        department=department,
        category=row["category"],
        price_minor=price_minor,
        cost_minor=max(1, price_minor * 68 // 100),
        popularity=count,
        weighed=department in WEIGHED,
        coded=department in CODED and price_minor >= 300,
    )


def _weights(seen: Counter[int], count: int, first: int) -> tuple[float, ...]:
    mean = sum(seen.values()) / count
    return tuple(max(seen[first + number] / mean, 0.2) for number in range(count))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise RetailDataError(
            f"retail data {path}: {error.strerror}; expected a folder with sales.csv and products.csv, name it with --retail"
        ) from None
