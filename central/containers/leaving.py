"""Cases and pallets that leave a site by a counter's scan. Pure.

They were scanned as they were carried out, so they have left, whatever the books say of where they were. What is in them leaves with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from central.containers.stowage import Held, Received, Stowage
from central.containers.unfolding import Unfolded, handled_by
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.items.steps import gtin_of
from central.journals.facts import Fact
from protocol.events import GoodsDespatched, GoodsLine

SHIP = "ship"


def leave(stowage: Stowage, fact: Fact, sent: GoodsDespatched, received: Sequence[Received]) -> Unfolded:
    """Put the containers of a despatch on their way, and what is in them on its lines.

    One that was taken in by the receiving site before this was heard of stays there: what it brought is what was in it.
    """
    scanned = {item for line in sent.lines for item in line.items}
    ssccs = list(dict.fromkeys(one.sscc for one in sent.containers))
    early = {sscc: one for sscc in ssccs if (one := _taken_in(sscc, fact, sent, received)) is not None}
    repeated = [sscc for sscc in ssccs if _is_on_this_way(stowage, sscc, sent)]
    leaving = [sscc for sscc in ssccs if sscc not in early and sscc not in repeated]
    raised = [case for sscc in leaving if (case := _unexpected(stowage, fact, sent, sscc)) is not None]
    for sscc in leaving:
        stowage.open(sscc, fact.site, fact.event_time)
    held = stowage.held([*leaving, *repeated], without=scanned)
    handled = [
        handled_by(
            fact,
            sscc,
            SHIP,
            sent.despatch_id,
            items=stowage.directly_in(sscc)[0],
            containers=stowage.directly_in(sscc)[1],
            lines=dict(stowage.containers[sscc].lines),
            note=f"to {sent.to_site}",
        )
        for sscc in stowage.held(leaving).containers
    ]
    stowage.move(leaving, sent.to_site, despatch=sent.despatch_id, from_site=fact.site)
    packed_in = {
        **held.items,
        **{item: one.sscc for one in early.values() for item in one.items if item not in scanned},
    }
    lines = (*sent.lines, *_lines(held, early.values(), scanned))
    return Unfolded(
        fact=msgspec.structs.replace(fact, body=msgspec.structs.replace(sent, lines=lines)),
        packed_in=packed_in,
        handled=tuple(handled),
        raised=tuple(raised),
    )


def _lines(held: Held, early: Iterable[Received], scanned: set[str]) -> list[GoodsLine]:
    """What is in containers, as lines of a despatch: a line a product."""
    quantities: dict[str, Decimal] = {}
    codes: dict[str, list[str]] = {}
    for gtin, (quantity, items) in held.by_product().items():
        quantities[gtin] = quantity
        codes[gtin] = list(items)
    for one in early:
        for gtin, quantity in one.lines.items():
            quantities[gtin] = quantities.get(gtin, Decimal(0)) + quantity
        for item in one.items:
            if item not in scanned:
                gtin = gtin_of(item)
                quantities[gtin] = quantities.get(gtin, Decimal(0)) + 1
                codes.setdefault(gtin, []).append(item)
    return [
        GoodsLine(gtin=gtin, quantity=quantity, items=tuple(codes.get(gtin, ())))
        for gtin, quantity in sorted(quantities.items())
        if quantity > 0
    ]


def _taken_in(sscc: str, fact: Fact, sent: GoodsDespatched, received: Sequence[Received]) -> Received | None:
    """The container as the receiving site took it in after it had left here; the first time, if there were several."""
    found = [
        one
        for one in received
        if one.sscc == sscc and one.site == sent.to_site and one.event_time >= fact.event_time
    ]
    return min(found, key=lambda one: one.event_time, default=None)


def _is_on_this_way(stowage: Stowage, sscc: str, sent: GoodsDespatched) -> bool:
    kept = stowage.containers.get(sscc)
    return kept is not None and kept.despatch == sent.despatch_id


def _unexpected(stowage: Stowage, fact: Fact, sent: GoodsDespatched, sscc: str) -> Discrepancy | None:
    kept = stowage.containers.get(sscc)
    if kept is None:
        cause, words = (
            "container_unknown",
            "this container was never packed as far as central knows: what is in it is not known",
        )
        proposal = "scan what is in it where it arrives; what comes beyond the announced is booked there"
    elif kept.site != fact.site:
        cause, words = (
            "container_elsewhere",
            "the books had this container at another site: its receipt here was not booked",
        )
        proposal = "book the receipt that is missing; the container is on its way all the same"
    elif kept.despatch is not None:
        cause, words = "receipt_not_booked", "this container was sent on before its receipt here was booked"
        proposal = "book the receipt that is missing; the container is on its way all the same"
    else:
        return None
    return Discrepancy(
        site=fact.site,
        discrepancy_class=DiscrepancyClass.DESPATCH_UNEXPECTED,
        cause_key=f"{sent.despatch_id}/{sscc}",
        cause=cause,
        likely_cause=words,
        proposal=proposal,
        evidence=(fact.evidence(sscc=sscc, despatch=sent.despatch_id),),
    )
