"""Working out the lines of a stocktake: what was counted against the books, with the balances held so that nothing moves meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from central.database import Connection
from central.discrepancies.rules import DiscrepancyClass
from central.stocktakes import books, counts, tables
from central.stocktakes.counting import Tally, tallied
from central.stocktakes.documents import Line, LineState, Stocktake
from central.stocktakes.rules import Found, assessed, settled_elsewhere, with_unnamed


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """Lines as they are now. ``changed`` are those of them that are new or different, ``gone`` products that have none any more.

    ``scanned``: the codes of items that were scanned, by product. ``wavering`` are products of which two rounds found different things.
    """

    lines: dict[str, Line]
    changed: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    scanned: dict[str, tuple[str, ...]] = {}
    wavering: frozenset[str] = frozenset()


def work_out(connection: Connection, stocktake: Stocktake, gtins: Collection[str] | None = None) -> Worked:
    """Work the lines of a stocktake out anew and write what is different; of these products alone where they are given.

    All of them only under the stocktake's lock. Their balances are held until the end of the transaction.
    """
    at = counts.last_moment(connection, stocktake.site, stocktake.stocktake_id)
    if at is None:
        return Worked(lines={})
    if gtins is None:
        gtins = _every(connection, stocktake, at)
        of_these = None
    else:
        of_these = gtins
    books.hold(connection, stocktake.site, gtins)
    kept = tables.lines(connection, stocktake, of_these)
    tallies = _tallies(connection, stocktake, kept, at, gtins, of_these)
    booked = {gtin for gtin, line in kept.items() if line.state is LineState.BOOKED}
    asked = {gtin: rounds[-2:] for gtin, rounds in tallies.items() if gtin not in booked}
    balances = books.balances_at(connection, stocktake.site, asked)
    costs = books.costs(connection, stocktake.site, asked)
    lines = {gtin: kept[gtin] for gtin in booked}
    by_hand = _settled_by_hand(connection, stocktake)
    for gtin, rounds in asked.items():
        found = Found(rounds=rounds, balances=balances, cost=costs.get(gtin))
        line = assessed(stocktake, gtin, found, kept.get(gtin))
        lines[gtin] = settled_elsewhere(line) if gtin in by_hand else line
    changed = frozenset(gtin for gtin, line in lines.items() if line != kept.get(gtin))
    gone = frozenset(kept) - frozenset(lines)
    tables.write_lines(connection, stocktake, (lines[gtin] for gtin in changed))
    if gone:
        tables.drop_lines(connection, stocktake, gone)
    return Worked(
        lines=dict(sorted(lines.items())),
        changed=changed,
        gone=gone,
        scanned={gtin: rounds[-1].items for gtin, rounds in tallies.items()},
        wavering=frozenset(
            gtin
            for gtin, rounds in asked.items()
            if len({one.quantity - balances[gtin, one.round].balance for one in rounds}) > 1
        ),
    )


def _every(connection: Connection, stocktake: Stocktake, at: datetime) -> set[str]:
    """The products that may have a line: counted ones, those on the list, and once the counting is closed those on the books."""
    found = counts.read(connection, stocktake.site, stocktake.stocktake_id)
    gtins = {line.gtin for count in found for line in count.lines}
    gtins |= set(tables.lines(connection, stocktake))
    if stocktake.is_closed:
        gtins |= set(stocktake.gtins) or books.on_paper(connection, stocktake.site, at)
    return gtins


def _tallies(
    connection: Connection,
    stocktake: Stocktake,
    kept: dict[str, Line],
    at: datetime,
    gtins: Collection[str],
    of_these: Collection[str] | None,
) -> dict[str, tuple[Tally, ...]]:
    asked = {gtin: line.asked for gtin, line in kept.items()}
    found = counts.read(connection, stocktake.site, stocktake.stocktake_id, of_these)
    named = tallied(found, asked)
    every = with_unnamed(stocktake, named, gtins, at, asked)
    return (
        every
        if of_these is None
        else {gtin: rounds for gtin, rounds in every.items() if gtin in set(of_these)}
    )


def _settled_by_hand(connection: Connection, stocktake: Stocktake) -> set[str]:
    """Products whose discrepancy somebody has settled with a correction of his own: the count must not book it a second time."""
    prefix = f"{stocktake.stocktake_id}/"
    found = connection.execute(
        """
        SELECT cause_key FROM discrepancies AS d
         WHERE site_id = %s AND class IN (%s, %s) AND state = 'settled' AND starts_with(cause_key, %s)
           AND EXISTS (SELECT FROM discrepancy_audit AS a
                        WHERE a.site_id = d.site_id AND a.discrepancy_id = d.discrepancy_id AND a.action = 'settle')
        """,
        (stocktake.site, DiscrepancyClass.STOCKTAKE_VARIANCE, DiscrepancyClass.WRONG_ITEM_SCANNED, prefix),
    )
    return {gtin for (key,) in found for gtin in key.removeprefix(prefix).split("/")}
