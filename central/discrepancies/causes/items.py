"""Likely causes of what contradicts itself in the lives of coded items. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from central.discrepancies import settlements
from central.discrepancies.causes.likely import Likely, first, quantity_of, times
from central.discrepancies.causes.surroundings import Surroundings
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Line

DOUBLE_SCAN = timedelta(minutes=15)
"""Two scans of one item at one site within that are one customer at one till."""
_PROVISIONAL = "sell_provisionally"


def sold_twice(case: Discrepancy, around: Surroundings) -> Likely:
    """Two sales of one item stand. One piece has left a shelf once too often: it goes back where the item was sold last."""
    assert case.gtin is not None
    sales = [fact for fact in case.evidence if fact.get("event") == "sale"] or list(case.evidence)
    sites = {fact.get("site") for fact in sales}
    moments = times(case)
    apart = moments[-1] - moments[0] if moments else timedelta(0)

    def back(reason: str) -> settlements.Settlement:
        last = sales[-1].get("site") if sales else None
        return settlements.taken_back(case.gtin or "", quantity_of(case), reason, last)

    if len(sites) == 1 and (len(sales) == 1 or apart <= DOUBLE_SCAN):
        return Likely(
            "double_scan",
            0.9,
            "it was scanned twice at one counter: one of the two lines is a mistake",
            None,
            back("double_scan"),
        )
    if len(sites) == 1:
        return Likely(
            "return_not_booked",
            0.8,
            "the same shop sold it twice, with time in between: the customer brought it back, and the return was not booked",
            None,
            back("return_not_booked"),
        )
    if DiscrepancyClass.IMPOSSIBLE_TRAVEL in around.other_classes or _is_copied(around):
        return Likely(
            "code_copied",
            0.95,
            "two things carry this code: it was copied",
            None,
            back("code_copied"),
        )
    if any(_is_provisional(fact) for fact in sales):
        return Likely(
            "late_till",
            0.75,
            "a till that could not ask central sold it: another shop had sold it, or was to sell it",
            None,
            back("late_till"),
        )
    return Likely(
        "code_copied",
        0.7,
        "one of the two carries a copied code, or one scan was booked for another item",
        None,
        back("code_copied"),
    )


def sold_without_receipt(case: Discrepancy, around: Surroundings) -> Likely:
    """An item was sold that was not received."""
    assert case.gtin is not None
    sent_here = next((one for one in around.awaited if case.item in one.items), None) or next(
        iter(around.awaited), None
    )
    if sent_here is not None:
        items = () if case.item is None else (case.item,)
        return Likely(
            "lost_receipt",
            0.9,
            "it was sent here and sold here, and its receipt was not booked",
            "book the receipt; the settlement does it for this item",
            settlements.received(
                sent_here.despatch,
                [Line(gtin=case.gtin, quantity=quantity_of(case), items=items)],
                "lost_receipt",
            ),
        )
    if around.late_agents:
        return Likely(
            "late_till",
            0.75,
            "a machine of this site has not told everything yet: the receipt may be among its events",
            "bring the machine back to the network; the receipt then settles this by itself",
        )
    if around.home_site is not None and around.home_site != case.site:
        return Likely(
            "not_despatched",
            0.7,
            "by the books it never left the place it was made or sent to: its despatch was not booked",
            "book the despatch; if nobody sent it, ask where the item came from",
        )
    return Likely("lost_receipt", 0.5)


def not_for_sale(case: Discrepancy, _: Surroundings) -> Likely:
    """A recalled, held, stolen … item was sold."""
    if any(_is_provisional(fact) for fact in case.evidence):
        return Likely("late_till", 0.8)
    return Likely("clerk_override", 0.6)


def outside_territory(case: Discrepancy, around: Surroundings) -> Likely:
    """An item turned up where it was not sent."""
    if around.same_house:
        moved = None
        if around.home_site is not None and case.gtin is not None and case.quantity:
            moved = settlements.carried_over(around.home_site, case.site, case.gtin, quantity_of(case))
        return Likely(
            "transfer_not_booked",
            0.8,
            None,
            "ask both sites of this dealer; if it was moved from one to the other, book the transfer: the settlement does it",
            moved,
        )
    if DiscrepancyClass.IMPOSSIBLE_TRAVEL in around.other_classes or _is_copied(around):
        return Likely("code_copied", 0.9)
    return Likely("diversion", 0.85)


def travelled(_case: Discrepancy, around: Surroundings) -> Likely:
    """An item was at two places too soon."""
    if DiscrepancyClass.CLOCK_STEP in around.other_classes:
        return Likely(
            "wrong_clock",
            0.7,
            "one of the machines has a wrong clock; if not, two things carry this code",
        )
    return Likely("code_copied", 0.9)


def unknown(_case: Discrepancy, around: Surroundings) -> Likely:
    """A code that nobody issued."""
    if around.other_classes & {DiscrepancyClass.ITEM_CODE_COPIED, DiscrepancyClass.UNKNOWN_CODES_BURST}:
        return Likely(
            "forged",
            0.9,
            "it is one of many codes that nobody issued: somebody makes labels",
            "take it off sale, and ask the site where the goods came from",
        )
    return Likely("not_registered", 0.6)


def copied(_case: Discrepancy, _: Surroundings) -> Likely:
    """One code at many sites."""
    return Likely("code_copied", 0.9)


def burst(case: Discrepancy, _: Surroundings) -> Likely:
    """Many unknown codes at one site within minutes."""
    forged = [fact for fact in case.evidence if fact.get("event") == "forged"]
    named = [fact for fact in case.evidence if fact.get("item")]
    if not forged and not named:
        return Likely("scanner_fault", 0.7, "none of them is a code at all: a scanner garbles what it reads")
    return Likely("forged", 0.8)


def checked(case: Discrepancy, _: Surroundings) -> Likely:
    """The public checks one code again and again."""
    known = first(case, "state") is not None
    return Likely("code_copied" if known else "forged", 0.7)


def miscounted(case: Discrepancy, _: Surroundings) -> Likely | None:
    """A case that holds another number of items than central packed; what is found by the clock names its cause itself."""
    if case.cause is not None:
        return None
    fact = case.evidence[0] if case.evidence else {}
    if fact.get("refused"):
        return Likely("wrong_order_of_scans", 0.8)
    if fact.get("items_at_central") == 0:
        return Likely("packing_not_booked", 0.8)
    if fact.get("items_at_the_counter") == fact.get("items_at_central"):
        return Likely("double_scan", 0.8)
    return Likely("repacked_without_scan", 0.7)


def _is_copied(around: Surroundings) -> bool:
    return DiscrepancyClass.ITEM_CODE_COPIED in around.other_classes


def _is_provisional(fact: dict[str, Any]) -> bool:
    return bool(fact.get("provisional")) or fact.get("action") == _PROVISIONAL
