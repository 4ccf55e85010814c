"""Payments, moved cash and overridden prices in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

import msgspec

from central.database import Connection
from central.database.bulk import Bulk, load, text_of
from central.journals.facts import Fact
from central.shifts.receipts import UNKNOWN, Part, PaymentRow
from protocol.events import CashMoved, PriceOverridden

_PAYMENTS = Bulk(
    "payments",
    """
    COPY payments (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, tendered_minor, currency, event_time)
    FROM STDIN
    """,
    """
    INSERT INTO payments
        (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, tendered_minor, currency, event_time)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)
Sold = tuple[str, str]
"""(site, sale id)"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A void whose sale was not known when it was booked."""

    site: str
    sale_id: str
    business_day: date
    journal: int
    seq: int
    amount_minor: int
    currency: str
    event_time: datetime


def write_payments(connection: Connection, rows: Sequence[PaymentRow]) -> None:
    """Keep how receipts were paid."""
    if rows:
        load(
            connection,
            _PAYMENTS,
            (
                (
                    row.fact.site,
                    text_of(row.fact.business_day),
                    row.fact.journal,
                    row.fact.seq,
                    row.line,
                    row.kind,
                    row.sale_id,
                    row.method,
                    row.amount_minor,
                    row.tendered_minor,
                    row.currency,
                    text_of(row.fact.event_time),
                )
                for row in rows
            ),
        )


def sales_paid(connection: Connection, wanted: Collection[Sold]) -> dict[Sold, list[Part]]:
    """What known sales were paid with; a sale that is not known is left out. Of two sales of one id, the first that came."""
    if not wanted:
        return {}
    sites, sales = zip(*sorted(wanted), strict=True)
    found = connection.execute(
        """
        SELECT wanted.site_id, wanted.sale_id, paid.method, paid.amount_minor, paid.tendered_minor
        FROM unnest(%s::text[], %s::text[]) AS wanted (site_id, sale_id)
        CROSS JOIN LATERAL (
            SELECT journal, seq FROM sale_lines
            WHERE sale_lines.site_id = wanted.site_id AND sale_lines.sale_id = wanted.sale_id AND kind = 'sale'
            ORDER BY journal, seq LIMIT 1
        ) AS sale
        LEFT JOIN payments AS paid
            ON paid.site_id = wanted.site_id AND paid.journal = sale.journal AND paid.seq = sale.seq AND paid.kind = 'sale'
        ORDER BY wanted.site_id, wanted.sale_id, paid.line
        """,
        (list(sites), list(sales)),
    )
    paid: dict[Sold, list[Part]] = {}
    for site, sale_id, method, amount, tendered in found:
        parts = paid.setdefault((site, sale_id), [])
        if method is not None:
            parts.append((method, amount, tendered))
    return paid


def waiting_voids(connection: Connection, sites: Collection[str] | None) -> list[Waiting]:
    """Voids of these sites (None: of all) whose sale was not known. There are hardly ever any."""
    found = connection.execute(
        """
        SELECT site_id, sale_id, business_day, journal, seq, amount_minor, currency, event_time FROM payments
        WHERE method = 'unknown' AND kind = 'void' AND (%(sites)s::text[] IS NULL OR site_id = ANY (%(sites)s::text[]))
        ORDER BY site_id, journal, seq LIMIT 10000
        """,
        {"sites": None if sites is None else sorted(sites)},
    )
    return [
        Waiting(
            site=site,
            sale_id=sale_id,
            business_day=day,
            journal=journal,
            seq=seq,
            amount_minor=amount,
            currency=currency,
            event_time=at,
        )
        for site, sale_id, day, journal, seq, amount, currency, at in found
    ]


def lock_waiting(connection: Connection, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Those that still wait, locked: two who have found the sale at once must not both put the void right."""
    if not waiting:
        return []
    found = connection.execute(
        """
        SELECT p.site_id, p.journal, p.seq
        FROM payments AS p JOIN unnest(%s::text[], %s::date[], %s::bigint[], %s::bigint[]) AS void (site_id, business_day, journal, seq)
            USING (site_id, business_day, journal, seq)
        WHERE p.method = 'unknown' ORDER BY p.site_id, p.journal, p.seq FOR UPDATE OF p
        """,
        (
            [one.site for one in waiting],
            [one.business_day for one in waiting],
            [one.journal for one in waiting],
            [one.seq for one in waiting],
        ),
    )
    left = {(site, journal, seq) for site, journal, seq in found}
    return [one for one in waiting if (one.site, one.journal, one.seq) in left]


def put_right(connection: Connection, mended: Sequence[tuple[Waiting, Sequence[Part]]]) -> None:
    """Replace what was unknown of voids by how the money went back."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM payments WHERE site_id = %s AND business_day = %s AND journal = %s AND seq = %s AND method = %s",
            [(void.site, void.business_day, void.journal, void.seq, UNKNOWN) for void, _ in mended],
        )
        cursor.executemany(
            """
            INSERT INTO payments (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, currency, event_time)
            VALUES (%s, %s, %s, %s, %s, 'void', %s, %s, %s, %s, %s)
            """,
            [
                (
                    void.site,
                    void.business_day,
                    void.journal,
                    void.seq,
                    line,
                    void.sale_id,
                    method,
                    amount,
                    void.currency,
                    void.event_time,
                )
                for void, parts in mended
                for line, (method, amount, _) in enumerate(parts)
            ],
        )


def write_cash_moves(connection: Connection, facts: Iterable[Fact]) -> None:
    """Keep cash that was put into a drawer or taken out of it."""
    rows = [
        (
            fact.site,
            fact.journal,
            fact.seq,
            fact.body.cash_move_id,
            fact.body.shift_id,
            fact.body.amount_minor,
            fact.body.currency,
            fact.body.reason,
            fact.body.clerk,
            fact.event_time,
            fact.business_day,
        )
        for fact in facts
        if isinstance(fact.body, CashMoved)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO cash_moves (site_id, journal, seq, cash_move_id, shift_id, amount_minor, currency, reason, clerk, event_time,
                    business_day)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                rows,
            )


def write_overrides(connection: Connection, facts: Iterable[Fact]) -> None:
    """Keep prices that a person gave. An id that is there already keeps what came first; the archive has both."""
    rows = [
        (
            fact.site,
            fact.body.override_id,
            fact.journal,
            fact.seq,
            fact.body.gtin,
            fact.body.currency,
            fact.body.list_price_minor,
            fact.body.price_minor,
            fact.body.reason,
            fact.body.clerk,
            fact.body.authorised_by,
            fact.event_time,
            fact.business_day,
        )
        for fact in facts
        if isinstance(fact.body, PriceOverridden)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO price_overrides (site_id, override_id, journal, seq, gtin, currency, list_price_minor, price_minor, reason,
                    clerk, authorised_by, event_time, business_day)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (site_id, override_id) DO NOTHING
                """,
                rows,
            )
