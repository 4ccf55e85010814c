"""``/v1/code-orders``: codes issued for products. An order is placed at once; its codes are worked out when they are exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from central.actors import By
from central.api.callers import Brand, Caller, Overseer, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.codes import commissioning, exports, orders_storage, placing
from central.codes.exports import Export
from central.codes.key_files import CodeKeyError
from central.codes.order_secrets import OrderSecretError
from central.codes.orders import Asked, Format, Order, OrderError, OrderState
from central.codes.printers import Media
from central.database import Connection
from central.imports.rules import Wrong
from central.products.routes import Gtin

router = APIRouter(prefix="/v1", tags=["codes"])
log = structlog.get_logger(__name__)

COUNT_LIMIT = 100_000
"""Codes in one order placed here; larger ones are placed by the command, which writes their file beside the printer."""


class NewOrder(BaseModel):
    """Codes to be issued."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    count: int = Field(ge=1, le=COUNT_LIMIT)
    format: Format
    batch: str | None = Field(default=None, description="(10), 1 to 20 characters")
    expiry: date | None = Field(default=None, description="(17)")
    domain: str | None = Field(
        default=None, description="in front of a web address; codes.domain of the settings where not given"
    )


class OrderView(BaseModel):
    """An order of codes."""

    order: str = Field(description="its tag: the first four characters of its serials")
    gtin: str
    count: int
    format: Format
    batch: str | None
    expiry: date | None
    domain: str | None
    key_id: str | None = Field(description="the key that signs its codes; short codes are not signed")
    signed_on: date
    state: OrderState
    written: int = Field(description="codes that are in its file for certain")
    on_products: int = Field(description="codes that were commissioned")
    placed_by: str
    placed_at: datetime
    finished_at: datetime | None
    reason: str | None = Field(description="why it was cancelled")


class Cancellation(BaseModel):
    """Why an order is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S")


class OnProducts(BaseModel):
    """Codes that are on products now: a span of running numbers, or the codes themselves."""

    model_config = ConfigDict(extra="forbid")

    site: str
    first: int | None = Field(default=None, ge=1)
    last: int | None = Field(default=None, ge=1)
    items: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=commissioning.ITEMS_LIMIT,
        description="codes, items or serials",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> OnProducts:
        span = self.first is not None and self.last is not None
        if span == (self.items is not None) or (self.first is None) != (self.last is None):
            raise ValueError("expected first and last, or items")
        if self.first and self.last and not 0 <= self.last - self.first < commissioning.ITEMS_LIMIT:
            raise ValueError(f"last: expected first or more, and {commissioning.ITEMS_LIMIT} items at most")
        return self


class RefusedItem(BaseModel):
    """An entry of ``items`` that was not taken. ``line`` counts from 1."""

    line: int
    reason: str


class Commissioned(BaseModel):
    """What became of it."""

    order: str
    site: str
    commissioned: int
    known: int = Field(description="had a life before, and keep it")
    refused: list[RefusedItem]


@router.get("/code-orders")
def list_orders(
    central: Annotated[Central, Depends(central_of)],
    caller: Overseer,
    gtin: Gtin | None = None,
    state: OrderState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[OrderView]:
    """Orders of codes, the newest first."""
    place = decode(cursor, tuple[datetime, str])
    with reading(central, caller) as connection:
        rows = orders_storage.page(connection, gtin=gtin, state=state, after=place, limit=limit + 1)
    return page(rows, limit, view, lambda order: (order.placed_at, order.tag))


@router.get("/code-orders/{order}")
def get_order(central: Annotated[Central, Depends(central_of)], caller: Overseer, order: str) -> OrderView:
    """One order of codes."""
    with reading(central, caller) as connection:
        return view(_found(connection, order))


@router.post("/code-orders", status_code=201, response_model=OrderView)
def place_order(caller: Brand, write: Annotated[Once, Depends(once)], body: NewOrder) -> Response:
    """Issue codes of a product, 100,000 at most; export them afterwards."""
    central, by = write.central, _by(write, caller)
    domain = body.domain or (central.codes.domain if body.format is Format.DIGITAL_LINK else None)
    asked = Asked(
        gtin=body.gtin,
        count=body.count,
        format=body.format,
        batch=body.batch,
        expiry=body.expiry,
        domain=domain,
    )

    def work(connection: Connection) -> OrderView:
        with _told():
            done = placing.place(
                connection,
                central.authority_directory,
                asked,
                by,
                share_mac_key=central.codes.share_mac_keys,
            )
        if isinstance(done, Wrong):
            raise _wrong(done)
        orders_storage.complete(connection, done.tag, by.at, None)
        return view(_found(connection, done.tag))

    return write.run(caller, work, status=201)


@router.post("/code-orders/{order}/cancel", response_model=OrderView)
def cancel_order(
    caller: Brand, write: Annotated[Once, Depends(once)], order: str, body: Cancellation
) -> Response:
    """Take an order back: its codes count as never issued. Not once its codes are on products."""
    by = _by(write, caller, body.reason)

    def work(connection: Connection) -> OrderView:
        done = placing.cancel(connection, order, by)
        if done is None:
            raise not_found("order of codes", order)
        if isinstance(done, Wrong):
            raise Problem(409, f"{done.column} {done.value!r}: expected {done.expected}")
        return view(done)

    return write.run(caller, work)


@router.post("/code-orders/{order}/commission", response_model=Commissioned)
def commission_items(
    caller: Brand, write: Annotated[Once, Depends(once)], order: str, body: OnProducts
) -> Response:
    """Put codes of an order on products at a site: sellable at a store or a dealer, commissioned at a warehouse. Done again, it changes nothing."""
    directory, by = write.central.authority_directory, _by(write, caller)

    def work(connection: Connection) -> Commissioned:
        found = _found(connection, order)
        refused: tuple[commissioning.Refused, ...] = ()
        with _told():
            if body.items is not None:
                serials, refused = commissioning.read_items(directory, found, body.items)
            else:
                assert body.first is not None
                assert body.last is not None
                serials = tuple(commissioning.serials_between(directory, found, body.first, body.last))
            done = commissioning.commission(connection, found, body.site, serials, by)
        if done is None:
            raise not_found("site", body.site)
        return Commissioned(
            order=order,
            site=body.site,
            commissioned=done.commissioned,
            known=done.known,
            refused=[RefusedItem(line=one.line, reason=one.reason) for one in refused],
        )

    return write.run(caller, work)


@router.get(
    "/code-orders/{order}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {media: {} for media in exports.MEDIA_TYPES.values()}}},
)
def export_order(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Brand,
    order: str,
    as_format: Annotated[
        Export, Query(alias="format", description="pdf: sheets of A4; zpl: a label printer")
    ],
    first: Annotated[int, Query(alias="from", ge=1, description="the first running number")] = 1,
    last: Annotated[int | None, Query(alias="to", ge=1, description="the last one; else the order's")] = None,
    dpi: Annotated[Literal[203, 300, 600], Query(description="of the label printer")] = 203,
) -> StreamingResponse:
    """Codes of an order as a file: the same codes, however often it is asked for."""
    with reading(central, caller) as connection, _told():
        found = _found(connection, order)
        labels = placing.open_labels(connection, central.authority_directory, found)
        end = last or found.count
        exports.check_span(labels, as_format, first, end)
    name = f"codes-{found.tag}-{first}-{end}.{as_format}"
    return StreamingResponse(
        exports.pieces(labels, as_format, first, end, Media(dpi)),
        media_type=exports.MEDIA_TYPES[as_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def view(order: Order) -> OrderView:
    """An order as it is shown. Where its file is on somebody's machine concerns nobody here."""
    return OrderView(
        order=order.tag,
        on_products=order.commissioned,
        **{
            name: getattr(order, name)
            for name in OrderView.model_fields
            if name not in {"order", "on_products"}
        },
    )


def _found(connection: Connection, tag: str) -> Order:
    order = orders_storage.find(connection, tag)
    if order is None:
        raise not_found("order of codes", tag)
    return order


def _by(write: Once, caller: Caller, reason: str | None = None) -> By:
    return By(actor=caller.actor, at=write.central.now(), reason=reason)


def _wrong(fault: Wrong) -> Problem:
    shown = f" {fault.value[:80]!r}" if fault.value else ""
    return Problem(422, f"{fault.column}{shown}: expected {fault.expected}")


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be done, as an answer. Which file is missing where is for the log."""
    try:
        yield
    except (OrderSecretError, CodeKeyError) as error:
        log.warning("codes cannot be worked out", cause=str(error))
        raise Problem(
            503, "the keys of codes are not at hand on this machine; central's log says which"
        ) from None
    except OrderError as error:
        raise Problem(409, str(error)) from None
