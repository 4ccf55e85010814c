"""Which layers of a set are built anew. Pure.

A set is kept like a log-structured merge tree (P. O'Neil and others, 1996). What is new is built into layer 0. When a layer would
hold more than it may, it is melted with everything above it into the next one, eight times as large. So most builds change one
row of a few kilobytes, and the megabytes of a large set travel once for every few hundred thousand items.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from protocol.filters import ITEMS_A_GONE_ROW, FilterKind
from protocol.items import State

LAYER_ITEMS = (4_096, 32_768, 262_144)
"""How many items layers 0, 1 and 2 hold at most. The last layer, 3, holds all the others."""
LAST_LAYER = len(LAYER_ITEMS)

STATES: dict[FilterKind, tuple[State, ...]] = {
    FilterKind.SOLD: (State.SOLD, State.SOLD_PROVISIONALLY),
    FilterKind.RECALLED: (State.RECALLED,),
    FilterKind.STOLEN: (State.STOLEN,),
}
"""In which states an item belongs to a set."""


class Size(msgspec.Struct, frozen=True):
    """How much a layer holds: ``items`` in its bits, of which ``gone`` have left since."""

    items: int
    gone: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Build layer ``into`` from its own items, those of the layers in ``melted``, which vanish, and the new ones.

    ``keep``: let the oldest items go, until so many are left; None: keep all.
    """

    into: int
    melted: tuple[int, ...] = ()
    keep: int | None = None


def plan(layers: Mapping[int, Size], added: int, limit_items: int) -> Plan | None:
    """What to build when ``added`` items are new; None where the bits may stay as they are."""
    held = {layer: size.items - size.gone for layer, size in layers.items()}
    if sum(held.values()) + added > limit_items:
        # A tenth at once: one item less each time would change the last layer, which is the largest, with every build.
        return everything(layers, limit_items - limit_items // 10, keep=True)
    worn = [layer for layer, size in layers.items() if size.gone > _may_be_gone(size)]
    into = max([*worn, 0]) if worn or added else None
    if into is None:
        return None
    while into < LAST_LAYER and added + _held_up_to(held, into) > LAYER_ITEMS[into]:
        into += 1
    return Plan(into=into, melted=tuple(sorted(layer for layer in layers if layer < into)))


def everything(layers: Mapping[int, Size], items: int, *, keep: bool = False) -> Plan:
    """Build all ``items`` of a set into one layer; with ``keep``, the newest ones alone."""
    into = next((layer for layer, most in enumerate(LAYER_ITEMS) if items <= most), LAST_LAYER)
    melted = tuple(sorted(layer for layer in layers if layer != into))
    return Plan(into=into, melted=melted, keep=items if keep else None)


def _held_up_to(held: Mapping[int, int], into: int) -> int:
    return sum(items for layer, items in held.items() if layer <= into)


def _may_be_gone(size: Size) -> int:
    """A list of what has gone costs 8 bytes an item; a sixty-fourth of a layer is a tenth of its bits."""
    if size.items <= LAYER_ITEMS[0]:
        return 0  # the bits are no larger than the list would be
    return max(ITEMS_A_GONE_ROW, size.items // 64)
