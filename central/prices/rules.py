"""Money as people write it, and what a line of a price file means. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from central.imports.rules import Columns, Fields, Wrong
from protocol.feeds import Price, body_encoder

COLUMNS = Columns(required=("price_list", "gtin", "price", "currency"), optional=("valid_from",))
PRICE_LIST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
CURRENCY = re.compile(r"[A-Z]{3}")
PRICE_LIMIT_MINOR = 10**15
# ISO 4217: currencies whose minor unit is not a hundredth.
_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price of a list, from a moment on."""

    price_list: str
    gtin: str
    price_minor: int
    currency: str
    valid_from: datetime


def decimals_of(currency: str) -> int:
    """How many decimals a currency has (ISO 4217)."""
    return _DECIMALS.get(currency, 2)


def to_minor(text: str, currency: str, column: str = "price") -> int | Wrong:
    """An amount as written (``4.99``) in minor units (499)."""
    decimals = decimals_of(currency)
    expected = f"an amount of {currency} of 0 or more, such as {'4.99' if decimals == 2 else '499'}"
    try:
        minor = Decimal(text).scaleb(decimals)
    except InvalidOperation:
        return Wrong(column, text, expected)
    if not minor.is_finite() or not 0 <= minor < PRICE_LIMIT_MINOR or minor != minor.to_integral_value():
        return Wrong(column, text, f"{expected}, with at most {decimals} decimals")
    return int(minor)


def parse_row(fields: Fields, gtin: str | Wrong, now: datetime) -> PriceRow | Wrong:
    """A line of a price file. ``gtin`` is its product, read already; without ``valid_from`` it holds from ``now``."""
    if isinstance(gtin, Wrong):
        return gtin
    if not PRICE_LIST.fullmatch(fields["price_list"]):
        return Wrong(
            "price_list", fields["price_list"], "letters, digits, '.', '_' or '-', such as 'default'"
        )
    if not CURRENCY.fullmatch(fields["currency"]):
        return Wrong("currency", fields["currency"], "a currency of ISO 4217, such as CNY")
    price = to_minor(fields["price"], fields["currency"])
    if isinstance(price, Wrong):
        return price
    valid_from = parse_moment(fields.get("valid_from", ""), now)
    if isinstance(valid_from, Wrong):
        return valid_from
    return PriceRow(
        price_list=fields["price_list"],
        gtin=gtin,
        price_minor=price,
        currency=fields["currency"],
        valid_from=valid_from,
    )


def parse_moment(text: str, now: datetime) -> datetime | Wrong:
    """A date (its first moment, UTC) or a moment with an offset, as ISO 8601; ``now`` for an empty text."""
    if not text:
        return now
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return Wrong("valid_from", text, "a date such as 2026-01-31, or a moment with its offset (ISO 8601)")
    return moment


def feed_row(gtin: str, price_minor: int, currency: str) -> tuple[str, bytes]:
    """A price as agents get it."""
    return gtin, body_encoder.encode(Price(gtin=gtin, price_minor=price_minor, currency=currency))
