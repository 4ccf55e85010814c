"""Booking movements with what follows from them: their worth, the balances, the heads of their days, and shelves that went below zero.

A sale is a fact and is booked even below zero. Only the crossing is reported: what is sold while the balance is below
already belongs to the same cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from central.costs.rules import CostList
from central.costs.storage import cost_list
from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import iso
from central.ledger import days, storage
from central.ledger.entries import Correction, Entries, ProductKey, Site, World, is_before_count
from central.ledger.rules import ON_HAND, SUPPLIER, Posting
from central.ledger.valuation import Kept
from central.sales.rules import ReceiptLine


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of postings: the worth of each in their order (minor units of its site's currency), and the booked counts that they corrected."""

    values: Sequence[int] = ()
    corrections: Sequence[Correction] = ()


def post(
    connection: Connection, postings: Sequence[Posting], at: datetime, lines: Sequence[ReceiptLine] = ()
) -> Posted:
    """Book movements, and what receipt ``lines`` took in; raise ``sold_below_zero`` where on hand fell below zero, settle it where it no
    longer is."""
    if not postings and not lines:
        return Posted()
    entries, kept = _work_out(connection, postings, lines)
    storage.append(connection, entries.movements)
    storage.carry(connection, entries.balances, kept)
    days.add(connection, entries.days)
    days.restate(connection, entries.restatements)
    _tell_of_crossings(connection, entries, kept, at)
    return Posted(values=entries.values, corrections=entries.corrections)


def _work_out(
    connection: Connection, postings: Sequence[Posting], lines: Sequence[ReceiptLine]
) -> tuple[Entries, Mapping[ProductKey, Kept]]:
    named = {posting.site for posting in postings} | {line.fact.site for line in lines}
    closed_through = days.closed_through(connection, named)
    sites = storage.sites_of(connection, named)
    kept = storage.lock(
        connection,
        {(posting.site, posting.movement.gtin) for posting in postings},
        {
            (posting.site, posting.movement.gtin)
            for posting in postings
            if storage.concerns_quarantine(posting.movement.source, posting.movement.destination)
        },
    )
    entries = Entries(
        World(
            sites=sites,
            kept=kept,
            listed=_costs(connection, postings, kept, sites).at,
            counts=storage.counts_of(connection, _late(postings, kept)),
            closed_through=closed_through,
        )
    )
    entries.post(postings)
    entries.take(lines)
    return entries, kept


def _costs(
    connection: Connection,
    postings: Sequence[Posting],
    kept: Mapping[ProductKey, Kept],
    sites: Mapping[str, Site],
) -> CostList:
    """The list, of those products for which it may be asked."""
    asked = {gtin for (_, gtin), product in kept.items() if product.unit_cost_minor is None}
    asked |= {posting.movement.gtin for posting in postings if posting.movement.source == SUPPLIER}
    return cost_list(connection, asked, {site.currency for site in sites.values()})


def _late(postings: Sequence[Posting], kept: Mapping[ProductKey, Kept]) -> set[ProductKey]:
    """The products of which something is told that happened before they were counted."""
    counted = {key: product.counted_at for key, product in kept.items() if product.counted_at is not None}
    if not counted:
        return set()
    return {
        key
        for posting in postings
        for key in ((posting.site, posting.movement.gtin),)
        if key in counted and is_before_count(posting, counted[key])
    }


def _tell_of_crossings(
    connection: Connection, entries: Entries, kept: Mapping[ProductKey, Kept], at: datetime
) -> None:
    crossed = {
        key: product.on_hand.quantity
        for key, product in kept.items()
        if (product.on_hand.quantity < 0) != (product.on_hand.found_quantity < 0)
    }
    fallen = {key: quantity for key, quantity in crossed.items() if quantity < 0}
    if fallen:
        postings = [entry.posting for entry in entries.movements]
        discrepancies.raise_all(connection, _below_zero(fallen, postings), at)
    discrepancies.explain(
        connection,
        [
            (site, DiscrepancyClass.SOLD_BELOW_ZERO, gtin)
            for (site, gtin), quantity in crossed.items()
            if quantity >= 0
        ],
        at,
        "later movements brought the stock back to zero or above",
    )


def _below_zero(fallen: Mapping[ProductKey, Decimal], postings: Sequence[Posting]) -> list[Discrepancy]:
    return [
        Discrepancy(
            site=posting.site,
            discrepancy_class=DiscrepancyClass.SOLD_BELOW_ZERO,
            cause_key=posting.movement.gtin,
            likely_cause="a receipt was not booked, or the stock on paper was too low before",
            proposal="book the missing receipt; if there is none, count this product",
            evidence=(_evidence(posting),),
            gtin=posting.movement.gtin,
            quantity=fallen[posting.site, posting.movement.gtin],
        )
        for posting in postings
        if posting.movement.source == ON_HAND
        and posting.movement.quantity
        and (posting.site, posting.movement.gtin) in fallen
    ]


def _evidence(posting: Posting) -> dict[str, object]:
    named = {"journal": posting.journal, "seq": posting.seq, "document": posting.document}
    return {
        "event": posting.movement.cause,
        "site": posting.site,
        "event_time": iso(posting.event_time),
        "quantity": str(posting.movement.quantity),
        **{name: value for name, value in named.items() if value is not None},
    }
