"""The parts of a tally and its changes: as much of each change as is needed to take it back. Pure."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import msgspec

from protocol.events import GoodsLine


class TallyLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was counted of one product by itself; ``at_us`` is when its last piece was, by the wall clock."""

    gtin: str
    quantity: Decimal
    at_us: int
    items: tuple[str, ...] = ()

    def with_more(self, more: TallyLine) -> TallyLine:
        """Both together."""
        return TallyLine(
            gtin=self.gtin,
            quantity=self.quantity + more.quantity,
            at_us=max(self.at_us, more.at_us),
            items=self.items + more.items,
        )


class TallyCase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case or pallet that was counted as one, with everything in it by product. ``is_known`` is False where nothing of it is."""

    sscc: str
    at_us: int
    lines: tuple[GoodsLine, ...] = ()
    containers: tuple[str, ...] = ()
    is_known: bool = True

    @property
    def items(self) -> tuple[str, ...]:
        """Every coded item in it."""
        return tuple(item for line in self.lines for item in line.items)


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of a tally.

    ``quantity`` (and ``item``) of ``gtin`` were added, or taken away below zero; its line was last counted at ``before_us``. Or case
    ``sscc`` was counted, or ``put_back`` taken out. ``absorbed`` and ``absorbed_cases`` are what went with it.
    """

    gtin: str | None = None
    quantity: Decimal = Decimal(0)
    item: str | None = None
    before_us: int = 0
    sscc: str | None = None
    put_back: TallyCase | None = None
    absorbed: tuple[TallyLine, ...] = ()
    absorbed_cases: tuple[TallyCase, ...] = ()


def grown(lines: tuple[TallyLine, ...], more: TallyLine) -> tuple[TallyLine, ...]:
    """The lines with more of one product, which stands last then. A line with nothing left goes."""
    before = next((line for line in lines if line.gtin == more.gtin), None)
    after = more if before is None else before.with_more(more)
    kept = tuple(line for line in lines if line.gtin != more.gtin)
    return (*kept, after) if after.quantity != 0 or after.items else kept


def shrunk(
    lines: tuple[TallyLine, ...], items: Collection[str]
) -> tuple[tuple[TallyLine, ...], tuple[TallyLine, ...]]:
    """The lines without these items, and what was taken off them."""
    kept, taken = [], []
    for line in lines:
        gone = tuple(item for item in line.items if item in items)
        if not gone:
            kept.append(line)
            continue
        taken.append(msgspec.structs.replace(line, quantity=Decimal(len(gone)), items=gone))
        left = tuple(item for item in line.items if item not in items)
        quantity = line.quantity - len(gone)
        if quantity != 0 or left:
            kept.append(msgspec.structs.replace(line, quantity=quantity, items=left))
    return tuple(kept), tuple(taken)
