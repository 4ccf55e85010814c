"""What scanners brought, as one quantity a product and round. Pure.

Counts of different areas add up. Of one area in one round the latest count stands, by the time at which it was made, so that the order in
which counts are heard of changes nothing. A later round stands for itself: a product that it names has the quantity that was found in it,
whatever the rounds before said.

>>> from datetime import UTC, datetime
>>> at = datetime(2026, 9, 21, tzinfo=UTC)
>>> shelf = AreaCount(area="shelf", round=1, event_time=at, journal=1, seq=1, lines=(Counted(gtin="04012345678901", quantity=Decimal(4), at=at),))
>>> store = AreaCount(area="store", round=1, event_time=at, journal=1, seq=2, lines=(Counted(gtin="04012345678901", quantity=Decimal(6), at=at),))
>>> [tally.quantity for tally in tallied([shelf, store])["04012345678901"]]
[Decimal('10')]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A product at one place; ``at`` is when its last piece was scanned."""

    gtin: str
    quantity: Decimal
    at: datetime
    items: tuple[str, ...] = ()


class AreaCount(msgspec.Struct, frozen=True, kw_only=True):
    """One area counted by one scanner. ``complete``: a product of the area that is not named was not there."""

    area: str
    round: int
    event_time: datetime
    journal: int
    seq: int
    complete: bool = False
    lines: tuple[Counted, ...] = ()

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Counts in this order stand the same whichever was heard of first."""
        return self.event_time, self.journal, self.seq


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What one round found of a product: in all ``areas`` together, from ``first_at`` to ``last_at``."""

    round: int
    quantity: Decimal
    first_at: datetime
    last_at: datetime
    items: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()


def tallied(
    counts: Iterable[AreaCount], asked: Mapping[str, Collection[int]] | None = None
) -> dict[str, tuple[Tally, ...]]:
    """What was found of each product, round by round. ``asked``: the rounds in which a product was to be counted again."""
    standing = _standing(counts)
    found: dict[tuple[str, int], list[tuple[AreaCount, Counted]]] = {}
    in_area: dict[str, set[str]] = {}
    for (_, area), replaced in sorted(standing.items(), key=lambda one: one[0]):
        count = replaced[-1]
        here = in_area.setdefault(area, set())
        before = here | {line.gtin for earlier in replaced[:-1] for line in earlier.lines}
        for line in _lines(count, before, asked or {}):
            found.setdefault((line.gtin, count.round), []).append((count, line))
            here.add(line.gtin)
    tallies: dict[str, list[Tally]] = {}
    for (gtin, number), parts in sorted(found.items()):
        tallies.setdefault(gtin, []).append(_together(number, parts))
    return {gtin: tuple(rounds) for gtin, rounds in tallies.items()}


def areas_of(counts: Iterable[AreaCount], number: int) -> dict[str, datetime]:
    """The areas that were counted in a round, and when."""
    return {
        area: replaced[-1].event_time
        for (one, area), replaced in sorted(_standing(counts).items())
        if one == number
    }


def _standing(counts: Iterable[AreaCount]) -> dict[tuple[int, str], list[AreaCount]]:
    """(round, area) -> its counts in the order of their time; the last one stands."""
    found: dict[tuple[int, str], list[AreaCount]] = {}
    for count in counts:
        found.setdefault((count.round, count.area), []).append(count)
    return {key: sorted(some, key=lambda one: one.order) for key, some in found.items()}


def _lines(
    count: AreaCount, before: Collection[str], asked: Mapping[str, Collection[int]]
) -> Iterable[Counted]:
    """The lines of a count, a product once, and where the area is complete a zero for what was there before."""
    merged: dict[str, Counted] = {}
    for line in count.lines:
        kept = merged.get(line.gtin)
        merged[line.gtin] = (
            line
            if kept is None
            else Counted(
                gtin=line.gtin,
                quantity=kept.quantity + line.quantity,
                at=max(kept.at, line.at),
                items=(*kept.items, *line.items),
            )
        )
    yield from merged.values()
    if not count.complete:
        return
    for gtin in sorted(set(before) - set(merged)):
        # A recount looks for what it was asked for: what it does not name besides was not looked for.
        if count.round == 1 or count.round in asked.get(gtin, ()):
            yield Counted(gtin=gtin, quantity=ZERO, at=count.event_time)


def _together(number: int, parts: Sequence[tuple[AreaCount, Counted]]) -> Tally:
    scanned = [item for _, line in parts for item in line.items]
    items = sorted(set(scanned))
    # One thing that was scanned on the shelf and again in the store room is one thing.
    twice = len(scanned) - len(items)
    return Tally(
        round=number,
        quantity=sum((line.quantity for _, line in parts), ZERO) - twice,
        first_at=min(line.at for _, line in parts),
        last_at=max(line.at for _, line in parts),
        items=tuple(items),
        areas=tuple(sorted(count.area for count, _ in parts)),
    )
