"""Invoices out of a CSV file: one line of the file is one line of an invoice. An invoice goes in as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from central.actors import By
from central.database import Connection, Database
from central.discrepancies.limits import DEFAULTS, Limits
from central.imports.files import Imported, opened
from central.imports.rules import Columns, Fault, Fields, Numbered, Wrong, read
from central.invoices import matching, storage
from central.invoices.documents import CREDIT_NOTE, INVOICE, Invoice, Line
from central.invoices.storage import Recorded, UnknownSite
from central.prices.rules import CURRENCY, decimals_of, parse_moment
from central.products import storage as products
from central.products.rules import gtin_14, parse_quantity

COLUMNS = Columns(
    required=("site", "invoice", "issued", "currency", "line", "gtin", "quantity", "price"),
    optional=("type", "order", "despatch", "order_line", "supplier", "billing_reference"),
)
ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file: what stands at the head of its invoice, and one of its lines."""

    head: Invoice
    line: Line


def import_invoices(
    database: Database, path: Path, by: By, progress: Callable[[int], None], limits: Limits = DEFAULTS
) -> Imported:
    """Take a file in: each invoice in a transaction of its own, matched at once. The same file again changes nothing."""
    rows: list[Numbered[Row]] = []
    faults: list[Fault] = []
    with opened(path, progress) as lines:
        for found in read(lines, COLUMNS, lambda fields: _row(fields, by.at)):
            if isinstance(found, Fault):
                faults.append(found)
            else:
                rows.append(found)
    imported = changed = 0
    for some in _by_invoice(rows).values():
        wrong = _apart(some)
        invoice = msgspec.structs.replace(some[0].row.head, lines=tuple(one.row.line for one in some))
        done = wrong or database.run(
            lambda connection, some=some, invoice=invoice: _enter(connection, some, invoice, by, limits)  # type: ignore[misc]
        )
        if isinstance(done, Fault):
            faults.append(done)
            continue
        imported += len(some)
        changed += len(some) if done else 0
    return Imported(
        imported=imported, changed=changed, faults=tuple(sorted(faults, key=lambda fault: fault.line))
    )


def _enter(
    connection: Connection, some: list[Numbered[Row]], invoice: Invoice, by: By, limits: Limits
) -> bool | Fault:
    unknown = products.unknown(connection, {line.gtin for line in invoice.lines})
    for one in some:
        if one.row.line.gtin in unknown:
            return Fault(
                one.line,
                "gtin",
                one.row.line.gtin,
                "a product that is in the catalogue; import the products first",
            )
    done = storage.add(connection, invoice, by)
    if isinstance(done, UnknownSite):
        return Fault(some[0].line, "site", invoice.site, "a site that exists; import the sites first")
    if not isinstance(done, Recorded):
        expected = f"the content that was entered at {done.recorded_at.isoformat()}; a correction is a credit note and a new invoice"
        return Fault(some[0].line, "invoice", invoice.invoice_id, expected)
    if done.is_new:
        matching.match_invoice(connection, invoice, by.at, limits)
    return done.is_new


def _by_invoice(rows: list[Numbered[Row]]) -> dict[tuple[str, str], list[Numbered[Row]]]:
    together: dict[tuple[str, str], list[Numbered[Row]]] = {}
    for one in rows:
        together.setdefault((one.row.head.site, one.row.head.invoice_id), []).append(one)
    return together


def _apart(some: list[Numbered[Row]]) -> Fault | None:
    """Lines of one invoice that disagree about it, or have the same number."""
    numbers: set[int] = set()
    for one in some:
        if one.row.head != some[0].row.head:
            return Fault(
                one.line,
                "invoice",
                one.row.head.invoice_id,
                f"the head that line {some[0].line} gives this invoice",
            )
        if one.row.line.line in numbers:
            return Fault(one.line, "line", str(one.row.line.line), "once in an invoice")
        numbers.add(one.row.line.line)
    return None


def _row(fields: Fields, now: datetime) -> Row | Wrong:
    wrong = _wrong(fields)
    if wrong is not None:
        return wrong
    gtin, quantity = gtin_14(fields["gtin"]), parse_quantity(fields["quantity"])
    issued = parse_moment(fields["issued"], now)
    price = _price(fields["price"], fields["currency"])
    for one in (gtin, quantity, issued, price):
        if isinstance(one, Wrong):
            return msgspec.structs.replace(one, column="issued") if one is issued else one
    assert isinstance(gtin, str)
    assert isinstance(quantity, Decimal)
    assert isinstance(issued, datetime)
    assert isinstance(price, Decimal)
    if quantity <= 0:
        return Wrong("quantity", fields["quantity"], "a quantity above 0")
    head = Invoice(
        site=fields["site"],
        invoice_id=fields["invoice"],
        currency=fields["currency"],
        issued_at=issued,
        lines=(),
        type_code=fields.get("type") or INVOICE,
        from_site=fields.get("supplier") or None,
        order_id=fields.get("order") or None,
        despatch_id=fields.get("despatch") or None,
        billing_reference=fields.get("billing_reference") or None,
    )
    order_line = fields.get("order_line") or None
    line = Line(
        line=int(fields["line"]),
        gtin=gtin,
        quantity=quantity,
        price_minor=price,
        order_line=int(order_line) if order_line else None,
    )
    return Row(head=head, line=line)


def _wrong(fields: Fields) -> Wrong | None:
    if not ID.fullmatch(fields["invoice"]):
        return Wrong("invoice", fields["invoice"], "letters, digits, '_', '.', ':' or '-', 64 at most")
    if not CURRENCY.fullmatch(fields["currency"]):
        return Wrong("currency", fields["currency"], "a currency of ISO 4217, such as CNY")
    if not fields["issued"]:
        return Wrong("issued", "", "a date such as 2026-01-31")
    for name in ("line", "order_line"):
        text = fields.get(name, "")
        if (text or name == "line") and not (text.isascii() and text.isdigit() and 0 < int(text) <= 32767):
            return Wrong(name, text, "a whole number from 1")
    kind = fields.get("type") or INVOICE
    if kind not in (INVOICE, CREDIT_NOTE):
        return Wrong("type", kind, "380 for an invoice, 381 for a credit note")
    if (kind == CREDIT_NOTE) != bool(fields.get("billing_reference")):
        return Wrong(
            "billing_reference",
            fields.get("billing_reference", ""),
            "an invoice, for a credit note (381) and only there",
        )
    return None


def _price(text: str, currency: str) -> Decimal | Wrong:
    """The price of one unit, as written, in minor units; fractions of one are normal where goods are weighed."""
    try:
        minor = Decimal(text).scaleb(decimals_of(currency))
    except InvalidOperation:
        return Wrong("price", text, "an amount such as 4.99")
    if not minor.is_finite() or not 0 <= minor < 10**15 or minor != round(minor, 4):
        return Wrong(
            "price", text, "an amount of 0 or more, with at most 4 decimals more than the currency has"
        )
    return minor
