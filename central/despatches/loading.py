"""What is loaded for a despatch: quantities, item codes, and whole cases with everything in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from central.containers import feed as container_feed
from central.containers import storage as containers
from central.containers.stowage import Handled, Held, Stowage
from central.database import Connection
from central.despatches.rules import Despatch, Line
from central.items import storage as items
from central.items.lives import Step
from central.ledger import booking
from central.ledger.rules import ON_HAND, Movement, Posting, in_transit
from central.moments import business_day
from protocol.items import Action, Illegal, State, transition
from protocol.orders import Forbidden

ZERO = Decimal(0)


class Loaded(msgspec.Struct, frozen=True):
    """Cases and pallets that stand at the ramp: what is in them all together, and in each."""

    ssccs: tuple[str, ...]
    held: Held
    stowage: Stowage


def load_containers(connection: Connection, from_site: str, ssccs: Iterable[str]) -> Loaded | Forbidden:
    """Cases and pallets at ``from_site``, locked; or why one of them cannot leave."""
    named = tuple(dict.fromkeys(ssccs))
    stowage = containers.read(connection, named, lock=True)
    for sscc in named:
        kept = stowage.containers.get(sscc)
        if kept is None or kept.site != from_site:
            return Forbidden(f"container {sscc} is not at {from_site}")
        if kept.despatch is not None:
            return Forbidden(f"container {sscc} is on its way to {from_site} and has not been received")
        inside = stowage.held([sscc])
        if not inside.items and not inside.lines:
            return Forbidden(f"container {sscc} is empty")
    return Loaded(named, stowage.held(named), stowage)


def spread(
    held: Held, room: Sequence[tuple[int, str, Decimal]]
) -> tuple[dict[int, Decimal], dict[int, tuple[str, ...]]] | Forbidden:
    """What is in containers, on the lines it belongs to: quantities and item codes a line.

    ``room`` is (line, gtin, how much may still go on it); a product that exceeds it is refused.
    """
    quantities: dict[int, Decimal] = {}
    codes: dict[int, tuple[str, ...]] = {}
    for gtin, (total, named) in held.by_product().items():
        left, items_left = total, list(named)
        for line, product, most in room:
            taken = min(left, most) if product == gtin else ZERO
            if taken <= 0:
                continue
            quantities[line] = taken
            on_line = min(len(items_left), int(taken))
            codes[line], items_left = tuple(items_left[:on_line]), items_left[on_line:]
            left -= taken
        if left > 0:
            return Forbidden(f"the containers hold {total} of product {gtin}: {left} more than may leave")
    return quantities, {line: some for line, some in codes.items() if some}


def unfit(
    connection: Connection, from_site: str, codes: Mapping[str, str], *, back: bool = False
) -> Forbidden | None:
    """Why these items (item -> gtin) cannot leave; None if they can. ``back``: to a warehouse, where recalled and expired goods may go."""
    found = {
        item: (gtin, state, site)
        for item, gtin, state, site in connection.execute(
            "SELECT item, gtin, state, site_id FROM items WHERE item = ANY(%s) ORDER BY item FOR UPDATE",
            (list(codes),),
        ).fetchall()
    }
    allowed = (State.IN_TRANSIT, State.RECALLED, State.EXPIRED) if back else (State.IN_TRANSIT,)
    for item, gtin in codes.items():
        kept, state, site = found.get(item, (None, None, None))
        if state is None or site != from_site:
            return Forbidden(f"item {item} is not at {from_site}")
        if kept != gtin:
            return Forbidden(f"item {item} is of product {kept}, not {gtin}")
        after = transition(State(state), Action.SHIP)
        if isinstance(after, Illegal):
            return Forbidden(f"item {item}: {after.reason}")
        if after not in allowed:
            return Forbidden(f"item {item}: it is {state}: it may go back to a warehouse, and nowhere else")
    return None


def move_goods(connection: Connection, despatch: Despatch, time_zone: str, loaded: Loaded | None) -> Despatch:
    """Take a despatch off the shelf and put it on its way: movements, items, cases. The despatch with what its lines are worth."""
    document = f"despatch:{despatch.despatch_id}"
    at = despatch.despatched_at
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
            event_time=at,
            recorded_at=at,
            business_day=business_day(at, time_zone),
            document=document,
        )
        for line in despatch.lines
    ]
    posted = booking.post(connection, postings, at)
    packed_in = loaded.held.items if loaded else {}
    steps = [
        Step(
            item=item,
            gtin=gtin,
            action=Action.SHIP,
            site=despatch.from_site,
            to_site=despatch.to_site,
            event_time=at,
            recorded_at=at,
            document=document,
            container=packed_in.get(item),
        )
        for item, gtin in _codes(despatch.lines, loaded).items()
    ]
    if steps:
        items.apply(connection, steps, at)
    if loaded is not None:
        _send_containers(connection, despatch, loaded, document)
    valued = (
        msgspec.structs.replace(line, value_minor=worth)
        for line, worth in zip(despatch.lines, posted.values, strict=True)
    )
    return msgspec.structs.replace(despatch, lines=tuple(valued))


def _codes(lines: Sequence[Line], loaded: Loaded | None) -> dict[str, str]:
    """item -> gtin of everything that leaves."""
    loose = {item: line.gtin for line in lines for item in line.items}
    return {**loose, **(loaded.held.gtins if loaded else {})}


def _send_containers(connection: Connection, despatch: Despatch, loaded: Loaded, document: str) -> None:
    stowage = loaded.stowage
    handled = []
    for sscc in loaded.held.containers:
        inside = stowage.directly_in(sscc)
        handled.append(
            Handled(
                sscc=sscc,
                action=Action.SHIP.value,
                site=despatch.from_site,
                event_time=despatch.despatched_at,
                recorded_at=despatch.despatched_at,
                items=inside[0],
                containers=inside[1],
                lines=dict(stowage.containers[sscc].lines),
                note=f"to {despatch.to_site}",
                document=document,
            )
        )
    stowage.move(loaded.ssccs, despatch.to_site, despatch=despatch.despatch_id, from_site=despatch.from_site)
    containers.write(connection, stowage, handled, despatch.despatched_at)
    container_feed.tell(connection, stowage.touched, sorted(stowage.left))
