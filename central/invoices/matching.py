"""The three-way match carried out: what does not match is a case, what matches since is closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from central.database import Connection
from central.discrepancies import settlements
from central.discrepancies import storage as discrepancies
from central.discrepancies.limits import DEFAULTS, Limits
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Line as SettledLine
from central.invoices import storage
from central.invoices.documents import Invoice, InvoiceState
from central.invoices.rules import Fault, Mismatch, Reference, match
from central.journals.facts import iso

AT_ONCE = 100
AGAIN_AFTER = timedelta(hours=6)
"""Without anything new, only time can change a match: how long an invoice may wait."""
_WORDS = {
    Fault.BEYOND_RECEIVED: (
        "more is charged than was received",
        "look at the receipt; if nothing more comes, ask for a credit note",
    ),
    Fault.PRICE_DIFFERS: (
        "another price is charged than was agreed on",
        "ask for a credit note over the difference",
    ),
    Fault.NEVER_ORDERED: (
        "it was neither ordered nor received under what the invoice names",
        "ask what it is for; if it was never ordered, ask for a credit note",
    ),
    Fault.INVOICED_TWICE: (
        "the same goods are charged on an earlier invoice already",
        "ask for a credit note",
    ),
}


def match_invoice(connection: Connection, invoice: Invoice, now: datetime, limits: Limits = DEFAULTS) -> None:
    """Match a document together with all others of its reference. A credit note is matched with the invoice it takes back from."""
    billed = invoice.billing_reference or invoice.invoice_id
    order_id, despatch_id = invoice.order_id, invoice.despatch_id
    if invoice.is_credit_note and order_id is None and despatch_id is None:
        kept = storage.find(connection, invoice.site, billed)
        if kept is not None:
            order_id, despatch_id = kept.invoice.order_id, kept.invoice.despatch_id
    _match(connection, invoice.site, (order_id, despatch_id, billed), now, limits)


def match_waiting(connection: Connection, now: datetime, limits: Limits = DEFAULTS) -> int:
    """Match again what something has arrived for, or what has waited for a while; how many documents, at most so many at once."""
    found = connection.execute(
        """
        SELECT site_id, order_id, despatch_id, invoice_id FROM invoices
         WHERE state IN ('open', 'disputed') AND (matched_at IS NULL OR matched_at < %s)
         ORDER BY matched_at NULLS FIRST, site_id, invoice_id LIMIT %s
        """,
        (now - AGAIN_AFTER, AT_ONCE),
    ).fetchall()
    references = {
        (site, order_id, None if order_id else despatch_id, None if order_id or despatch_id else invoice_id)
        for site, order_id, despatch_id, invoice_id in found
    }
    for site, order_id, despatch_id, invoice_id in sorted(references, key=str):
        _match(connection, site, (order_id, despatch_id, invoice_id), now, limits)
    return len(found)


def _match(
    connection: Connection,
    site: str,
    about: tuple[str | None, str | None, str | None],
    now: datetime,
    limits: Limits,
) -> None:
    order_id, despatch_id, invoice_id = about
    kept = storage.lock_reference(connection, site, order_id, despatch_id, invoice_id)
    # Credit notes that name their invoice alone belong to its reference too.
    documents = {one.invoice.invoice_id: one for one in kept}
    for name in list(documents):
        for note in storage.lock_reference(connection, site, None, None, name):
            documents.setdefault(note.invoice.invoice_id, note)
    standing = [one.invoice for one in documents.values() if one.state is not InvoiceState.CANCELLED]
    reference = _reference(connection, site, order_id, despatch_id)
    matched = match(standing, reference, now, limits)
    mismatches = [one for some in matched.mismatches.values() for one in some]
    currencies = {one.invoice_id: one for one in standing}
    discrepancies.raise_all(connection, [_case(currencies[one.invoice_id], one) for one in mismatches], now)
    keys = {one.cause_key for one in mismatches}
    discrepancies.explain(
        connection,
        [
            (site, DiscrepancyClass.THREE_WAY_MATCH, key)
            for key in _open_keys(connection, site, list(documents))
            if key not in keys
        ],
        now,
        "invoice, order and receipts match",
    )
    states = {
        name: InvoiceState.DISPUTED
        if matched.mismatches.get(name)
        else InvoiceState.OPEN
        if name in matched.waiting
        else InvoiceState.MATCHED
        for name in documents
    }
    storage.set_states(connection, site, states, now)


def _reference(connection: Connection, site: str, order_id: str | None, despatch_id: str | None) -> Reference:
    if order_id is not None:
        # What was written off of a despatch is not coming any more, although its order does not know.
        found = connection.execute(
            """
            SELECT gtin, sum(ordered), sum(received),
                   CASE WHEN state IN ('submitted', 'held', 'accepted', 'part_accepted', 'allocated', 'part_despatched', 'despatched',
                                       'part_received')
                        THEN greatest(sum(CASE WHEN state IN ('submitted', 'held') THEN ordered ELSE accepted END - received) - coalesce((
                             SELECT sum(settled) FROM despatches AS d JOIN despatch_lines AS l USING (to_site_id, despatch_id)
                              WHERE d.to_site_id = o.site_id AND d.order_id = o.order_id AND l.gtin = line.gtin), 0), 0)
                        ELSE 0 END,
                   max(price_minor)
              FROM orders AS o JOIN order_lines AS line USING (site_id, order_id)
             WHERE site_id = %s AND order_id = %s GROUP BY o.site_id, o.order_id, state, gtin
            """,
            (site, order_id),
        ).fetchall()
    else:
        found = connection.execute(
            """
            SELECT gtin, sum(quantity), sum(received), CASE WHEN state = 'received' THEN 0 ELSE sum(quantity - received - settled) END,
                   NULL::bigint
              FROM despatches JOIN despatch_lines USING (to_site_id, despatch_id)
             WHERE to_site_id = %s AND despatch_id = %s GROUP BY state, gtin
            """,
            (site, despatch_id),
        ).fetchall()
    return Reference(
        is_known=bool(found),
        ordered={row[0]: row[1] for row in found},
        received={row[0]: row[2] for row in found},
        coming={row[0]: Decimal(row[3]) for row in found},
        agreed_minor={row[0]: Decimal(row[4]) for row in found if row[4] is not None},
    )


def _open_keys(connection: Connection, site: str, invoices: list[str]) -> list[str]:
    found = connection.execute(
        """
        SELECT cause_key FROM discrepancies
         WHERE site_id = %s AND class = %s AND state IN ('open', 'assigned') AND split_part(cause_key, '/', 1) = ANY (%s)
        """,
        (site, DiscrepancyClass.THREE_WAY_MATCH, invoices),
    ).fetchall()
    return [key for (key,) in found]


def _case(invoice: Invoice, one: Mismatch) -> Discrepancy:
    words, proposal = _WORDS[one.fault]
    credit = None
    if one.price_minor > 0:
        line = SettledLine(gtin=one.gtin, quantity=one.quantity, price_minor=one.price_minor)
        credit = settlements.credited(invoice.invoice_id, [line], one.fault.value).kept()
    told = {
        "despatch": invoice.despatch_id,
        "order": invoice.order_id,
        "from_site": invoice.from_site,
        "other_invoice": one.other_invoice,
        "agreed_minor": None if one.agreed_minor is None else str(one.agreed_minor),
    }
    return Discrepancy(
        site=invoice.site,
        discrepancy_class=DiscrepancyClass.THREE_WAY_MATCH,
        cause_key=one.cause_key,
        cause=one.fault.value,
        probability=0.95,
        likely_cause=words,
        proposal=proposal,
        settlement=credit,
        gtin=one.gtin,
        quantity=one.quantity,
        value_minor=abs(one.value_minor),
        currency=invoice.currency,
        evidence=(
            {
                "event": "invoice",
                "site": invoice.site,
                "document": invoice.invoice_id,
                "event_time": iso(invoice.issued_at),
                "charged": str(one.charged),
                "price_minor": str(one.charged_price_minor),
                "charged_before": str(one.before),
                "received": str(one.received),
                "ordered": str(one.ordered),
                **{name: value for name, value in told.items() if value is not None},
            },
        ),
    )
