"""Despatches kept, announced and taken in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row, tuple_row

from central.database import Connection
from central.despatches.rules import (
    ZERO,
    Counted,
    Despatch,
    DespatchState,
    Line,
    Short,
    compare,
    state_after,
    view,
)
from central.feeds import publish
from central.orders import rules as order_rules
from central.orders import tables as orders
from central.orders.documents import Order
from protocol.events import GoodsReceived
from protocol.feeds import Feed, body_encoder
from protocol.orders import Forbidden, transition

_DESPATCH = """
SELECT to_site_id AS to_site, despatch_id, from_site_id AS from_site, order_id, state, despatched_at, received_at, containers
  FROM despatches WHERE to_site_id = %s AND despatch_id = %s
"""
_LINES = """
SELECT line, gtin, quantity, received, items, settled, value_minor FROM despatch_lines WHERE to_site_id = %s AND despatch_id = %s ORDER BY line
"""


class ReceiptOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt means for the books.

    ``despatch`` is None for goods that no despatch announced; ``unknown_despatch`` then says that the receipt named one that
    does not exist for this site, and every quantity is over. ``source`` is the location that ``from_transit`` comes from; the
    rest of a line comes from ``supplier``. ``is_valued``: what it left with is said in this site's currency. ``order`` is the order
    afterwards. ``missing_containers`` were announced as cases, and have not come as such.
    """

    lines: tuple[Counted, ...]
    short: tuple[Short, ...] = ()
    despatch: Despatch | None = None
    order: Order | None = None
    unknown_despatch: bool = False
    source: str = "supplier"
    is_valued: bool = False
    missing_containers: tuple[str, ...] = ()


def find(connection: Connection, to_site: str, despatch_id: str) -> Despatch | None:
    """A despatch to ``to_site``, None if there is none that this transaction may see."""
    return _read(connection, _DESPATCH, to_site, despatch_id)


def page(
    connection: Connection,
    *,
    site: str | None,
    state: str | None,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Despatch]:
    """Despatches, the newest first, after the place ``after`` (despatched_at, to_site, despatch_id) in that order."""
    keys = """
    SELECT to_site_id, despatch_id FROM despatches
     WHERE (%(site)s::text IS NULL OR to_site_id = %(site)s) AND (%(state)s::text IS NULL OR state = %(state)s)
       AND (%(at)s::timestamptz IS NULL
            OR (despatched_at, to_site_id, despatch_id) < (%(at)s, %(after_site)s, %(after_id)s))
     ORDER BY despatched_at DESC, to_site_id DESC, despatch_id DESC LIMIT %(limit)s
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
    despatches = (find(connection, to_site, despatch_id) for to_site, despatch_id in found)
    return [despatch for despatch in despatches if despatch is not None]


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What a counter said of a despatch: the site that it named, where that was another one, and the hash of its words."""

    body_hash: bytes
    named_site: str | None = None


def send(connection: Connection, despatch: Despatch) -> None:
    """Keep a new despatch and announce it to the receiving site's agents."""
    keep(connection, despatch)
    tell(connection, despatch)


def keep(connection: Connection, despatch: Despatch, scanned: Scanned | None = None) -> None:
    """Keep a new despatch; ``scanned`` where a counter made it."""
    connection.execute(
        """
        INSERT INTO despatches (to_site_id, despatch_id, from_site_id, order_id, state, despatched_at, containers, named_site, body_hash)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            despatch.to_site, despatch.despatch_id, despatch.from_site, despatch.order_id, despatch.state,
            despatch.despatched_at, list(despatch.containers), scanned and scanned.named_site, scanned and scanned.body_hash,
        ),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO despatch_lines (to_site_id, despatch_id, line, gtin, quantity, items, value_minor)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    despatch.to_site,
                    despatch.despatch_id,
                    line.line,
                    line.gtin,
                    line.quantity,
                    list(line.items),
                    line.value_minor,
                )
                for line in despatch.lines
            ],
        )


def lock_name(connection: Connection, to_site: str, despatch_id: str) -> None:
    """Lock a despatch that may not be there yet, by its name: a receipt of it and the despatch itself, each heard of in a transaction of its
    own at the same moment, must not miss each other."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('despatch ' || %s || '/' || %s, 0))",
        (to_site, despatch_id),
    )


def note_values(
    connection: Connection, to_site: str, despatch_id: str, values_minor: Mapping[int, int]
) -> None:
    """Keep what the lines (line -> minor units) of a despatch were worth when they left, once that is known."""
    connection.execute(
        """
        UPDATE despatch_lines AS l SET value_minor = n.value_minor FROM unnest(%s::int[], %s::bigint[]) AS n (line, value_minor)
         WHERE l.to_site_id = %s AND l.despatch_id = %s AND l.line = n.line
        """,
        (list(values_minor), list(values_minor.values()), to_site, despatch_id),
    )


def apply_receipt(
    connection: Connection,
    site: str,
    received: GoodsReceived,
    event_time: datetime,
    *,
    actor: str = "agent",
) -> ReceiptOutcome:
    """Take in a receipt at ``site``: the despatch and its order move on; the movements are booked by whoever asked.

    The intake calls this inside its own transaction. A despatch that is not this site's is, for this site, none.
    """
    if received.despatch_id is None:
        return ReceiptOutcome(lines=_unannounced(received, is_over=False))
    kept = _read(connection, _DESPATCH + "FOR UPDATE", site, received.despatch_id)
    if kept is None:
        lock_name(connection, site, received.despatch_id)
        kept = _read(connection, _DESPATCH + "FOR UPDATE", site, received.despatch_id)
    if kept is None:
        return ReceiptOutcome(lines=_unannounced(received, is_over=True), unknown_despatch=True)
    outcome = take_in(connection, kept, received, event_time, actor=actor)
    assert outcome.despatch is not None, "a receipt of a despatch names it"
    tell(connection, outcome.despatch)
    return outcome


def take_in(
    connection: Connection, kept: Despatch, received: GoodsReceived, event_time: datetime, *, actor: str
) -> ReceiptOutcome:
    """Set a receipt against its (locked) despatch, which moves on with its order."""
    found = compare(
        kept.lines, received.lines, complete=received.complete, seen_items=_arrived_items(connection, kept)
    )
    state = state_after(found.lines, complete=received.complete)
    if kept.state is DespatchState.RECEIVED:
        state = (
            kept.state
        )  # goods found after the receipt was complete: they count, the despatch stays closed
    after = msgspec.structs.replace(
        kept,
        state=state,
        lines=found.lines,
        received_at=event_time
        if state is DespatchState.RECEIVED and kept.received_at is None
        else kept.received_at,
    )
    _update(connection, after)
    return ReceiptOutcome(
        lines=found.counted,
        short=found.short,
        despatch=after,
        order=_move_order_on(connection, after, found.arrived, event_time, actor),
        source=after.transit,
        is_valued=_in_one_currency(connection, after),
        missing_containers=_missing(connection, after) if found.short else (),
    )


def _in_one_currency(connection: Connection, despatch: Despatch) -> bool:
    row = connection.execute(
        "SELECT count(DISTINCT currency) = 1 FROM sites WHERE site_id IN (%s, %s)",
        (despatch.from_site, despatch.to_site),
    ).fetchone()
    return row is not None and bool(row[0])


def _missing(connection: Connection, despatch: Despatch) -> tuple[str, ...]:
    """The announced cases that are still on their way. Those of this receipt have been taken in by now."""
    if not despatch.containers:
        return ()
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(
            "SELECT sscc FROM containers WHERE sscc = ANY (%s) AND despatch_id = %s ORDER BY sscc",
            (list(despatch.containers), despatch.despatch_id),
        ).fetchall()
    return tuple(sscc for (sscc,) in found)


def _move_order_on(
    connection: Connection, despatch: Despatch, arrived: dict[int, Any], at: datetime, actor: str
) -> Order | None:
    if despatch.order_id is None:
        return None
    order = orders.lock(connection, despatch.to_site, despatch.order_id)
    if order is None:
        return None
    awaited = connection.execute(
        """
        SELECT FROM despatches WHERE to_site_id = %s AND order_id = %s AND state <> 'received'
        """,
        (despatch.to_site, despatch.order_id),
    ).fetchone()
    action, lines = order_rules.receive(order.lines, arrived, more_on_the_way=awaited is not None)
    state = transition(order.state, action)
    if isinstance(state, Forbidden):
        state = (
            order.state
        )  # received or closed already: a late find changes quantities, not the life of the order
    after = msgspec.structs.replace(order, state=state, lines=lines, updated_at=at)
    orders.update(connection, after)
    orders.note(
        connection, after, at=at, actor=actor, action=action, from_state=order.state,
        reason=f"despatch {despatch.despatch_id}",
    )  # fmt: skip
    orders.tell(connection, after)
    return after


def _unannounced(received: GoodsReceived, *, is_over: bool) -> tuple[Counted, ...]:
    return tuple(
        Counted(
            index=index,
            gtin=line.gtin,
            counted=line.quantity,
            from_transit=ZERO,
            over=line.quantity if is_over else ZERO,
        )
        for index, line in enumerate(received.lines)
    )


def _arrived_items(connection: Connection, despatch: Despatch) -> list[str]:
    """The announced codes that are no longer on their way."""
    codes = [item for line in despatch.lines for item in line.items]
    if not codes:
        return []
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(
            "SELECT item FROM items WHERE item = ANY(%s) AND state <> 'in_transit'", (codes,)
        ).fetchall()
    return [item for (item,) in found]


def _read(connection: Connection, query: str, to_site: str, despatch_id: str) -> Despatch | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        despatch = cursor.execute(query, (to_site, despatch_id)).fetchone()
        if despatch is None:
            return None
        lines = cursor.execute(_LINES, (to_site, despatch_id)).fetchall()
    state = DespatchState(despatch.pop("state"))
    return Despatch(
        **{**despatch, "containers": tuple(despatch["containers"])},
        state=state,
        lines=tuple(Line(**{**line, "items": tuple(line["items"])}) for line in lines),
    )


def _update(connection: Connection, despatch: Despatch) -> None:
    connection.execute(
        "UPDATE despatches SET state = %s, received_at = %s WHERE to_site_id = %s AND despatch_id = %s",
        (despatch.state, despatch.received_at, despatch.to_site, despatch.despatch_id),
    )
    connection.execute(
        """
        UPDATE despatch_lines AS l SET received = n.received FROM unnest(%s::int[], %s::numeric[]) AS n (line, received)
         WHERE l.to_site_id = %s AND l.despatch_id = %s AND l.line = n.line
        """,
        (
            [line.line for line in despatch.lines],
            [line.received for line in despatch.lines],
            despatch.to_site,
            despatch.despatch_id,
        ),
    )


def tell(connection: Connection, despatch: Despatch) -> None:
    """Bring the receiving site's feed up to date."""
    publish(
        connection,
        Feed.DESPATCHES,
        despatch.to_site,
        [(despatch.despatch_id, body_encoder.encode(view(despatch)))],
    )
