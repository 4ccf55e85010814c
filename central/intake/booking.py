"""What follows from facts: receipt lines, movements, item lives, receipts against despatches, orders, discrepancies.

Locks are taken in one order everywhere: cursors, containers, orders and despatches, invoices, shifts, stocktakes, items, balances, days and months,
discrepancies, feeds; within each of them in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from central.containers import feed as container_feed
from central.containers.booking import open_all
from central.database import Connection
from central.despatches import early, scanned
from central.despatches.destinations import address
from central.despatches.storage import ReceiptOutcome, apply_receipt
from central.discrepancies import storage as discrepancies
from central.discrepancies.pricing import against_policy
from central.discrepancies.receipts import differences, explained
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.storage import Cause
from central.invoices import storage as invoices
from central.items import storage as items
from central.items.lives import Step
from central.items.signals import Watch
from central.items.steps import steps_of
from central.items.watching import watch_codes
from central.journals.facts import Fact
from central.ledger import rules as ledger
from central.ledger.booking import post
from central.ledger.rules import Arrived, Posting
from central.ledger.storage import lock
from central.orders.storage import apply_cancel_asked, apply_submitted
from central.sales import storage as sales
from central.sales.rules import receipt_lines
from central.shifts.booking import book_money
from central.stocktakes import booking as stocktakes
from protocol.events import (
    GoodsDespatched,
    GoodsPacked,
    GoodsReceived,
    OrderCancelAsked,
    OrderSubmitted,
    Sale,
    SaleReturned,
    SaleVoided,
    StockAdjusted,
    StockCounted,
)

_UNWATCHED = Watch()


def book(connection: Connection, facts: Sequence[Fact], at: datetime, watch: Watch = _UNWATCHED) -> None:
    """Take facts into the books, in their order, as one set. ``at`` is now."""
    if not facts:
        return
    addressed = address(connection, facts)
    opened = open_all(connection, addressed.facts, at)
    facts = opened.facts
    raised: list[Discrepancy] = [*opened.raised]
    receipts = _receive(connection, facts)
    early.keep(connection, facts, receipts)
    cleared: list[Cause] = []
    _order(connection, facts)
    sent = scanned.send_all(connection, addressed, facts, opened.packed_in, at)
    raised += sent.raised
    invoices.remind(connection, [*_arrived(facts, receipts), *sent.joining])
    lines = [line for fact in facts for line in receipt_lines(fact)]
    sales.write(connection, lines)
    money = book_money(connection, facts, at)
    raised += money.raised
    counted = stocktakes.book_counts(connection, facts, at)
    raised += counted.raised
    raised += against_policy(connection, facts)
    steps = [
        step
        for fact in facts
        for key in ((fact.journal, fact.seq),)
        for step in (*_steps(fact, receipts.get(key), opened.packed_in.get(key)), *sent.steps.get(key, ()))
    ]
    taken = items.take_all(connection, steps, watch)
    raised += taken.raised
    raised += watch_codes(connection, facts, taken.suspects, watch)
    raised += _unknown_products(connection, facts)
    for fact in facts:
        outcome = receipts.get((fact.journal, fact.seq))
        if outcome is not None:
            raised += differences(fact, outcome)
            cleared += explained(outcome)
    postings = [posting for fact in facts for posting in _postings(fact, receipts)]
    also_held = stocktakes.products_of(connection, counted) | sent.products
    every = [*postings, *sent.postings]
    if also_held:
        lock(connection, also_held | {(posting.site, posting.movement.gtin) for posting in every})
    scanned.release(connection, sent)
    posted = post(connection, every, at, lines)
    arrived = scanned.arrive(connection, sent, posted.values[len(postings) :])
    post(connection, arrived.postings, at)
    raised = [case for case in raised if case.key not in arrived.explained] + [*arrived.raised]
    compared = stocktakes.compare(connection, counted, [*every, *arrived.postings])
    raised += compared.raised
    cleared += [*arrived.explained, *compared.explained]
    discrepancies.raise_all(connection, raised, at)
    discrepancies.explain(
        connection, [*taken.explained, *money.explained, *cleared], at, "a later event explains it"
    )
    container_feed.tell(connection, {*opened.touched, *taken.opened}, opened.left)
    items.tell(connection, taken.concerned)
    scanned.tell(connection, sent)
    stocktakes.tell(connection, counted)


Receipts = dict[tuple[int, int], ReceiptOutcome]
"""What each receipt among the facts means, by (journal, seq)."""


def _receive(connection: Connection, facts: Iterable[Fact]) -> Receipts:
    return {
        (fact.journal, fact.seq): apply_receipt(
            connection, fact.site, fact.body, fact.event_time, actor=f"agent:{fact.agent}"
        )
        for fact in _by_site(facts)
        if isinstance(fact.body, GoodsReceived)
    }


def _order(connection: Connection, facts: Iterable[Fact]) -> None:
    for fact in _by_site(facts):
        match fact.body:
            case OrderSubmitted() as order:
                apply_submitted(connection, fact.site, fact.agent, fact.event_time, order)
            case OrderCancelAsked() as asked:
                apply_cancel_asked(connection, fact.site, fact.agent, fact.event_time, asked)


def _arrived(facts: Iterable[Fact], receipts: Receipts) -> list[tuple[str, str | None, str | None]]:
    """(site, order, despatch) of what was received."""
    return [
        (fact.site, outcome.despatch.order_id, outcome.despatch.despatch_id)
        for fact in facts
        for outcome in (receipts.get((fact.journal, fact.seq)),)
        if outcome is not None and outcome.despatch is not None
    ]


def _by_site(facts: Iterable[Fact]) -> list[Fact]:
    """Site by site, since each site's feeds are locked on the way; within a site as they came."""
    return sorted(facts, key=lambda fact: fact.site)


def _postings(fact: Fact, receipts: Receipts) -> list[Posting]:
    match fact.body:
        case Sale(lines=lines):
            movements = ledger.sold(lines)
        case SaleVoided(lines=lines):
            movements = ledger.voided(lines)
        case SaleReturned(lines=lines, disposition=disposition):
            movements = ledger.returned(lines, disposition)
        case StockAdjusted(lines=goods, reason=reason):
            movements = ledger.adjusted(goods, reason)
        case GoodsReceived():
            outcome = receipts[fact.journal, fact.seq]
            movements = ledger.received(
                [
                    Arrived(
                        gtin=line.gtin,
                        counted=line.counted,
                        from_transit=line.from_transit,
                        source=outcome.source,
                        value_minor=line.value_minor if outcome.is_valued else None,
                    )
                    for line in outcome.lines
                ]
            )
        case _:
            return []
    return ledger.postings(fact, movements)


def _steps(fact: Fact, outcome: ReceiptOutcome | None, packed_in: Mapping[str, str] | None) -> list[Step]:
    steps = steps_of(fact, packed_in)
    if outcome is None or outcome.despatch is None:
        return steps
    return [msgspec.structs.replace(step, from_site=outcome.despatch.from_site) for step in steps]


def _unknown_products(connection: Connection, facts: Sequence[Fact]) -> Iterator[Discrepancy]:
    named = {(fact.site, gtin): fact for fact in reversed(facts) for gtin in _gtins(fact)}
    gtins = sorted({gtin for _, gtin in named})
    if not gtins:
        return
    found = connection.execute("SELECT gtin FROM products WHERE gtin = ANY (%s::bpchar[])", (gtins,))
    known = {gtin for (gtin,) in found}
    for (site, gtin), fact in named.items():
        if gtin not in known:
            yield Discrepancy(
                site=site,
                discrepancy_class=DiscrepancyClass.UNKNOWN_PRODUCT,
                cause_key=gtin,
                likely_cause="the product is missing from the catalogue, or its code was mistyped",
                proposal="add the product to the catalogue; its movements are booked already",
                evidence=(fact.evidence(),),
                gtin=gtin,
            )


def _gtins(fact: Fact) -> set[str]:
    match fact.body:
        case (
            Sale(lines=lines)
            | SaleVoided(lines=lines)
            | SaleReturned(lines=lines)
            | GoodsReceived(lines=lines)
            | GoodsPacked(lines=lines)
            | StockAdjusted(lines=lines)
            | GoodsDespatched(lines=lines)
            | StockCounted(lines=lines)
        ):
            return {line.gtin for line in lines}
        case _:
            return set()
