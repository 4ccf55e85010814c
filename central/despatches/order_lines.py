"""What a counter sent for an order, on the lines that it belongs to; and how far the order has come by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec

from central.database import Connection
from central.despatches.destinations import Wrong
from central.despatches.rules import Line
from central.journals.facts import Fact
from central.orders import tables
from central.orders.documents import Line as OrderLine
from central.orders.documents import Order
from protocol.events import GoodsDespatched, GoodsLine
from protocol.orders import Forbidden, OrderAction, OrderState, transition

ZERO = Decimal(0)
_AGREED = (OrderState.ACCEPTED, OrderState.PART_ACCEPTED)
_SENDING = (
    *_AGREED,
    OrderState.ALLOCATED,
    OrderState.PART_DESPATCHED,
    OrderState.DESPATCHED,
    OrderState.PART_RECEIVED,
)
"""States in which goods may leave for an order. What leaves for one that was accepted is taken as allocated by that."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a despatch. With an ``order`` (as it is afterwards) they bear its line numbers; ``released`` of its promises are kept."""

    lines: tuple[Line, ...]
    order: Order | None = None
    released: Mapping[str, Decimal] = {}
    wrong: tuple[Wrong, ...] = ()


class OnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Goods set against the lines of an order: what leaves on each, and what is ``beyond`` it (gtin -> quantity)."""

    lines: tuple[Line, ...]
    leaving: Mapping[int, Decimal]
    beyond: Mapping[str, Decimal]


def fulfil(connection: Connection, fact: Fact, body: GoodsDespatched, packed: Collection[str]) -> Spread:
    """The lines of a despatch, and its order moved on by it. An order that it cannot be for is left alone, and the goods are a transfer."""
    if body.order_id is None:
        return Spread(lines=numbered(body.lines))
    order = tables.lock(connection, body.to_site, body.order_id)
    wrong = _not_for(order, fact.site)
    if order is None or wrong is not None:
        return Spread(lines=numbered(body.lines), wrong=(wrong,) if wrong else ())
    found = on_order(order.lines, body.lines, packed)
    after, released = _moved_on(connection, fact, order, found.leaving, body.despatch_id)
    beyond = (
        Wrong(
            cause="beyond_order",
            words="more was sent than the order asks for",
            proposal="ask the receiver whether it keeps the rest; charge it, or have it sent back",
            gtins=tuple(sorted(found.beyond)),
        ),
    )
    return Spread(lines=found.lines, order=after, released=released, wrong=beyond if found.beyond else ())


def numbered(goods: Sequence[GoodsLine], first: int = 1) -> tuple[Line, ...]:
    """Goods as lines of a despatch, in their order."""
    return tuple(
        Line(line=number, gtin=good.gtin, quantity=good.quantity, items=tuple(dict.fromkeys(good.items)))
        for number, good in enumerate(goods, first)
    )


def on_order(
    order_lines: Sequence[OrderLine], goods: Sequence[GoodsLine], packed: Collection[str] = ()
) -> OnOrder:
    """Set goods against the lines of an order: first on what is allocated, then on what was accepted. The rest is beyond it, in lines of
    its own after those of the order."""
    room = {line.line: max(line.accepted - line.despatched, line.allocated) for line in order_lines}
    ranked = sorted(order_lines, key=lambda line: (line.allocated <= 0, line.line))
    leaving: dict[int, Decimal] = {}
    codes: dict[int, list[str]] = {}
    beyond: dict[str, Decimal] = {}
    extra: list[GoodsLine] = []
    for good in goods:
        left, items = good.quantity, [item for item in good.items if item not in packed]
        for line in ranked:
            taken = min(left, room[line.line]) if line.gtin == good.gtin else ZERO
            if taken <= 0:
                continue
            room[line.line] -= taken
            leaving[line.line] = leaving.get(line.line, ZERO) + taken
            on_line = min(len(items), int(taken))
            codes.setdefault(line.line, []).extend(items[:on_line])
            left, items = left - taken, items[on_line:]
        if left > 0:
            beyond[good.gtin] = beyond.get(good.gtin, ZERO) + left
            extra.append(GoodsLine(gtin=good.gtin, quantity=left, items=tuple(items)))
    lines = tuple(
        Line(
            line=line.line, gtin=line.gtin, quantity=leaving[line.line], items=tuple(codes.get(line.line, ()))
        )
        for line in order_lines
        if line.line in leaving
    )
    after_the_order = max((line.line for line in order_lines), default=0) + 1
    return OnOrder(lines=(*lines, *numbered(extra, after_the_order)), leaving=leaving, beyond=beyond)


def _not_for(order: Order | None, from_site: str) -> Wrong | None:
    if order is None or order.from_site != from_site:
        return Wrong(
            cause="order_unknown",
            words="the goods were sent for an order that this site does not serve",
            proposal="find the order that they belong to; else settle them as a transfer",
        )
    if order.state not in _SENDING:
        return Wrong(
            cause=f"order_{order.state}",
            words=f"the goods were sent for an order that is {order.state}",
            proposal="ask the receiver whether it keeps them; else have them sent back",
        )
    return None


def _moved_on(
    connection: Connection, fact: Fact, order: Order, leaving: Mapping[int, Decimal], despatch_id: str
) -> tuple[Order, dict[str, Decimal]]:
    """The order after goods have left for it, written; and what was promised of them by product."""
    released: dict[str, Decimal] = {}
    lines = []
    for line in order.lines:
        sent = leaving.get(line.line, ZERO)
        kept_promise = min(line.allocated, sent)
        if kept_promise:
            released[line.gtin] = released.get(line.gtin, ZERO) + kept_promise
        lines.append(
            msgspec.structs.replace(
                line, allocated=line.allocated - kept_promise, despatched=line.despatched + sent
            )
        )
    whole = all(line.despatched >= line.accepted for line in lines)
    action = OrderAction.DESPATCH if whole else OrderAction.DESPATCH_PART
    before = order
    if order.state in _AGREED:
        before = _step(connection, fact, order, OrderAction.ALLOCATE, despatch_id)
    state = transition(before.state, action)
    after = msgspec.structs.replace(
        before,
        # Sent wholly already: what leaves in addition changes quantities, not the life of the order.
        state=before.state if isinstance(state, Forbidden) else state,
        lines=tuple(lines),
        updated_at=max(order.updated_at, fact.event_time),
    )
    tables.update(connection, after)
    _note(connection, fact, after, action, before.state, despatch_id)
    return after, released


def _step(connection: Connection, fact: Fact, order: Order, action: OrderAction, despatch_id: str) -> Order:
    state = transition(order.state, action)
    assert not isinstance(state, Forbidden), "an accepted order may be allocated"
    after = msgspec.structs.replace(order, state=state)
    _note(connection, fact, after, action, order.state, despatch_id)
    return after


def _note(
    connection: Connection,
    fact: Fact,
    order: Order,
    action: OrderAction,
    from_state: OrderState,
    despatch_id: str,
) -> None:
    tables.note(
        connection,
        order,
        at=fact.event_time,
        actor=f"agent:{fact.agent}",
        action=action,
        from_state=from_state,
        reason=f"despatch {despatch_id}",
    )
