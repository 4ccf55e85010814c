"""Booking a stocktake: what was found is what the books say from the moment of the count on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from central.actors import By
from central.containers import feed as container_feed
from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.items import storage as items
from central.items.lives import Step
from central.journals.facts import iso
from central.ledger import booking
from central.ledger.rules import ON_HAND, Posting, adjustment, moved
from central.moments import business_day
from central.stocktakes import cases, counts, feed, rules, tables
from central.stocktakes.codes import Codes, compared
from central.stocktakes.counting import tallied
from central.stocktakes.decisions import ended
from central.stocktakes.documents import Line, LineState, Refused, Stocktake, StocktakeState
from central.stocktakes.proposing import work_out
from protocol.items import Action

REASON = "stocktake"
CAUSE = "stocktake"
_TO_BOOK = (LineState.APPROVED, LineState.AGREES)


def book(
    connection: Connection, stocktake: Stocktake, by: By, *, missing_are_stolen: bool = True
) -> Stocktake | Refused:
    """Book a (locked) stocktake of which every line is decided, and end it.

    Each variance is one adjustment as of the moment of the count. From then on what happened before that moment, and is heard of later,
    corrects it: also where the count agreed. Items that are missing are reported stolen, and those that were found are at this site.
    """
    wrong = rules.may(stocktake, "book", StocktakeState.PROPOSED)
    if wrong is not None:
        return wrong
    codes = _codes(connection, stocktake, None)
    worked = work_out(connection, stocktake)
    wrong = rules.undecided(worked.lines.values())
    if wrong is not None:
        return wrong
    lines = [line for line in worked.lines.values() if line.state in _TO_BOOK]
    after = ended(stocktake, StocktakeState.BOOKED, by)
    how = _Booking(
        stocktake=stocktake,
        by=by,
        document=stocktake.document,
        codes=codes,
        missing_are_stolen=missing_are_stolen,
    )
    _carry_out(connection, how, lines)
    cases.end(connection, stocktake, None, by.at, "the stocktake was booked")
    tables.update(connection, after)
    tables.note(connection, stocktake, after, by, "book")
    feed.tell(connection, [after])
    return after


def settle(
    connection: Connection, site: str, stocktake_id: str, gtins: Sequence[str], by: By
) -> Stocktake | Refused:
    """Approve and book these products of a stocktake whose counting is closed; the others stay as they are.

    This is how a discrepancy of a count is settled by itself.
    """
    stocktake = tables.lock(connection, site, stocktake_id)
    if stocktake is None:
        return Refused(f"stocktake {stocktake_id}: not known at site {site}")
    wrong = rules.may(stocktake, "book lines of", StocktakeState.PROPOSED)
    if wrong is not None:
        return wrong
    codes = _codes(connection, stocktake, gtins)
    worked = work_out(connection, stocktake, gtins)
    lines = rules.approved(worked.lines, sorted(set(gtins)))
    if isinstance(lines, Refused):
        return lines
    for line in lines:
        document = f"{stocktake.document}:{line.gtin}"
        _carry_out(connection, _Booking(stocktake=stocktake, by=by, document=document, codes=codes), [line])
    cases.end(connection, stocktake, gtins, by.at, "its count was booked")
    tables.note(connection, stocktake, stocktake, by, "book", gtins)
    return stocktake


class _Booking(msgspec.Struct, frozen=True, kw_only=True):
    """How lines of a stocktake are booked: by whom, under which document, and what becomes of items that differ."""

    stocktake: Stocktake
    by: By
    document: str
    codes: Mapping[str, Codes]
    missing_are_stolen: bool = True


def _carry_out(connection: Connection, how: _Booking, lines: Sequence[Line]) -> None:
    at = how.by.at
    booked = sorted({line.gtin for line in lines} & set(how.codes))
    taken = items.take_all(connection, [step for gtin in booked for step in _steps(how, how.codes[gtin])])
    booking.post(connection, _postings(connection, how, lines), at)
    _remember(connection, how.stocktake, lines)
    tables.write_lines(
        connection, how.stocktake, (_booked(line, how.codes.get(line.gtin, Codes())) for line in lines)
    )
    discrepancies.raise_all(connection, taken.raised, at)
    discrepancies.explain(connection, taken.explained, at, "it was found by a stocktake")
    container_feed.tell(connection, taken.opened)
    items.tell(connection, taken.concerned)


def _booked(line: Line, codes: Codes) -> Line:
    return msgspec.structs.replace(
        line,
        state=LineState.BOOKED,
        missing=tuple(one.item for one in codes.missing),
        surplus=tuple(one.item for one in codes.surplus),
    )


def _postings(connection: Connection, how: _Booking, lines: Iterable[Line]) -> list[Posting]:
    site = how.stocktake.site
    row = connection.execute("SELECT time_zone FROM sites WHERE site_id = %s", (site,)).fetchone()
    assert row is not None, "a stocktake belongs to a site"
    return [
        Posting(
            site=site,
            movement=movement,
            event_time=line.counted_at,
            recorded_at=how.by.at,
            business_day=business_day(line.counted_at, row[0]),
            document=how.document,
        )
        for number, line in enumerate(lines, 1)
        for movement in moved(number, line.gtin, line.variance, adjustment(REASON), ON_HAND, CAUSE)
    ]


def _remember(connection: Connection, stocktake: Stocktake, lines: Sequence[Line]) -> None:
    """Keep with each balance when it was counted. A count of an earlier moment does not take the place of a later one's."""
    connection.execute(
        """
        UPDATE stock SET counted_at = counted.counted_at, counted_in = %s
          FROM unnest(%s::bpchar[], %s::timestamptz[]) AS counted (gtin, counted_at)
         WHERE stock.site_id = %s AND stock.gtin = counted.gtin AND stock.location = 'on_hand'
           AND (stock.counted_at IS NULL OR stock.counted_at < counted.counted_at)
        """,
        (
            stocktake.stocktake_id,
            [line.gtin for line in lines],
            [line.counted_at for line in lines],
            stocktake.site,
        ),
    )


def _codes(connection: Connection, stocktake: Stocktake, gtins: Sequence[str] | None) -> dict[str, Codes]:
    """Items that differ, locked in the order of their codes: before the balances, as everywhere."""
    kept = tables.lines(connection, stocktake, gtins)
    lines = {gtin: line for gtin, line in kept.items() if line.state in (*_TO_BOOK, LineState.PROPOSED)}
    found = counts.read(connection, stocktake.site, stocktake.stocktake_id, gtins)
    tallies = tallied(found, {gtin: line.asked for gtin, line in kept.items()})
    scanned = {gtin: rounds[-1].items for gtin, rounds in tallies.items()}
    codes = compared(connection, stocktake.site, lines, scanned)
    named = sorted(code.item for one in codes.values() for code in (*one.missing, *one.surplus))
    if named:
        connection.execute("SELECT FROM items WHERE item = ANY (%s) ORDER BY item FOR UPDATE", (named,))
    return codes


def _steps(how: _Booking, codes: Codes) -> Iterable[Step]:
    missing = codes.missing if how.missing_are_stolen else ()
    for code, action in (
        *((code, Action.STEAL) for code in missing),
        *((code, Action.RECEIVE) for code in codes.surplus),
    ):
        yield Step(
            item=code.item,
            gtin=code.gtin,
            action=action,
            site=how.stocktake.site,
            event_time=how.by.at,
            recorded_at=how.by.at,
            document=how.document,
            evidence={
                "event": "stocktake",
                "site": how.stocktake.site,
                "stocktake": how.stocktake.stocktake_id,
                "document": how.document,
                "event_time": iso(how.by.at),
            },
        )
