"""What a step contradicts in the life of its item, as discrepancies with their evidence. Pure.

No likely cause and no proposal names a site: dealers read them, and may not learn of each other's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.items.lives import Life, Sighting, Sold, Step
from central.journals.facts import iso
from central.sites.places import Places
from protocol.items import State

NOT_ARRIVED = (State.ISSUED, State.COMMISSIONED, State.IN_TRANSIT)
SAME_PLACE_KM = 1.0
"""Nearer than that, coordinates say more of who entered them than of a journey."""


def of_sale(life: Life, step: Step, sales: tuple[Sold, ...]) -> list[Discrepancy]:
    """What a sale contradicts. ``sales`` are all that stand, this one among them."""
    if len(sales) > 1:
        return [sold_twice(life, step, sales)]
    if life.state is None:
        return [unknown(life, step)]
    if life.state in NOT_ARRIVED:
        return [
            about(
                step,
                DiscrepancyClass.SOLD_WITHOUT_RECEIPT,
                "it was sold before its receipt was booked, or was never received here",
                "book the receipt; if it never comes, ask where the item came from",
            )
        ]
    if life.state not in (State.SELLABLE, State.SOLD, State.SOLD_PROVISIONALLY):
        return [
            about(
                step,
                DiscrepancyClass.ITEM_NOT_FOR_SALE,
                f"it was sold although it is {life.state}",
                "ask the site why, and take the item back if it can be reached",
            )
        ]
    return []


def of_territory(life: Life, step: Step, places: Places) -> list[Discrepancy]:
    """An item sent to one site that turns up at another, outside the territory of that dealer."""
    if life.state is None or life.site is None or life.sales or places.is_within(step.site, life.site):
        return []
    case = about(
        step,
        DiscrepancyClass.ITEM_OUTSIDE_TERRITORY,
        f"it was sent to {life.site} and turned up elsewhere",
        "ask both sites; if it was a transfer, book it; if not, it is a diversion",
    )
    # Which site that is stands in the evidence, of which a dealer is shown no other's.
    case = msgspec.structs.replace(case, evidence=({**step.evidence, "sent_to": life.site},))
    if step.container is None:
        return [case]
    # A pallet that went astray is one case, not five thousand.
    return [msgspec.structs.replace(case, cause_key=step.container, item=None)]


def of_shipment(life: Life, step: Step, *, legal: bool) -> list[Discrepancy]:
    """What a counter's despatch contradicts: an item that left a site where the books did not have it, or that may not leave.

    Of what travels in a case the case itself is told.
    """
    if step.container is not None or (legal and life.site == step.site):
        return []
    if life.site != step.site:
        words, proposal = (
            "it was sent away from a site where the books did not have it",
            "book the receipt that is missing there",
        )
    elif life.state is State.IN_TRANSIT:
        words, proposal = "it was sent on before its receipt was booked", "book the receipt that is missing"
    else:
        words, proposal = (
            f"it was sent away although it is {life.state}",
            "ask the site why, and have it sent back",
        )
    case = about(step, DiscrepancyClass.DESPATCH_UNEXPECTED, words, proposal)
    return [
        msgspec.structs.replace(
            case, cause="item_not_here" if life.site != step.site else "item_not_to_be_sent"
        )
    ]


def of_travel(life: Life, step: Step, places: Places, speed_kmh: float) -> list[Discrepancy]:
    """An item that would have had to travel faster than anything does: two things carry its code."""
    here = Sighting(site=step.site, at=step.event_time, uncertainty_us=step.uncertainty_us)
    before = [Sighting(site=sale.site, at=sale.at, uncertainty_us=sale.uncertainty_us) for sale in life.sales]
    if life.seen is not None:
        before.append(life.seen)
    for other in sorted(before, key=lambda one: abs(one.at - here.at)):
        journey = _impossible(other, here, places, speed_kmh)
        if journey is not None:
            return [
                about(
                    step,
                    DiscrepancyClass.IMPOSSIBLE_TRAVEL,
                    "two things carry this code: nothing travels so far in so short a time",
                    "look at both items: one of them is a copy; hold the code until it is known which",
                    before=({"event": "seen", "item": life.item, **_seen(other), **journey},),
                )
            ]
    return []


def sold_twice(life: Life, step: Step, sales: tuple[Sold, ...]) -> Discrepancy:
    """One case for all sales of one item, ranked by their corrected time; it is kept where the last of them was."""
    first, second = sales[0], sales[1]
    evidence = tuple(_as_evidence(life.item, sale, rank) for rank, sale in enumerate(sales, 1))
    if are_in_doubt(first, second):
        proposal = "compare the receipts; their clocks do not tell which sale came first; void or return the one that is wrong"
    else:
        proposal = "compare the two receipts; the earlier sale is likely the genuine one; void or return the one that is wrong"
    cause = (
        "the same shop sold it twice: one scan was booked for another item, or its sale was not voided"
        if first.site == second.site
        else "one of the two carries a copied code, or one scan was booked for another item"
    )
    case = about(step, DiscrepancyClass.ITEM_SOLD_TWICE, cause, proposal)
    # Whichever sale is heard of last, the case belongs to the site that sold last.
    return msgspec.structs.replace(case, site=sales[-1].site, evidence=evidence)


def gathered(raised: Iterable[Discrepancy]) -> list[Discrepancy]:
    """The same, with one for all items of a case that have the same cause: their number is its quantity."""
    found: list[Discrepancy] = []
    cases: dict[tuple[str, str, str], list[Discrepancy]] = {}
    for one in raised:
        if one.item is None:
            cases.setdefault(one.key, []).append(one)
        else:
            found.append(one)
    for alike in cases.values():
        gtins = {one.gtin for one in alike}
        found.append(
            msgspec.structs.replace(
                alike[0], gtin=alike[0].gtin if len(gtins) == 1 else None, quantity=Decimal(len(alike))
            )
        )
    return found


def are_in_doubt(first: Sold, second: Sold) -> bool:
    """Whether the clocks leave open which of two sales came first."""
    apart = abs(second.at - first.at)
    return apart <= timedelta(microseconds=first.uncertainty_us + second.uncertainty_us)


def unknown(life: Life, step: Step) -> Discrepancy:
    """An item that nobody has issued or registered."""
    assert life.state is None
    return about(
        step,
        DiscrepancyClass.UNKNOWN_ITEM,
        "its code was never issued, or its registration has not been entered yet",
        "register the item if it is genuine; else treat it as a forgery and take it off sale",
    )


def about(
    step: Step,
    discrepancy_class: DiscrepancyClass,
    likely_cause: str,
    proposal: str,
    before: tuple[dict[str, Any], ...] = (),
) -> Discrepancy:
    """A discrepancy about the item of a step, with what the step itself is evidence of."""
    return Discrepancy(
        site=step.site,
        discrepancy_class=discrepancy_class,
        cause_key=step.item,
        likely_cause=likely_cause,
        proposal=proposal,
        evidence=(*before, step.evidence),
        gtin=step.gtin,
        item=step.item,
        quantity=Decimal(1),
    )


def _as_evidence(item: str, sale: Sold, rank: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "event": "sale",
        "item": item,
        "site": sale.site,
        "journal": sale.journal,
        "seq": sale.seq,
        "document": sale.document,
        "event_time": iso(sale.at),
        "uncertainty_us": sale.uncertainty_us,
        "provisional": sale.provisional,
        "rank": rank,
    }
    return {name: value for name, value in told.items() if value is not None}


def _seen(sighting: Sighting) -> dict[str, Any]:
    return {
        "site": sighting.site,
        "event_time": iso(sighting.at),
        "uncertainty_us": sighting.uncertainty_us,
    }


def _impossible(one: Sighting, other: Sighting, places: Places, speed_kmh: float) -> dict[str, Any] | None:
    """The figures of a journey that cannot have been made; None for one that can."""
    distance_km = None if one.site == other.site else places.distance_km(one.site, other.site)
    if distance_km is None or distance_km < SAME_PLACE_KM:
        return None
    slack = timedelta(microseconds=one.uncertainty_us + other.uncertainty_us)
    at_most = abs(other.at - one.at) + slack
    needed = timedelta(hours=distance_km / speed_kmh)
    if at_most >= needed:
        return None
    return {
        "distance_km": round(distance_km, 1),
        "minutes_apart": round(at_most / timedelta(minutes=1), 1),
        "minutes_needed": round(needed / timedelta(minutes=1), 1),
    }
