"""Which facts do something to coded items. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from central.items.lives import Step
from central.journals.facts import Fact
from protocol.events import (
    GoodsPacked,
    GoodsReceived,
    GoodsUnpacked,
    Sale,
    SaleReturned,
    SaleVoided,
    StockAdjusted,
)
from protocol.items import Action


class _Named(msgspec.Struct, frozen=True):
    item: str
    gtin: str
    action: Action
    container: str | None = None


def steps_of(fact: Fact, packed_in: Mapping[str, str] | None = None) -> list[Step]:
    """The steps in a fact, one for each coded item that it names.

    ``packed_in`` are the items of a receipt that were not scanned themselves, but lie in a case that was, each with its case.
    """
    cases = packed_in or {}
    more: dict[str, Any] = {}
    match fact.body:
        case Sale(lines=lines, sale_id=document):
            named = [
                _Named(line.item, line.gtin, Action.SELL_PROVISIONALLY if line.provisional else Action.SELL)
                for line in lines
                if line.item
            ]
        case SaleVoided(lines=lines, sale_id=document):
            named = [_Named(line.item, line.gtin, Action.VOID) for line in lines if line.item]
            more = {"takes_back_sale": True, "reverses": document}
        case SaleReturned(lines=lines, disposition=disposition, return_id=document, sale_id=sale_id):
            back = Action.RESTOCK if disposition == "restock" else Action.QUARANTINE
            named = [_Named(line.item, line.gtin, back) for line in lines if line.item]
            more = {"takes_back_sale": True, "reverses": sale_id}
        case GoodsReceived(lines=goods, receipt_advice_id=document):
            named = [
                _Named(item, line.gtin, Action.RECEIVE, cases.get(item))
                for line in goods
                for item in line.items
            ]
        case GoodsPacked(packing_id=document, sscc=sscc):
            named = [
                _Named(item, gtin_of(item), Action.PACK, sscc) for item in dict.fromkeys(fact.body.items)
            ]
        case GoodsUnpacked(unpacking_id=document):
            named = [_Named(item, gtin_of(item), Action.UNPACK) for item in dict.fromkeys(fact.body.items)]
        case StockAdjusted(lines=goods, reason=reason, adjustment_id=document):
            gone = Action.STEAL if reason == "theft" else Action.DESTROY
            named = [
                _Named(item, line.gtin, gone) for line in goods if line.quantity < 0 for item in line.items
            ]
        case _:
            return []
    return [
        Step(
            item=one.item,
            gtin=one.gtin,
            action=one.action,
            site=fact.site,
            event_time=fact.event_time,
            recorded_at=fact.recorded_at,
            uncertainty_us=fact.uncertainty_us,
            journal=fact.journal,
            seq=fact.seq,
            document=document,
            container=one.container,
            evidence=fact.evidence(document=document, action=one.action.value),
            **more,
        )
        for one in named
    ]


def gtin_of(item: str) -> str:
    """The product of an item, from its canonical id (``01<gtin>21<serial>``); zeros where the id is of another kind."""
    gtin = item[2:16]
    is_sgtin = item.startswith("01") and item[16:18] == "21" and gtin.isascii() and gtin.isdigit()
    return gtin if is_sgtin else "0" * 14
