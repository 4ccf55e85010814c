"""Money as integer minor units of an ISO 4217 currency, and how a quantity becomes an amount."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# ISO 4217: currencies whose minor unit is not a hundredth.
_DECIMALS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def decimals(currency: str) -> int:
    """How many digits stand behind the decimal point of an amount."""
    return _DECIMALS.get(currency, 2)


def times(price_minor: int, quantity: Decimal) -> int:
    """What ``quantity`` costs at ``price_minor`` a unit, rounded half up to a whole minor unit."""
    return int((price_minor * quantity).quantize(Decimal(1), ROUND_HALF_UP))


def minor(amount: str, currency: str) -> int:
    """A decimal amount as text (``"4.99"``) in minor units, rounded half up."""
    return int(Decimal(amount).scaleb(decimals(currency)).quantize(Decimal(1), ROUND_HALF_UP))
