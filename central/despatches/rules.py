"""What was announced against what was counted. Pure.

A receipt draws on what is still outstanding of its despatch, line by line; what is counted beyond that is over, what is still
outstanding when the receipt says that it is complete is short. Several receipts of one despatch add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from central.moments import to_microseconds
from protocol.events import GoodsLine
from protocol.feeds import DespatchLine, DespatchView

ZERO = Decimal(0)


class DespatchState(StrEnum):
    """Where a despatch is."""

    IN_TRANSIT = "in_transit"
    PART_RECEIVED = "part_received"
    RECEIVED = "received"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One announced line, and what of it has been received so far. Of an order's despatch, ``line`` is the order's line.

    ``settled`` was missing, and has been booked away since (see :mod:`central.discrepancies.settling`): it is no longer awaited.
    ``value_minor`` is what the whole line was worth when it left, in the sending site's currency; None from before worths were kept.
    """

    line: int
    gtin: str
    quantity: Decimal
    received: Decimal = ZERO
    items: tuple[str, ...] = ()
    settled: Decimal = ZERO
    value_minor: int | None = None

    @property
    def outstanding(self) -> Decimal:
        """What has not arrived yet."""
        return self.quantity - self.received - self.settled

    @property
    def outstanding_minor(self) -> int:
        """What that is worth."""
        return self.worth_minor(self.outstanding, self.received + self.settled)

    def worth_minor(self, quantity: Decimal, gone: Decimal) -> int:
        """What ``quantity`` of the line is worth after ``gone`` of it has arrived or was settled. What goes one after the other shares what
        there is: the last takes the rest."""
        return self._worth_of(gone + quantity) - self._worth_of(gone)

    def _worth_of(self, quantity: Decimal) -> int:
        if self.value_minor is None or quantity == self.quantity:
            return self.value_minor or 0
        return round(self.value_minor * quantity / self.quantity)


class Despatch(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on their way from ``from_site`` to ``to_site``. What lies in ``containers`` counts in the lines, and stands there without codes."""

    to_site: str
    despatch_id: str
    from_site: str
    order_id: str | None
    state: DespatchState
    despatched_at: datetime
    lines: tuple[Line, ...]
    received_at: datetime | None = None
    containers: tuple[str, ...] = ()

    @property
    def transit(self) -> str:
        """The location of these goods in the ledger."""
        return f"in_transit:{self.from_site}>{self.to_site}"


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt says of one line of goods, against the despatch.

    ``index`` counts the lines of the receipt from 0. ``from_transit`` of the ``counted`` quantity was announced and on its way, worth
    ``value_minor``; ``over`` was not. ``unannounced_items`` are codes that the despatch advice, which lists codes, does not name.
    """

    index: int
    gtin: str
    counted: Decimal
    from_transit: Decimal
    over: Decimal
    unannounced_items: tuple[str, ...] = ()
    value_minor: int = 0


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """What was announced of a product and did not come. ``items`` are the announced codes that were not scanned."""

    gtin: str
    quantity: Decimal
    items: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt against its despatch: line by line, what is short, and the despatch's lines afterwards."""

    counted: tuple[Counted, ...]
    short: tuple[Short, ...]
    lines: tuple[Line, ...]
    arrived: dict[int, Decimal]  # per line of the despatch


def compare(
    announced: Sequence[Line], goods: Sequence[GoodsLine], *, complete: bool, seen_items: Sequence[str] = ()
) -> Comparison:
    """Set a receipt against the announced lines. ``seen_items`` are codes taken in by earlier receipts of this despatch."""
    received = {line.line: line.received for line in announced}
    arrived: dict[int, Decimal] = {}
    listed = {item for line in announced for item in line.items}
    counted = []
    for index, good in enumerate(goods):
        left, worth = good.quantity, 0
        for line in announced:
            taken = (
                min(left, line.quantity - line.settled - received[line.line])
                if line.gtin == good.gtin
                else ZERO
            )
            if taken > 0:
                worth += line.worth_minor(taken, received[line.line] + line.settled)
                received[line.line] += taken
                arrived[line.line] = arrived.get(line.line, ZERO) + taken
                left -= taken
        strange = tuple(item for item in good.items if item not in listed) if listed else ()
        counted.append(
            Counted(
                index=index,
                gtin=good.gtin,
                counted=good.quantity,
                from_transit=good.quantity - left,
                over=left,
                unannounced_items=strange,
                value_minor=worth,
            )
        )
    lines = tuple(msgspec.structs.replace(line, received=received[line.line]) for line in announced)
    scanned = {item for good in goods for item in good.items} | set(seen_items)
    return Comparison(
        counted=tuple(counted), short=_short(lines, scanned) if complete else (), lines=lines, arrived=arrived
    )


def state_after(lines: Sequence[Line], *, complete: bool) -> DespatchState:
    """Where the despatch is after a receipt."""
    if complete or all(line.outstanding <= 0 for line in lines):
        return DespatchState.RECEIVED
    return DespatchState.PART_RECEIVED


def view(despatch: Despatch) -> DespatchView:
    """The despatch advice as the receiving site's agents see it."""
    return DespatchView(
        despatch_id=despatch.despatch_id,
        from_site=despatch.from_site,
        order_id=despatch.order_id,
        despatched_at_us=to_microseconds(despatch.despatched_at),
        state=despatch.state,
        lines=tuple(
            DespatchLine(gtin=line.gtin, quantity=line.quantity, items=line.items) for line in despatch.lines
        ),
    )


def _short(lines: Sequence[Line], scanned: set[str]) -> tuple[Short, ...]:
    missing: dict[str, Decimal] = {}
    codes: dict[str, list[str]] = {}
    for line in lines:
        if line.outstanding > 0:
            missing[line.gtin] = missing.get(line.gtin, ZERO) + line.outstanding
            codes.setdefault(line.gtin, []).extend(item for item in line.items if item not in scanned)
    return tuple(
        Short(gtin=gtin, quantity=quantity, items=tuple(codes[gtin])) for gtin, quantity in missing.items()
    )
