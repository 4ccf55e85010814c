"""Likely causes of what differs in goods: below zero, short, over, too long on the way. Pure."""

from __future__ import annotations

from decimal import Decimal

from central.discrepancies import settlements
from central.discrepancies.causes.likely import ZERO, Likely, first, items_of, quantity_of, times
from central.discrepancies.causes.surroundings import Awaited, Difference, Surroundings
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Line, Other
from central.journals.facts import iso


def below_zero(case: Discrepancy, around: Surroundings) -> Likely:
    """More was sold than the books knew to be there."""
    assert case.gtin is not None
    deficit = -around.on_hand if around.on_hand is not None and around.on_hand < 0 else quantity_of(case)
    moments = times(case)
    before = [one for one in around.awaited if not moments or one.despatched_at <= moments[-1]]
    if before:
        return _receipt_lost(case, before, deficit)
    short = next((one for one in around.differences if one.is_short and one.site == case.site), None)
    if short is not None and short.despatch is not None:
        missed = min(short.quantity, deficit)
        return Likely(
            "not_scanned",
            0.85,
            "it was counted short at a receipt, and has been sold since: it was there and was not scanned",
            "settle the short receipt as received",
            settlements.received(
                short.despatch, [Line(gtin=case.gtin, quantity=missed)], reason="not_scanned"
            ),
            (_told(case, "short_receipt", despatch=short.despatch, quantity=str(short.quantity)),),
        )
    if around.late_agents:
        return Likely(
            "late_till",
            0.75,
            "a machine of this site has not told everything yet: its receipts are missing here",
            "bring the machine back to the network; if the receipt is not among its events, count this product",
            because=(_told(case, "agent_silent", agents=list(around.late_agents)),),
        )
    sibling = next((one for one in around.siblings if one.surplus >= deficit), None)
    if sibling is not None:
        return Likely(
            "wrong_item",
            0.7,
            "a product of the same kind and price is there in surplus: one was scanned for the other",
            "count both products; settle by booking the one for the other",
            settlements.swapped(case.gtin, sibling.gtin, deficit),
            (_told(case, "surplus", gtin=sibling.gtin, quantity=str(sibling.surplus)),),
        )
    return _never_booked_in(case, around, deficit)


def _receipt_lost(case: Discrepancy, awaited: list[Awaited], deficit: Decimal) -> Likely:
    announced = sum((one.quantity for one in awaited), ZERO)
    nearest = min(awaited, key=lambda one: (abs(one.quantity - deficit), one.despatch))
    lines = [Line(gtin=nearest.gtin, quantity=nearest.quantity, items=nearest.items)]
    return Likely(
        "lost_receipt",
        0.95 if announced >= deficit else 0.8,
        "a despatch with this product was sent here, it is being sold, and its receipt was never booked",
        "book the receipt of the despatch; the settlement does it for this product",
        settlements.received(nearest.despatch, lines, reason="lost_receipt"),
        tuple(
            _told(case, "despatch", despatch=one.despatch, quantity=str(one.quantity), at=one)
            for one in awaited[:5]
        ),
    )


def _never_booked_in(case: Discrepancy, around: Surroundings, deficit: Decimal) -> Likely:
    assert case.gtin is not None
    if not around.ever_came or (around.usual_receipt is not None and deficit * 2 >= around.usual_receipt):
        return Likely(
            "unbooked_receipt",
            0.75,
            "no stock of it was ever entered"
            if not around.ever_came
            else "as much as a whole delivery is missing: a receipt from a supplier was not booked",
            "book the receipt with its papers; the settlement books what is missing as a supplier's",
            settlements.supplied(case.gtin, deficit),
        )
    return Likely(
        "stock_too_low",
        0.6,
        "a few more were there than the books knew: an earlier count, sale or correction was wrong",
        "count this product; the settlement brings the books up to what was sold",
        settlements.correction(case.gtin, deficit, "stock_too_low"),
    )


def short(case: Discrepancy, around: Surroundings) -> Likely:
    """Less was counted than a despatch announced."""
    assert case.gtin is not None
    despatch, from_site = str(first(case, "despatch")), first(case, "from_site")
    line = Line(gtin=case.gtin, quantity=quantity_of(case), items=items_of(case))
    seen = _where_codes_turned_up(case, around, despatch, line)
    if seen is not None:
        return seen
    elsewhere = _differs(case, around, is_short=False, from_site=from_site)
    if elsewhere is not None and from_site is not None:
        return Likely(
            "sent_elsewhere",
            0.9,
            "another site has received more of this product from the same sender than was announced to it",
            "ask the other site; the settlement books the goods there",
            settlements.went_elsewhere(
                despatch, from_site, (case.site, elsewhere.site), line, [_other(elsewhere)]
            ),
            (
                {
                    "event": "over_receipt",
                    "site": elsewhere.site,
                    "despatch": elsewhere.despatch,
                    "quantity": str(elsewhere.quantity),
                },
            ),
        )
    return _missing(case, around, despatch, from_site, line)


def _where_codes_turned_up(
    case: Discrepancy, around: Surroundings, despatch: str, line: Line
) -> Likely | None:
    from_site = first(case, "from_site")
    if not around.spotted:
        return None
    told = tuple(
        {"event": one.action, "site": one.site, "item": one.item, "event_time": iso(one.at)}
        for one in around.spotted[:5]
    )
    if any(one.site == case.site for one in around.spotted):
        return Likely(
            "not_scanned",
            0.97,
            "a code that was missed at the receipt has been in hand here since: it was there and was not scanned",
            "settle it as received",
            settlements.received(despatch, [line], reason="not_scanned"),
            told,
        )
    if from_site is not None and any(one.site == from_site for one in around.spotted):
        return Likely(
            "not_loaded",
            0.97,
            "a code that was announced has been in hand at the sender since: it was never loaded",
            "settle it by putting the goods back on the sender's shelf, and a credit note or a second despatch",
            settlements.never_left(despatch, from_site, case.site, [line], "not_loaded"),
            told,
        )
    return Likely(
        "sent_elsewhere",
        0.95,
        "a code that was announced here has turned up at another site",
        "ask the other site to receive it; the sender then settles by a credit note or a second despatch",
        None,
        told,
    )


def _missing(
    case: Discrepancy, around: Surroundings, despatch: str, from_site: str | None, line: Line
) -> Likely:
    """A short receipt of which no code and no other site tells anything."""
    if around.is_below_zero:
        return Likely(
            "not_scanned",
            0.85,
            "the site has sold more of it since than it took in: it was there and was not scanned",
            "recount; settle it as received",
            settlements.received(despatch, [line], reason="not_scanned"),
        )
    if around.surplus_here > 0 and around.surplus_here >= line.quantity:
        # Booking the count has put these goods on the shelf already: to receive them as well would book them twice.
        return Likely(
            "not_scanned",
            0.85,
            "a count here has found as many too much since: it was there and was not scanned",
            "look whether that count is booked; the settlement then takes it off what is on its way, against the count",
            None if from_site is None else settlements.written_off(despatch, from_site, case.site, [line]),
            (_told(case, "stock_counted", surplus=str(around.surplus_here)),),
        )
    if from_site is None:
        return Likely("not_loaded", 0.5)
    back = settlements.never_left(despatch, from_site, case.site, [line], "not_loaded")
    if around.surplus_at_sender > 0:
        return Likely(
            "not_loaded",
            0.9,
            "a count at the sender has found too many of it: it was never loaded",
            "settle it by putting the goods back on the sender's shelf, and a credit note or a second despatch",
            back,
            ({"event": "stock_counted", "site": from_site, "surplus": str(around.surplus_at_sender)},),
        )
    swapped = _other_way_round(case, around)
    if swapped is not None:
        return Likely(
            "wrong_item",
            0.85,
            "as many of another product came in the same despatch: one was loaded for the other",
            "keep or send back what came; the settlement puts the announced goods back on the sender's shelf",
            back,
            (_told(case, "over_receipt", gtin=swapped.gtin, quantity=str(swapped.quantity)),),
        )
    if first(case, "containers"):
        return Likely(
            "lost_on_the_way",
            0.8,
            "whole cases are missing: they were lost on the way",
            "ask the carrier; if they are lost, settle by writing them off, and a credit note",
            settlements.written_off(despatch, from_site, case.site, [line]),
        )
    return Likely(
        "not_loaded",
        0.55,
        "most likely it was not loaded; else it was lost on the way, or was not scanned at the receipt",
        "recount, and let the sender count; settle by a credit note or a second despatch. The settlement puts it back on the sender's shelf",
        back,
    )


def over(case: Discrepancy, around: Surroundings) -> Likely:
    """More was counted than a despatch announced."""
    assert case.gtin is not None
    quantity, from_site = quantity_of(case), first(case, "from_site")
    if from_site is None:
        moved = around.despatch_went_to not in (None, case.site)
        return Likely(
            "sent_elsewhere" if moved else "unknown_despatch",
            0.9,
            "the receipt names a despatch that is on its way to another site"
            if moved
            else "the receipt names a despatch that nobody has announced to this site",
            "look at the papers: enter the despatch, or correct the receipt; what came is booked as a supplier's goods",
        )
    missing = _differs(case, around, is_short=True, from_site=from_site)
    if missing is not None and missing.despatch is not None:
        line = Line(gtin=case.gtin, quantity=min(quantity, missing.quantity))
        return Likely(
            "sent_elsewhere",
            0.9,
            "another site misses as many of this product from the same sender",
            "ask the other site; the settlement books the goods here",
            settlements.went_elsewhere(
                missing.despatch, from_site, (missing.site, case.site), line, [_other(missing)]
            ),
            (
                {
                    "event": "short_receipt",
                    "site": missing.site,
                    "despatch": missing.despatch,
                    "quantity": str(missing.quantity),
                },
            ),
        )
    if around.announced and around.counted == 2 * around.announced:
        return Likely(
            "double_scan",
            0.85,
            "exactly twice the announced quantity was counted: it was scanned twice",
            "recount; the settlement takes the surplus off the shelf",
            settlements.correction(case.gtin, -quantity, "double_scan"),
        )
    swapped = _other_way_round(case, around)
    along = settlements.came_along(
        from_site, case.site, case.gtin, quantity, "wrong_item" if swapped else "loaded_too_much"
    )
    if swapped is not None:
        return Likely(
            "wrong_item",
            0.85,
            "as many of another product are missing from the same despatch: one was loaded for the other",
            "keep it and charge it, or send it back; the settlement takes it off the sender's shelf",
            along,
            (_told(case, "short_receipt", gtin=swapped.gtin, quantity=str(swapped.quantity)),),
        )
    return Likely(
        "loaded_too_much",
        0.6,
        "more was loaded than announced, or something was scanned twice",
        "recount; if it is there, charge it or send it back. The settlement takes it off the sender's shelf",
        along,
    )


def overdue(case: Discrepancy, around: Surroundings) -> Likely:
    """A despatch that has not been received after its lane's usual time."""
    despatch, from_site = str(first(case, "despatch")), str(first(case, "from_site"))
    lines = [Line(gtin=one.gtin, quantity=one.quantity, items=one.items) for one in around.awaited]
    if around.is_below_zero or any(one.site == case.site for one in around.spotted):
        return Likely(
            "lost_receipt",
            0.95,
            "goods of it are being sold here: it has arrived, and its receipt was never booked",
            "book the receipt; the settlement does it for all that is still awaited",
            settlements.received(despatch, lines, "lost_receipt") if lines else None,
        )
    if around.surplus_here > 0:
        return Likely(
            "lost_receipt",
            0.9,
            "a count here has found what was sent too much: it has arrived, and its receipt was never booked",
            "look whether that count is booked; the settlement then takes it off what is on its way, against the count",
            settlements.written_off(despatch, from_site, case.site, lines) if lines else None,
            (_told(case, "stock_counted", surplus=str(around.surplus_here)),),
        )
    if around.late_agents:
        return Likely(
            "late_till",
            0.8,
            "the receiving site has not been heard of: the receipt may be in a machine without a network",
            "bring the machine back to the network, then look here again",
            because=(_told(case, "agent_silent", agents=list(around.late_agents)),),
        )
    return Likely(
        "lost_on_the_way",
        0.6,
        "it takes longer than this way ever does: it was lost on the way, or stands somewhere",
        "ask the carrier and both sites; if it is lost, settle by writing it off, and a credit note",
        settlements.written_off(despatch, from_site, case.site, lines) if lines else None,
    )


def _differs(
    case: Discrepancy, around: Surroundings, *, is_short: bool, from_site: str | None
) -> Difference | None:
    """A short or over receipt of as many of the same product from the same sender at another site. Another quantity says nothing: where
    many sites are served, some other one always differs in the same weeks."""
    return next(
        (
            one
            for one in around.differences
            if one.is_short is is_short
            and one.site != case.site
            and one.gtin == case.gtin
            and one.quantity == quantity_of(case)
            and one.from_site is not None
            and one.from_site == from_site
        ),
        None,
    )


def _other_way_round(case: Discrepancy, around: Surroundings) -> Difference | None:
    """Another product of the same despatch that is over by what this one is short, or the other way round."""
    wants_short = case.discrepancy_class is DiscrepancyClass.OVER_RECEIPT
    despatch = first(case, "despatch")
    return next(
        (
            one
            for one in around.differences
            if one.site == case.site
            and one.despatch == despatch
            and one.gtin != case.gtin
            and one.is_short is wants_short
            and one.quantity == quantity_of(case)
        ),
        None,
    )


def _other(difference: Difference) -> Other:
    name = DiscrepancyClass.SHORT_RECEIPT if difference.is_short else DiscrepancyClass.OVER_RECEIPT
    return Other(site=difference.site, discrepancy_class=name.value, cause_key=difference.cause_key)


def _told(case: Discrepancy, event: str, *, at: Awaited | None = None, **more: object) -> dict[str, object]:
    """A fact of the books at the site of a case, as evidence."""
    when = {} if at is None else {"event_time": iso(at.despatched_at), "from_site": at.from_site}
    return {"event": event, "site": case.site, **when, **more}
