"""Goods that leave as screens and programs see them. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class LoadedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A product that is loaded by itself, with the codes of its items."""

    gtin: str
    name: str
    unit: str
    quantity: Decimal
    items: tuple[str, ...] = ()


class LoadedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case that is loaded as one. ``items`` is None where nothing is known of it here; ``pieces`` are of all its ``products``."""

    sscc: str
    items: int | None
    pieces: Decimal
    products: int
    first: str = ""
