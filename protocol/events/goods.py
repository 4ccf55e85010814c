"""Goods that come, go, are packed, counted or corrected."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class GoodsLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A quantity of one product, with the codes of the items that were scanned one by one."""

    gtin: str
    quantity: Decimal
    items: tuple[str, ...] = ()


class Unopened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case or pallet that was scanned as one. ``items`` is how many coded items the counter takes it to hold, all levels; None: unknown there."""

    sscc: str
    items: int | None = None


class GoodsReceived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_received"):
    """Goods taken in at the site (EPCIS *receiving*; UBL ReceiptAdvice).

    ``despatch_id`` names the despatch advice that announced them; ``complete`` says that nothing more of it is awaited, so
    that what is missing is short. Without a despatch the goods come from a supplier.

    ``containers`` were taken in unopened: their contents are not repeated in ``lines``, central adds them.
    """

    receipt_advice_id: str
    lines: tuple[GoodsLine, ...]
    despatch_id: str | None = None
    order_id: str | None = None
    complete: bool = True
    clerk: str | None = None
    containers: tuple[Unopened, ...] = ()


class GoodsPacked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_packed"):
    """Items, goods and smaller containers put into a case or on a pallet (EPCIS AggregationEvent, *packing*, ADD)."""

    packing_id: str
    sscc: str
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    lines: tuple[GoodsLine, ...] = ()  # goods without codes of their own
    clerk: str | None = None


class GoodsUnpacked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_unpacked"):
    """A case or pallet opened (EPCIS AggregationEvent, *unpacking*, DELETE): what is named, or everything where nothing is."""

    unpacking_id: str
    sscc: str
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    clerk: str | None = None


class GoodsDespatched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_despatched"):
    """Goods that left the site for another one of the brand's (EPCIS *shipping*; UBL DespatchAdvice).

    With ``order_id`` they fulfil an order that this site serves; without, they are a transfer: to another shop, or back to a warehouse.
    What lies in ``containers`` leaves with them and is not repeated in ``lines``.
    """

    despatch_id: str
    to_site: str
    lines: tuple[GoodsLine, ...]
    containers: tuple[Unopened, ...] = ()
    order_id: str | None = None
    reason: str | None = None
    clerk: str | None = None


class StockAdjusted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="stock_adjusted"):
    """A correction of stock with its reason (``damage``, ``own_use``, ``theft``, ``found`` …); quantities carry a sign."""

    adjustment_id: str
    lines: tuple[GoodsLine, ...]
    reason: str
    clerk: str | None = None


class CountedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was counted of one product at one place. ``counted_at_us`` is when its last piece was scanned: the books are compared with
    that moment, whatever is sold before and after. ``items`` are the codes that were scanned one by one."""

    gtin: str
    quantity: Decimal
    counted_at_us: int
    items: tuple[str, ...] = ()


class StockCounted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="stock_counted"):
    """A part of a stocktake: one ``area`` (a shelf, the store room) counted by one scanner.

    Counts of different areas add up. The same area counted again within one ``round`` replaces what was counted there before; ``round`` 2
    and later are recounts, which replace the earlier rounds of the products they name. ``complete`` says that a product of the area that
    is not named was not there. ``name`` is that of a stocktake that was begun at the counter: central may hear of it here first.
    """

    count_id: str
    stocktake_id: str
    area: str
    lines: tuple[CountedLine, ...]
    round: int = 1
    complete: bool = False
    clerk: str | None = None
    name: str | None = None
