"""An order and its lines as central keeps them, and as its dealer sees them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from central.moments import to_microseconds
from protocol.feeds import OrderLineView, OrderView
from protocol.orders import OrderState

ZERO = Decimal(0)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``allocated`` is what is reserved for it now and has not been despatched yet."""

    line: int
    gtin: str
    ordered: Decimal
    accepted: Decimal = ZERO
    allocated: Decimal = ZERO
    despatched: Decimal = ZERO
    received: Decimal = ZERO
    response: str | None = None
    reason: str | None = None
    price_minor: int | None = None

    @property
    def to_allocate(self) -> Decimal:
        """What was accepted, and is neither reserved nor sent."""
        return max(self.accepted - self.allocated - self.despatched, ZERO)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order of ``site``, served by ``from_site`` (None while nobody serves that site)."""

    site: str
    order_id: str
    revision: int
    number: str
    state: OrderState
    from_site: str | None
    agent_id: str
    currency: str
    body_hash: bytes
    submitted_at: datetime
    updated_at: datetime
    lines: tuple[Line, ...]
    reason: str | None = None
    note: str | None = None


def view(order: Order) -> OrderView:
    """What the dealer's agents see of it in the ``orders`` feed."""
    return OrderView(
        order_id=order.order_id,
        number=order.number,
        state=order.state,
        submitted_at_us=to_microseconds(order.submitted_at),
        reason=order.reason,
        lines=tuple(
            OrderLineView(
                line=line.line,
                gtin=line.gtin,
                ordered=line.ordered,
                accepted=line.accepted,
                despatched=line.despatched,
                received=line.received,
                response=line.response,
                reason=line.reason,
            )
            for line in order.lines
        ),
    )
