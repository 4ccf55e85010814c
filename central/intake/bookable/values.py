"""The values of which events are made: what of them the books can hold. Pure; None means that nothing is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

QUANTITY_LIMIT = Decimal(10) ** 12
QUANTITY_PLACES = 9
AMOUNT_LIMIT_MINOR = 1 << 53
ID_LIMIT = 200
"""Characters of an id. An index of the database holds no key of thousands."""
TEXT_LIMIT = 4_000
_CURRENCY = re.compile(r"[A-Z]{3}")


def fault_of_product(number: int, gtin: str, quantity: Decimal) -> str | None:
    """Of line ``number``."""
    if len(gtin) != 14 or not (gtin.isascii() and gtin.isdigit()):
        return f"line {number}: gtin {gtin[:40]!r}: expected 14 digits"
    if not quantity.is_finite() or not -QUANTITY_LIMIT < quantity < QUANTITY_LIMIT:
        return f"line {number}: quantity {str(quantity)[:40]}: expected a number between -10¹² and 10¹²"
    if int(quantity) == quantity:
        return None  # as most are; taking a number apart costs more than all else here
    exponent = quantity.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -QUANTITY_PLACES:
        return (
            f"line {number}: quantity {str(quantity)[:40]}: expected at most {QUANTITY_PLACES} decimal places"
        )
    return None


def fault_of_item(number: int, item: str | None) -> str | None:
    """Of line ``number``. The code itself is not repeated: whoever reads it could print it."""
    if item is None or (0 < len(item) <= ID_LIMIT and _storable(item)):
        return None
    return f"line {number}: an item code of {len(item)} characters: expected 1 to {ID_LIMIT}, without control characters"


def fault_of_id(name: str, text: str | None, limit: int = ID_LIMIT) -> str | None:
    """A name by which things are found again."""
    if text is None or (0 < len(text) <= limit and _storable(text)):
        return None
    return f"{name} of {len(text)} characters: expected 1 to {limit}, without control characters"


def fault_of_text(name: str, text: str | None) -> str | None:
    """Something written by a person."""
    if text is None or (len(text) <= TEXT_LIMIT and "\0" not in text):
        return None
    return f"{name} of {len(text)} characters: expected at most {TEXT_LIMIT}, without NUL"


def fault_of_currency(currency: str) -> str | None:
    """ISO 4217."""
    if _CURRENCY.fullmatch(currency):
        return None
    return f"currency {currency[:10]!r}: expected three capital letters (ISO 4217)"


def fault_of_amounts(name: str, amounts: Iterable[int | None]) -> str | None:
    """Of amounts of money in minor units, the first that is too large."""
    wrong = next((one for one in amounts if one is not None and abs(one) > AMOUNT_LIMIT_MINOR), None)
    return None if wrong is None else f"{name} {wrong}: expected up to {AMOUNT_LIMIT_MINOR}"


def first(faults: Iterable[str | None]) -> str | None:
    """The first thing that is wrong."""
    return next((fault for fault in faults if fault is not None), None)


def _storable(text: str) -> bool:
    return text.isprintable() or not any(ord(sign) < 0x20 and sign != "\x1d" for sign in text)
