"""What the routes act on."""

from __future__ import annotations

from dataclasses import dataclass

from agent.adjusting.scans import AdjustingScans
from agent.adjusting.service import Adjustments
from agent.adjusting.told import ToldAdjustments
from agent.clock import Clock
from agent.despatching.notes import Notes
from agent.despatching.scans import ShippingScans
from agent.despatching.service import Shipping
from agent.despatching.told import Told
from agent.local.events import Hub
from agent.orders.service import Orders
from agent.packing.service import Packing
from agent.receiving.service import Goods
from agent.shifts.service import Shifts
from agent.stocktakes.scans import CountingScans
from agent.stocktakes.sending import Sending
from agent.stocktakes.service import Counting
from agent.till.catalogue import Catalogue
from agent.till.counter import Counter
from agent.till.desk import Desk
from agent.till.pricing import Pricing
from agent.till.receipts import Receipts
from agent.till.returning import TakingBack
from agent.till.returns import Returns
from agent.till.sales import Sales
from agent.till.selling import Selling
from agent.till.voids import Voids
from agent.verification.reader import Reader
from agent.verification.service import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The nouns of the counter, one of each."""

    counter: Counter
    desk: Desk
    returns_desk: Desk
    sales: Sales
    returns: Returns
    taking_back: TakingBack
    voids: Voids
    receipts: Receipts
    selling: Selling
    goods: Goods
    packing: Packing
    unpacking: Packing
    counting: Counting
    counting_scans: CountingScans
    sending: Sending
    shipping: Shipping
    shipping_scans: ShippingScans
    notes: Notes
    told: Told
    orders: Orders
    catalogue: Catalogue
    verification: Verification
    reader: Reader
    ask_timeout_ms: int
    double_trigger_ms: int
    clock: Clock
    hub: Hub
    adjustments: Adjustments
    adjusting_scans: AdjustingScans
    told_adjustments: ToldAdjustments
    shifts: Shifts
    pricing: Pricing
