"""Counts as they arrive, taken into the books. The intake calls these inside its own transaction, in this order.

:func:`book_counts` keeps them, with the orders and despatches; :func:`products_of` before anything is posted; :func:`compare` after it, since the
same transaction may bring the sales that belong to a count; :func:`tell` at the end.

Nothing here turns a count away: one for a stocktake that has ended, or that nobody knows, is kept and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from central.actors import By
from central.database import Connection
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.storage import Cause
from central.journals.facts import Fact
from central.ledger.rules import ON_HAND, Posting
from central.stocktakes import cases, counts, feed, tables
from central.stocktakes.documents import OPEN, LineState, Stocktake, StocktakeState
from central.stocktakes.proposing import work_out
from protocol.events import StockCounted

PROPOSED_BY_COUNTER = "proposed by the counter"
Key = tuple[str, str]
"""(site, stocktake_id)"""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Counts that were kept: which areas of which open stocktakes, and what a person must look at."""

    areas: Mapping[Key, frozenset[str]] = {}
    raised: Sequence[Discrepancy] = ()


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines that were worked out anew contradict, and what they explain."""

    raised: Sequence[Discrepancy] = ()
    explained: Sequence[Cause] = ()


NOTHING_COUNTED = Counted()


def book_counts(connection: Connection, facts: Sequence[Fact], at: datetime) -> Counted:
    """Keep counts. A stocktake that nobody knows is opened, for a person to look at: the counter may have begun it offline."""
    counted = sorted(
        (fact for fact in facts if isinstance(fact.body, StockCounted)),
        key=lambda fact: (_key(fact), fact.journal, fact.seq),
    )
    if not counted:
        return NOTHING_COUNTED
    closed = _closed_sites(connection, {fact.site for fact in counted})
    areas: dict[Key, frozenset[str]] = {}
    raised: list[Discrepancy] = []
    for key, some in groupby(counted, key=_key):
        here = list(some)
        stocktake, is_new = _open(connection, here[0], at)
        if stocktake.state in OPEN:
            areas[key] = frozenset(fact.body.area for fact in here if isinstance(fact.body, StockCounted))
        raised += _unexpected(stocktake, here, is_new=is_new, is_closed=stocktake.site in closed)
    counts.keep(connection, counted)
    return Counted(areas=areas, raised=raised)


def products_of(connection: Connection, counted: Counted) -> set[tuple[str, str]]:
    """(site, gtin) of what these counts may have changed. Their balances are to be held before anything is posted, together with those of
    the postings, so that all are locked in one order."""
    return {
        (site, gtin)
        for (site, stocktake_id), areas in counted.areas.items()
        for gtin in counts.named_in_areas(connection, site, stocktake_id, areas)
    }


def compare(connection: Connection, counted: Counted, postings: Iterable[Posting]) -> Compared:
    """Work out the lines that counts, or late facts from before a count, have changed. One small query where nothing is being counted."""
    moved = _first_moves(postings)
    sites = {site for site, _ in counted.areas} | set(moved)
    if not sites:
        return Compared()
    raised: list[Discrepancy] = []
    explained: list[Cause] = []
    for stocktake in tables.open_at(connection, sites):
        key = (stocktake.site, stocktake.stocktake_id)
        gtins = _late(connection, stocktake, moved.get(stocktake.site, {}))
        if key in counted.areas:
            gtins |= counts.named_in_areas(connection, *key, counted.areas[key])
            if stocktake.is_closed:  # the moment at which nobody found the others may be a later one now
                gtins |= {
                    gtin for gtin, line in tables.lines(connection, stocktake).items() if line.is_unnamed
                }
        if not gtins:
            continue
        worked = work_out(connection, stocktake, gtins)
        found = cases.of(connection, stocktake, worked, worked.changed | worked.gone)
        raised += found.raised
        explained += found.explained
    return Compared(raised=raised, explained=explained)


def tell(connection: Connection, counted: Counted) -> None:
    """Tell the counters of these sites which areas have been counted."""
    found = [tables.find(connection, *key) for key in sorted(counted.areas)]
    feed.tell(connection, [stocktake for stocktake in found if stocktake is not None])


def _key(fact: Fact) -> Key:
    assert isinstance(fact.body, StockCounted)
    return fact.site, fact.body.stocktake_id


def _closed_sites(connection: Connection, sites: Iterable[str]) -> set[str]:
    found = connection.execute(
        "SELECT site_id FROM sites WHERE site_id = ANY (%s) AND closed_at IS NOT NULL", (sorted(sites),)
    )
    return {site for (site,) in found}


def _open(connection: Connection, fact: Fact, at: datetime) -> tuple[Stocktake, bool]:
    """The stocktake of a count, locked; and whether it has been opened by it."""
    body = fact.body
    assert isinstance(body, StockCounted)
    kept = tables.lock(connection, fact.site, body.stocktake_id)
    if kept is not None:
        return kept, False
    actor = f"agent:{fact.agent}"
    fresh = Stocktake(
        site=fact.site,
        stocktake_id=body.stocktake_id,
        name=body.name or PROPOSED_BY_COUNTER,
        blind=True,
        state=StocktakeState.COUNTING,
        started_at=fact.event_time,
        started_by=actor,
        is_from_counter=True,
    )
    is_new = tables.insert(connection, fresh)
    if is_new:
        tables.note(connection, None, fresh, By(actor=actor, at=at, reason=PROPOSED_BY_COUNTER), "start")
    kept = tables.lock(connection, fact.site, body.stocktake_id)
    assert kept is not None, "a key that could not be inserted is there"
    return kept, is_new


def _unexpected(
    stocktake: Stocktake, facts: Sequence[Fact], *, is_new: bool, is_closed: bool
) -> Iterable[Discrepancy]:
    number = stocktake.stocktake_id
    if is_new:
        yield _case(
            facts,
            key=number,
            cause="stocktake_unknown",
            words="the counter began this stocktake by itself, or names one that was never started",
            proposal="look at the stocktake: close its counting and decide on it, or cancel it",
        )
    if stocktake.state in (StocktakeState.BOOKED, StocktakeState.CANCELLED):
        yield _case(
            facts,
            key=f"{number}/late",
            cause=f"stocktake_{stocktake.state}",
            words=f"the stocktake was {stocktake.state} before this count was heard of",
            proposal="compare it with what was decided; where it differs, start another stocktake of these products",
        )
    if is_closed:
        yield _case(
            facts,
            key=f"{number}/closed site",
            cause="site_closed",
            words="the site is closed, and somebody still counts there",
            proposal="ask who works at this site; revoke its machines if nobody should",
        )


def _case(facts: Sequence[Fact], *, key: str, cause: str, words: str, proposal: str) -> Discrepancy:
    return Discrepancy(
        site=facts[0].site,
        discrepancy_class=DiscrepancyClass.COUNT_UNEXPECTED,
        cause_key=key,
        likely_cause=words,
        proposal=proposal,
        cause=cause,
        evidence=tuple(
            fact.evidence(
                stocktake=fact.body.stocktake_id,
                area=fact.body.area,
                lines=len(fact.body.lines),
                **({"clerk": fact.body.clerk} if fact.body.clerk else {}),
            )
            for fact in facts
            if isinstance(fact.body, StockCounted)
        ),
    )


def _first_moves(postings: Iterable[Posting]) -> dict[str, dict[str, datetime]]:
    """site -> product -> when the first of these movements on or off the shelf happened."""
    moved: dict[str, dict[str, datetime]] = {}
    for posting in postings:
        if ON_HAND in (posting.movement.source, posting.movement.destination):
            here = moved.setdefault(posting.site, {})
            gtin = posting.movement.gtin
            here[gtin] = min(here.get(gtin, posting.event_time), posting.event_time)
    return moved


def _late(connection: Connection, stocktake: Stocktake, moved: Mapping[str, datetime]) -> set[str]:
    """The products of which something is heard now that happened before they were counted."""
    if not moved:
        return set()
    lines = tables.lines(connection, stocktake, moved)
    late = {
        gtin
        for gtin, line in lines.items()
        if moved[gtin] < line.counted_at and line.state is not LineState.BOOKED
    }
    without = (
        {gtin for gtin in moved if gtin not in lines and stocktake.covers(gtin)}
        if stocktake.is_closed
        else set()
    )
    if not without:
        return late
    at = counts.last_moment(connection, stocktake.site, stocktake.stocktake_id)
    return late | {gtin for gtin in without if at is not None and moved[gtin] < at}
