"""Stocktakes as screens and programs see them. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class CountedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """One product of the area: ``quantity`` here, cases included, ``items`` of it by their own codes; ``elsewhere`` in other areas by this
    machine. ``expected`` is of the whole stocktake, and None where it must not be shown or is not known."""

    gtin: str
    name: str
    unit: str
    quantity: Decimal
    items: int
    elsewhere: Decimal
    expected: Decimal | None


class CountedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case that was counted as one. ``pieces`` are of all products together."""

    sscc: str
    pieces: Decimal
    products: int


class AreaSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An area of a stocktake. ``number`` is that of its document once it was sent from here; ``is_open``: something is counted and not sent.

    An area of another till has neither, and no figures: only when it was counted.
    """

    area: str
    at_us: int
    products: int = 0
    pieces: Decimal = Decimal(0)
    number: str | None = None
    is_open: bool = False
    complete: bool = False
    round: int = 1


class StocktakeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A stocktake with what has been counted of it. ``wanted`` products are asked for by name (0: whatever is there), ``missing`` of them
    have not been counted here, or not all of them; ``counted`` is how many products were counted here in this round."""

    stocktake_id: str
    name: str
    blind: bool
    round: int
    started_at_us: int
    is_begun_here: bool
    areas: tuple[AreaSeen, ...]
    wanted: int
    counted: int
    missing: int


class MissingProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product that is still to be counted; ``areas`` are where this machine counted it in an earlier round."""

    gtin: str
    name: str
    quantity: Decimal | None
    areas: tuple[str, ...] = ()
