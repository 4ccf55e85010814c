"""What agents report of orders, taken into the books. The intake calls these inside its own transaction.

Nothing here rejects what a counter has written down: an order that cannot be one is kept as refused, a change that comes too
late is noted, and the answer reaches the agent in its ``orders`` feed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from psycopg.rows import tuple_row

from central.database import Connection
from central.orders import promises, rules, tables
from central.orders.documents import Order
from protocol.events import OrderCancelAsked, OrderSubmitted
from protocol.orders import Forbidden, OrderAction, OrderState, transition


class Intake(StrEnum):
    """What became of something an agent reported about an order."""

    RECORDED = "recorded"
    REVISED = "revised"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    GRANTED = "granted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it, with the order as it now stands (None if there is none) and the reason where there is one."""

    intake: Intake
    order: Order | None = None
    reason: str | None = None


def apply_submitted(
    connection: Connection, site: str, agent_id: str, event_time: datetime, order: OrderSubmitted
) -> Outcome:
    """Take in an order. The same document again changes nothing; another one under the same key and revision is a conflict."""
    actor = f"agent:{agent_id}"
    fresh = _begin(connection, site, agent_id, event_time, order)
    if tables.insert(connection, fresh):
        _note_beginning(connection, fresh, event_time, actor, "submit", OrderState.DRAFT)
        return Outcome(intake=Intake.RECORDED, order=fresh, reason=fresh.reason)
    kept = tables.lock(connection, site, order.order_id)
    assert kept is not None, "a key that could not be inserted is there"
    if kept.body_hash == fresh.body_hash:
        return Outcome(intake=Intake.REPEATED, order=kept)
    forbidden = rules.may_revise(kept, order.revision)
    if forbidden is not None:
        tables.note(
            connection, kept, at=event_time, actor=actor, action="change_refused", from_state=kept.state,
            reason=forbidden.reason,
        )  # fmt: skip
        return Outcome(intake=Intake.CONFLICT, order=kept, reason=forbidden.reason)
    tables.replace(connection, fresh)
    _note_beginning(connection, fresh, event_time, actor, "change", kept.state)
    return Outcome(intake=Intake.REVISED, order=fresh, reason=fresh.reason)


def apply_cancel_asked(
    connection: Connection, site: str, agent_id: str, event_time: datetime, asked: OrderCancelAsked
) -> Outcome:
    """Cancel an order at its dealer's wish, while nothing of it has been despatched; else tell the dealer why not."""
    actor = f"agent:{agent_id}"
    kept = tables.lock(connection, site, asked.order_id)
    if kept is None:
        return Outcome(intake=Intake.UNKNOWN, reason=f"site {site} has no order {asked.order_id}")
    if kept.state is OrderState.CANCELLED:
        return Outcome(intake=Intake.REPEATED, order=kept)
    after = transition(kept.state, OrderAction.CANCEL)
    if isinstance(after, Forbidden):
        told = msgspec.structs.replace(kept, reason=after.reason, updated_at=event_time)
        tables.update(connection, told)
        tables.note(
            connection, told, at=event_time, actor=actor, action="cancel_refused", from_state=kept.state,
            reason=after.reason,
        )  # fmt: skip
        tables.tell(connection, told)
        return Outcome(intake=Intake.REFUSED, order=told, reason=after.reason)
    cancelled = msgspec.structs.replace(
        promises.release_all(connection, kept), state=after, reason=asked.reason, updated_at=event_time
    )
    tables.update(connection, cancelled)
    tables.note(
        connection,
        cancelled,
        at=event_time,
        actor=actor,
        action="cancel",
        from_state=kept.state,
        reason=asked.reason,
    )
    tables.tell(connection, cancelled)
    return Outcome(intake=Intake.GRANTED, order=cancelled)


def _begin(
    connection: Connection, site: str, agent_id: str, event_time: datetime, order: OrderSubmitted
) -> Order:
    """The order as it would begin its life here."""
    gtins = [line.gtin for line in order.lines]
    with connection.cursor(row_factory=tuple_row) as cursor:
        known = cursor.execute(
            "SELECT gtin FROM products WHERE active AND gtin = ANY(%s::bpchar[])", (gtins,)
        ).fetchall()
        serving = cursor.execute("SELECT serving_site_id FROM sites WHERE site_id = %s", (site,)).fetchone()
    from_site = serving[0] if serving else None
    beginning = rules.submission(order, {gtin for (gtin,) in known}, from_site)
    return Order(
        site=site,
        order_id=order.order_id,
        revision=order.revision,
        number=order.number,
        state=beginning.state,
        from_site=from_site,
        agent_id=agent_id,
        currency=order.currency,
        body_hash=rules.document_hash(order),
        submitted_at=event_time,
        updated_at=event_time,
        lines=beginning.lines,
        reason=beginning.reason,
        note=order.note,
    )


def _note_beginning(
    connection: Connection, order: Order, at: datetime, actor: str, action: str, from_state: str
) -> None:
    tables.note(
        connection, order, at=at, actor=actor, action=action, from_state=from_state, reason=order.reason
    )
    tables.tell(connection, order)
