"""``/v1/orders``: what dealers asked for, and what the brand decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Caller, Reader, Trader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.containers.routes import Sscc
from central.database import EVERY_SITE, Connection
from central.despatches import sending
from central.despatches.sending import Load, Sent
from central.orders import decisions, tables
from central.orders.documents import Order as Kept
from protocol.orders import Forbidden, OrderState

router = APIRouter(prefix="/v1", tags=["orders"])


class OrderLine(BaseModel):
    """A line of an order with its answer."""

    line: int
    gtin: str
    ordered: Decimal
    accepted: Decimal
    allocated: Decimal = Field(description="reserved for it now, and not despatched yet")
    despatched: Decimal
    received: Decimal
    response: str | None = Field(description="EDIFACT 1229: 5 accepted, 6 amended, 7 not accepted")
    reason: str | None
    price_minor: int | None


class Order(BaseModel):
    """An order of a site."""

    site: str
    order_id: str
    revision: int
    number: str = Field(description="the dealer's own")
    state: OrderState
    from_site: str | None
    agent: str
    currency: str
    reason: str | None
    note: str | None
    submitted_at: datetime
    updated_at: datetime
    lines: list[OrderLine]


class Step(BaseModel):
    """Something that was done to an order."""

    at: datetime
    actor: str
    action: str
    from_state: str | None
    to_state: str
    reason: str | None


class OrderWithHistory(Order):
    """An order with everything that was done to it."""

    history: list[Step]


class Decided(Order):
    """An order after a decision; `despatch_id` where goods have left."""

    despatch_id: str | None = None


class LineQuantity(BaseModel):
    """A quantity of one line."""

    model_config = ConfigDict(extra="forbid")

    line: int
    quantity: Decimal = Field(ge=0, max_digits=18, decimal_places=6)


class LeavingLine(LineQuantity):
    """A quantity of one line that leaves, with the codes of its items where they carry any."""

    items: list[Annotated[str, Field(max_length=100)]] = Field(default=[], max_length=10_000)


class Reasoned(BaseModel):
    """A decision that needs no reason, but may have one."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, max_length=500)


class Because(BaseModel):
    """A decision against somebody's wish, which needs a reason."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class Acceptance(Reasoned):
    """Accept the whole order, or these quantities: a line that is not named is not accepted."""

    lines: list[LineQuantity] | None = Field(default=None, max_length=1000)


class Despatching(Reasoned):
    """Send everything that is allocated, or these quantities of it, or whole cases and pallets with everything in them."""

    lines: list[LeavingLine] | None = Field(default=None, max_length=1000)
    containers: list[Sscc] = Field(
        default=[], max_length=1000, description="what is in them counts beside the lines"
    )
    despatch_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")


Decision = Callable[[Connection, Kept, By], Kept | Sent | Forbidden]


@router.get("/orders")
def list_orders(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    state: OrderState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Order]:
    """Orders, the newest first."""
    place = decode(cursor, tuple[datetime, str, str])
    with reading(central, caller) as connection:
        rows = tables.page(connection, site=site, state=state, after=place, limit=limit + 1)
    return page(rows, limit, _shown, lambda order: (order.submitted_at, order.site, order.order_id))


@router.get("/orders/{site}/{order_id}")
def get_order(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, order_id: str
) -> OrderWithHistory:
    """One order, with who did what to it, when and why."""
    with reading(central, caller) as connection:
        order = tables.find(connection, site, order_id)
        if order is None:
            raise not_found("order", f"{site}/{order_id}")
        history = tables.history(connection, site, order_id)
    steps = [Step(**step) for step in history]
    return OrderWithHistory(**_shown(order).model_dump(), history=steps)


@router.post("/orders/{site}/{order_id}/accept", response_model=Decided)
def accept(
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    site: str,
    order_id: str,
    body: Acceptance = Acceptance(),
) -> Response:
    """Accept an order, whole or in part. Reserves nothing: see allocate."""
    asked = _quantities(body.lines)
    return _decide(
        write,
        caller,
        site,
        order_id,
        body.reason,
        lambda connection, order, by: decisions.accept(connection, order, by, asked),
    )


@router.post("/orders/{site}/{order_id}/hold", response_model=Decided)
def hold(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, order_id: str, body: Because
) -> Response:
    """Put an order aside until somebody has looked at it."""
    return _decide(write, caller, site, order_id, body.reason, decisions.hold)


@router.post("/orders/{site}/{order_id}/refuse", response_model=Decided)
def refuse(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, order_id: str, body: Because
) -> Response:
    """Refuse an order."""
    return _decide(write, caller, site, order_id, body.reason, decisions.refuse)


@router.post("/orders/{site}/{order_id}/allocate", response_model=Decided)
def allocate(
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    site: str,
    order_id: str,
    body: Reasoned = Reasoned(),
) -> Response:
    """Reserve stock of the serving site for an accepted order, as far as there is any.

    A promise never exceeds what is available, however many ask at once. It can be asked for again while the order lacks
    something.
    """
    return _decide(write, caller, site, order_id, body.reason, decisions.allocate)


@router.post("/orders/{site}/{order_id}/despatch", response_model=Decided)
def despatch(
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    site: str,
    order_id: str,
    body: Despatching = Despatching(),
) -> Response:
    """Send out what is allocated: stock leaves the warehouse, and the dealer's agents get the despatch advice."""
    load = Load(
        quantities=_quantities(body.lines),
        codes={line.line: line.items for line in body.lines or [] if line.items},
        containers=body.containers,
        despatch_id=body.despatch_id,
    )
    return _decide(
        write,
        caller,
        site,
        order_id,
        body.reason,
        lambda connection, order, by: sending.send(connection, order, by, load),
    )


@router.post("/orders/{site}/{order_id}/cancel", response_model=Decided)
def cancel(
    caller: Trader, write: Annotated[Once, Depends(once)], site: str, order_id: str, body: Because
) -> Response:
    """Cancel an order of which nothing has left. Its own people may, as the brand may."""
    return _decide(write, caller, site, order_id, body.reason, decisions.cancel)


@router.post("/orders/{site}/{order_id}/close", response_model=Decided)
def close(
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    site: str,
    order_id: str,
    body: Reasoned = Reasoned(),
) -> Response:
    """Close an order that has been received; what is still reserved for it is free again."""
    return _decide(write, caller, site, order_id, body.reason, decisions.close)


def _decide(
    write: Once, caller: Caller, site: str, order_id: str, reason: str | None, decision: Decision
) -> Response:
    if not caller.sees_every_site and site not in caller.sites:
        raise not_found("order", f"{site}/{order_id}")

    def work(connection: Connection) -> Decided:
        order = tables.lock(connection, site, order_id)
        if order is None:
            raise not_found("order", f"{site}/{order_id}")
        done = decision(connection, order, By(actor=caller.actor, at=write.central.now(), reason=reason))
        if isinstance(done, Forbidden):
            raise Problem(409, done.reason, state=order.state)
        if isinstance(done, Sent):
            return Decided(**_shown(done.order).model_dump(), despatch_id=done.despatch.despatch_id)
        return Decided(**_shown(done).model_dump())

    # A decision touches the books of the warehouse too, which a dealer does not see: its right to this order is checked above.
    return write.run(caller, work, sites=EVERY_SITE)


def _quantities(lines: list[LineQuantity] | list[LeavingLine] | None) -> dict[int, Decimal] | None:
    if lines is None:
        return None
    quantities = {line.line: line.quantity for line in lines}
    if len(quantities) != len(lines):
        raise Problem(422, "body.lines: a line stands in it twice")
    return quantities


def _shown(order: Kept) -> Order:
    return Order(
        site=order.site,
        order_id=order.order_id,
        revision=order.revision,
        number=order.number,
        state=order.state,
        from_site=order.from_site,
        agent=order.agent_id,
        currency=order.currency,
        reason=order.reason,
        note=order.note,
        submitted_at=order.submitted_at,
        updated_at=order.updated_at,
        lines=[
            OrderLine(
                line=line.line,
                gtin=line.gtin,
                ordered=line.ordered,
                accepted=line.accepted,
                allocated=line.allocated,
                despatched=line.despatched,
                received=line.received,
                response=line.response,
                reason=line.reason,
                price_minor=line.price_minor,
            )
            for line in order.lines
        ],
    )
