"""What goods are worth: moving average at the moment of booking, for each product at each site. Pure.

Value moves with the goods and is never made or lost: what a movement takes from one location it brings to the other.

- Out of a shelf (``on_hand``, ``quarantine``) leaves the share of its value that leaves of its quantity; the last piece takes all
  that is left, so that an empty shelf is worth nothing.
- Onto a shelf comes what the goods are known to be worth: what a document says, or what they left the other site with. Where nothing says
  it, what comes from a supplier is worth its cost in the list of that time, and anything else what a unit of the product was last worth here.
- A shelf below zero owes goods. They left at an assumed cost; when they come, the difference to their true one is a **revaluation**, a
  movement of value alone. So is the worth of goods that lay there before any cost of them was known.

Hence a shelf is worth nothing, or its value has the sign of its quantity; whatever comes, in whatever order.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Context, Decimal

import msgspec

from central.ledger.rules import ON_HAND, QUARANTINE, SUPPLIER, ZERO, Movement

_UNIT_CONTEXT = Context(prec=15)
"""Significant digits of the cost of one unit: an average is seldom a whole number of minor units."""


class Shelf(msgspec.Struct, gc=False):
    """What lies somewhere, and what all of it is worth. Both move on as movements are valued; ``found_…`` is what was there before."""

    quantity: Decimal = ZERO
    value_minor: int = 0
    found_quantity: Decimal = ZERO
    found_value_minor: int = 0


class Kept(msgspec.Struct, gc=False):
    """A product at a site. ``unit_cost_minor`` is what a unit was worth when some last came in; None before any cost was known.

    ``counted_at`` and ``counted_in`` are of the last count that was booked.
    """

    on_hand: Shelf
    quarantine: Shelf
    unit_cost_minor: Decimal | None = None
    counted_at: datetime | None = None
    counted_in: str | None = None
    found_unit_cost_minor: Decimal | None = None

    def shelf(self, location: str) -> Shelf | None:
        """The shelf that ``location`` is; None for places whose worth is a sum and no stock: suppliers, customers, ways, corrections."""
        if location == ON_HAND:
            return self.on_hand
        return self.quarantine if location == QUARANTINE else None


def found(quantity: Decimal, value_minor: int) -> Shelf:
    """A shelf as it is found."""
    return Shelf(quantity, value_minor, quantity, value_minor)


class Valued(msgspec.Struct, frozen=True, gc=False):
    """What a movement is worth, and by how much what lies on each shelf is revalued with it."""

    value_minor: int
    on_hand_minor: int = 0
    quarantine_minor: int = 0


def value(kept: Kept, movement: Movement, listed: Decimal | None = None) -> Valued:
    """Value a movement and carry ``kept`` along. ``listed`` is the cost of a unit by the list, at the time of the movement."""
    quantity = movement.quantity
    source, destination = kept.shelf(movement.source), kept.shelf(movement.destination)
    appraised = _appraise(kept, movement, listed) if kept.unit_cost_minor is None and quantity else 0
    if movement.value_minor is not None:
        worth = movement.value_minor
    elif source is not None:
        worth = leaving(source, quantity, kept.unit_cost_minor or ZERO)
    else:
        worth = round(_coming(kept, movement, listed) * quantity)
    if source is not None:
        source.quantity -= quantity
        source.value_minor -= worth
    covered = 0
    if destination is not None:
        covered = covering(destination, quantity, worth)
        destination.quantity += quantity
        destination.value_minor += worth + covered
    if destination is kept.on_hand or (movement.value_minor is not None and source is kept.on_hand):
        _note_unit(kept, quantity, worth)
    if destination is kept.quarantine:
        return Valued(worth, appraised, covered)
    return Valued(worth, appraised + covered)


def leaving(shelf: Shelf, quantity: Decimal, unit_cost_minor: Decimal) -> int:
    """What ``quantity`` takes from a shelf: all of it everything. What a shelf does not have leaves at what a unit of it is worth."""
    if shelf.quantity > 0:
        return round(shelf.value_minor * quantity / shelf.quantity)
    return round(unit_cost_minor * quantity)


def covering(shelf: Shelf, quantity: Decimal, value_minor: int) -> int:
    """By how much a shelf below zero is revalued when ``quantity`` worth ``value_minor`` comes onto it; 0 for any other shelf.

    What was owed left at one cost and comes at another: the part that is covered goes out of the books at both.
    """
    if shelf.quantity >= 0 or quantity == 0:
        return 0
    owed = -shelf.quantity
    covered = min(quantity, owed)
    left_at = shelf.value_minor if covered == owed else round(shelf.value_minor * covered / owed)
    came_at = value_minor if covered == quantity else round(value_minor * covered / quantity)
    return -left_at - came_at


def revaluing(kept: Kept, unit_cost_minor: Decimal) -> int:
    """By how much what is on hand becomes worth more when a unit of it is to be worth ``unit_cost_minor``."""
    return round(unit_cost_minor * kept.on_hand.quantity) - kept.on_hand.value_minor


def _appraise(kept: Kept, movement: Movement, listed: Decimal | None) -> int:
    """Goods of which no cost was ever known become worth something as soon as one is; by how much."""
    if movement.value_minor:
        kept.unit_cost_minor = _unit(movement.value_minor, movement.quantity)
    else:
        kept.unit_cost_minor = listed
    if kept.unit_cost_minor is None or kept.on_hand.value_minor:
        return 0
    gained = revaluing(kept, kept.unit_cost_minor)
    kept.on_hand.value_minor += gained
    return gained


def _coming(kept: Kept, movement: Movement, listed: Decimal | None) -> Decimal:
    if movement.source == SUPPLIER and listed is not None:
        return listed
    return kept.unit_cost_minor or ZERO


def _note_unit(kept: Kept, quantity: Decimal, value_minor: int) -> None:
    shelf = kept.on_hand
    if shelf.quantity > 0 and shelf.value_minor > 0:
        kept.unit_cost_minor = _unit(shelf.value_minor, shelf.quantity)
    elif value_minor and quantity:
        kept.unit_cost_minor = _unit(value_minor, quantity)


def _unit(value_minor: int, quantity: Decimal) -> Decimal:
    return _UNIT_CONTEXT.divide(Decimal(value_minor), quantity)
