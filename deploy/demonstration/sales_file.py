"""Sale days from CSV files: ours, or a user's own.

A line that cannot be used is named by its number, column and value, with what was expected; the others are used. Columns
of the sales file: ``store, receipt, sold_at, gtin, quantity, amount`` and, if there, ``discount, member``; of the products file:
``gtin, name`` and, if there, ``department, category, package_size, list_price``. Other columns are left alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from central.prices.rules import decimals_of

QUANTITY_LIMIT = Decimal(10) ** 7
NEEDED_SALES = ("store", "receipt", "sold_at", "gtin", "quantity", "amount")
NEEDED_PRODUCTS = ("gtin", "name")


class FileError(Exception):
    """A file that cannot be used at all."""


class BadLine(NamedTuple):
    """A line that was left out, and why."""

    file: str
    line: int
    cause: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.cause}"


class SaleLine(NamedTuple):
    """One line of a receipt. ``code`` is what the scanner reads, ``gtin`` the same with 14 digits; amounts in minor units."""

    code: str
    gtin: str
    quantity: Decimal
    amount_minor: int
    discount_minor: int


class Receipt(NamedTuple):
    """One receipt of one shop; ``sold_at`` is the shop's local time."""

    store: str
    number: str
    sold_at: datetime
    member: str
    lines: tuple[SaleLine, ...]


class Product(NamedTuple):
    """One product of the catalogue. ``list_price`` is a decimal text, or empty."""

    gtin: str
    name: str
    department: str
    category: str
    package_size: str
    list_price: str


class SalesFile(NamedTuple):
    """What a sales file holds: receipts in the order of their times, and the lines left out."""

    receipts: list[Receipt]
    bad_lines: list[BadLine]

    @property
    def stores(self) -> list[str]:
        """The shops, in the order of their first sale."""
        return list(dict.fromkeys(receipt.store for receipt in self.receipts))

    def of_day(self, day: date) -> SalesFile:
        """The receipts of one day; the bad lines stay, for nobody knows which day they were of."""
        return SalesFile([r for r in self.receipts if r.sold_at.date() == day], self.bad_lines)


class _Fault(ValueError):
    pass


def read_sales(path: Path, currency: str) -> SalesFile:
    """The receipts of a sales file."""
    digits = decimals_of(currency)
    grouped: dict[tuple[str, str], list[tuple[datetime, str, SaleLine]]] = {}
    bad_lines = []
    for number, row in _rows(path, NEEDED_SALES):
        try:
            key, entry = _sale_line(row, digits)
        except _Fault as fault:
            bad_lines.append(BadLine(path.name, number, str(fault)))
            continue
        grouped.setdefault(key, []).append(entry)
    receipts = [
        Receipt(
            store,
            receipt,
            min(at for at, _, _ in entries),
            entries[0][1],
            tuple(line for _, _, line in entries),
        )
        for (store, receipt), entries in grouped.items()
    ]
    receipts.sort(key=lambda receipt: receipt.sold_at)
    return SalesFile(receipts, bad_lines)


def read_products(path: Path) -> tuple[list[Product], list[BadLine]]:
    """The products of a products file."""
    products, bad_lines = [], []
    for number, row in _rows(path, NEEDED_PRODUCTS):
        try:
            products.append(_product(row))
        except _Fault as fault:
            bad_lines.append(BadLine(path.name, number, str(fault)))
    return products, bad_lines


def busiest_day(receipts: Iterable[Receipt]) -> date:
    """The day with the most lines."""
    lines: dict[date, int] = {}
    for receipt in receipts:
        lines[receipt.sold_at.date()] = lines.get(receipt.sold_at.date(), 0) + len(receipt.lines)
    return max(lines, key=lambda day: (lines[day], day))


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", restkey="")
            missing = [name for name in needed if name not in (reader.fieldnames or [])]
            if missing:
                raise FileError(
                    f"{path}: no column {', '.join(missing)} in its first line; expected {', '.join(needed)}"
                )
            for row in reader:
                yield reader.line_num, {key: value for key, value in row.items() if isinstance(value, str)}
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path}: not a CSV file in UTF-8: {error}") from None


def _product(row: Mapping[str, str]) -> Product:
    gtin, name, price = _gtin(row["gtin"]), row["name"].strip(), row.get("list_price", "").strip()
    if not name:
        raise _Fault("name: expected a text, found nothing")
    if price and _decimal("list_price", price) < 0:
        raise _Fault(f"list_price {price!r}: expected a price of 0 or more")
    department, category, size = (
        row.get(key, "").strip() for key in ("department", "category", "package_size")
    )
    return Product(gtin, name, department, category, size, price)


def _sale_line(row: Mapping[str, str], digits: int) -> tuple[tuple[str, str], tuple[datetime, str, SaleLine]]:
    store, receipt = row["store"].strip(), row["receipt"].strip()
    if not store or not receipt:
        raise _Fault(f"store {store!r}, receipt {receipt!r}: expected both")
    quantity = _decimal("quantity", row["quantity"])
    if not 0 <= quantity <= QUANTITY_LIMIT:
        raise _Fault(
            f"quantity {row['quantity']!r}: expected 0 to {QUANTITY_LIMIT}; returns are not replayed"
        )
    amount = _minor("amount", row["amount"], digits)
    discount = _minor("discount", row.get("discount", "").strip() or "0", digits)
    line = SaleLine(row["gtin"].strip(), _gtin(row["gtin"]), quantity, amount, discount)
    return (store, receipt), (_time(row["sold_at"]), row.get("member", "").strip(), line)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _Fault(f"sold_at {text!r}: expected a time such as 2017-11-05 13:45:00") from None
    return found.replace(tzinfo=None)


def _decimal(column: str, text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise _Fault(f"{column} {text!r}: expected a number such as 1 or 0.755")
    return number


def _minor(column: str, text: str, digits: int) -> int:
    scaled = _decimal(column, text).scaleb(digits)
    if scaled != scaled.to_integral_value() or not 0 <= scaled <= 10**12:
        raise _Fault(f"{column} {text!r}: expected an amount of 0 or more with at most {digits} decimals")
    return int(scaled)


def _gtin(text: str) -> str:
    """14 digits with a right check digit (GS1 General Specifications, 7.9)."""
    code = text.strip()
    if not (code.isascii() and code.isdigit() and len(code) in (8, 12, 13, 14)):
        raise _Fault(f"gtin {text!r}: expected 8, 12, 13 or 14 digits")
    gtin = code.zfill(14)
    check = (
        -sum(int(digit) * (3 if position % 2 == 0 else 1) for position, digit in enumerate(gtin[:13])) % 10
    )
    if int(gtin[13]) != check:
        raise _Fault(f"gtin {text!r}: its check digit should be {check}")
    return gtin
