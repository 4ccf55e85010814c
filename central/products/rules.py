"""What a product is, and what a line of a product file means. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import msgspec

from central.imports.rules import Columns, Fields, Wrong
from central.prices.rules import to_minor
from protocol.codes.check_digits import check_digit, has_check_digit
from protocol.feeds import Product, body_encoder

COLUMNS = Columns(
    required=("gtin", "name"),
    optional=("department", "category", "package_size", "list_price", "unit", "serialised"),
)
_YES_NO = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
LENGTHS = (8, 12, 13, 14)


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a product file. ``list_price_minor`` is None where it names no price."""

    product: Product
    list_price_minor: int | None = None


def gtin_14(text: str) -> str | Wrong:
    """A GTIN of 8, 12, 13 or 14 digits as 14 digits (GS1 General Specifications, 3.3), its check digit verified."""
    if not text.isascii() or not text.isdigit() or len(text) not in LENGTHS:
        return Wrong("gtin", text, "a GTIN of 8, 12, 13 or 14 digits")
    if not has_check_digit(text):
        return Wrong(
            "gtin", text, f"check digit {check_digit(text[:-1])}, found {text[-1]}: a digit is wrong"
        )
    return text.zfill(14)


def parse_quantity(text: str, column: str = "quantity") -> Decimal | Wrong:
    """A quantity of 0 or more, with at most three decimals (weighed goods)."""
    try:
        quantity = Decimal(text)
    except InvalidOperation:
        return Wrong(column, text, "a number, such as 12 or 0.750")
    exponent = quantity.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -3 or not 0 <= quantity < Decimal(10) ** 12:
        return Wrong(column, text, "0 or more, with at most three decimals")
    return quantity


def parse_row(fields: Fields, currency: str) -> ProductRow | Wrong:
    """A line of a product file; prices are in ``currency``."""
    gtin = gtin_14(fields["gtin"])
    if isinstance(gtin, Wrong):
        return gtin
    if not fields["name"]:
        return Wrong("name", "", "a name")
    serialised = _YES_NO.get(fields.get("serialised", "").lower())
    if serialised is None:
        return Wrong("serialised", fields["serialised"], "yes or no")
    price = to_minor(fields["list_price"], currency, "list_price") if fields.get("list_price") else None
    if isinstance(price, Wrong):
        return price
    product = Product(
        gtin=gtin,
        name=fields["name"],
        unit=fields.get("unit") or "each",
        department=fields.get("department") or None,
        category=fields.get("category") or None,
        package_size=fields.get("package_size") or None,
        serialised=serialised,
    )
    return ProductRow(product=product, list_price_minor=price)


def feed_row(product: Product) -> tuple[str, bytes]:
    """A product as agents get it."""
    return product.gtin, body_encoder.encode(product)
