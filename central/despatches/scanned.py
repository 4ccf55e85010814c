"""Despatches that a counter has scanned out: transfers between sites, goods back to a warehouse, goods for an order that the site serves.

The goods have left when central hears of it, so nothing is refused: they are booked as far as they went, and what is wrong about it is a case
that says what to do. The intake calls these inside its own transaction: :func:`send_all` with the orders and receipts, :func:`arrive` once
the worth of what left is known, :func:`tell` at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from central.database import Connection
from central.despatches import early, order_lines, storage
from central.despatches.destinations import NOWHERE, Addressed, Wrong
from central.despatches.early import Joined
from central.despatches.order_lines import Spread
from central.despatches.rules import Despatch, DespatchState, Line
from central.despatches.storage import Scanned
from central.discrepancies.receipts import differences, explained
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Line as SettledLine
from central.discrepancies.settlements import never_left
from central.discrepancies.storage import Cause
from central.items.lives import Step
from central.journals.facts import Fact
from central.ledger.rules import ON_HAND, Movement, Posting, in_transit, postings
from central.orders import promises, tables
from central.orders.documents import Order
from protocol.events import GoodsDespatched
from protocol.items import Action

CAUSE = "despatch"
Key = tuple[int, int]
"""(journal, seq) of a fact."""
PackedIn = Mapping[Key, Mapping[str, str]]
"""By fact, the items that left in a case, each with it."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A despatch that was kept, the fact behind it, and the receipts that were waiting for it."""

    fact: Fact
    despatch: Despatch
    waiting: tuple[Fact, ...] = ()


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from despatches: what is posted, what becomes of items, whose promises end, what a person must look at."""

    left: Sequence[Left] = ()
    postings: Sequence[Posting] = ()
    steps: Mapping[Key, Sequence[Step]] = {}
    released: Sequence[tuple[str, Spread]] = ()
    orders: Sequence[Order] = ()
    raised: Sequence[Discrepancy] = ()

    @property
    def joining(self) -> list[tuple[str, str | None, str | None]]:
        """(site, order, despatch) of what had been received before its despatch was heard of."""
        return [
            (one.despatch.to_site, one.despatch.order_id, one.despatch.despatch_id)
            for one in self.left
            if one.waiting
        ]

    @property
    def products(self) -> set[tuple[str, str]]:
        """(site, gtin) that are posted once more when receipts join: to be held with all others."""
        return {
            (one.despatch.to_site, line.gtin)
            for one in self.left
            if one.waiting
            for line in one.despatch.lines
        } | {(site, gtin) for site, spread in self.released for gtin in spread.released}


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """Receipts that have found their despatch: what turns them over, what they contradict now, and what is cleared up."""

    postings: Sequence[Posting] = ()
    raised: Sequence[Discrepancy] = ()
    explained: Sequence[Cause] = ()


NOTHING_SENT = Sent()
NOTHING_ARRIVED = Arrived()


def send_all(
    connection: Connection, addressed: Addressed, facts: Sequence[Fact], packed_in: PackedIn, at: datetime
) -> Sent:
    """Take despatches into the books, in the order of their sites. ``facts`` have their containers opened. Nothing is asked where none left."""
    leaving = [
        fact
        for fact in facts
        if isinstance(fact.body, GoodsDespatched) and (fact.journal, fact.seq) not in addressed.repeated
    ]
    if not leaving:
        return NOTHING_SENT
    left: list[Left] = []
    posted: list[Posting] = []
    steps: dict[Key, list[Step]] = {}
    released: list[tuple[str, Spread]] = []
    orders: list[Order] = []
    raised: list[Discrepancy] = []
    for fact in sorted(leaving, key=_name):
        key = (fact.journal, fact.seq)
        packed = packed_in.get(key, {})
        body = fact.body
        assert isinstance(body, GoodsDespatched)
        storage.lock_name(connection, body.to_site, body.despatch_id)
        spread = order_lines.fulfil(connection, fact, body, set(packed))
        despatch = _despatch(fact, body, spread, packed)
        wrong = addressed.wrong.get(key, ())
        named = next((one.named for one in wrong if one.named is not None and body.to_site == NOWHERE), None)
        storage.keep(connection, despatch, Scanned(body_hash=addressed.hashes[key], named_site=named))
        waiting = early.waiting(connection, despatch.to_site, despatch.despatch_id, at)
        left.append(Left(fact=fact, despatch=despatch, waiting=tuple(waiting)))
        posted += postings(fact, _movements(despatch))
        steps[key] = _steps(fact, body, packed)
        raised += [_case(fact, despatch, one) for one in (*wrong, *spread.wrong)]
        if spread.order is not None:
            orders.append(spread.order)
            released.append((fact.site, spread))
    return Sent(left=left, postings=posted, steps=steps, released=released, orders=orders, raised=raised)


def release(connection: Connection, sent: Sent) -> None:
    """End the promises that these goods were made for. Their balances are held."""
    for site, spread in sent.released:
        promises.release(connection, site, spread.released)


def arrive(connection: Connection, sent: Sent, values: Sequence[int]) -> Arrived:
    """Note what the goods were worth when they left (``values`` of the postings of ``sent``), and let receipts that waited join."""
    worths = iter(values)
    joined: list[Joined] = []
    for one in sent.left:
        lines = tuple(msgspec.structs.replace(line, value_minor=next(worths)) for line in one.despatch.lines)
        despatch = msgspec.structs.replace(one.despatch, lines=lines)
        storage.note_values(
            connection,
            despatch.to_site,
            despatch.despatch_id,
            {line.line: line.value_minor or 0 for line in lines},
        )
        joined += early.join(connection, despatch, one.waiting)
    if not joined:
        return NOTHING_ARRIVED
    cleared: list[Cause] = [
        (one.fact.site, DiscrepancyClass.OVER_RECEIPT, f"{one.outcome.despatch.despatch_id}/{line.gtin}")
        for one in joined
        if one.outcome.despatch is not None
        for line in one.outcome.lines
    ]
    raised = [case for one in joined for case in differences(one.fact, one.outcome)]
    still = {case.key for case in raised}
    return Arrived(
        postings=[posting for one in joined for posting in one.postings],
        raised=raised,
        explained=[
            cause
            for cause in (*cleared, *(cause for one in joined for cause in explained(one.outcome)))
            if cause not in still
        ],
    )


def tell(connection: Connection, sent: Sent) -> None:
    """Tell the receiving sites what is on its way, and the dealers how their orders stand."""
    for one in sent.left:
        kept = storage.find(connection, one.despatch.to_site, one.despatch.despatch_id)
        if kept is not None and kept.to_site != NOWHERE:
            storage.tell(connection, kept)
    for order in sent.orders:
        after = tables.find(connection, order.site, order.order_id)
        if after is not None:
            tables.tell(connection, after)


def _name(fact: Fact) -> tuple[str, str, int, int]:
    assert isinstance(fact.body, GoodsDespatched)
    return fact.body.to_site, fact.body.despatch_id, fact.journal, fact.seq


def _despatch(fact: Fact, body: GoodsDespatched, spread: Spread, packed: Mapping[str, str]) -> Despatch:
    return Despatch(
        to_site=body.to_site,
        despatch_id=body.despatch_id,
        from_site=fact.site,
        order_id=spread.order.order_id if spread.order is not None else None,
        state=DespatchState.IN_TRANSIT,
        despatched_at=fact.event_time,
        lines=tuple(
            # What lies in a case counts in the line, and stands there without its codes: the case is told as such.
            msgspec.structs.replace(line, items=tuple(item for item in line.items if item not in packed))
            for line in spread.lines
        ),
        containers=tuple(dict.fromkeys(one.sscc for one in body.containers)),
    )


def _movements(despatch: Despatch) -> list[Movement]:
    way = in_transit(despatch.from_site, despatch.to_site)
    return [Movement(line.line, line.gtin, line.quantity, ON_HAND, way, CAUSE) for line in despatch.lines]


def _steps(fact: Fact, body: GoodsDespatched, packed: Mapping[str, str]) -> list[Step]:
    named = {item: line.gtin for line in body.lines for item in line.items}
    return [
        Step(
            item=item,
            gtin=gtin,
            action=Action.SHIP,
            site=fact.site,
            to_site=body.to_site,
            event_time=fact.event_time,
            recorded_at=fact.recorded_at,
            uncertainty_us=fact.uncertainty_us,
            journal=fact.journal,
            seq=fact.seq,
            document=body.despatch_id,
            container=packed.get(item),
            evidence=fact.evidence(document=body.despatch_id, action=Action.SHIP.value),
        )
        for item, gtin in named.items()
    ]


def _case(fact: Fact, despatch: Despatch, wrong: Wrong) -> Discrepancy:
    still_here = wrong.cause in ("own_site", "site_unknown", "site_foreign")
    lines = _settled(despatch) if still_here else []
    return Discrepancy(
        site=fact.site,
        discrepancy_class=DiscrepancyClass.DESPATCH_UNEXPECTED,
        cause_key=f"{despatch.despatch_id}/{wrong.cause}",
        likely_cause=wrong.words,
        proposal=wrong.proposal,
        cause=wrong.cause,
        evidence=(
            fact.evidence(
                despatch=despatch.despatch_id,
                **({"named_site": wrong.named} if wrong.named is not None else {}),
                **({"gtins": list(wrong.gtins)} if wrong.gtins else {}),
                containers=list(despatch.containers),
            ),
        ),
        quantity=sum((line.quantity for line in despatch.lines), start=order_lines.ZERO),
        settlement=never_left(
            despatch.despatch_id, despatch.from_site, despatch.to_site, lines, "despatch_unexpected"
        ).kept()
        if lines
        else None,
    )


def _settled(despatch: Despatch) -> list[SettledLine]:
    """The goods of a despatch as they would go back on the shelf: a line a product."""
    by_product: dict[str, list[Line]] = {}
    for line in despatch.lines:
        by_product.setdefault(line.gtin, []).append(line)
    return [
        SettledLine(
            gtin=gtin,
            quantity=sum((line.quantity for line in lines), start=order_lines.ZERO),
            items=tuple(item for line in lines for item in line.items),
        )
        for gtin, lines in by_product.items()
    ]
