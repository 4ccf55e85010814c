"""Receipt lines in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from central.database import Connection
from central.database.bulk import Bulk, load, text_of
from central.sales.rules import ReceiptLine

_SALE_LINES = Bulk(
    "sale_lines",
    """
    COPY sale_lines (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor, discount_minor, currency,
        item, provisional, override_id, event_time, business_day)
    FROM STDIN
    """,
    """
    INSERT INTO sale_lines (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor, discount_minor, currency,
        item, provisional, override_id, event_time, business_day)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)


def write(connection: Connection, lines: Sequence[ReceiptLine]) -> None:
    """Keep receipt lines."""
    if not lines:
        return
    load(
        connection,
        _SALE_LINES,
        (
            (
                line.fact.site,
                line.fact.journal,
                line.fact.seq,
                line.line,
                line.kind,
                line.sale_id,
                line.receipt,
                line.gtin,
                line.quantity,
                line.amount_minor,
                line.discount_minor,
                line.currency,
                line.item,
                line.provisional,
                line.override_id,
                text_of(line.fact.event_time),
                text_of(line.fact.business_day),
            )
            for line in lines
        ),
    )
