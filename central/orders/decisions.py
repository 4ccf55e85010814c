"""What the brand decides about an order, carried out: each in the caller's transaction, on an order that is locked.

Every decision gives the order afterwards, or a :class:`Forbidden` with the reason; then nothing has been written. What changes is
noted in the order's audit trail and told to the dealer's agents.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from central.actors import By
from central.database import Connection
from central.orders import promises, rules, tables
from central.orders.documents import Order
from protocol.orders import Forbidden, OrderAction, transition


def accept(
    connection: Connection, order: Order, by: By, asked: Mapping[int, Decimal] | None
) -> Order | Forbidden:
    """Accept the whole order, or the quantities ``asked`` for each line. Reserves nothing yet."""
    acceptance = rules.accept(order, asked)
    if isinstance(acceptance, Forbidden):
        return acceptance
    after = _moved(order, acceptance.action, by)
    if isinstance(after, Forbidden):
        return after
    from_site = order.from_site or _serving_site(connection, order.site)
    if from_site is None:
        return Forbidden(f"no warehouse serves site {order.site}: name its serving site first")
    accepted = msgspec.structs.replace(after, lines=acceptance.lines, from_site=from_site)
    return _write(connection, order, accepted, by, acceptance.action)


def hold(connection: Connection, order: Order, by: By) -> Order | Forbidden:
    """Put an order aside until a person has looked at it."""
    return _step(connection, order, by, OrderAction.HOLD)


def refuse(connection: Connection, order: Order, by: By) -> Order | Forbidden:
    """Refuse every line of an order."""
    refused = msgspec.structs.replace(order, lines=rules.refuse(order.lines))
    return _step(connection, order, by, OrderAction.REFUSE, refused)


def allocate(connection: Connection, order: Order, by: By) -> Order | Forbidden:
    """Reserve stock of the serving site for what the order lacks, as far as there is any that nobody else was promised."""
    state = rules.allocation_state(order.state)
    if isinstance(state, Forbidden):
        return state
    reserved, taken = promises.reserve(connection, order)
    if not taken:
        lacking = [line for line in order.lines if line.to_allocate]
        wants = ", ".join(f"line {line.line} lacks {line.to_allocate}" for line in lacking[:5])
        return Forbidden(
            f"nothing of this order is available at {order.from_site}: {wants}"
            if lacking
            else "everything that was accepted is allocated or despatched already"
        )
    after = msgspec.structs.replace(reserved, state=state, updated_at=by.at)
    return _write(connection, order, after, by, OrderAction.ALLOCATE)


def cancel(connection: Connection, order: Order, by: By) -> Order | Forbidden:
    """Cancel an order of which nothing has been despatched; what was reserved for it is free again."""
    return _end(connection, order, by, OrderAction.CANCEL)


def close(connection: Connection, order: Order, by: By) -> Order | Forbidden:
    """Close an order that has been received, wholly or in part; what is still reserved for it is free again."""
    return _end(connection, order, by, OrderAction.CLOSE)


def despatched(
    connection: Connection, order: Order, by: By, leaving: Mapping[int, Decimal]
) -> Order | Forbidden:
    """Note that ``leaving`` (per line, of what is allocated) has left; the reservation ends with it. The goods themselves
    are moved by :mod:`central.despatches.sending`."""
    action, lines = rules.despatch(order.lines, leaving)
    after = _moved(order, action, by)
    if isinstance(after, Forbidden):
        return after
    released: dict[str, Decimal] = {}
    for line in order.lines:
        if line.line in leaving:
            released[line.gtin] = released.get(line.gtin, Decimal(0)) + leaving[line.line]
    promises.release(connection, order.from_site, released)
    return _write(connection, order, msgspec.structs.replace(after, lines=lines), by, action)


def _end(connection: Connection, order: Order, by: By, action: OrderAction) -> Order | Forbidden:
    after = _moved(order, action, by)
    if isinstance(after, Forbidden):
        return after
    return _write(connection, order, promises.release_all(connection, after), by, action)


def _step(
    connection: Connection, order: Order, by: By, action: OrderAction, changed: Order | None = None
) -> Order | Forbidden:
    after = _moved(changed or order, action, by)
    return after if isinstance(after, Forbidden) else _write(connection, order, after, by, action)


def _moved(order: Order, action: OrderAction, by: By) -> Order | Forbidden:
    state = transition(order.state, action)
    if isinstance(state, Forbidden):
        return state
    return msgspec.structs.replace(order, state=state, reason=by.reason, updated_at=by.at)


def _write(connection: Connection, before: Order, after: Order, by: By, action: OrderAction) -> Order:
    tables.update(connection, after)
    tables.note(
        connection, after, at=by.at, actor=by.actor, action=action, from_state=before.state, reason=by.reason
    )
    tables.tell(connection, after)
    return after


def _serving_site(connection: Connection, site: str) -> str | None:
    row = connection.execute("SELECT serving_site_id FROM sites WHERE site_id = %s", (site,)).fetchone()
    return row[0] if row else None
