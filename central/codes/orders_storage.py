"""Orders of codes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from central.actors import By
from central.codes.orders import Asked, Format, Order, OrderState
from central.database import Connection

_ORDER = """
    SELECT tag, gtin, count, format, batch, expiry, domain, key_id, signed_on, secrets_check, state, written, commissioned, file,
           placed_by, placed_at, finished_at, reason
      FROM code_orders
"""


def add(connection: Connection, order: Order) -> bool:
    """Put a new order in; False where its tag is taken."""
    return (
        connection.execute(
            """
            INSERT INTO code_orders (tag, gtin, count, format, batch, expiry, domain, key_id, signed_on, secrets_check, state,
                                     written, commissioned, file, placed_by, placed_at, finished_at, reason)
            VALUES (%(tag)s, %(gtin)s, %(count)s, %(format)s, %(batch)s, %(expiry)s, %(domain)s, %(key_id)s, %(signed_on)s,
                    %(secrets_check)s, %(state)s, %(written)s, %(commissioned)s, %(file)s, %(placed_by)s, %(placed_at)s,
                    %(finished_at)s, %(reason)s)
            ON CONFLICT (tag) DO NOTHING
            """,
            msgspec.structs.asdict(order),
        ).rowcount
        == 1
    )


def find(connection: Connection, tag: str) -> Order | None:
    """An order by its tag."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_ORDER + "WHERE tag = %s", (tag,)).fetchone()
    return _order(row) if row else None


def find_all(connection: Connection, tags: Collection[str]) -> dict[str, Order]:
    """Orders by their tags; those that there are."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_ORDER + "WHERE tag = ANY (%s)", (list(tags),)).fetchall()
    return {row["tag"]: _order(row) for row in rows}


def lock(connection: Connection, tag: str) -> Order | None:
    """The same, held until the end of the transaction: decisions about an order come one after the other."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_ORDER + "WHERE tag = %s FOR UPDATE", (tag,)).fetchone()
    return _order(row) if row else None


def are_there_any(connection: Connection) -> bool:
    """Whether codes have ever been ordered."""
    return connection.execute("SELECT FROM code_orders LIMIT 1").fetchone() is not None


def unfinished(connection: Connection, asked: Asked, file: str | None) -> Order | None:
    """The latest open order of exactly this, written to ``file`` where one is named."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _ORDER
            + """
            WHERE state = 'open' AND gtin = %(gtin)s AND count = %(count)s AND format = %(format)s
              AND batch IS NOT DISTINCT FROM %(batch)s AND expiry IS NOT DISTINCT FROM %(expiry)s
              AND domain IS NOT DISTINCT FROM %(domain)s AND (%(file)s::text IS NULL OR file = %(file)s)
            ORDER BY placed_at DESC, tag LIMIT 1
            """,
            {**msgspec.structs.asdict(asked), "file": file},
        ).fetchone()
    return _order(row) if row else None


def page(
    connection: Connection,
    *,
    gtin: str | None,
    state: OrderState | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Order]:
    """Orders, the newest first, after a place in that order."""
    at, tag = after or (None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _ORDER
            + """
            WHERE (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar) AND (%(state)s::text IS NULL OR state = %(state)s)
              AND (%(at)s::timestamptz IS NULL OR (placed_at, tag) < (%(at)s, %(tag)s))
            ORDER BY placed_at DESC, tag DESC LIMIT %(limit)s
            """,
            {"gtin": gtin, "state": state, "at": at, "tag": tag, "limit": limit},
        ).fetchall()
    return [_order(row) for row in rows]


def note_written(connection: Connection, tag: str, written: int, file: str) -> None:
    """Note how many codes the file of an open order holds for certain."""
    connection.execute(
        "UPDATE code_orders SET written = %s, file = %s WHERE tag = %s AND state = 'open'",
        (written, file, tag),
    )


def complete(connection: Connection, tag: str, at: datetime, file: str | None) -> None:
    """All codes of an open order have been handed over."""
    connection.execute(
        """
        UPDATE code_orders SET state = 'complete', written = count, finished_at = %s, file = coalesce(%s, file)
         WHERE tag = %s AND state = 'open'
        """,
        (at, file, tag),
    )


def cancel(connection: Connection, tag: str, by: By) -> None:
    """From now on the codes of an order count as never issued."""
    connection.execute(
        """
        UPDATE code_orders SET state = 'cancelled', reason = %s, finished_at = coalesce(finished_at, %s) WHERE tag = %s
        """,
        (by.reason, by.at, tag),
    )


def note_commissioned(connection: Connection, tag: str, count: int) -> None:
    """So many more codes of an order have been put on products."""
    connection.execute("UPDATE code_orders SET commissioned = commissioned + %s WHERE tag = %s", (count, tag))


def note(connection: Connection, by: By, action: str, tag: str, detail: dict[str, Any]) -> None:
    """Note in the audit log who decided what about an order."""
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
        (by.actor, action, f"code order {tag}", Jsonb({**detail, "reason": by.reason})),
    )


def _order(row: dict[str, Any]) -> Order:
    return Order(
        **{
            **row,
            "format": Format(row["format"]),
            "state": OrderState(row["state"]),
            "secrets_check": bytes(row["secrets_check"]),
        }
    )
