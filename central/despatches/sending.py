"""Sending goods out against an order: stock leaves, items are on their way, the advice is announced, the order moves on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from psycopg.rows import dict_row

from central.actors import By
from central.database import Connection
from central.despatches import storage
from central.despatches.rules import Despatch, DespatchState, Line
from central.items import storage as items
from central.items.lives import Step
from central.ledger import booking
from central.ledger.rules import ON_HAND, Movement, Posting, in_transit
from central.orders import decisions, rules
from central.orders.documents import Order
from protocol.items import Action, Illegal, State, transition
from protocol.orders import Forbidden


class Sent(msgspec.Struct, frozen=True):
    """A despatch that has left, and its order afterwards."""

    despatch: Despatch
    order: Order


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is to leave: the quantity of each line (None: everything allocated), and the codes of the items in it."""

    quantities: Mapping[int, Decimal] | None = None
    codes: Mapping[int, Sequence[str]] = {}
    despatch_id: str | None = None


def send(connection: Connection, order: Order, by: By, load: Load) -> Sent | Forbidden:
    """Send goods of a (locked) order out. Nothing is written where the answer is no."""
    leaving = rules.despatched_quantities(order.lines, load.quantities)
    if isinstance(leaving, Forbidden):
        return leaving
    assert order.from_site is not None, "an allocated order has a serving site"
    despatch_id = load.despatch_id or str(uuid.uuid4())
    if storage.find(connection, order.site, despatch_id) is not None:
        return Forbidden(f"despatch {despatch_id} is there already; give this one an id of its own")
    wrong = _wrong_codes(connection, order, leaving, load.codes)
    if wrong is not None:
        return wrong
    after = decisions.despatched(connection, order, by, leaving)
    if isinstance(after, Forbidden):
        return after
    despatch = Despatch(
        to_site=order.site,
        despatch_id=despatch_id,
        from_site=order.from_site,
        order_id=order.order_id,
        state=DespatchState.IN_TRANSIT,
        despatched_at=by.at,
        lines=tuple(
            Line(
                line=line.line,
                gtin=line.gtin,
                quantity=leaving[line.line],
                items=tuple(load.codes.get(line.line, ())),
            )
            for line in order.lines
            if line.line in leaving
        ),
    )
    _move_goods(connection, despatch, by)
    storage.send(connection, despatch)
    return Sent(despatch, after)


def _move_goods(connection: Connection, despatch: Despatch, by: By) -> None:
    row = connection.execute(
        "SELECT time_zone FROM sites WHERE site_id = %s", (despatch.from_site,)
    ).fetchone()
    assert row is not None
    document = f"despatch:{despatch.despatch_id}"
    postings = [
        Posting(
            site=despatch.from_site,
            movement=Movement(
                line.line,
                line.gtin,
                line.quantity,
                ON_HAND,
                in_transit(despatch.from_site, despatch.to_site),
                "despatch",
            ),
            event_time=by.at,
            recorded_at=by.at,
            business_day=by.at.astimezone(ZoneInfo(row[0])).date(),
            document=document,
        )
        for line in despatch.lines
    ]
    booking.post(connection, postings, by.at)
    steps = [
        Step(
            item=item,
            gtin=line.gtin,
            action=Action.SHIP,
            site=despatch.from_site,
            to_site=despatch.to_site,
            event_time=by.at,
            recorded_at=by.at,
            document=document,
        )
        for line in despatch.lines
        for item in line.items
    ]
    if steps:
        items.apply(connection, steps, by.at)


def _wrong_codes(
    connection: Connection, order: Order, leaving: Mapping[int, Decimal], codes: Mapping[int, Sequence[str]]
) -> Forbidden | None:
    """Why these item codes cannot leave with these lines; None if they can."""
    gtins = {line.line: line.gtin for line in order.lines if line.line in leaving}
    named = [item for some in codes.values() for item in some]
    if len(set(named)) != len(named):
        return Forbidden("an item code is named twice: one item leaves once")
    for number in codes:
        if number not in leaving:
            return Forbidden(f"line {number}: item codes are named for it, and nothing of it leaves")
    serialised = {
        gtin
        for (gtin,) in connection.execute(
            "SELECT gtin FROM products WHERE serialised AND gtin = ANY(%s::bpchar[])", (list(gtins.values()),)
        )
    }
    for number, gtin in gtins.items():
        given = codes.get(number, ())
        if (given or gtin in serialised) and len(given) != leaving[number]:
            return Forbidden(
                f"line {number}: {leaving[number]} of product {gtin} leave, and {len(given)} item codes are named; "
                f"name every one"
            )
    return _not_shippable(connection, order, gtins, codes)


def _not_shippable(
    connection: Connection, order: Order, gtins: Mapping[int, str], codes: Mapping[int, Sequence[str]]
) -> Forbidden | None:
    wanted = {item: number for number, some in codes.items() for item in some}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT item, gtin, state, site_id FROM items WHERE item = ANY(%s) ORDER BY item FOR UPDATE",
            (list(wanted),),
        ).fetchall()
    found = {row["item"]: row for row in rows}
    for item, number in wanted.items():
        row = found.get(item)
        if row is None or row["site_id"] != order.from_site:
            return Forbidden(f"line {number}: item {item} is not at {order.from_site}")
        if row["gtin"] != gtins[number]:
            return Forbidden(f"line {number}: item {item} is of product {row['gtin']}, not {gtins[number]}")
        state = transition(State(row["state"]), Action.SHIP)
        if isinstance(state, Illegal):
            return Forbidden(f"line {number}: item {item}: {state.reason}")
    return None
