"""Goods that leave one site for another without an order: to a shop that did not ask, between shops, back to a warehouse."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from central.actors import By
from central.database import Connection
from central.despatches import storage
from central.despatches.loading import Loaded, load_containers, move_goods, unfit
from central.despatches.rules import Despatch, DespatchState, Line
from protocol.orders import Forbidden

ZERO = Decimal(0)


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """What is to leave: lines with the codes of their items, and containers with everything in them besides."""

    from_site: str
    to_site: str
    lines: tuple[Line, ...] = ()
    containers: tuple[str, ...] = ()
    despatch_id: str | None = None


def send(connection: Connection, transfer: Transfer, by: By) -> Despatch | Forbidden:
    """Send goods out. Nothing is written where the answer is no. No more leaves than is there and promised to nobody."""
    sites = {
        site: (kind, zone)
        for site, kind, zone in connection.execute(
            "SELECT site_id, kind, time_zone FROM sites WHERE site_id = ANY (%s)",
            ([transfer.from_site, transfer.to_site],),
        ).fetchall()
    }
    wrong = _wrong_sites(transfer, sites)
    if wrong is not None:
        return wrong
    despatch_id = transfer.despatch_id or str(uuid.uuid4())
    if storage.find(connection, transfer.to_site, despatch_id) is not None:
        return Forbidden(f"despatch {despatch_id} is there already; give this one an id of its own")
    loaded = (
        load_containers(connection, transfer.from_site, transfer.containers) if transfer.containers else None
    )
    if isinstance(loaded, Forbidden):
        return loaded
    lines = _lines(transfer, loaded)
    wrong = _wrong_codes(connection, transfer, loaded, back=sites[transfer.to_site][0] == "warehouse")
    wrong = wrong or _too_much(connection, transfer.from_site, lines)
    if wrong is not None:
        return wrong
    despatch = Despatch(
        to_site=transfer.to_site,
        despatch_id=despatch_id,
        from_site=transfer.from_site,
        order_id=None,
        state=DespatchState.IN_TRANSIT,
        despatched_at=by.at,
        lines=lines,
        containers=loaded.ssccs if loaded else (),
    )
    despatch = move_goods(connection, despatch, sites[transfer.from_site][1], loaded)
    storage.send(connection, despatch)
    return despatch


def _wrong_sites(transfer: Transfer, sites: Mapping[str, tuple[str, str]]) -> Forbidden | None:
    for site in (transfer.from_site, transfer.to_site):
        if site not in sites:
            return Forbidden(f"site {site!r}: not known here")
    if transfer.from_site == transfer.to_site:
        return Forbidden(f"site {transfer.to_site}: goods are sent to another site than their own")
    if not transfer.lines and not transfer.containers:
        return Forbidden("nothing to despatch: expected lines or containers")
    return None


def _lines(transfer: Transfer, loaded: Loaded | None) -> tuple[Line, ...]:
    """The lines as they were asked for, then one for each product in the containers."""
    packed = loaded.held.by_product() if loaded else {}
    return (
        *transfer.lines,
        *(
            Line(line=number, gtin=gtin, quantity=quantity)
            for number, (gtin, (quantity, _)) in enumerate(packed.items(), len(transfer.lines) + 1)
        ),
    )


def _wrong_codes(
    connection: Connection, transfer: Transfer, loaded: Loaded | None, *, back: bool
) -> Forbidden | None:
    named = [(item, line.gtin) for line in transfer.lines for item in line.items]
    packed = loaded.held.gtins if loaded else {}
    if len({item for item, _ in named} | set(packed)) != len(named) + len(packed):
        return Forbidden(
            "an item code is named twice, or lies in a container that leaves: one item leaves once"
        )
    serialised = {
        gtin
        for (gtin,) in connection.execute(
            "SELECT gtin FROM products WHERE serialised AND gtin = ANY(%s::bpchar[])",
            ([line.gtin for line in transfer.lines],),
        )
    }
    for line in transfer.lines:
        if (line.items or line.gtin in serialised) and len(line.items) != line.quantity:
            return Forbidden(
                f"line {line.line}: {line.quantity} of product {line.gtin} leave, and {len(line.items)} item codes are named; "
                f"name every one"
            )
    return unfit(connection, transfer.from_site, {**dict(named), **packed}, back=back)


def _too_much(connection: Connection, site: str, lines: Sequence[Line]) -> Forbidden | None:
    """Why the shelf does not have that much; its rows are locked, so that what is promised meanwhile counts."""
    wanted: dict[str, Decimal] = {}
    for line in lines:
        wanted[line.gtin] = wanted.get(line.gtin, ZERO) + line.quantity
    found = connection.execute(
        """
        SELECT gtin, quantity - reserved FROM stock
         WHERE site_id = %s AND gtin = ANY (%s::bpchar[]) AND location = 'on_hand' ORDER BY gtin FOR UPDATE
        """,
        (site, sorted(wanted)),
    ).fetchall()
    available: dict[str, Decimal] = dict(found)
    for gtin, quantity in sorted(wanted.items()):
        there = available.get(gtin, ZERO)
        if quantity > there:
            return Forbidden(
                f"{quantity} of product {gtin} are to leave {site}, and {there} are there and promised to nobody"
            )
    return None
