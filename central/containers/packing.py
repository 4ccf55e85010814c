"""Packing and unpacking as the brand asks for it: done as a whole, or refused with a reason for each thing that cannot be."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from central.actors import By
from central.containers import feed, storage
from central.containers.stowage import Handled, Stowage
from central.database import Connection
from central.items import storage as items
from central.items.lives import Step
from central.items.steps import gtin_of
from protocol.aggregation import Known, packing, sscc_fault, unpacking
from protocol.items import Action, State


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What is put in or taken out. ``lines``: gtin -> quantity of goods without codes."""

    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    lines: Mapping[str, Decimal] = {}


class Refused(msgspec.Struct, frozen=True):
    """Nothing was done: the reason for each thing that stands in the way, by its name."""

    reasons: Mapping[str, str]

    def __str__(self) -> str:
        first = [f"{name}: {reason}" for name, reason in list(self.reasons.items())[:5]]
        more = f" (and {len(self.reasons) - 5} more)" if len(self.reasons) > 5 else ""
        return "; ".join(first) + more


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, and at which site."""

    document: str
    site: str
    items: int
    containers: int


def pack(
    connection: Connection, sscc: str, contents: Contents, by: By, site: str | None = None
) -> Packed | Refused:
    """Put things into a container, which begins with that if it is not known. ``site``: where; else where the things are."""
    wrong = sscc_fault(sscc)
    if wrong is not None:
        return Refused({sscc: wrong})
    stowage = storage.read(connection, [sscc, *contents.containers], contents.items, lock=True)
    where, states = _known_items(connection, contents.items)
    here = _site(stowage, sscc, contents, where, site)
    if here is None:
        return Refused({sscc: "its site is not known and nothing in it tells: name the site"})
    if connection.execute("SELECT FROM sites WHERE site_id = %s", (here,)).fetchone() is None:
        return Refused({sscc: f"site {here!r}: not known here"})
    inside = stowage.directly_in(sscc)
    known = Known(parents=stowage.parents(), states=states, holds=len(inside[0]) + len(inside[1]))
    refused = dict(packing(sscc, contents.items, contents.containers, known).refused)
    refused |= _not_here(stowage, sscc, contents, where, here)
    if refused:
        return Refused(refused)
    # What is in it already is there once: a packing list that is sent again changes nothing.
    contents = Contents(
        items=tuple(item for item in contents.items if item not in inside[0]),
        containers=tuple(one for one in contents.containers if one not in inside[1]),
        lines=contents.lines,
    )
    stowage.open(sscc, here, by.at)
    if not (contents.items or contents.containers or contents.lines):
        return Packed(document="", site=here, items=0, containers=0)
    products = {item: gtin_of(item) for item in dict.fromkeys(contents.items)}
    stowage.put_in(sscc, products, contents.containers, contents.lines)
    return _carry_out(connection, stowage, sscc, Action.PACK, contents, by)


def unpack(connection: Connection, sscc: str, contents: Contents, by: By) -> Packed | Refused | None:
    """Take things out of a container, or everything where nothing is named. None if there is no such container."""
    stowage = storage.read(connection, [sscc], contents.items, lock=True)
    if sscc not in stowage.containers:
        return None
    inside = stowage.directly_in(sscc)
    whole = not (contents.items or contents.containers)
    if whole:
        contents = Contents(items=inside[0], containers=inside[1], lines=stowage.containers[sscc].lines)
    refused = unpacking(sscc, (*contents.items, *contents.containers), stowage.parents()).refused
    if refused:
        return Refused(refused)
    stowage.take_out(sscc, contents.items, contents.containers, lines=whole)
    return _carry_out(connection, stowage, sscc, Action.UNPACK, contents, by)


def _carry_out(
    connection: Connection, stowage: Stowage, sscc: str, action: Action, contents: Contents, by: By
) -> Packed:
    site = stowage.containers[sscc].site
    document = f"{action}:{uuid.uuid4()}"
    done = Handled(
        sscc=sscc,
        action=action.value,
        site=site,
        event_time=by.at,
        recorded_at=by.at,
        items=contents.items,
        containers=contents.containers,
        lines=dict(contents.lines),
        note=by.reason,
        document=document,
    )
    storage.write(connection, stowage, [done], by.at)
    steps = [
        Step(
            item=item,
            gtin=gtin_of(item),
            action=action,
            site=site,
            event_time=by.at,
            recorded_at=by.at,
            document=document,
            container=sscc if action is Action.PACK else None,
        )
        for item in dict.fromkeys(contents.items)
    ]
    items.apply(connection, steps, by.at)
    feed.tell(connection, stowage.touched, sorted(stowage.left))
    return Packed(
        document=document, site=site, items=len(contents.items), containers=len(contents.containers)
    )


def _known_items(
    connection: Connection, named: Sequence[str]
) -> tuple[dict[str, str | None], dict[str, State]]:
    """Where these items are, and in which state; locked in the order of their codes."""
    if not named:
        return {}, {}
    found = connection.execute(
        "SELECT item, site_id, state FROM items WHERE item = ANY (%s) ORDER BY item FOR UPDATE",
        (list(named),),
    ).fetchall()
    return (
        {item: site for item, site, _ in found},
        {item: State(state) for item, _, state in found},
    )


def _site(
    stowage: Stowage, sscc: str, contents: Contents, where: Mapping[str, str | None], site: str | None
) -> str | None:
    if sscc in stowage.containers:
        return stowage.containers[sscc].site
    if site is not None:
        return site
    told = {where[item] for item in contents.items if where.get(item) is not None}
    told |= {stowage.containers[one].site for one in contents.containers if one in stowage.containers}
    return next(iter(told)) if len(told) == 1 else None


def _not_here(
    stowage: Stowage, sscc: str, contents: Contents, where: Mapping[str, str | None], here: str
) -> dict[str, str]:
    """What cannot be packed because of where it is."""
    refused = {
        item: f"it is not at {here}" for item in contents.items if item in where and where[item] != here
    }
    outer = stowage.containers.get(sscc)
    if outer is not None and outer.despatch is not None:
        refused[sscc] = "it is on its way: nothing is packed into it before it is received"
    for one in contents.containers:
        kept = stowage.containers.get(one)
        if kept is None:
            refused[one] = "it is not known here: pack something into it first"
        elif kept.site != here or kept.despatch is not None:
            refused[one] = f"it is not at {here}"
    return refused
