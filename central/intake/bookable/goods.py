"""Goods that come, go, are packed, counted or corrected, as the books can hold them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from central.intake.bookable.values import (
    fault_of_id,
    fault_of_item,
    fault_of_product,
    fault_of_text,
    first,
)
from protocol.aggregation import sscc_fault
from protocol.events import (
    GoodsDespatched,
    GoodsLine,
    GoodsPacked,
    GoodsReceived,
    GoodsUnpacked,
    StockAdjusted,
    StockCounted,
)

REASON_LIMIT = 60
"""Characters of the reason of an adjustment: it is a location of the ledger."""


def fault_of_receipt(body: GoodsReceived) -> str | None:
    """Of goods taken in."""
    return (
        fault_of_id("receipt_advice_id", body.receipt_advice_id)
        or fault_of_id("despatch_id", body.despatch_id)
        or fault_of_id("order_id", body.order_id)
        or _fault_of_lines(body.lines)
        or first(
            f"received quantity {line.quantity}: expected 0 or more"
            for line in body.lines
            if line.quantity < 0
        )
        or first(sscc_fault(one.sscc) for one in body.containers)
    )


def fault_of_despatch(body: GoodsDespatched) -> str | None:
    """Of goods sent to another site."""
    return (
        fault_of_id("despatch_id", body.despatch_id)
        or fault_of_id("to_site", body.to_site)
        or fault_of_id("order_id", body.order_id)
        or fault_of_text("reason", body.reason)
        or _fault_of_lines(body.lines)
        or first(
            f"despatched quantity {line.quantity}: expected more than 0"
            for line in body.lines
            if line.quantity <= 0
        )
        or first(sscc_fault(one.sscc) for one in body.containers)
    )


def fault_of_count(body: StockCounted) -> str | None:
    """Of a part of a stocktake."""
    if not 1 <= body.round < 1 << 15:
        return f"round {body.round}: expected 1 to {(1 << 15) - 1}"
    return (
        fault_of_id("count_id", body.count_id)
        or fault_of_id("stocktake_id", body.stocktake_id)
        or fault_of_id("area", body.area)
        or fault_of_text("name", body.name)
        or first(
            fault_of_product(number, line.gtin, line.quantity)
            or first(fault_of_item(number, item) for item in line.items)
            for number, line in enumerate(body.lines)
        )
        or first(
            f"counted quantity {line.quantity}: expected 0 or more"
            for line in body.lines
            if line.quantity < 0
        )
    )


def fault_of_adjustment(body: StockAdjusted) -> str | None:
    """Of a correction."""
    return (
        fault_of_id("adjustment_id", body.adjustment_id)
        or fault_of_id("reason", body.reason, REASON_LIMIT)
        or _fault_of_lines(body.lines)
    )


def fault_of_packing(body: GoodsPacked) -> str | None:
    """Of goods put into a case."""
    return (
        _fault_of_case(body, body.packing_id)
        or _fault_of_lines(body.lines)
        or first(
            f"packed quantity {line.quantity}: expected more than 0"
            for line in body.lines
            if line.quantity <= 0
        )
    )


def fault_of_unpacking(body: GoodsUnpacked) -> str | None:
    """Of a case opened."""
    return _fault_of_case(body, body.unpacking_id)


def _fault_of_case(body: GoodsPacked | GoodsUnpacked, name: str) -> str | None:
    return (
        fault_of_id("packing_id", name)
        or first(map(sscc_fault, (body.sscc, *body.containers)))
        or first(fault_of_item(number, item) for number, item in enumerate(body.items))
    )


def _fault_of_lines(lines: Iterable[GoodsLine]) -> str | None:
    return first(
        fault_of_product(number, line.gtin, line.quantity)
        or first(fault_of_item(number, item) for item in line.items)
        for number, line in enumerate(lines)
    )
