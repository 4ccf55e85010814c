"""Invoices in PostgreSQL. The row of an invoice is locked before it is changed, after its order and its despatch, in the order of the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from central.actors import By
from central.database import Connection
from central.invoices.documents import Invoice, InvoiceState, Kept, Line

_INVOICE = """
SELECT site_id AS site, invoice_id, from_site_id AS from_site, order_id, despatch_id, currency, issued_at, type_code, billing_reference,
       state, body_hash, recorded_at, actor
  FROM invoices
"""


class UnknownSite(msgspec.Struct, frozen=True):
    """The buyer is not there, or not the caller's."""


class Differs(msgspec.Struct, frozen=True):
    """A document of this number is there with another content."""

    recorded_at: datetime


class Recorded(msgspec.Struct, frozen=True):
    """The document is kept; ``is_new`` is False where exactly this one was kept before."""

    is_new: bool


def add(connection: Connection, invoice: Invoice, by: By) -> Recorded | UnknownSite | Differs:
    """Keep a document. Sent again it changes nothing; another one under its number is refused."""
    if connection.execute("SELECT FROM sites WHERE site_id = %s", (invoice.site,)).fetchone() is None:
        return UnknownSite()
    written = connection.execute(
        """
        INSERT INTO invoices (site_id, invoice_id, from_site_id, order_id, despatch_id, currency, issued_at, body_hash, state,
                              recorded_at, actor, type_code, billing_reference)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, %s) ON CONFLICT (site_id, invoice_id) DO NOTHING
        """,
        (
            invoice.site, invoice.invoice_id, invoice.from_site, invoice.order_id, invoice.despatch_id, invoice.currency,
            invoice.issued_at, invoice.body_hash(), by.at, by.actor, invoice.type_code, invoice.billing_reference,
        ),
    )  # fmt: skip
    if written.rowcount == 0:
        row = connection.execute(
            "SELECT body_hash, recorded_at FROM invoices WHERE site_id = %s AND invoice_id = %s",
            (invoice.site, invoice.invoice_id),
        ).fetchone()
        assert row is not None, "a number that could not be inserted is there"
        return Recorded(is_new=False) if bytes(row[0]) == invoice.body_hash() else Differs(row[1])
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO invoice_lines (site_id, invoice_id, line, order_line, gtin, quantity, price_minor)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    invoice.site,
                    invoice.invoice_id,
                    line.line,
                    line.order_line,
                    line.gtin,
                    line.quantity,
                    line.price_minor,
                )
                for line in invoice.lines
            ],
        )
    return Recorded(is_new=True)


def find(connection: Connection, site: str, invoice_id: str) -> Kept | None:
    """A document as it stands, None if there is none that this transaction may see."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _INVOICE + "WHERE site_id = %s AND invoice_id = %s", (site, invoice_id)
        ).fetchone()
    return None if row is None else _with_lines(connection, [row])[0]


def page(
    connection: Connection,
    *,
    site: str | None,
    state: str | None,
    order_id: str | None,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Kept]:
    """Documents, the newest first, after the place ``after`` (issued_at, site, invoice_id) in that order."""
    at, after_site, after_id = after or (None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _INVOICE
            + """
            WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(state)s::text IS NULL OR state = %(state)s)
              AND (%(order)s::text IS NULL OR order_id = %(order)s)
              AND (%(at)s::timestamptz IS NULL OR (issued_at, site_id, invoice_id) < (%(at)s, %(after_site)s, %(after_id)s))
            ORDER BY issued_at DESC, site_id DESC, invoice_id DESC LIMIT %(limit)s
            """,
            {
                "site": site, "state": state, "order": order_id, "at": at, "after_site": after_site, "after_id": after_id,
                "limit": limit,
            },
        ).fetchall()  # fmt: skip
    return _with_lines(connection, rows)


def lock_reference(
    connection: Connection, site: str, order_id: str | None, despatch_id: str | None, invoice_id: str | None
) -> list[Kept]:
    """All documents of one reference, locked: of an order, of a despatch without one, or where neither is named one document alone."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _INVOICE
            + """
            WHERE site_id = %(site)s AND CASE
                  WHEN %(order)s::text IS NOT NULL THEN order_id = %(order)s
                  WHEN %(despatch)s::text IS NOT NULL THEN despatch_id = %(despatch)s AND order_id IS NULL
                  ELSE invoice_id = %(invoice)s OR billing_reference = %(invoice)s END
            ORDER BY invoice_id FOR UPDATE
            """,
            {"site": site, "order": order_id, "despatch": despatch_id, "invoice": invoice_id},
        ).fetchall()
    return _with_lines(connection, rows)


def set_states(
    connection: Connection, site: str, states: dict[str, InvoiceState], matched_at: datetime
) -> None:
    """Write what the match says of each document; one that a person has ended stays so."""
    connection.execute(
        """
        UPDATE invoices AS i SET state = CASE WHEN i.state IN ('paid', 'cancelled') THEN i.state ELSE n.state END, matched_at = %s
          FROM unnest(%s::text[], %s::text[]) AS n (invoice_id, state)
         WHERE i.site_id = %s AND i.invoice_id = n.invoice_id
        """,
        (matched_at, list(states), [state.value for state in states.values()], site),
    )


def end(connection: Connection, invoice: Invoice, state: InvoiceState, by: By) -> None:
    """Say that a (locked) document is paid or cancelled, and write down who said so."""
    connection.execute(
        "UPDATE invoices SET state = %s WHERE site_id = %s AND invoice_id = %s",
        (state, invoice.site, invoice.invoice_id),
    )
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
        (
            by.actor,
            f"invoice {state}",
            f"{invoice.site}/{invoice.invoice_id}",
            Jsonb({"reason": by.reason}),
        ),
    )


def remind(connection: Connection, arrived: Iterable[tuple[str, str | None, str | None]]) -> None:
    """Goods of (site, order, despatch) have arrived: invoices of them are matched again within the minute. The intake calls this in its own
    transaction, after orders and despatches; asks the database nothing where nothing has arrived."""
    named = sorted({one for one in arrived if one[1] or one[2]}, key=str)
    if not named:
        return
    sites, orders, despatches = zip(*named, strict=True)
    connection.execute(
        """
        WITH arrived AS (
            SELECT i.site_id, i.invoice_id
              FROM unnest(%s::text[], %s::text[], %s::text[]) AS here (site_id, order_id, despatch_id)
              JOIN invoices AS i ON i.site_id = here.site_id AND (i.order_id = here.order_id OR i.despatch_id = here.despatch_id)
             WHERE i.state IN ('open', 'disputed') ORDER BY i.site_id, i.invoice_id FOR UPDATE OF i
        )
        UPDATE invoices SET matched_at = NULL FROM arrived
         WHERE invoices.site_id = arrived.site_id AND invoices.invoice_id = arrived.invoice_id
        """,
        (list(sites), list(orders), list(despatches)),
    )


def _with_lines(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[Kept]:
    if not rows:
        return []
    found = connection.execute(
        """
        SELECT site_id, invoice_id, line, gtin, quantity, price_minor, order_line
          FROM unnest(%s::text[], %s::text[]) AS wanted (site_id, invoice_id) JOIN invoice_lines USING (site_id, invoice_id)
         ORDER BY site_id, invoice_id, line
        """,
        ([row["site"] for row in rows], [row["invoice_id"] for row in rows]),
    ).fetchall()
    lines: dict[tuple[str, str], list[Line]] = {}
    for site, invoice_id, number, gtin, quantity, price_minor, order_line in found:
        lines.setdefault((site, invoice_id), []).append(
            Line(line=number, gtin=gtin, quantity=quantity, price_minor=price_minor, order_line=order_line)
        )
    return [_kept(row, tuple(lines.get((row["site"], row["invoice_id"]), ()))) for row in rows]


def _kept(row: dict[str, Any], lines: tuple[Line, ...]) -> Kept:
    about = {
        name: row[name]
        for name in (
            "site", "invoice_id", "from_site", "order_id", "despatch_id", "currency", "issued_at", "type_code", "billing_reference",
        )
    }  # fmt: skip
    return Kept(
        invoice=Invoice(**about, lines=lines),
        state=InvoiceState(row["state"]),
        body_hash=bytes(row["body_hash"]),
        recorded_at=row["recorded_at"],
        actor=row["actor"],
    )
