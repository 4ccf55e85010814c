"""What stands beside the goods of a day: money, shifts, journals, and what a person still has to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


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


class PaidBy(msgspec.Struct, frozen=True, kw_only=True):
    """What one method of payment took and gave back on the day. ``unstated``: the till did not say; ``unknown``: voids whose sale has not
    arrived. ``net_minor`` is taken less voided and refunded."""

    method: str
    currency: str
    taken_minor: int
    voided_minor: int
    refunded_minor: int
    net_minor: int


class CountedMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A method at the end of a shift: what was counted, what the till expected, what central's books say; None: not told."""

    method: str
    counted_minor: int | None
    till_minor: int | None
    booked_minor: int


class ShiftOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """A shift that ended on the day (or began on it, and is open). ``agrees``: the seal of the till is what central has, and the drawer
    held what it should; None while it is open."""

    shift: str
    number: str
    agent: str
    clerk: str | None
    currency: str
    opened_at: datetime | None
    closed_at: datetime | None
    float_minor: int
    agrees: bool | None
    seal: dict[str, Any] | None
    differs: dict[str, Any] | None
    differences: dict[str, int]
    counts: tuple[CountedMethod, ...]


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """One journal of the site: its cursor, and what there is of it.

    ``repeated`` events brought a fact that another epoch of the same agent had brought, and had no effect. ``day_first_seq`` to
    ``day_last_seq`` is where the day's events stand in it; ``day_archived`` and ``day_set_apart`` of them are in the archive and in the
    quarantine. ``unsent`` is what the agent last said it still has.
    """

    agent: str
    epoch: str
    next_seq: int
    applied: int
    quarantined: int
    repeated: int
    set_apart: int
    unsent: int = 0
    day_first_seq: int | None = None
    day_last_seq: int | None = None
    day_archived: int = 0
    day_set_apart: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every event before the cursor has its place, and every one of the day is where it should be."""
        counted = self.applied + self.quarantined + self.repeated == self.next_seq - 1
        return (
            counted
            and self.set_apart == self.quarantined
            and self.day_events == self.day_archived + self.day_set_apart
        )

    @property
    def day_events(self) -> int:
        """How many events the day spans in this journal."""
        if self.day_first_seq is None or self.day_last_seq is None:
            return 0
        return self.day_last_seq - self.day_first_seq + 1


class OpenCase(msgspec.Struct, frozen=True, kw_only=True):
    """A discrepancy of the day that nobody has settled."""

    discrepancy_id: str
    discrepancy_class: str = msgspec.field(name="class")
    gtin: str | None
    item: str | None
    quantity: Decimal | None
    value_minor: int | None
    currency: str | None = None
    cause: str | None = None


class QuarantinedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of this site that could not be booked. Its day is not known, so it is shown on every one."""

    agent: str
    epoch: str
    seq: int
    cause: str
    quarantined_at: datetime


class CodedStock(msgspec.Struct, frozen=True, kw_only=True):
    """A product whose coded items at the site are not as many as are on hand; both as they stand now."""

    gtin: str
    on_hand: Decimal
    coded: int


class LastStocktake(msgspec.Struct, frozen=True, kw_only=True):
    """The last stocktake that was booked by the end of the day: how many products, and what its variances came to at cost."""

    stocktake: str
    name: str
    started_at: datetime
    ended_at: datetime | None
    products: int
    variances: int
    variance_value_minor: int


class AgentHere(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent of the site has last said of itself."""

    agent: str
    is_enrolled: bool
    enrolled_at: datetime
    unsent: int
    oldest_unsent_at: datetime | None
    seen_at: datetime | None


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that may still bring events of the day, and why."""

    agent: str
    why: str
    unsent: int
    seen_at: datetime | None


def awaited(agents: Iterable[AgentHere], day_end: datetime, now: datetime) -> tuple[Awaited, ...]:
    """The agents that may still bring events from before ``day_end``. While the day goes on, those that have told of some are awaited; once it
    is over, also those that have not been heard since: a till that is dark goes on selling."""
    return tuple(
        Awaited(agent=one.agent, why=why, unsent=one.unsent, seen_at=one.seen_at)
        for one in agents
        if (why := _why_awaited(one, day_end, now)) is not None
    )


def _why_awaited(agent: AgentHere, day_end: datetime, now: datetime) -> str | None:
    if agent.unsent > 0:
        if agent.oldest_unsent_at is not None and agent.oldest_unsent_at >= day_end:
            return None
        return f"it has told of {agent.unsent} events that have not arrived"
    if not agent.is_enrolled or now < day_end or agent.enrolled_at >= day_end:
        return None
    if agent.seen_at is None:
        return "it has never been heard"
    return None if agent.seen_at >= day_end else "it has not been heard since the day ended"


def faults_of_journals(journals: Sequence[JournalState]) -> tuple[str, ...]:
    """Journals of which something is missing, in words."""
    return tuple(
        f"journal of {one.agent}, epoch {one.epoch}: {one.day_events} events of the day acknowledged, {one.day_archived} archived and "
        f"{one.day_set_apart} quarantined"
        if one.day_events != one.day_archived + one.day_set_apart
        else f"journal of {one.agent}, epoch {one.epoch}: {one.next_seq - 1} events acknowledged, {one.applied} applied, "
        f"{one.repeated} repeated and {one.set_apart} quarantined"
        for one in journals
        if not one.is_whole
    )


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A closing: of the day itself, or of a later one that closed it too (``day``). ``complete`` says whether all agents had sent all."""

    day: date
    closed_at: datetime
    actor: str
    reason: str | None
    complete: bool
    restated_through: int


class Restatement(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of after the closing: of the day, or of an earlier one, whose sum this day opened with. Behind it stands an event of an
    agent (``journal``, ``seq``) or a document of central."""

    day: date
    gtin: str
    flow: str
    quantity: Decimal
    value_minor: int
    amount_minor: int
    recorded_at: datetime
    agent: str | None
    journal: int | None
    seq: int | None
    document: str | None
