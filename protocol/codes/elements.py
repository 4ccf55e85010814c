"""The elements of one label, by Application Identifier, and what they say together.

Element strings, typed brackets and Digital Links all end here, so a rule holds for each of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator

from protocol.codes import check_digits
from protocol.codes.application_identifiers import (
    CHECK_CHARACTERS,
    CHECKED_DIGITS,
    DATES,
    EXCLUDING,
    PIECES,
    TIMES,
    WITHOUT_DAY,
    ApplicationIdentifier,
    exactly,
)
from protocol.codes.code import Code, Kind, Refusal
from protocol.codes.dates import full_date

Elements = dict[str, str]
"""Application Identifier -> value, in the order read; a further query key of a Digital Link -> its value."""

_NEVER_ZERO = frozenset(("00", "01", "02", "03"))


def kind_of(identifiers: Collection[str]) -> Kind:
    """The kind of a label that holds these identifiers. A logistic unit with a trade item's data is an SSCC."""
    if "00" in identifiers:
        return "sscc"
    if "01" in identifiers or "8006" in identifiers:
        return "sgtin" if "21" in identifiers else "gtin"
    return "element_string"


def add(elements: Elements, ai: str, value: str) -> Refusal | None:
    """Put an element in; the same one twice is one. Two values for one identifier refuse the label."""
    if elements.setdefault(ai, value) != value:
        return Refusal("conflict", f"two different values for ({ai}) in one label", kind_of(elements))
    return None


def fault_of(identifier: ApplicationIdentifier, value: str, today: dt.date | None = None) -> Refusal | None:
    """What is wrong with one value, apart from the lost separator: form, check digit, zeros, date."""
    ai = identifier.ai
    if not identifier.matches(value):
        return Refusal("bad_value", _form_fault(identifier, value))
    checked = CHECKED_DIGITS.get(ai)
    if checked and not check_digits.has_check_digit(value[:checked]):
        return Refusal("check_digit", f"({ai}) {check_digits.fault(value[:checked])}")
    if ai in CHECK_CHARACTERS and not check_digits.has_check_characters(value):
        return Refusal("check_digit", f"({ai}) does not end in its check characters")
    if ai in _NEVER_ZERO and not value.strip("0"):
        return Refusal("all_zero", f"({ai}) is all zeros, which numbers nothing")
    if ai in DATES and not _dates_exist(ai, value, today):
        form = "YYMMDD and hhmm" if ai in TIMES else "YYMMDD"
        return Refusal("bad_date", f"({ai}) is no date: expected {form}, got {value!r}")
    return None


def _form_fault(identifier: ApplicationIdentifier, value: str) -> str:
    if not value:
        return f"({identifier.ai}) {identifier.title} is empty"
    if len(value) < identifier.max_length and identifier.predefined_length:
        return f"({identifier.ai}) needs {identifier.max_length} characters, has {len(value)}"
    return f"({identifier.ai}) {identifier.title} has characters or a length that it may not have"


def _dates_exist(ai: str, value: str, today: dt.date | None) -> bool:
    days = [value[:6], value[6:]] if ai == "7007" and len(value) == 12 else [value[:6]]
    if ai not in WITHOUT_DAY and any(day.endswith("00") for day in days):
        return False
    if ai in TIMES and value[6:] and not _is_time(ai, value[6:10]):
        return False
    return all(full_date(day, today) for day in days)


def _is_time(ai: str, hhmm: str) -> bool:
    return (hhmm[:2] < "24" and hhmm[2:] < "60") or (ai.startswith("432") and hhmm == "9999")


def code_of(elements: Elements, today: dt.date | None = None) -> Code | Refusal:
    """What elements that are sound one by one say together (GS1 General Specifications 4.13, 4.14)."""
    rest = dict(elements)
    kind = kind_of(rest)
    for one, other in EXCLUDING:
        if one in rest and other in rest:
            return Refusal("conflict", f"({one}) and ({other}) exclude each other in one label", kind)
    weights = {_scaled(rest.pop(ai), ai) for ai in list(rest) if _is_measure(ai, "310")}
    prices = {_scaled(rest.pop(ai), ai) for ai in list(rest) if _is_measure(ai, "392")}
    prices |= {_scaled(value[3:], ai) for ai, value in rest.items() if _is_measure(ai, "393")}
    if len(weights) > 1 or len(prices) > 1:
        return Refusal("conflict", "two different weights or prices in one label", kind)
    item = _item_of(rest)
    expires = rest.get("17") or rest.get("7003")
    expiry = full_date(expires[:6], today) if expires else None
    rest.pop("17", None)
    itip = rest.get("8006")
    return Code(
        kind=kind,
        gtin=itip[:14] if itip else rest.pop("01", None),
        serial=rest.pop("21", None),
        batch=rest.pop("10", None),
        expiry=expiry.isoformat() if expiry else None,
        quantity=_count(rest),
        price=prices.pop() if prices else None,
        weight=weights.pop() if weights else None,
        sscc=rest.pop("00", None),
        attributes=rest,
        item=item,
        warnings=tuple(_odd_pieces(rest)),
    )


def _odd_pieces(elements: Elements) -> Iterator[str]:
    """Believed all the same: examples of the standard's own tools are numbered so."""
    for ai in PIECES & elements.keys():
        piece, pieces = elements[ai][-4:-2], elements[ai][-2:]
        if not "01" <= piece <= pieces:
            yield f"({ai}) is piece {piece} of {pieces}"


def _item_of(elements: Elements) -> str | None:
    """One piece of an item (8006) is not the item, so it has an id of its own."""
    if sscc := elements.get("00"):
        return f"00{sscc}"
    for ai in ("01", "8006"):
        if ai in elements and "21" in elements:
            return f"{ai}{elements[ai]}21{elements['21']}"
    return None


def _count(rest: Elements) -> str | None:
    """How many: pieces in a measured item (30), else trade items in a logistic unit (37)."""
    digits = rest.pop("30", None) or rest.pop("37", None)
    return str(int(digits)) if digits else None


def _is_measure(ai: str, family: str) -> bool:
    """Whether `ai` is of a family such as 310n. A further key of a query may look like one: `310s`."""
    return ai.startswith(family) and exactly(ai) is not None


def _scaled(digits: str, ai: str) -> str:
    """The last digit of these identifiers says how many decimals the value has (3.6)."""
    return decimal_text(digits, int(ai[3]))


def decimal_text(digits: str, decimals: int) -> str:
    """`001250` with 3 decimals is `1.250`: every decimal kept, no zero in front that says nothing."""
    digits = digits.zfill(decimals + 1)
    whole = str(int(digits[: len(digits) - decimals]))
    return f"{whole}.{digits[-decimals:]}" if decimals else whole
