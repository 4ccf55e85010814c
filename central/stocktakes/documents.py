"""A stocktake and its lines as central keeps them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

ZERO = Decimal(0)
DOCUMENT = "stocktake:"
"""What the number of a document begins with by which a count is booked."""


class StocktakeState(StrEnum):
    """Where a stocktake is.

    ::

        counting ── close counting ──▶ proposed ── book ──▶ booked
            │             │  ▲             │  ▲
            │             ▼  │ close       ▼  │ close
            │          recounting ◀── recount ┘
            └── cancel, from each of them but booked ──▶ cancelled
    """

    COUNTING = "counting"
    RECOUNTING = "recounting"
    PROPOSED = "proposed"
    BOOKED = "booked"
    CANCELLED = "cancelled"


COUNTED_NOW = (StocktakeState.COUNTING, StocktakeState.RECOUNTING)
"""States in which counters are asked to count."""
OPEN = (*COUNTED_NOW, StocktakeState.PROPOSED)
"""States in which a count, or a late fact, still changes what is proposed."""


class LineState(StrEnum):
    """What is decided of one product. ``recount``: it is to be counted again before anybody may approve it."""

    AGREES = "agrees"
    RECOUNT = "recount"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    BOOKED = "booked"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """A variance beyond either is counted again. None: no limit of that kind; neither: nothing is counted again by itself."""

    quantity: Decimal | None = None
    value_minor: int | None = None

    def are_passed(self, variance: Decimal, value_minor: int | None) -> bool:
        """Whether a variance lies beyond them."""
        if self.quantity is not None and abs(variance) > self.quantity:
            return True
        return (
            self.value_minor is not None and value_minor is not None and abs(value_minor) > self.value_minor
        )

    @property
    def is_none(self) -> bool:
        """Whether there are none."""
        return self.quantity is None and self.value_minor is None


class Stocktake(msgspec.Struct, frozen=True, kw_only=True):
    """A stocktake of ``site``. ``gtins`` is what is counted, empty: everything; ``departments`` are those it was chosen by.

    ``is_from_counter``: a counter began it without asking central.
    """

    site: str
    stocktake_id: str
    name: str
    blind: bool
    state: StocktakeState
    started_at: datetime
    started_by: str
    gtins: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    round: int = 1
    limits: Limits = Limits()
    is_from_counter: bool = False
    ended_at: datetime | None = None
    ended_by: str | None = None
    reason: str | None = None

    @property
    def document(self) -> str:
        """The number under which it is booked."""
        return f"{DOCUMENT}{self.stocktake_id}"

    @property
    def is_closed(self) -> bool:
        """Whether somebody said that everything has been counted, so that what nobody named is not there."""
        return self.state not in (StocktakeState.COUNTING, StocktakeState.CANCELLED)

    def covers(self, gtin: str) -> bool:
        """Whether a product is to be counted."""
        return not self.gtins or gtin in self.gtins


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One product: ``counted`` against ``expected`` on the books at ``counted_at``.

    ``uncertain`` is what moved between the first and the last of several areas: it may have been counted twice, or not at all.
    ``is_unnamed``: nobody counted it. ``asked`` are the rounds in which it was to be counted again. ``value_minor`` is that of the
    variance at cost, None where no cost is known. ``missing`` and ``surplus`` are coded items, as they were when the line was booked.
    """

    gtin: str
    round: int
    counted: Decimal
    counted_at: datetime
    expected: Decimal
    state: LineState
    value_minor: int | None = None
    uncertain: Decimal = ZERO
    is_unnamed: bool = False
    asked: tuple[int, ...] = ()
    reason: str | None = None
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()

    @property
    def variance(self) -> Decimal:
        """Above zero: more was found than the books say."""
        return self.counted - self.expected


class Refused(msgspec.Struct, frozen=True):
    """A decision that cannot be taken, with the reason in words. Nothing was changed."""

    reason: str
