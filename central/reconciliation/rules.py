"""What a day statement says, and when it is balanced. Pure.

Per product::

    opening + received + returned + transferred in − sold − transferred out + adjusted = closing

The two ends are found independently of each other: *opening* is the sum of all movements before the day, *closing* the balance as
it is kept now, less what moved after the day. A balance that was changed without a movement, or a movement that did not reach
its balance, therefore shows as a line that does not add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class ProductDay(msgspec.Struct, frozen=True, kw_only=True):
    """One product on one day, in its unit. ``sold`` is net of voids, ``received`` comes from suppliers.

    ``adjusted`` is signed: corrections, and what was set aside from the shelf or put back. ``set_aside`` (goods returned straight
    into quarantine) never was on hand and is no part of the sum. ``amount_minor`` is what was taken for ``sold``, in the site's
    currency.
    """

    gtin: str
    opening: Decimal
    received: Decimal = ZERO
    returned: Decimal = ZERO
    transferred_in: Decimal = ZERO
    sold: Decimal = ZERO
    transferred_out: Decimal = ZERO
    adjusted: Decimal = ZERO
    closing: Decimal = ZERO
    set_aside: Decimal = ZERO
    amount_minor: int = 0

    @property
    def difference(self) -> Decimal:
        """What does not add up: 0 when the line is balanced."""
        into = self.opening + self.received + self.returned + self.transferred_in + self.adjusted
        return self.closing - (into - self.sold - self.transferred_out)


class Takings(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one currency: what was paid for sales net of voids, and what was paid back for returns."""

    currency: str
    amount_minor: int
    refunded_minor: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The day in sums. ``receipts`` and ``lines`` count completed sales, ``quantity`` is what they sold, voids taken off."""

    receipts: int
    lines: int
    quantity: Decimal
    takings: tuple[Takings, ...]


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """One journal of the site: the cursor, and what is there of it.

    ``repeated`` events brought a fact that another epoch of the same agent had brought, and had no effect. ``unsent`` is what the
    agent last said it still has.
    """

    agent: str
    epoch: str
    next_seq: int
    applied: int
    quarantined: int
    repeated: int
    archived: int
    set_apart: int
    unsent: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every event before the cursor is in the archive or in the quarantine, and counted there."""
        return (
            self.applied + self.quarantined + self.repeated == self.next_seq - 1
            and self.archived == self.applied + self.repeated
            and self.set_apart == self.quarantined
        )


class OpenCase(msgspec.Struct, frozen=True, kw_only=True):
    """A discrepancy of the day that nobody has settled."""

    discrepancy_id: str
    discrepancy_class: str
    gtin: str | None
    item: str | None
    quantity: Decimal | None
    value_minor: int | None


class QuarantinedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of this site that could not be booked. Its day is not known, so it is shown on every one."""

    agent: str
    epoch: str
    seq: int
    cause: str
    quarantined_at: datetime


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A balance that is not the sum of its movements, in quantity or in value."""

    site: str
    gtin: str
    location: str
    kept: Decimal
    replayed: Decimal
    kept_value_minor: int = 0
    replayed_value_minor: int = 0


class DayStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The day of a site. ``unbalanced`` says in words what does not add up; there is none when the books balance.

    ``discrepancies`` and ``quarantined`` are what a person still has to look at: they do not unbalance the books, and are never
    left out. ``complete`` says that no agent of the site has told of events that have not arrived.
    """

    site: str
    day: date
    currency: str
    products: tuple[ProductDay, ...]
    totals: Totals
    journals: tuple[JournalState, ...]
    discrepancies: tuple[OpenCase, ...]
    quarantined: tuple[QuarantinedEvent, ...]
    unbalanced: tuple[str, ...]
    complete: bool

    @property
    def balanced(self) -> bool:
        """Whether everything adds up."""
        return not self.unbalanced


def faults(
    products: Sequence[ProductDay], drifts: Sequence[Drift], journals: Sequence[JournalState]
) -> tuple[str, ...]:
    """What does not add up, in words; nothing if all does."""
    return (
        *(
            f"product {line.gtin}: closing {line.closing} differs from what the day's movements give by {line.difference}"
            for line in products
            if line.difference
        ),
        *(
            f"balance {drift.location} of {drift.gtin}: {drift.kept} is kept, its movements give {drift.replayed}"
            for drift in drifts
        ),
        *(
            f"journal of {journal.agent}, epoch {journal.epoch}: {journal.next_seq - 1} events acknowledged, "
            f"{journal.archived} archived and {journal.set_apart} quarantined"
            for journal in journals
            if not journal.is_whole
        ),
    )
