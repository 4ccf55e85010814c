"""``short_receipt`` and ``over_receipt``: what was counted against what was announced, and what a receipt clears up. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from central.despatches.rules import DespatchState
from central.despatches.storage import ReceiptOutcome
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.storage import Cause
from central.journals.facts import Fact
from protocol.events import GoodsReceived


def differences(fact: Fact, outcome: ReceiptOutcome) -> Iterator[Discrepancy]:
    """What a receipt says that its despatch does not."""
    body = fact.body
    assert isinstance(body, GoodsReceived)
    announced = body.despatch_id or body.receipt_advice_id
    sent_from = None if outcome.despatch is None else outcome.despatch.from_site
    for short in outcome.short:
        missing = {"containers": list(outcome.missing_containers)} if outcome.missing_containers else {}
        yield Discrepancy(
            site=fact.site,
            discrepancy_class=DiscrepancyClass.SHORT_RECEIPT,
            cause_key=f"{announced}/{short.gtin}",
            likely_cause="it was not loaded, was lost on the way, or was not scanned at the receipt",
            proposal="recount; if it is missing, settle by a credit note or a second despatch",
            evidence=(
                fact.evidence(despatch=announced, from_site=sent_from, items=list(short.items), **missing),
            ),
            gtin=short.gtin,
            quantity=short.quantity,
        )
    for line in outcome.lines:
        if line.over > 0:
            yield Discrepancy(
                site=fact.site,
                discrepancy_class=DiscrepancyClass.OVER_RECEIPT,
                cause_key=f"{announced}/{line.gtin}",
                likely_cause=(
                    "the receipt names a despatch that is not on its way to this site"
                    if outcome.unknown_despatch
                    else "more was loaded than announced, or something was scanned twice"
                ),
                proposal="recount; if it is there, charge it or send it back",
                evidence=(fact.evidence(despatch=announced, from_site=sent_from, over=str(line.over)),),
                gtin=line.gtin,
                quantity=line.over,
            )


def explained(outcome: ReceiptOutcome) -> list[Cause]:
    """The cases that a receipt clears up: that its despatch was awaited, and that goods of it were missing which have come now."""
    despatch = outcome.despatch
    if despatch is None:
        return []
    missing = {line.gtin for line in despatch.lines if line.outstanding > 0}
    causes: list[Cause] = [
        (despatch.to_site, DiscrepancyClass.SHORT_RECEIPT, f"{despatch.despatch_id}/{gtin}")
        for gtin in sorted({line.gtin for line in despatch.lines} - missing)
    ]
    if despatch.state is DespatchState.RECEIVED:
        causes.append((despatch.to_site, DiscrepancyClass.IN_TRANSIT_TOO_LONG, despatch.despatch_id))
        causes += [
            (despatch.from_site, DiscrepancyClass.DESPATCH_UNEXPECTED, f"{despatch.despatch_id}/{cause}")
            for cause in ("own_site", "site_closed")
        ]
    return causes
