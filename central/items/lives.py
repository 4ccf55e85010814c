"""An item's life as central knows it, and a step in it. Pure values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from protocol.items import Action, State

SALES_LIMIT = 20
"""Standing sales of one item that are told apart; a code copied more often than that is one case all the same."""


class Sold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sale of an item that stands. ``at`` is corrected as far as it can be known, ``uncertainty_us`` how far it may still be off."""

    at: datetime
    site: str
    uncertainty_us: int = 0
    journal: int | None = None
    seq: int | None = None
    document: str | None = None
    provisional: bool = False

    @property
    def order(self) -> tuple[datetime, str, int, int]:
        """Sales in this order rank the same whichever was heard of first."""
        return self.at, self.site, self.journal or 0, self.seq or 0


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when somebody held the item before a scanner."""

    site: str
    at: datetime
    uncertainty_us: int = 0


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """An item as central knows it. ``site`` is where it is or was sent to.

    Facts arrive in any order: ``sales`` are those that stand, by their time; ``taken_back`` are voids and returns whose sale has not been
    heard of yet (the sale's id, '' where they name none). ``next_state`` is, of a held or recalled item, what it was before, and of a
    sold one what it becomes when it is brought back. ``container`` is the SSCC it lies in.
    """

    item: str
    gtin: str
    state: State | None  # None: nobody has ever issued or registered this item
    site: str | None = None
    sales: tuple[Sold, ...] = ()
    taken_back: tuple[str, ...] = ()
    next_state: State | None = None
    container: str | None = None
    seen: Sighting | None = None
    unissued: bool = False

    @property
    def standing_sales(self) -> int:
        """Sales known less those taken back: 2 and more is sold twice, below 0 taken back before the sale was heard of."""
        return len(self.sales) - len(self.taken_back)

    @property
    def sold(self) -> Sold | None:
        """The first standing sale by time."""
        return self.sales[0] if self.sales else None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to an item at a site.

    ``to_site`` is where a shipped item goes, ``from_site`` where a received one was despatched. ``takes_back_sale`` tells a void or
    a customer's return from goods that are moved about in the store, ``reverses`` names the sale where it is known. ``container`` is the
    case it is packed into, or the one it travels in.
    """

    item: str
    gtin: str
    action: Action
    site: str
    event_time: datetime
    recorded_at: datetime
    uncertainty_us: int = 0
    journal: int | None = None
    seq: int | None = None
    document: str | None = None
    to_site: str | None = None
    from_site: str | None = None
    takes_back_sale: bool = False
    reverses: str | None = None
    container: str | None = None
    evidence: dict[str, Any] = {}

    @property
    def is_scan(self) -> bool:
        """Whether somebody held this item before a scanner: a counter's fact about it, not about the case it lies in."""
        return self.journal is not None and (self.container is None or self.action is Action.PACK)


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it was taken. ``action`` is that of the step, or ``confirm`` where central settles it."""

    step: Step
    from_state: State | None
    to_state: State
    legal: bool
    note: str | None = None
    action: Action | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a step makes of a life. ``settled`` follows ``trace`` where a provisional sale is confirmed by it.

    ``explained`` are discrepancies of this item that the step has cleared up.
    """

    life: Life
    trace: Trace
    settled: Trace | None = None
    raised: tuple[Discrepancy, ...] = ()
    explained: tuple[DiscrepancyClass, ...] = ()
