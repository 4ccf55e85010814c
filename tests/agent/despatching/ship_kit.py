"""Goods that leave, as tests load and send them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agent.despatching.service import CompleteShippingAsked
from agent.documents import Written
from agent.till.frames import Outcome, ScanFrame
from protocol.events import GoodsDespatched
from protocol.feeds import ItemHere, SiteHere
from tests.agent.shop_kit import SITE, WATCH, Counter, done

D = Decimal
TEA_CODE = "4006381333931"
CASE = "106141412345678915"
PALLET = "106141412345678908"
SHOP = SiteHere(site="site-2", name="Store two", kind="store")
WAREHOUSE = SiteHere(site="W-1", name="Warehouse", kind="warehouse")


def complete(counter: Counter, **asked: Any) -> Written:
    return done(counter.parts.shipping.complete(CompleteShippingAsked(**asked)))


def despatches(counter: Counter) -> list[GoodsDespatched]:
    return [body for body in counter.bodies() if isinstance(body, GoodsDespatched)]


def loaded(counter: Counter) -> dict[str, Decimal]:
    return {line.gtin: line.quantity for line in counter.parts.shipping.frame().lines}


def told(frame: ScanFrame) -> tuple[Outcome, str]:
    return frame.outcome, frame.key


def item_here(counter: Counter, state: str, serial: str = "ODD", **more: Any) -> str:
    item = f"01{WATCH}21{serial}"
    counter.feed(ItemHere(item=item, gtin=WATCH, state=state, **{"site": SITE, **more}))
    return item
