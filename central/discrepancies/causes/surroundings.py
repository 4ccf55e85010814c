"""What stands around a case: other facts of the books that say which cause is the likely one. Pure values.

The books are asked for them by :mod:`central.discrepancies.looking`. Nothing is known of a case in the moment in which it is raised; what it
is then named rests on its own evidence, and it is looked at again within the minute.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of a product that a despatch announced to the case's site and that have not been taken in. ``items`` are their codes."""

    despatch: str
    from_site: str
    despatched_at: datetime
    quantity: Decimal
    gtin: str = ""
    items: tuple[str, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A short or over receipt, wherever it was."""

    site: str
    gtin: str
    quantity: Decimal
    is_short: bool
    cause_key: str
    despatch: str | None = None
    from_site: str | None = None


class Spotted(msgspec.Struct, frozen=True, kw_only=True):
    """A coded item of the case that a counter had in hand after the case began."""

    item: str
    site: str
    at: datetime
    action: str


class Sibling(msgspec.Struct, frozen=True, kw_only=True):
    """A product of the same category and price of which the site has more than it should."""

    gtin: str
    surplus: Decimal


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around a case.

    ``on_hand`` is the shelf of the case's product now. ``awaited`` has not been received here, of the case's product or, where the case is
    about a despatch, of that despatch. ``differences`` are other short and over receipts of the product (or of the same despatch).
    ``late_agents`` are machines of the site that have not been heard of, or hold events that have not arrived. ``usual_receipt`` is the
    middle quantity in which the product comes from suppliers, None where it never did; ``ever_came`` whether any of it was ever booked in.
    ``is_below_zero``: the site has sold more of the case's goods than the books knew, now or at some time since the case began.
    ``surplus_at_sender``: what a count found too much there since; ``surplus_here``: the same at the case's own site.
    ``home_site`` is where the item of the case was sent to, ``same_house`` whether its dealer is, or is in one line with, that of the site that
    had it. ``other_classes`` are open cases about the same item. ``counted`` is how much of the product the receipts of the despatch took in,
    ``announced`` how much of it the despatch told of.
    """

    on_hand: Decimal | None = None
    awaited: tuple[Awaited, ...] = ()
    differences: tuple[Difference, ...] = ()
    spotted: tuple[Spotted, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    late_agents: tuple[str, ...] = ()
    usual_receipt: Decimal | None = None
    ever_came: bool = True
    is_below_zero: bool = False
    surplus_at_sender: Decimal = ZERO
    surplus_here: Decimal = ZERO
    despatch_went_to: str | None = None
    home_site: str | None = None
    same_house: bool = False
    other_classes: frozenset[str] = frozenset()
    counted: Decimal | None = None
    announced: Decimal | None = None


NOTHING_KNOWN = Surroundings()
