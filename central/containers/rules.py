"""What a counter's fact does to cases and pallets. Pure.

A counter's fact has happened: a thing that lay in another case lies in this one now. Only what cannot be is left out (a pallet in its own
case), and a person is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from central.containers.leaving import leave
from central.containers.stowage import ZERO, Received, Stowage
from central.containers.unfolding import Unfolded, handled_by, note_of
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.items.steps import gtin_of
from central.journals.facts import Fact
from protocol.aggregation import Known, above, packing, unpacking
from protocol.events import GoodsDespatched, GoodsLine, GoodsPacked, GoodsReceived, GoodsUnpacked, Unopened


def named_in(fact: Fact) -> tuple[list[str], list[str]]:
    """(SSCCs, items) that a fact names as packed, unpacked or taken in unopened; nothing for every other fact."""
    match fact.body:
        case GoodsPacked() | GoodsUnpacked():
            return [fact.body.sscc, *fact.body.containers], list(fact.body.items)
        case GoodsReceived(containers=unopened) | GoodsDespatched(containers=unopened) if unopened:
            return [one.sscc for one in unopened], []
        case _:
            return [], []


def unfold(stowage: Stowage, fact: Fact, received: Sequence[Received] = ()) -> Unfolded:
    """Take a fact into the stowage. ``received`` are containers as they were taken in, for a despatch that is heard of after that."""
    match fact.body:
        case GoodsPacked() as packed:
            return _pack(stowage, fact, packed)
        case GoodsUnpacked() as unpacked:
            return _unpack(stowage, fact, unpacked)
        case GoodsReceived(containers=unopened) as taken_in if unopened:
            return _receive(stowage, fact, taken_in)
        case GoodsDespatched(containers=unopened) as sent if unopened:
            return leave(stowage, fact, sent, received)
        case _:
            return Unfolded(fact=fact)


def _pack(stowage: Stowage, fact: Fact, packed: GoodsPacked) -> Unfolded:
    parents = stowage.parents()
    # Whatever it lay in, here it is: only rings and faults of the code count against it. What an item may do its own life says.
    around = above(packed.sscc, parents)
    elsewhere = {child for child in packed.containers if child not in around}
    known = Known(parents={child: parent for child, parent in parents.items() if child not in elsewhere})
    found = packing(packed.sscc, (), packed.containers, known)
    for one in (packed.sscc, *found.accepted):
        kept = stowage.open(one, fact.site, fact.event_time)
        if kept.site != fact.site and kept.despatch is None:
            stowage.move([one], fact.site)
    items = dict.fromkeys(packed.items)
    lines: dict[str, Decimal] = {}
    for line in packed.lines:
        lines[line.gtin] = lines.get(line.gtin, ZERO) + line.quantity
    stowage.put_in(packed.sscc, {item: gtin_of(item) for item in items}, found.accepted, lines)
    handled = handled_by(
        fact,
        packed.sscc,
        "pack",
        packed.packing_id,
        items=tuple(items),
        containers=found.accepted,
        lines=lines,
        note=note_of(found.refused),
    )
    raised = (_impossible(fact, packed.sscc, found.refused),) if found.refused else ()
    body = msgspec.structs.replace(packed, containers=found.accepted)
    return Unfolded(fact=msgspec.structs.replace(fact, body=body), handled=(handled,), raised=raised)


def _unpack(stowage: Stowage, fact: Fact, unpacked: GoodsUnpacked) -> Unfolded:
    stowage.open(unpacked.sscc, fact.site, fact.event_time)
    whole = not (unpacked.items or unpacked.containers)
    inside = stowage.directly_in(unpacked.sscc)
    if whole:
        items, containers, refused = *inside, {}
    else:
        found = unpacking(unpacked.sscc, (*unpacked.items, *unpacked.containers), stowage.parents())
        items = tuple(one for one in found.accepted if one in inside[0])
        containers = tuple(one for one in found.accepted if one in inside[1])
        refused = found.refused
    lines = dict(stowage.containers[unpacked.sscc].lines) if whole else {}
    stowage.take_out(unpacked.sscc, items, containers, lines=whole)
    handled = handled_by(
        fact,
        unpacked.sscc,
        "unpack",
        unpacked.unpacking_id,
        items=items,
        containers=containers,
        lines=lines,
        note=note_of(refused),
    )
    body = msgspec.structs.replace(unpacked, items=items, containers=containers)
    return Unfolded(fact=msgspec.structs.replace(fact, body=body), handled=(handled,))


def _receive(stowage: Stowage, fact: Fact, received: GoodsReceived) -> Unfolded:
    scanned = {item for line in received.lines for item in line.items}
    ssccs = [one.sscc for one in received.containers]
    raised = [case for one in received.containers if (case := _miscounted(stowage, fact, received, one))]
    handled = []
    for sscc in dict.fromkeys(ssccs):
        stowage.open(sscc, fact.site, fact.event_time)
        inside = stowage.held([sscc], without=scanned)
        handled.append(
            handled_by(
                fact,
                sscc,
                "receive",
                received.receipt_advice_id,
                items=tuple(sorted(inside.items)),
                containers=inside.containers[1:],
                lines=dict(inside.lines),
            )
        )
    stowage.move(ssccs, fact.site)
    held = stowage.held(ssccs, without=scanned)
    lines = [
        GoodsLine(gtin=gtin, quantity=quantity, items=items)
        for gtin, (quantity, items) in held.by_product().items()
    ]
    body = msgspec.structs.replace(received, lines=(*received.lines, *lines))
    return Unfolded(
        fact=msgspec.structs.replace(fact, body=body),
        packed_in=held.items,
        handled=tuple(handled),
        raised=tuple(raised),
    )


def _miscounted(stowage: Stowage, fact: Fact, received: GoodsReceived, one: Unopened) -> Discrepancy | None:
    """What the counter takes a case to hold against what central has packed into it."""
    kept = stowage.containers.get(one.sscc)
    counted = len(stowage.held([one.sscc]).items)
    if kept is None:
        cause = "this container was never packed as far as central knows, or its packing has not been heard of yet"
    elif kept.despatch is None and kept.site == fact.site:
        cause = "this container was here already: it was scanned twice, or never left"
    elif one.items is not None and one.items != counted:
        cause = "something was taken out or put in without a scan, or the counter knew an older packing list"
    else:
        return None
    return Discrepancy(
        site=fact.site,
        discrepancy_class=DiscrepancyClass.CODES_AGAINST_QUANTITY,
        cause_key=f"{received.receipt_advice_id}/{one.sscc}",
        likely_cause=cause,
        proposal="open the container, scan what is in it, and book the difference",
        evidence=(
            fact.evidence(
                sscc=one.sscc,
                items_at_the_counter=one.items,
                items_at_central=counted,
                despatch=received.despatch_id,
            ),
        ),
    )


def _impossible(fact: Fact, sscc: str, refused: Mapping[str, str]) -> Discrepancy:
    return Discrepancy(
        site=fact.site,
        discrepancy_class=DiscrepancyClass.CODES_AGAINST_QUANTITY,
        cause_key=f"packing/{sscc}",
        likely_cause="a label was scanned in the wrong order: two containers cannot lie in each other",
        proposal="scan both containers again, the outer one first",
        evidence=(fact.evidence(sscc=sscc, refused=[f"{one}: {why}" for one, why in refused.items()]),),
    )


def packed_together(unfolded: Iterable[Unfolded]) -> dict[tuple[int, int], Mapping[str, str]]:
    """The items in cases that were taken in unopened, by the (journal, seq) of their receipt."""
    return {(one.fact.journal, one.fact.seq): one.packed_in for one in unfolded if one.packed_in}
