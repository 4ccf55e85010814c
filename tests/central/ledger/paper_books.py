"""The ledger in memory: the rules of the real one, over balances that are kept in dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from central.costs.rules import CostList, CostRow
from central.ledger.counts import Counts
from central.ledger.entries import (
    DayKey,
    Entries,
    Entry,
    ProductKey,
    Restatement,
    Site,
    Sum,
    World,
)
from central.ledger.rules import ON_HAND, QUARANTINE, BalanceKey, Posting
from central.ledger.valuation import Kept, found
from central.sales.rules import ReceiptLine
from tests.central.facts import NOON

SITES = {"north": Site("EUR", "Europe/Berlin"), "south": Site("EUR", "UTC")}


def costs(listed: Mapping[str, int | str]) -> CostList:
    """gtin -> what a unit costs since long ago."""
    return CostList(
        CostRow(
            gtin=gtin,
            currency="EUR",
            valid_from=NOON.replace(year=2020),
            cost_minor=Decimal(cost),
        )
        for gtin, cost in listed.items()
    )


class PaperBooks:
    """Balances, days and movements of some sites, one transaction after the other."""

    def __init__(
        self,
        listed: Mapping[str, int | str] | None = None,
        closed_through: Mapping[str, date] | None = None,
        counts: Counts | None = None,
    ) -> None:
        self.costs = costs(listed or {})
        self.closed_through = dict(closed_through or {})
        self.counts = counts or Counts()
        self.balances: dict[BalanceKey, Sum] = {}
        self.days: dict[DayKey, Sum] = {}
        self.movements: list[Entry] = []
        self.restatements: list[Restatement] = []
        self.units: dict[ProductKey, Decimal | None] = {}
        self.counted: dict[ProductKey, tuple[datetime, str]] = {}

    def kept(self, site: str, gtin: str) -> Kept:
        """A product as the next transaction finds it."""
        shelves = []
        for location in (ON_HAND, QUARANTINE):
            balance = self.balances.get((site, gtin, location), Sum())
            shelves.append(found(balance.quantity, balance.value_minor))
        counted_at, counted_in = self.counted.get((site, gtin), (None, None))
        unit = self.units.get((site, gtin))
        return Kept(
            on_hand=shelves[0],
            quarantine=shelves[1],
            unit_cost_minor=unit,
            counted_at=counted_at,
            counted_in=counted_in,
            found_unit_cost_minor=unit,
        )

    def book(self, postings: Sequence[Posting], lines: Sequence[ReceiptLine] = ()) -> Entries:
        """One transaction."""
        products = {(one.site, one.movement.gtin) for one in postings}
        world = World(
            sites=SITES,
            kept={key: self.kept(*key) for key in products},
            listed=self.costs.at,
            counts=self.counts,
            closed_through=self.closed_through,
        )
        entries = Entries(world)
        entries.post(postings)
        entries.take(lines)
        _add(self.balances, entries.balances)
        _add(self.days, entries.days)
        self.movements += entries.movements
        self.restatements += entries.restatements
        for key, kept in world.kept.items():
            assert (kept.on_hand.quantity, kept.on_hand.value_minor) == self.shelf(*key)
        self.units |= {key: kept.unit_cost_minor for key, kept in world.kept.items()}
        return entries

    def shelf(self, site: str, gtin: str, location: str = ON_HAND) -> tuple[Decimal, int]:
        """(quantity, value) of a balance."""
        balance = self.balances.get((site, gtin, location), Sum())
        return balance.quantity, balance.value_minor

    def quantities(self) -> dict[BalanceKey, Decimal]:
        """The balances that are not zero."""
        return {key: one.quantity for key, one in self.balances.items() if one.quantity}

    def not_zero(self) -> dict[BalanceKey, Sum]:
        """The balances that are not zero, in quantity or in value."""
        return {key: one for key, one in self.balances.items() if one.quantity or one.value_minor}

    def replayed(self) -> dict[BalanceKey, Sum]:
        """The same, as the movements give them."""
        sums: dict[BalanceKey, Sum] = {}
        for entry in self.movements:
            movement, site = entry.posting.movement, entry.posting.site
            for sign, location in ((-1, movement.source), (1, movement.destination)):
                one = sums.setdefault((site, movement.gtin, location), Sum())
                one.quantity += sign * movement.quantity
                one.value_minor += sign * entry.value_minor
        return {key: one for key, one in sums.items() if one.quantity or one.value_minor}


Key = TypeVar("Key", BalanceKey, DayKey)


def _add(to: dict[Key, Sum], more: Mapping[Key, Sum]) -> None:
    for key, one in more.items():
        kept = to.setdefault(key, Sum())
        kept.quantity += one.quantity
        kept.value_minor += one.value_minor
        kept.amount_minor += one.amount_minor
