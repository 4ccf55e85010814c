"""Receiving by scanning, as values and rules: against a despatch advice, or blind.

Every coded item counts once, by itself or in its case. What arrives beyond the advice, or without one, is recorded all the
same: what is on the floor is on the floor, and the difference is for central to settle.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

import msgspec

from agent.packing.contents import Contents
from protocol.events import EVENT_LIMIT_BYTES, GoodsLine, Unopened
from protocol.feeds import DespatchView

ITEMS_LIMIT = 2_000
"""Item codes scanned one by one in one receipt; more goods make a second receipt of the same advice. Cases hold any number."""
_ROOM_BYTES = EVENT_LIMIT_BYTES - 4 * 1024
_LINE_BYTES = 80
_CASE_BYTES = 48
_FULL = "this receipt is full: complete it, say that more is awaited, and go on with a second"


class ReceivedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has been counted of one product."""

    gtin: str
    quantity: Decimal
    name: str = ""
    items: tuple[str, ...] = ()


class CountedCase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case or pallet counted as one. ``items`` is None where what is in it is not wholly known here; ``pieces`` is by GTIN."""

    sscc: str
    items: int | None = None
    cases: int = 0
    pieces: dict[str, Decimal] = {}


class Receiving(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Goods being taken in. ``receipt_advice_id`` becomes the id of the document."""

    receipt_advice_id: str
    despatch_id: str | None = None
    order_id: str | None = None
    lines: tuple[ReceivedLine, ...] = ()
    cases: tuple[CountedCase, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been counted."""
        return not self.lines and not self.cases


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One product: announced against counted. ``announced`` is None where there is no advice or it does not name it."""

    gtin: str
    received: Decimal
    announced: Decimal | None
    name: str = ""


class NotCounted(msgspec.Struct, frozen=True):
    """A scan that does not count, and why."""

    key: str
    reason: str


def count(
    receiving: Receiving,
    gtin: str,
    *,
    quantity: Decimal = Decimal(1),
    item: str | None = None,
    name: str = "",
    counted_in: Mapping[str, str] | None = None,
) -> Receiving | NotCounted:
    """The goods with one scan more. ``counted_in`` tells of each item and inner case the counted case that holds it."""
    lines = {line.gtin: line for line in receiving.lines}
    line = lines.get(gtin) or ReceivedLine(gtin=gtin, quantity=Decimal(0), name=name)
    if item is not None:
        if (case := (counted_in or {}).get(item)) is not None:
            return NotCounted("counted_already", f"this item was counted with case {case}")
        if any(item in other.items for other in receiving.lines):
            return NotCounted("counted_already", "this item has been counted already")
        if sum(len(other.items) for other in receiving.lines) >= ITEMS_LIMIT:
            return NotCounted("full", _FULL)
    lines[gtin] = msgspec.structs.replace(
        line,
        quantity=line.quantity + quantity,
        items=line.items if item is None else (*line.items, item),
    )
    return _if_it_fits(msgspec.structs.replace(receiving, lines=tuple(lines.values())))


def count_case(
    receiving: Receiving, sscc: str, contents: Contents | None, counted_in: Mapping[str, str]
) -> Receiving | NotCounted:
    """The goods with a whole case more; ``contents`` None: unopened, and nothing of it is known here.

    What of it was counted before, by itself or as a smaller case, counts with it from now on: nothing counts twice.
    """
    if any(case.sscc == sscc for case in receiving.cases):
        return NotCounted("counted_already", "this case has been counted already")
    if sscc in counted_in:
        return NotCounted("counted_already", f"this case was counted with {counted_in[sscc]}, which holds it")
    case = CountedCase(sscc=sscc)
    if contents is not None:
        case = CountedCase(
            sscc=sscc, items=contents.item_count, cases=len(contents.containers), pieces=contents.pieces
        )
        receiving = _without(receiving, frozenset(contents.items), frozenset(contents.containers))
    return _if_it_fits(msgspec.structs.replace(receiving, cases=(*receiving.cases, case)))


def take_out_case(receiving: Receiving, sscc: str) -> Receiving | NotCounted:
    """The goods without a case that was counted."""
    kept = tuple(case for case in receiving.cases if case.sscc != sscc)
    if len(kept) == len(receiving.cases):
        return NotCounted("no_line", f"case {sscc} has not been counted")
    return msgspec.structs.replace(receiving, cases=kept)


def _without(receiving: Receiving, items: Collection[str], cases: Collection[str]) -> Receiving:
    lines = []
    for line in receiving.lines:
        kept = tuple(item for item in line.items if item not in items)
        quantity = line.quantity - (len(line.items) - len(kept))
        if quantity > 0 or kept:
            lines.append(msgspec.structs.replace(line, quantity=quantity, items=kept))
    return msgspec.structs.replace(
        receiving,
        lines=tuple(lines),
        cases=tuple(case for case in receiving.cases if case.sscc not in cases),
    )


def _if_it_fits(receiving: Receiving) -> Receiving | NotCounted:
    """Everything counted goes into one event, of a size that one message takes."""
    size = len(receiving.cases) * _CASE_BYTES + len(receiving.lines) * _LINE_BYTES
    size += sum(len(item) + 2 for line in receiving.lines for item in line.items)
    return receiving if size <= _ROOM_BYTES else NotCounted("full", _FULL)


def set_quantity(receiving: Receiving, gtin: str, quantity: Decimal) -> Receiving | NotCounted:
    """The goods with a counted quantity set by hand; 0 takes the product away. Never below what was scanned item by item.

    What stands in counted cases is part of it, and stays: a case is taken out as a whole.
    """
    in_cases = sum((case.pieces.get(gtin, Decimal(0)) for case in receiving.cases), Decimal(0))
    if quantity < in_cases:
        return NotCounted("below_cases", f"{in_cases} stand in counted cases; take out a case to count less")
    if in_cases and all(line.gtin != gtin for line in receiving.lines):
        fresh = ReceivedLine(gtin=gtin, quantity=Decimal(0))
        receiving = msgspec.structs.replace(receiving, lines=(*receiving.lines, fresh))
    return _set_loose(receiving, gtin, quantity - in_cases)


def _set_loose(receiving: Receiving, gtin: str, quantity: Decimal) -> Receiving | NotCounted:
    kept = []
    for line in receiving.lines:
        if line.gtin != gtin:
            kept.append(line)
        elif quantity == 0:
            continue
        elif quantity < len(line.items):
            return NotCounted(
                "below_items", f"{len(line.items)} items were scanned one by one; expected at least as many"
            )
        else:
            kept.append(msgspec.structs.replace(line, quantity=quantity))
    if all(line.gtin != gtin for line in receiving.lines):
        return NotCounted("no_line", f"{gtin} has not been counted yet; scan it first")
    return msgspec.structs.replace(receiving, lines=tuple(kept))


def progress(receiving: Receiving, despatch: DespatchView | None) -> tuple[Progress, ...]:
    """Announced against counted, product by product: what was announced first, in its order, then what was not."""
    counted = {line.gtin: line.quantity for line in receiving.lines}
    names = {line.gtin: line.name for line in receiving.lines}
    for case in receiving.cases:
        for gtin, pieces in case.pieces.items():
            counted[gtin] = counted.get(gtin, Decimal(0)) + pieces
    announced: dict[str, Decimal] = {}
    for line in despatch.lines if despatch else ():
        announced[line.gtin] = announced.get(line.gtin, Decimal(0)) + line.quantity
    gtins = [*announced, *(gtin for gtin in counted if gtin not in announced)]
    return tuple(
        Progress(
            gtin=gtin,
            received=counted.get(gtin, Decimal(0)),
            announced=announced.get(gtin),
            name=names.get(gtin, ""),
        )
        for gtin in gtins
    )


def is_announced(
    despatch: DespatchView | None, gtin: str, item: str | None, in_announced_cases: Collection[str] = ()
) -> bool:
    """Whether an advice names this item, by itself or in a case, or this product without naming items. True without an advice."""
    if despatch is None:
        return True
    lines = [line for line in despatch.lines if line.gtin == gtin]
    if item is None:
        return bool(lines)
    return item in in_announced_cases or any(item in line.items or not line.items for line in lines)


def may_be_in_a_case(despatch: DespatchView | None, gtin: str) -> bool:
    """Whether the advice has more pieces of a product than it names items of: the others stand in cases."""
    return despatch is not None and any(
        line.gtin == gtin and line.items and line.quantity > len(line.items) for line in despatch.lines
    )


def goods_lines(receiving: Receiving) -> tuple[GoodsLine, ...]:
    """The lines as they go into the journal."""
    return tuple(
        GoodsLine(gtin=line.gtin, quantity=line.quantity, items=line.items) for line in receiving.lines
    )


def unopened(receiving: Receiving) -> tuple[Unopened, ...]:
    """The cases as they go into the journal."""
    return tuple(Unopened(sscc=case.sscc, items=case.items) for case in receiving.cases)
