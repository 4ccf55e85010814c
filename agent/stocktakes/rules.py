"""Stocktakes, as values and rules. Pure.

A stocktake is counted area by area: a shelf, the store room. An area is one till's at a time, however many scanners that till has; what
two areas have of a product adds up. An area that is sent again within a round replaces what was sent of it before. Rounds after the
first count again what central names, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from agent.tallying.rules import NotTallied, Tally, merged
from agent.tallying.steps import TallyLine
from protocol.events import EVENT_LIMIT_BYTES, CountedLine
from protocol.feeds import StocktakeHere

AREA_LIMIT = 60
NAME_LIMIT = 100
_PART = re.compile(r" #\d+$")
_ROOM_BYTES = EVENT_LIMIT_BYTES - 4 * 1024
_LINE_BYTES = 96
_ITEM_BYTES = 3  # beside its characters, which are ASCII nearly always


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A stocktake that was begun at this counter; central hears of it with its first count."""

    stocktake_id: str
    name: str
    begun_at_us: int


class Stocktake(msgspec.Struct, frozen=True, kw_only=True):
    """A stocktake that can be counted. ``gtins`` empty: everything. ``areas`` are those counted in this round, by any till, and when.

    ``is_begun_here``: at this counter, and central has not answered yet.
    """

    stocktake_id: str
    name: str
    blind: bool = True
    round: int = 1
    started_at_us: int = 0
    gtins: frozenset[str] = frozenset()
    recount: frozenset[str] = frozenset()
    expected: dict[str, Decimal] = {}
    areas: dict[str, int] = {}
    is_begun_here: bool = False

    @property
    def wanted(self) -> frozenset[str]:
        """The products that are asked for by name; empty: whatever is there."""
        return self.recount if self.round > 1 else self.gtins or frozenset(self.expected)


class AreaDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One area being counted. ``count_id`` becomes the id of the document; ``name`` is the stocktake's.

    ``is_begun_here``: the stocktake was, and central had not answered when this was begun.
    """

    stocktake_id: str
    area: str
    round: int
    count_id: str
    name: str
    is_begun_here: bool = False
    tally: Tally = Tally()


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine has sent of an area in a round, in how many ``parts``."""

    area: str
    round: int
    number: str
    count_id: str
    parts: int
    complete: bool
    at_us: int
    lines: tuple[CountedLine, ...]


def from_feed(row: StocktakeHere) -> Stocktake:
    """A stocktake as central tells of it."""
    return Stocktake(
        stocktake_id=row.stocktake_id,
        name=row.name,
        blind=row.blind,
        round=row.round,
        started_at_us=row.started_at_us,
        gtins=frozenset(row.gtins),
        recount=frozenset(row.recount),
        expected={} if row.blind else row.expected,
        areas=row.areas,
    )


def from_here(begun: Begun) -> Stocktake:
    """A stocktake that was begun here."""
    return Stocktake(
        stocktake_id=begun.stocktake_id,
        name=begun.name,
        started_at_us=begun.begun_at_us,
        is_begun_here=True,
    )


def name_fault(name: str) -> NotTallied | None:
    """Why a stocktake cannot be called so."""
    if 1 <= len(name) <= NAME_LIMIT and name.isprintable() and name == name.strip():
        return None
    return NotTallied(
        "bad_name", f"name {name[:NAME_LIMIT]!r}: expected 1 to {NAME_LIMIT} printable characters"
    )


def area_fault(area: str) -> NotTallied | None:
    """Why an area cannot be called so: a name that ends in ``#`` and a number is that of a part of a divided area."""
    if not (1 <= len(area) <= AREA_LIMIT and area.isprintable() and area == area.strip() and "/" not in area):
        return NotTallied(
            "bad_area",
            f"area {area[:AREA_LIMIT]!r}: expected 1 to {AREA_LIMIT} printable characters, none of them '/'",
        )
    if _PART.search(area):
        return NotTallied(
            "bad_area", f"area {area!r}: '#' with a number at the end is kept for the parts of a long area"
        )
    return None


def part_name(area: str, number: int) -> str:
    """The area of one event: a long area is sent as ``Shelf``, ``Shelf #2``, ``Shelf #3`` …"""
    return area if number == 1 else f"{area} #{number}"


def area_of(part: str) -> str:
    """The area that a part belongs to."""
    return _PART.sub("", part)


def not_wanted(stocktake: Stocktake | None, draft: AreaDraft, gtin: str) -> NotTallied | None:
    """Why a product is not counted in this stocktake, or not in this round.

    A recount replaces what earlier rounds found of a product, in all areas: one that is not named must not be counted by accident.
    """
    if stocktake is None or stocktake.round != draft.round:
        return None
    if stocktake.round > 1 and gtin not in stocktake.recount:
        return NotTallied("not_to_recount", "this product is not to be counted again in this round")
    if stocktake.gtins and gtin not in stocktake.gtins:
        return NotTallied("not_in_stocktake", "this product is no part of this stocktake")
    return None


def counted_lines(tally: Tally, until_us: int) -> tuple[CountedLine, ...]:
    """The lines as they go into the journal, none counted later than ``until_us``: a clock may have been set back meanwhile."""
    return tuple(
        CountedLine(
            gtin=line.gtin,
            quantity=line.quantity,
            counted_at_us=min(line.at_us, until_us),
            items=line.items,
        )
        for line in merged(tally)
    )


def continued(sent: Sent) -> Tally:
    """A tally that begins with what was sent."""
    return Tally(
        lines=tuple(
            TallyLine(gtin=line.gtin, quantity=line.quantity, at_us=line.counted_at_us, items=line.items)
            for line in sent.lines
        )
    )


def divided(
    lines: Iterable[CountedLine], room_bytes: int = _ROOM_BYTES
) -> tuple[tuple[CountedLine, ...], ...]:
    """The lines of an area as parts that fit one event each; at least one, which may be empty. A product of very many items is cut too."""
    parts: list[list[CountedLine]] = [[]]
    left = room_bytes
    for line in lines:
        for piece in _cut(line, room_bytes):
            size = _size(piece)
            if size > left and parts[-1]:
                parts.append([])
                left = room_bytes
            parts[-1].append(piece)
            left -= size
    return tuple(tuple(part) for part in parts)


def quantities(lines: Iterable[CountedLine]) -> dict[str, Decimal]:
    """How much was counted of each product."""
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.gtin] = found.get(line.gtin, Decimal(0)) + line.quantity
    return found


def still_missing(
    stocktake: Stocktake, counted: Mapping[str, Decimal]
) -> tuple[tuple[str, Decimal | None], ...]:
    """What is asked for and has not been counted, or not all of it, in the order of the GTINs: product, and how much is missing.

    The quantity is None where a blind count must not show it: there a product is missing until something of it was counted.
    """
    missing: list[tuple[str, Decimal | None]] = []
    for gtin in sorted(stocktake.wanted):
        found = counted.get(gtin)
        expected = stocktake.expected.get(gtin)
        if expected is None or stocktake.round > 1:
            if found is None:
                missing.append((gtin, None if expected is None or expected <= 0 else expected))
        elif (short := expected - (found or Decimal(0))) > 0:
            missing.append((gtin, short))
    return tuple(missing)


def _cut(line: CountedLine, room_bytes: int) -> Iterable[CountedLine]:
    if _size(line) <= room_bytes:
        yield line
        return
    items, rest = list(line.items), line.quantity
    while items:
        taken: list[str] = []
        left = room_bytes - _LINE_BYTES
        while items and (not taken or left >= _item_size(items[0])):
            left -= _item_size(items[0])
            taken.append(items.pop(0))
        quantity = Decimal(len(taken)) if items else rest
        rest -= quantity
        yield msgspec.structs.replace(line, quantity=quantity, items=tuple(taken))


def _size(line: CountedLine) -> int:
    return _LINE_BYTES + sum(map(_item_size, line.items))


def _item_size(item: str) -> int:
    return len(item.encode()) + _ITEM_BYTES
