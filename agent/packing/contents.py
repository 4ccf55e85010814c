"""Everything in one case or pallet, whatever stands inside what. Pure: what is directly in a case is looked up by the caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import msgspec

from protocol.feeds import ContainerHere

DirectlyIn = Callable[[str], ContainerHere | None]
"""What is directly in a case, by its SSCC; None where nothing is known of it."""
GtinOf = Callable[[str], str | None]
"""The product of an item by the item's id; None where it is not known."""

_SGTIN_GTIN = slice(2, 16)
_ITIP_GTIN = slice(4, 18)


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a case, all levels.

    ``items`` and the inner ``containers`` each stand here once. ``pieces`` counts by GTIN, coded items and plain goods
    together; items whose product is not known are in ``items`` alone. Of the inner cases in ``unknown``, nothing is known here.
    ``directly`` is how many items and cases stand in it with nothing between.
    """

    sscc: str
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    pieces: dict[str, Decimal] = {}
    unknown: tuple[str, ...] = ()
    despatch_id: str | None = None
    directly: int = 0

    @property
    def item_count(self) -> int | None:
        """How many coded items are in it; None where not all of it is known."""
        return None if self.unknown else len(self.items)


def expand(sscc: str, directly_in: DirectlyIn, gtin_of: GtinOf) -> Contents | None:
    """All that is in a case; None where nothing is known of it. A case that is said to stand in itself is entered once."""
    outer = directly_in(sscc)
    if outer is None:
        return None
    items: dict[str, None] = {}
    inner: dict[str, None] = {}
    unknown: list[str] = []
    pieces: dict[str, Decimal] = {}
    waiting = [outer]
    while waiting:
        here = waiting.pop()
        items.update(dict.fromkeys(here.items))
        for line in here.lines:
            pieces[line.gtin] = pieces.get(line.gtin, Decimal(0)) + line.quantity
        for smaller in here.containers:
            if smaller == sscc or smaller in inner:
                continue
            inner[smaller] = None
            found = directly_in(smaller)
            if found is None:
                unknown.append(smaller)
            else:
                waiting.append(found)
    for gtin, count in Counter(map(gtin_of, items)).items():
        if gtin is not None:
            pieces[gtin] = pieces.get(gtin, Decimal(0)) + count
    return Contents(
        sscc=sscc,
        items=tuple(items),
        containers=tuple(inner),
        pieces=pieces,
        unknown=tuple(unknown),
        despatch_id=outer.despatch_id,
        directly=len(outer.items) + len(outer.containers),
    )


def gtin_in(item: str) -> str | None:
    """The GTIN that an item's id tells by itself (``01…21…``, ``8006…21…``)."""
    if item[16:18] == "21" and item.startswith("01"):
        return item[_SGTIN_GTIN]
    if item.startswith("8006"):
        return item[_ITIP_GTIN]
    return None
