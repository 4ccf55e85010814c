"""Receiving by scanning, as values and rules: against a despatch advice, or blind.

Every coded item counts once. What arrives beyond the advice, or without one, is recorded all the same: what is on the
floor is on the floor, and the difference is for central to settle.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from protocol.events import GoodsLine
from protocol.feeds import DespatchView

ITEMS_LIMIT = 2_000
"""Item codes in one receipt, so that it fits one event (96 KiB); more goods make a second receipt of the same advice."""


class ReceivedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has been counted of one product."""

    gtin: str
    quantity: Decimal
    name: str = ""
    items: tuple[str, ...] = ()


class Receiving(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Goods being taken in. ``receipt_advice_id`` becomes the id of the document."""

    receipt_advice_id: str
    despatch_id: str | None = None
    order_id: str | None = None
    lines: tuple[ReceivedLine, ...] = ()


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
) -> Receiving | NotCounted:
    """The goods with one scan more."""
    lines = {line.gtin: line for line in receiving.lines}
    line = lines.get(gtin) or ReceivedLine(gtin=gtin, quantity=Decimal(0), name=name)
    if item is not None:
        if any(item in other.items for other in receiving.lines):
            return NotCounted("counted_already", "this item has been counted already")
        if sum(len(other.items) for other in receiving.lines) >= ITEMS_LIMIT:
            return NotCounted(
                "full", f"{ITEMS_LIMIT} items are counted; complete this receipt and go on with a second"
            )
    lines[gtin] = msgspec.structs.replace(
        line,
        quantity=line.quantity + quantity,
        items=line.items if item is None else (*line.items, item),
    )
    return msgspec.structs.replace(receiving, lines=tuple(lines.values()))


def set_quantity(receiving: Receiving, gtin: str, quantity: Decimal) -> Receiving | NotCounted:
    """The goods with a counted quantity set by hand; 0 takes the product away. Never below what was scanned item by item."""
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
    counted = {line.gtin: line for line in receiving.lines}
    announced: dict[str, Decimal] = {}
    for line in despatch.lines if despatch else ():
        announced[line.gtin] = announced.get(line.gtin, Decimal(0)) + line.quantity
    gtins = [*announced, *(gtin for gtin in counted if gtin not in announced)]
    return tuple(
        Progress(
            gtin=gtin,
            received=counted[gtin].quantity if gtin in counted else Decimal(0),
            announced=announced.get(gtin),
            name=counted[gtin].name if gtin in counted else "",
        )
        for gtin in gtins
    )


def is_announced(despatch: DespatchView | None, gtin: str, item: str | None) -> bool:
    """Whether an advice names this item, or this product without naming items. True where there is no advice."""
    if despatch is None:
        return True
    lines = [line for line in despatch.lines if line.gtin == gtin]
    if item is None:
        return bool(lines)
    return any(item in line.items or not line.items for line in lines)


def goods_lines(receiving: Receiving) -> tuple[GoodsLine, ...]:
    """The lines as they go into the journal."""
    return tuple(
        GoodsLine(gtin=line.gtin, quantity=line.quantity, items=line.items) for line in receiving.lines
    )
