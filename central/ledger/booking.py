"""Booking movements with what follows from them: a shelf that went below zero is reported, one that came back is cleared.

A sale is a fact and is booked even below zero. Only the crossing is reported: what is sold while the balance is below
already belongs to the same cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import iso
from central.ledger import storage
from central.ledger.rules import ON_HAND, Posting
from central.ledger.storage import Crossing


def post(connection: Connection, postings: Sequence[Posting], at: datetime) -> None:
    """Book movements; raise ``sold_below_zero`` where on hand fell below zero, settle it where it no longer is."""
    crossings = storage.book(connection, postings)
    fallen = {(shelf.site, shelf.gtin): shelf for shelf in crossings if shelf.quantity < 0}
    risen = [shelf for shelf in crossings if shelf.quantity >= 0]
    if fallen:
        discrepancies.raise_all(connection, _below_zero(fallen, postings), at)
    discrepancies.explain(
        connection,
        [(shelf.site, DiscrepancyClass.SOLD_BELOW_ZERO, shelf.gtin) for shelf in risen],
        at,
        "later movements brought the stock back to zero or above",
    )


def _below_zero(fallen: dict[tuple[str, str], Crossing], postings: Sequence[Posting]) -> list[Discrepancy]:
    return [
        Discrepancy(
            site=posting.site,
            discrepancy_class=DiscrepancyClass.SOLD_BELOW_ZERO,
            cause_key=posting.movement.gtin,
            likely_cause="a receipt was not booked, or the stock on paper was too low before",
            proposal="book the missing receipt; if there is none, count this product",
            evidence=(_evidence(posting),),
            gtin=posting.movement.gtin,
            quantity=fallen[posting.site, posting.movement.gtin].quantity,
        )
        for posting in postings
        if posting.movement.source == ON_HAND and (posting.site, posting.movement.gtin) in fallen
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
