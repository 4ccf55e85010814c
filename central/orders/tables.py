"""The rows of orders: read, written, locked. No rule of the trade stands here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row, tuple_row

from central.database import Connection
from central.feeds import publish
from central.orders.documents import Line, Order, view
from protocol.feeds import Feed, body_encoder
from protocol.orders import OrderState

_ORDER = """
SELECT site_id AS site, order_id, revision, number, state, from_site_id AS from_site, agent_id, currency, body_hash,
       submitted_at, updated_at, reason, note
  FROM orders WHERE site_id = %s AND order_id = %s
"""
_LINES = """
SELECT line, gtin, ordered, accepted, allocated, despatched, received, response, reason, price_minor
  FROM order_lines WHERE site_id = %s AND order_id = %s ORDER BY line
"""


def find(connection: Connection, site: str, order_id: str) -> Order | None:
    """An order of ``site`` as it stands, None if there is none that this transaction may see."""
    return _read(connection, _ORDER, site, order_id)


def lock(connection: Connection, site: str, order_id: str) -> Order | None:
    """The same, locked until the end of the transaction: whoever changes an order takes this first."""
    return _read(connection, _ORDER + "FOR UPDATE", site, order_id)


def _read(connection: Connection, query: str, site: str, order_id: str) -> Order | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        order = cursor.execute(query, (site, order_id)).fetchone()
        if order is None:
            return None
        lines = cursor.execute(_LINES, (site, order_id)).fetchall()
    state = OrderState(order.pop("state"))
    return Order(**order, state=state, lines=tuple(Line(**line) for line in lines))


def page(
    connection: Connection,
    *,
    site: str | None,
    state: str | None,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Order]:
    """Orders, the newest first, after the place ``after`` (submitted_at, site, order_id) in that order."""
    keys = """
    SELECT site_id, order_id FROM orders
     WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(state)s::text IS NULL OR state = %(state)s)
       AND (%(at)s::timestamptz IS NULL OR (submitted_at, site_id, order_id) < (%(at)s, %(after_site)s, %(after_id)s))
     ORDER BY submitted_at DESC, site_id DESC, order_id DESC LIMIT %(limit)s
    """
    at, after_site, after_id = after or (None, None, None)
    values = {
        "site": site,
        "state": state,
        "at": at,
        "after_site": after_site,
        "after_id": after_id,
        "limit": limit,
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(keys, values).fetchall()
    orders = (find(connection, one_site, order_id) for one_site, order_id in found)
    return [order for order in orders if order is not None]


def insert(connection: Connection, order: Order) -> bool:
    """Keep a new order. False if another transaction has kept one under the same key meanwhile: nothing was written."""
    statement = """
    INSERT INTO orders (site_id, order_id, revision, number, state, from_site_id, agent_id, currency, body_hash, reason, note,
                        submitted_at, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (site_id, order_id) DO NOTHING
    """
    written = connection.execute(
        statement,
        (
            order.site, order.order_id, order.revision, order.number, order.state, order.from_site, order.agent_id,
            order.currency, order.body_hash, order.reason, order.note, order.submitted_at, order.updated_at,
        ),
    )  # fmt: skip
    if written.rowcount == 0:
        return False
    _insert_lines(connection, order)
    return True


def replace(connection: Connection, order: Order) -> None:
    """Put a revision in the place of the (locked) order it revises."""
    connection.execute(
        "DELETE FROM order_lines WHERE site_id = %s AND order_id = %s", (order.site, order.order_id)
    )
    connection.execute(
        """
        UPDATE orders SET revision = %s, number = %s, state = %s, from_site_id = %s, agent_id = %s, currency = %s, body_hash = %s,
                          reason = %s, note = %s, submitted_at = %s, updated_at = %s
         WHERE site_id = %s AND order_id = %s
        """,
        (
            order.revision, order.number, order.state, order.from_site, order.agent_id, order.currency, order.body_hash,
            order.reason, order.note, order.submitted_at, order.updated_at, order.site, order.order_id,
        ),
    )  # fmt: skip
    _insert_lines(connection, order)


def update(connection: Connection, order: Order) -> None:
    """Write the state, the reason, the serving site and the lines' quantities and answers of a (locked) order."""
    connection.execute(
        """
        UPDATE orders SET state = %s, reason = %s, from_site_id = %s, updated_at = %s WHERE site_id = %s AND order_id = %s
        """,
        (order.state, order.reason, order.from_site, order.updated_at, order.site, order.order_id),
    )
    connection.execute(
        """
        UPDATE order_lines AS l
           SET accepted = n.accepted, allocated = n.allocated, despatched = n.despatched, received = n.received,
               response = n.response, reason = n.reason
          FROM unnest(%s::int[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::text[], %s::text[])
               AS n (line, accepted, allocated, despatched, received, response, reason)
         WHERE l.site_id = %s AND l.order_id = %s AND l.line = n.line
        """,
        (
            [line.line for line in order.lines],
            [line.accepted for line in order.lines],
            [line.allocated for line in order.lines],
            [line.despatched for line in order.lines],
            [line.received for line in order.lines],
            [line.response for line in order.lines],
            [line.reason for line in order.lines],
            order.site,
            order.order_id,
        ),
    )


def note(
    connection: Connection,
    order: Order,
    *,
    at: datetime,
    actor: str,
    action: str,
    from_state: str | None,
    reason: str | None = None,
) -> None:
    """Write down who did what to an order, when and why; ``order`` is the order afterwards."""
    connection.execute(
        """
        INSERT INTO order_audit (site_id, order_id, at, actor, action, from_state, to_state, reason)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (order.site, order.order_id, at, actor, action, from_state, order.state, reason),
    )


def history(connection: Connection, site: str, order_id: str) -> list[dict[str, Any]]:
    """Everything that was done to an order, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT at, actor, action, from_state, to_state, reason FROM order_audit
             WHERE site_id = %s AND order_id = %s ORDER BY audit_id
            """,
            (site, order_id),
        ).fetchall()


def tell(connection: Connection, order: Order) -> None:
    """Publish an order to its site's agents."""
    publish(connection, Feed.ORDERS, order.site, [(order.order_id, body_encoder.encode(view(order)))])


def _insert_lines(connection: Connection, order: Order) -> None:
    rows: Sequence[tuple[Any, ...]] = [
        (order.site, order.order_id, line.line, line.gtin, line.ordered, line.accepted, line.response, line.reason,
         line.price_minor)
        for line in order.lines
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO order_lines (site_id, order_id, line, gtin, ordered, accepted, response, reason, price_minor)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            rows,
        )
