"""Sending goods out against an order: stock leaves, items are on their way, the advice is announced, the order moves on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from central.actors import By
from central.database import Connection
from central.despatches import storage
from central.despatches.loading import Loaded, load_containers, move_goods, spread, unfit
from central.despatches.rules import Despatch, DespatchState, Line
from central.orders import decisions, rules
from central.orders.documents import Order
from protocol.orders import Forbidden


class Sent(msgspec.Struct, frozen=True):
    """A despatch that has left, and its order afterwards."""

    despatch: Despatch
    order: Order


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is to leave: the quantity of each line with the codes of its items, and ``containers`` with everything in them besides.

    ``quantities`` None: everything allocated, or where containers are named nothing but them.
    """

    quantities: Mapping[int, Decimal] | None = None
    codes: Mapping[int, Sequence[str]] = {}
    containers: Sequence[str] = ()
    despatch_id: str | None = None


class _Leaving(msgspec.Struct, frozen=True):
    """A load set against its order: quantities by line, all codes by line, and the cases they lie in."""

    quantities: Mapping[int, Decimal]
    codes: Mapping[int, Sequence[str]]
    loaded: Loaded | None


def send(connection: Connection, order: Order, by: By, load: Load) -> Sent | Forbidden:
    """Send goods of a (locked) order out. Nothing is written where the answer is no."""
    leaving = _leaving(connection, order, load)
    if isinstance(leaving, Forbidden):
        return leaving
    assert order.from_site is not None, "an allocated order has a serving site"
    despatch_id = load.despatch_id or str(uuid.uuid4())
    if storage.find(connection, order.site, despatch_id) is not None:
        return Forbidden(f"despatch {despatch_id} is there already; give this one an id of its own")
    wrong = _wrong_codes(connection, order, leaving)
    if wrong is not None:
        return wrong
    after = decisions.despatched(connection, order, by, leaving.quantities)
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
                quantity=leaving.quantities[line.line],
                items=tuple(load.codes.get(line.line, ())),
            )
            for line in order.lines
            if line.line in leaving.quantities
        ),
        containers=leaving.loaded.ssccs if leaving.loaded else (),
    )
    row = connection.execute(
        "SELECT time_zone FROM sites WHERE site_id = %s", (despatch.from_site,)
    ).fetchone()
    assert row is not None
    despatch = move_goods(connection, despatch, row[0], leaving.loaded)
    storage.send(connection, despatch)
    return Sent(despatch, after)


def _leaving(connection: Connection, order: Order, load: Load) -> _Leaving | Forbidden:
    """What leaves by line: what the lines name, and what lies in the containers."""
    if not load.containers:
        quantities = rules.despatched_quantities(order.lines, load.quantities)
        return quantities if isinstance(quantities, Forbidden) else _Leaving(quantities, load.codes, None)
    if order.from_site is None:
        return Forbidden("nothing to despatch: no site serves this order")
    loaded = load_containers(connection, order.from_site, load.containers)
    if isinstance(loaded, Forbidden):
        return loaded
    loose = dict(load.quantities or {})
    room = [(line.line, line.gtin, line.allocated - loose.get(line.line, Decimal(0))) for line in order.lines]
    packed = spread(loaded.held, room)
    if isinstance(packed, Forbidden):
        return packed
    asked = {
        number: loose.get(number, Decimal(0)) + packed[0].get(number, Decimal(0))
        for number in {*loose, *packed[0]}
    }
    quantities = rules.despatched_quantities(order.lines, asked)
    if isinstance(quantities, Forbidden):
        return quantities
    codes = {
        number: (*load.codes.get(number, ()), *packed[1].get(number, ()))
        for number in {*load.codes, *packed[1]}
    }
    return _Leaving(quantities, codes, loaded)


def _wrong_codes(connection: Connection, order: Order, leaving: _Leaving) -> Forbidden | None:
    """Why these item codes cannot leave with these lines; None if they can."""
    gtins = {line.line: line.gtin for line in order.lines if line.line in leaving.quantities}
    named = [item for some in leaving.codes.values() for item in some]
    if len(set(named)) != len(named):
        return Forbidden(
            "an item code is named twice, or lies in a container that leaves: one item leaves once"
        )
    for number in leaving.codes:
        if number not in leaving.quantities:
            return Forbidden(f"line {number}: item codes are named for it, and nothing of it leaves")
    serialised = {
        gtin
        for (gtin,) in connection.execute(
            "SELECT gtin FROM products WHERE serialised AND gtin = ANY(%s::bpchar[])", (list(gtins.values()),)
        )
    }
    for number, gtin in gtins.items():
        given = leaving.codes.get(number, ())
        if (given or gtin in serialised) and len(given) != leaving.quantities[number]:
            return Forbidden(
                f"line {number}: {leaving.quantities[number]} of product {gtin} leave, and {len(given)} item codes are named; "
                f"name every one"
            )
    assert order.from_site is not None
    products = {item: gtins[number] for number, some in leaving.codes.items() for item in some}
    wrong = unfit(connection, order.from_site, products)
    if wrong is None:
        return None
    lines = {item: number for number, some in leaving.codes.items() for item in some}
    line = next((number for item, number in lines.items() if f"item {item}" in wrong.reason), None)
    return wrong if line is None else Forbidden(f"line {line}: {wrong.reason}")
