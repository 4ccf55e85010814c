"""What stands on a receipt, line by line. Pure.

Amounts are exact: integers of the minor unit, written with the currency's own decimals (ISO 4217), never through a float.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from agent.printing.paper import Line, Qr, Text, in_two, printable, wrap
from agent.printing.settings import PrinterSettings
from agent.printing.words import WORDS, Words
from agent.till.money import decimals
from protocol.events import Sale, SaleLine

_INDENT = 2
_SERIAL_AI = "21"
_GTIN_PART = 16  # 01 and fourteen digits


class Named(msgspec.Struct, frozen=True):
    """A product as the receipt names it; ``unit`` is ``each`` or what it is weighed or measured in."""

    name: str
    unit: str = "each"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A sale to be printed. ``at`` is the site's own time."""

    sale: Sale
    at: datetime
    site: str
    products: Mapping[str, Named]
    language: str = "en"
    is_copy: bool = False
    is_voided: bool = False


def amount(minor: int, currency: str) -> str:
    """An amount in the currency's decimals: ``amount(125000, "EUR")`` is ``1250.00``, of JPY ``125000``."""
    digits = decimals(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def contained_tax_minor(total_minor: int, percent: str) -> int:
    """The tax within a total, rounded half up: of 119.00 at 19% it is 19.00."""
    rate = Decimal(percent)
    return int((total_minor * rate / (100 + rate)).quantize(Decimal(1), ROUND_HALF_UP))


def receipt(shown: Shown, settings: PrinterSettings) -> tuple[Line, ...]:
    """The receipt's lines, none wider than the paper."""
    words = WORDS[shown.language]
    return (
        *_head(shown, settings, words),
        *_goods(shown, settings.columns, words),
        *_sums(shown, settings, words),
        *_foot(shown, settings),
    )


def _head(shown: Shown, settings: PrinterSettings, words: Words) -> Iterator[Line]:
    sale, columns = shown.sale, settings.columns
    for number, text in enumerate(settings.header or (shown.site,)):
        yield from _middle(text, columns, bold=number == 0, big=number == 0)
    yield Text(text="")
    if shown.is_voided:
        yield from _middle(f"*** {words.voided} ***", columns, bold=True, big=True)
    if shown.is_copy:
        yield from _middle(f"*** {words.copy} ***", columns, bold=True)
    when = shown.at.strftime("%Y-%m-%d %H:%M")
    yield from _left(in_two(f"{words.receipt} {printable(sale.receipt)}", when, columns))
    if sale.reference:
        yield from _left(wrap(f"{words.reference} {sale.reference}", columns))
    if sale.clerk:
        yield from _left(wrap(f"{words.clerk} {sale.clerk}", columns))
    yield Text(text="-" * columns)


def _goods(shown: Shown, columns: int, words: Words) -> Iterator[Line]:
    for line in shown.sale.lines:
        yield from _left(_sold(line, shown, columns, words))


def _sold(line: SaleLine, shown: Shown, columns: int, words: Words) -> Iterator[str]:
    currency = shown.sale.currency
    product = shown.products.get(line.gtin, Named(""))
    name = printable(product.name) or line.gtin
    gross = line.amount_minor + line.discount_minor
    detail = _quantity(line, gross, product, currency)
    if detail:
        yield from wrap(name, columns)
        yield from in_two(detail, amount(gross, currency), columns, _INDENT)
    else:
        yield from in_two(name, amount(gross, currency), columns)
    if line.item is not None:
        yield from wrap(_serial(line.item), columns)
    if line.discount_minor:
        yield from in_two(words.discount, amount(-line.discount_minor, currency), columns, _INDENT)


def _quantity(line: SaleLine, gross: int, product: Named, currency: str) -> str:
    """``2 x 4.50``, or ``0.350 kg``; the price of one only where it comes out exactly."""
    if line.quantity == 1:  # a scale's price label too: it tells no weight
        return ""
    many = f"{line.quantity:f}" + ("" if product.unit == "each" else f" {printable(product.unit)}")
    if not line.quantity:
        return many
    each = Decimal(gross) / line.quantity
    return f"{many} x {amount(int(each), currency)}" if each == int(each) else many


def _serial(item: str) -> str:
    """The serial number of a coded item, for a warranty or a return."""
    return item[_GTIN_PART + 2 :] if item[_GTIN_PART : _GTIN_PART + 2] == _SERIAL_AI else item


def _sums(shown: Shown, settings: PrinterSettings, words: Words) -> Iterator[Line]:
    sale, columns = shown.sale, settings.columns
    total = sum(line.amount_minor for line in sale.lines)
    discount = sum(line.discount_minor for line in sale.lines)
    yield Text(text="-" * columns)
    if discount:
        yield from _left(in_two(words.subtotal, amount(total + discount, sale.currency), columns))
        yield from _left(in_two(words.discount, amount(-discount, sale.currency), columns))
    for text in in_two(f"{words.total} {sale.currency}", amount(total, sale.currency), columns):
        yield Text(text=text, bold=True, big=True)
    if settings.tax is not None:
        tax = contained_tax_minor(total, settings.tax.percent)
        label = f"{words.includes} {printable(settings.tax.label)} {settings.tax.percent}%"
        yield from _left(in_two(label, amount(tax, sale.currency), columns))
    for payment in sale.payments:
        method = words.methods.get(payment.method, printable(payment.method))
        yield from _left(in_two(method, amount(payment.amount_minor, sale.currency), columns))
        if payment.tendered_minor is not None:
            change = payment.tendered_minor - payment.amount_minor
            given = in_two(words.tendered, amount(payment.tendered_minor, sale.currency), columns, _INDENT)
            back = in_two(words.change, amount(change, sale.currency), columns, _INDENT)
            yield from _left([*given, *back])


def _foot(shown: Shown, settings: PrinterSettings) -> Iterator[Line]:
    if settings.footer or settings.qr:
        yield Text(text="")
    for text in settings.footer:
        yield from _middle(text, settings.columns)
    if settings.qr:
        sale = shown.sale
        yield Qr(content=settings.qr.format(receipt=sale.receipt, sale_id=sale.sale_id, site=shown.site))


def _left(texts: Iterator[str] | list[str]) -> Iterator[Line]:
    return (Text(text=text) for text in texts)


def _middle(text: str, columns: int, *, bold: bool = False, big: bool = False) -> Iterator[Line]:
    return (Text(text=part, align="center", bold=bold, big=big) for part in wrap(text, columns))
