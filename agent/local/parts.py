"""What the routes act on."""

from __future__ import annotations

from dataclasses import dataclass

from agent.clock import Clock
from agent.local.events import Hub
from agent.orders.service import Orders
from agent.receiving.service import Goods
from agent.till.catalogue import Catalogue
from agent.till.counter import Counter
from agent.till.desk import Desk
from agent.till.returns import Returns
from agent.till.sales import Sales
from agent.till.selling import Selling
from agent.verification.service import Verification
from protocol.codes import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The nouns of the counter, one of each."""

    counter: Counter
    desk: Desk
    returns_desk: Desk
    sales: Sales
    returns: Returns
    selling: Selling
    goods: Goods
    orders: Orders
    catalogue: Catalogue
    verification: Verification
    rules: Rules
    ask_timeout_ms: int
    clock: Clock
    hub: Hub
