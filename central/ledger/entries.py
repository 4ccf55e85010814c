"""What a set of postings enters in the books, worked out from the shelves as they were locked. Pure.

A posting may bring others with it: a revaluation where goods turn out to be worth more or less, and where it tells of something that
happened before a count of its shelf that has been booked, the correction of that count. The count saw the shelf as it was with this
fact in it, so its adjustment had put it down to something else: the same quantity goes back, and the shelf stays as it was counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from central.ledger.counts import Counts
from central.ledger.flows import Flow, flow_of
from central.ledger.rules import (
    ON_HAND,
    QUARANTINE,
    REVALUATION,
    STOCKTAKE,
    SUPPLIER,
    VALUATION,
    ZERO,
    BalanceKey,
    Movement,
    Posting,
    adjustment,
)
from central.ledger.valuation import Kept, value
from central.moments import business_day
from central.sales.rules import ReceiptLine

SHELVES = (ON_HAND, QUARANTINE)
ProductKey = tuple[str, str]
"""(site, gtin)"""
DayKey = tuple[str, date, str, str]
"""(site, business_day, gtin, flow)"""
Key = TypeVar("Key", BalanceKey, DayKey)


class Site(msgspec.Struct, frozen=True):
    """What the ledger needs to know of a site."""

    currency: str
    time_zone: str


class Sum(msgspec.Struct, gc=False):
    """What comes together under one key."""

    quantity: Decimal = ZERO
    value_minor: int = 0
    amount_minor: int = 0


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A posting with what it is worth."""

    posting: Posting
    value_minor: int


class Restatement(msgspec.Struct, frozen=True, gc=False):
    """What was added to a head of a day that had been closed, and the event or document behind it."""

    site: str
    business_day: date
    recorded_at: datetime
    gtin: str
    flow: str
    quantity: Decimal
    value_minor: int
    amount_minor: int
    journal: int | None
    seq: int | None
    document: str | None


class Correction(msgspec.Struct, frozen=True):
    """A booked count that a later fact has corrected: its adjustment of ``gtin`` is larger by ``quantity`` (signed) than it was."""

    site: str
    gtin: str
    stocktake: str
    quantity: Decimal
    value_minor: int


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What the entries are worked out from. ``listed(gtin, currency, moment)`` is the cost of a unit by the list."""

    sites: Mapping[str, Site]
    kept: Mapping[ProductKey, Kept]
    listed: Callable[[str, str, datetime], Decimal | None]
    counts: Counts = Counts()
    closed_through: Mapping[str, date] = {}


class Entries:
    """Postings and receipt lines as they are entered one after the other, and what comes of all of them together.

    ``values`` are the worths of what was posted, in its order. ``movements`` are these and what they brought with them. What has changed on
    the shelves is said by ``world.kept``, which is carried along.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.values: list[int] = []
        self.movements: list[Entry] = []
        self._elsewhere: dict[BalanceKey, Sum] = {}
        self.days: dict[DayKey, Sum] = {}
        self.restatements: list[Restatement] = []
        self.corrections: list[Correction] = []

    @property
    def balances(self) -> dict[BalanceKey, Sum]:
        """What has changed in each balance."""
        changes = dict(self._elsewhere)
        for (site, gtin), kept in self._world.kept.items():
            for location, shelf in ((ON_HAND, kept.on_hand), (QUARANTINE, kept.quarantine)):
                quantity = shelf.quantity - shelf.found_quantity
                value_minor = shelf.value_minor - shelf.found_value_minor
                if quantity or value_minor:
                    changes[site, gtin, location] = Sum(quantity, value_minor)
        return changes

    def post(self, postings: Iterable[Posting]) -> None:
        """Enter postings, in their order."""
        for posting in postings:
            kept = self._world.kept[posting.site, posting.movement.gtin]
            worth = self._enter(posting, kept)
            self.values.append(worth)
            if kept.counted_at is not None and is_before_count(posting, kept.counted_at):
                self._correct_count(posting, worth, kept)

    def take(self, lines: Iterable[ReceiptLine]) -> None:
        """Enter what receipt lines took in or paid back. Money of another currency than the site's stands with the lines alone."""
        for line in lines:
            fact = line.fact
            if line.currency != self._world.sites[fact.site].currency:
                continue
            flow, amount = (
                (Flow.RETURNED, -line.amount_minor)
                if line.kind == "return"
                else (Flow.SOLD, line.amount_minor)
            )
            key = (fact.site, fact.business_day, line.gtin, flow)
            self._day(key).amount_minor += amount
            if self._is_closed(fact.site, fact.business_day):
                self.restatements.append(
                    Restatement(
                        *key[:2], fact.recorded_at, line.gtin, flow, ZERO, 0, amount, fact.journal, fact.seq, None
                    )
                )  # fmt: skip

    def _enter(self, posting: Posting, kept: Kept) -> int:
        movement = posting.movement
        listed = None
        if kept.unit_cost_minor is None or movement.source == SUPPLIER:
            currency = self._world.sites[posting.site].currency
            listed = self._world.listed(movement.gtin, currency, posting.event_time)
        valued = value(kept, movement, listed)
        self._book(posting, valued.value_minor)
        if valued.on_hand_minor:
            self._revalue(posting, ON_HAND, valued.on_hand_minor)
        if valued.quarantine_minor:
            self._revalue(posting, QUARANTINE, valued.quarantine_minor)
        return valued.value_minor

    def _book(self, posting: Posting, worth: int) -> None:
        """A movement that is valued: into the balances, and under its head of the day. Every line of every receipt comes through here."""
        site, movement = posting.site, posting.movement
        gtin, quantity, source, destination = (
            movement.gtin,
            movement.quantity,
            movement.source,
            movement.destination,
        )
        self.movements.append(Entry(posting, worth))
        if source not in SHELVES:
            self._carry((site, gtin, source), -quantity, -worth)
        if destination not in SHELVES:
            self._carry((site, gtin, destination), quantity, worth)
        head = flow_of(source, destination, movement.cause)
        if head is None:
            return
        flow, sign = head
        if sign < 0:
            quantity, worth = -quantity, -worth
        sum_ = self._day((site, posting.business_day, gtin, flow))
        sum_.quantity += quantity
        sum_.value_minor += worth
        if self._is_closed(site, posting.business_day):
            self.restatements.append(
                Restatement(
                    site, posting.business_day, posting.recorded_at, gtin, flow, quantity, worth, 0,
                    posting.journal, posting.seq, posting.document,
                )
            )  # fmt: skip

    def _revalue(self, posting: Posting, shelf: str, gained_minor: int) -> None:
        """What lies on a shelf is worth more (or less), because of ``posting``."""
        source, destination = (VALUATION, shelf) if gained_minor > 0 else (shelf, VALUATION)
        movement = posting.movement
        revalued = Movement(movement.line, movement.gtin, ZERO, source, destination, REVALUATION)
        # A document's lines are unique, so what a line brings with it is a document of its own.
        document = posting.document and f"{posting.document}:{REVALUATION}:{shelf}"
        self._book(msgspec.structs.replace(posting, movement=revalued, document=document), abs(gained_minor))

    def _correct_count(self, posting: Posting, worth: int, kept: Kept) -> None:
        assert kept.counted_at is not None
        movement, site = posting.movement, posting.site
        count = self._world.counts.after(site, movement.gtin, posting.event_time)
        counted_at, stocktake = count or (kept.counted_at, kept.counted_in or "")
        gone = movement.source == ON_HAND
        here = adjustment(STOCKTAKE)
        source, destination = (here, ON_HAND) if gone else (ON_HAND, here)
        behind = posting.document or f"{posting.journal}/{posting.seq}"
        correction = msgspec.structs.replace(
            posting,
            movement=Movement(
                movement.line, movement.gtin, movement.quantity, source, destination, STOCKTAKE, worth
            ),
            event_time=counted_at,
            business_day=business_day(counted_at, self._world.sites[site].time_zone),
            document=f"stocktake:{stocktake}:late:{behind}/{movement.line}",
        )
        self._enter(correction, kept)
        sign = 1 if gone else -1
        self.corrections.append(
            Correction(site, movement.gtin, stocktake, sign * movement.quantity, sign * worth)
        )

    def _is_closed(self, site: str, day: date) -> bool:
        return day <= self._world.closed_through.get(site, date.min)

    def _carry(self, key: BalanceKey, quantity: Decimal, worth: int) -> None:
        balance = self._elsewhere.get(key)
        if balance is None:
            self._elsewhere[key] = Sum(quantity, worth)
        else:
            balance.quantity += quantity
            balance.value_minor += worth

    def _day(self, key: DayKey) -> Sum:
        found = self.days.get(key)
        if found is None:
            found = self.days[key] = Sum()
        return found


def is_before_count(posting: Posting, counted_at: datetime) -> bool:
    """Whether a posting tells of something that happened on the shelf before it was counted, and that the count did not know of."""
    movement = posting.movement
    return (
        posting.event_time < counted_at
        and movement.cause != STOCKTAKE
        and movement.quantity > 0
        and ON_HAND in (movement.source, movement.destination)
    )


def changed(sums: Mapping[Key, Sum]) -> list[tuple[Key, Sum]]:
    """What has changed under each key, in the order in which rows are locked."""
    return [
        (key, sums[key])
        for key in sorted(sums)
        if sums[key].quantity or sums[key].value_minor or sums[key].amount_minor
    ]
