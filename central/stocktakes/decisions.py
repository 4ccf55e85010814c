"""What people decide about a stocktake, carried out: each in the caller's transaction, on a stocktake that is locked.

Every decision gives the stocktake afterwards, or a :class:`Refused` with the reason; then nothing has been written that the caller may keep.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.actors import By
from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.stocktakes import cases, feed, rules, tables
from central.stocktakes.documents import (
    COUNTED_NOW,
    OPEN,
    Line,
    LineState,
    Refused,
    Stocktake,
    StocktakeState,
)
from central.stocktakes.feed import RECOUNT_LIMIT
from central.stocktakes.proposing import Worked, work_out

_replace = msgspec.structs.replace


def close_counting(
    connection: Connection, stocktake: Stocktake, by: By, *, recount: bool = True
) -> Stocktake | Refused:
    """Say that everything has been counted: what nobody named is not there. What is beyond the limits goes to the counters once more.

    Without ``recount`` it does not: what should be counted again can then only be refused, or be asked for later.
    """
    wrong = rules.may(stocktake, "close the counting of", *COUNTED_NOW)
    if wrong is not None:
        return wrong
    closed = _replace(stocktake, state=StocktakeState.PROPOSED)
    worked = work_out(connection, closed)
    if not worked.lines:
        return Refused("nothing has been counted: there is no count to close; cancel the stocktake instead")
    again = [line for line in worked.lines.values() if line.state is LineState.RECOUNT]
    if again and recount:
        again = sorted(again, key=rules.order_of)[:RECOUNT_LIMIT]
        lines = [rules.asked_again(line, stocktake.round + 1) for line in again]
        return _begin_recount(connection, stocktake, closed, lines, by, "close_counting")
    _raise_cases(connection, closed, worked, by)
    return _keep(connection, stocktake, closed, by, "close_counting")


def recount(
    connection: Connection, stocktake: Stocktake, by: By, gtins: Sequence[str] | None
) -> Stocktake | Refused:
    """Have products counted again, in a round of its own: the named ones, or all beyond the limits."""
    wrong = rules.may(stocktake, "ask for a recount of", StocktakeState.PROPOSED)
    if wrong is not None:
        return wrong
    worked = work_out(connection, stocktake)
    lines = rules.to_recount(stocktake, worked.lines, gtins)
    if isinstance(lines, Refused):
        return lines
    if len(lines) > RECOUNT_LIMIT:
        return Refused(
            f"{len(lines)} products to count again: expected at most {RECOUNT_LIMIT}; name fewer, or start another stocktake"
        )
    return _begin_recount(connection, stocktake, stocktake, lines, by, "recount")


def approve(
    connection: Connection, stocktake: Stocktake, by: By, gtins: Sequence[str] | None
) -> Stocktake | Refused:
    """Approve what was counted, of these products or of all that wait for it."""
    wrong = rules.may(stocktake, "approve lines of", StocktakeState.PROPOSED)
    if wrong is not None:
        return wrong
    worked = work_out(connection, stocktake)
    lines = rules.approved(worked.lines, gtins)
    return _decided(connection, stocktake, lines, by, "approve", whole=gtins is None)


def refuse(
    connection: Connection, stocktake: Stocktake, by: By, gtins: Sequence[str] | None
) -> Stocktake | Refused:
    """Refuse what was counted, of these products or of all that nobody has approved: the books stay as they are."""
    wrong = rules.may(stocktake, "refuse lines of", StocktakeState.PROPOSED)
    if wrong is not None:
        return wrong
    worked = work_out(connection, stocktake)
    lines = rules.refused(worked.lines, gtins, by.reason or "")
    done = _decided(connection, stocktake, lines, by, "refuse", whole=gtins is None)
    if isinstance(done, Stocktake) and isinstance(lines, list):
        cases.end(
            connection, stocktake, [line.gtin for line in lines], by.at, f"the count was refused: {by.reason}"
        )
    return done


def cancel(connection: Connection, stocktake: Stocktake, by: By) -> Stocktake | Refused:
    """End a stocktake without booking anything of it. What was counted is kept."""
    wrong = rules.may(stocktake, "cancel", *OPEN)
    if wrong is not None:
        return wrong
    if any(line.state is LineState.BOOKED for line in tables.lines(connection, stocktake).values()):
        return Refused("cannot cancel this stocktake: some of it is booked; refuse the rest and book it")
    after = ended(stocktake, StocktakeState.CANCELLED, by)
    cases.end(connection, stocktake, None, by.at, f"the stocktake was cancelled: {by.reason}")
    return _keep(connection, stocktake, after, by, "cancel")


def ended(stocktake: Stocktake, state: StocktakeState, by: By) -> Stocktake:
    """A stocktake that is over."""
    return _replace(stocktake, state=state, ended_at=by.at, ended_by=by.actor, reason=by.reason)


def _begin_recount(
    connection: Connection,
    before: Stocktake,
    stocktake: Stocktake,
    lines: Sequence[Line],
    by: By,
    action: str,
) -> Stocktake:
    tables.write_lines(connection, stocktake, lines)
    after = _replace(stocktake, state=StocktakeState.RECOUNTING, round=before.round + 1)
    return _keep(connection, before, after, by, action, [line.gtin for line in lines])


def _decided(
    connection: Connection,
    stocktake: Stocktake,
    lines: list[Line] | Refused,
    by: By,
    action: str,
    *,
    whole: bool,
) -> Stocktake | Refused:
    if isinstance(lines, Refused):
        return lines
    tables.write_lines(connection, stocktake, lines)
    tables.note(connection, stocktake, stocktake, by, action, () if whole else [line.gtin for line in lines])
    return stocktake


def _raise_cases(connection: Connection, stocktake: Stocktake, worked: Worked, by: By) -> None:
    found = cases.of(connection, stocktake, worked)
    discrepancies.raise_all(connection, found.raised, by.at)
    discrepancies.explain(connection, found.explained, by.at, "a recount explains it")


def _keep(
    connection: Connection,
    before: Stocktake,
    after: Stocktake,
    by: By,
    action: str,
    gtins: Sequence[str] = (),
) -> Stocktake:
    tables.update(connection, after)
    tables.note(connection, before, after, by, action, gtins)
    feed.tell(connection, [after])
    return after
