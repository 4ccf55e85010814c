"""What follows from a count: the variance of each product, whether it is counted again, and what may be decided. Pure.

The variance is the count minus the balance at the moment of the count. A sale after that moment changes neither; a sale before it that is
heard of later changes the balance of that moment, and with it the variance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from central.moments import from_microseconds, to_microseconds
from central.stocktakes.counting import Counted, Tally
from central.stocktakes.documents import (
    COUNTED_NOW,
    ZERO,
    Line,
    LineState,
    Refused,
    Stocktake,
    StocktakeState,
)
from protocol.events import CountedLine

ROUNDS_LIMIT = 3
"""A product that was counted so often is left to a person, whether two rounds agree or not."""
COUNTING_LIMIT = timedelta(days=7)
"""An area is counted within that time; a moment that lies further back is one of a clock that was wrong."""

_NOT_NOW = {
    StocktakeState.COUNTING: "it is still being counted: close the counting first",
    StocktakeState.RECOUNTING: "some of it is being counted again: close the counting first",
    StocktakeState.PROPOSED: "its counting is closed: ask for a recount if something is to be counted again",
    StocktakeState.BOOKED: "it is booked",
    StocktakeState.CANCELLED: "it is cancelled",
}


class At(msgspec.Struct, frozen=True, kw_only=True):
    """What the books say of a product at the moment of a count: the balance then, and what ``moved`` while several areas were counted."""

    balance: Decimal
    moved: Decimal = ZERO


Balances = Mapping[tuple[str, int], At]
"""(gtin, round) -> the books at the moment of that round's count."""


def moment_of(line: CountedLine, event_time: datetime, stated_us: int) -> datetime:
    """When a line was counted (UTC), by the clock that central trusts.

    ``stated_us`` is what the agent's clock said when the count was written, ``event_time`` when that was: the line is moved by the same. A
    moment after the count was written, or a week before it, is none: then it is the one of writing.
    """
    before_us = stated_us - line.counted_at_us
    if not 0 <= before_us <= COUNTING_LIMIT // timedelta(microseconds=1):
        return event_time
    return from_microseconds(to_microseconds(event_time) - before_us)


def counted_lines(lines: Iterable[CountedLine], event_time: datetime, stated_us: int) -> tuple[Counted, ...]:
    """The lines of an event with their moments."""
    return tuple(
        Counted(
            gtin=line.gtin,
            quantity=line.quantity,
            at=moment_of(line, event_time, stated_us),
            items=tuple(dict.fromkeys(line.items)),
        )
        for line in lines
    )


def with_unnamed(
    stocktake: Stocktake,
    tallies: Mapping[str, tuple[Tally, ...]],
    on_paper: Collection[str],
    at: datetime,
    asked: Mapping[str, Collection[int]],
) -> dict[str, tuple[Tally, ...]]:
    """The tallies, and a zero for every product that is ``on_paper`` or on the list and that nobody has named.

    Only where the counting was closed: until then it may still be named. In each later round that was closed, it was not found again.
    """
    every = dict(tallies)
    if not stocktake.is_closed:
        return every
    for gtin in sorted({*on_paper, *stocktake.gtins} - set(tallies)):
        if not stocktake.covers(gtin):
            continue
        closed = sorted(number for number in asked.get(gtin, ()) if _is_round_closed(stocktake, number))
        every[gtin] = tuple(
            Tally(round=number, quantity=ZERO, first_at=at, last_at=at) for number in (1, *closed)
        )
    return every


def _is_round_closed(stocktake: Stocktake, number: int) -> bool:
    return number < stocktake.round or stocktake.state not in COUNTED_NOW


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a product: its tallies, the newest last, the books at their moments, and what one unit costs."""

    rounds: Sequence[Tally]
    balances: Balances
    cost: Decimal | None = None

    def variance(self, gtin: str, back: int = 0) -> Decimal:
        """What a round found less what the books said then; ``back`` counts rounds from the last one."""
        one = self.rounds[-1 - back]
        return one.quantity - self.balances[gtin, one.round].balance


def assessed(stocktake: Stocktake, gtin: str, found: Found, kept: Line | None) -> Line:
    """The line of a product; ``kept`` is the line as it was. What was decided stays decided while the variance is what it was."""
    last = found.rounds[-1]
    books = found.balances[gtin, last.round]
    line = Line(
        gtin=gtin,
        round=last.round,
        counted=last.quantity,
        counted_at=last.last_at,
        expected=books.balance,
        value_minor=value_of(found.variance(gtin), found.cost),
        uncertain=books.moved,
        is_unnamed=not last.areas,
        asked=kept.asked if kept else (),
        state=LineState.PROPOSED,
    )
    return _decided(stocktake, line, kept, is_confirmed=_is_confirmed(gtin, found))


def _decided(stocktake: Stocktake, line: Line, kept: Line | None, *, is_confirmed: bool) -> Line:
    replace = msgspec.structs.replace
    if line.variance == 0:
        return replace(line, state=LineState.AGREES)
    waits = max(line.asked, default=1) > line.round
    passes = stocktake.limits.are_passed(line.variance, line.value_minor)
    if waits or (passes and not is_confirmed):
        if kept is not None and kept.state is LineState.REFUSED and line.round == kept.round:
            return replace(line, state=LineState.REFUSED, reason=kept.reason)
        return replace(line, state=LineState.RECOUNT)
    if kept is not None and (kept.round, kept.variance) == (line.round, line.variance):
        if kept.state in (LineState.APPROVED, LineState.REFUSED):
            return replace(line, state=kept.state, reason=kept.reason)
    elif kept is not None and kept.state is LineState.APPROVED:
        return replace(line, reason=f"it was approved at {kept.variance}: approve it anew")
    if not stocktake.covers(line.gtin):
        why = "it is not among what is counted: somebody counted it by the way"
        return replace(line, state=LineState.REFUSED, reason=why)
    return line


def settled_elsewhere(line: Line) -> Line:
    """A line whose variance was booked in another way."""
    if line.state not in (LineState.PROPOSED, LineState.APPROVED, LineState.RECOUNT):
        return line
    why = "its discrepancy was settled with a correction of its own"
    return msgspec.structs.replace(line, state=LineState.REFUSED, reason=why)


def _is_confirmed(gtin: str, found: Found) -> bool:
    """Whether two rounds in a row found the same, or it was counted so often that a further round tells nothing."""
    if len(found.rounds) < 2:
        return False
    if found.rounds[-1].round >= ROUNDS_LIMIT:
        return True
    return found.variance(gtin) == found.variance(gtin, back=1)


def value_of(variance: Decimal, cost: Decimal | None) -> int | None:
    """The value of a variance in minor units; None where no cost is known."""
    if cost is None:
        return None
    return int((variance * cost).quantize(Decimal(1), ROUND_HALF_EVEN))


def may(stocktake: Stocktake, action: str, *states: StocktakeState) -> Refused | None:
    """Why a stocktake does not allow something; None if it does."""
    if stocktake.state in states:
        return None
    return Refused(f"cannot {action} this stocktake: {_NOT_NOW[stocktake.state]}")


def approved(lines: Mapping[str, Line], chosen: Sequence[str] | None) -> list[Line] | Refused:
    """The lines that become approved: the chosen ones, or all that wait for a decision."""
    if chosen is None:
        return [
            msgspec.structs.replace(line, state=LineState.APPROVED, reason=None)
            for line in lines.values()
            if line.state is LineState.PROPOSED
        ]
    wrong = _not_to_decide(lines, chosen) or next(
        (
            f"product {gtin}: it has to be counted again before it can be approved; ask for a recount, or refuse it"
            for gtin in chosen
            if lines[gtin].state is LineState.RECOUNT
        ),
        None,
    )
    if wrong is not None:
        return Refused(wrong)
    return [msgspec.structs.replace(lines[gtin], state=LineState.APPROVED, reason=None) for gtin in chosen]


def refused(lines: Mapping[str, Line], chosen: Sequence[str] | None, reason: str) -> list[Line] | Refused:
    """The lines that become refused: the chosen ones, or all that nobody has approved."""
    if chosen is None:
        waiting = (LineState.PROPOSED, LineState.RECOUNT)
        chosen = [line.gtin for line in lines.values() if line.state in waiting]
    wrong = _not_to_decide(lines, chosen)
    if wrong is not None:
        return Refused(wrong)
    return [msgspec.structs.replace(lines[gtin], state=LineState.REFUSED, reason=reason) for gtin in chosen]


def to_recount(
    stocktake: Stocktake, lines: Mapping[str, Line], chosen: Sequence[str] | None
) -> list[Line] | Refused:
    """The lines that are to be counted again: the chosen ones, or those beyond the limits (without limits, all that differ)."""
    limits = stocktake.limits
    if chosen is None:
        chosen = [
            line.gtin
            for line in lines.values()
            if line.state in (LineState.PROPOSED, LineState.APPROVED, LineState.RECOUNT)
            and (limits.is_none or limits.are_passed(line.variance, line.value_minor))
        ]
        if not chosen:
            return Refused("nothing to count again: name the products")
    unknown = [gtin for gtin in chosen if gtin not in lines]
    if unknown:
        return Refused(f"product {unknown[0]}: it has no line in this stocktake")
    booked = [gtin for gtin in chosen if lines[gtin].state is LineState.BOOKED]
    if booked:
        return Refused(f"product {booked[0]}: its count is booked; start another stocktake for it")
    return [asked_again(lines[gtin], stocktake.round + 1) for gtin in chosen]


def asked_again(line: Line, number: int) -> Line:
    """A line that is to be counted again in a round."""
    asked = tuple(sorted({*line.asked, number}))
    return msgspec.structs.replace(line, state=LineState.RECOUNT, asked=asked, reason=None)


def undecided(lines: Iterable[Line]) -> Refused | None:
    """Why a stocktake cannot be booked yet; None if it can."""
    open_lines = [line for line in lines if line.state in (LineState.PROPOSED, LineState.RECOUNT)]
    if not open_lines:
        return None
    again = sum(line.state is LineState.RECOUNT for line in open_lines)
    first = ", ".join(line.gtin for line in open_lines[:3])
    return Refused(
        f"{len(open_lines)} products are neither approved nor refused ({first}{', …' if len(open_lines) > 3 else ''})"
        + (f"; {again} of them have to be counted again or refused" if again else "")
    )


def order_of(line: Line) -> tuple[bool, bool, int, str]:
    """What a person looks at first: what nobody counted, what differs, by its value."""
    value = abs(line.value_minor or 0) or int(abs(line.variance))
    return not line.is_unnamed, line.variance == 0, -value, line.gtin


def _not_to_decide(lines: Mapping[str, Line], chosen: Sequence[str]) -> str | None:
    for gtin in chosen:
        if gtin not in lines:
            return f"product {gtin}: it has no line in this stocktake"
        if lines[gtin].state in (LineState.AGREES, LineState.BOOKED):
            why = (
                "the count agrees with the books"
                if lines[gtin].state is LineState.AGREES
                else "its count is booked"
            )
            return f"product {gtin}: there is nothing to decide: {why}"
    return None
