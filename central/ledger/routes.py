"""``/v1/stock``, ``/v1/stock-levels`` and ``/v1/movements``."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from central.api.callers import Brand, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import Connection
from central.ledger import documents, views
from central.ledger.documents import Differs, Document, Line, Unknown
from central.products.routes import Gtin, must_be_known

router = APIRouter(prefix="/v1", tags=["stock"])

Quantity = Annotated[Decimal, Field(max_digits=18, decimal_places=3)]


class Stock(BaseModel):
    """What a site has of a product, and what is coming."""

    site: str
    gtin: str
    on_hand: Decimal
    reserved: Decimal = Field(description="promised to orders")
    available: Decimal = Field(description="on hand, and not promised")
    quarantine: Decimal
    in_transit: Decimal = Field(description="despatched to this site, and not received yet")
    on_order: Decimal = Field(description="ordered by this site, and not despatched yet")
    reorder_point: Decimal | None
    order_up_to: Decimal | None


class StockLevel(BaseModel):
    """The levels between which a site keeps a product."""

    model_config = ConfigDict(extra="forbid")

    site: str
    gtin: Gtin
    reorder_point: Annotated[Quantity, Field(ge=0)]
    order_up_to: Annotated[Quantity, Field(ge=0)]

    @model_validator(mode="after")
    def _in_order(self) -> StockLevel:
        if self.order_up_to < self.reorder_point:
            raise ValueError(
                f"order_up_to {self.order_up_to}: expected at least reorder_point {self.reorder_point}"
            )
        return self


class Movement(BaseModel):
    """A quantity that left one place and arrived at another, with the event (journal, seq) or document behind it."""

    site: str
    movement_id: int
    gtin: str
    quantity: Decimal
    source: str
    destination: str
    cause: str
    journal: int | None
    seq: int | None
    document: str | None
    line: int
    event_time: datetime
    recorded_at: datetime
    business_day: date


class MovedLine(BaseModel):
    """A quantity of a product; in an adjustment, below zero for what is gone."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    quantity: Quantity


class NewDocument(BaseModel):
    """A document that moves stock. `document` is its own number: sent again, it is not booked again."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")
    kind: Literal["opening", "adjustment"]
    site: str
    reason: str | None = Field(
        default=None, pattern=r"^[a-z0-9_]{1,40}$", description="of an adjustment: damage, found …"
    )
    event_time: AwareDatetime | None = Field(
        default=None, description="when it happened; now where not given"
    )
    lines: list[MovedLine] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _sound(self) -> NewDocument:
        if (self.kind == "adjustment") != (self.reason is not None):
            raise ValueError("reason: expected for an adjustment, and only there")
        if self.kind == "opening" and any(line.quantity < 0 for line in self.lines):
            raise ValueError("lines: an opening stock cannot be below zero")
        return self


class Booked(BaseModel):
    """What a document has moved."""

    document: str
    booked: bool = Field(description="false: it had been booked before, and nothing was changed")
    movements: list[Movement]


@router.get("/stock")
def list_stock(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    gtin: Gtin | None = None,
    short: Annotated[Literal["true", "false"], Query(description="only what should be reordered")] = "false",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Stock]:
    """Stock by site and product."""
    place = decode(cursor, tuple[str, str])
    with reading(central, caller) as connection:
        rows = views.stock(
            connection, site=site, gtin=gtin, short=short == "true", after=place, limit=limit + 1
        )
    return page(rows, limit, lambda row: Stock(**row), lambda row: (row["site"], row["gtin"]))


@router.post("/stock-levels", status_code=201, response_model=StockLevel)
def put_level(caller: Brand, write: Annotated[Once, Depends(once)], body: StockLevel) -> Response:
    """Set the levels between which a site keeps a product."""

    def work(connection: Connection) -> StockLevel:
        if connection.execute("SELECT FROM sites WHERE site_id = %s", (body.site,)).fetchone() is None:
            raise not_found("site", body.site)
        must_be_known(connection, [body.gtin])
        connection.execute(
            """
            INSERT INTO stock_levels (site_id, gtin, reorder_point, order_up_to) VALUES (%s, %s, %s, %s)
            ON CONFLICT (site_id, gtin) DO UPDATE
               SET reorder_point = excluded.reorder_point, order_up_to = excluded.order_up_to
            """,
            (body.site, body.gtin, body.reorder_point, body.order_up_to),
        )
        return body

    return write.run(caller, work, status=201)


@router.get("/movements")
def list_movements(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    gtin: Gtin | None = None,
    day: Annotated[date | None, Query(description="the site's business day")] = None,
    document: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Movement]:
    """Movements in the order of their booking at each site: what every balance is the sum of."""
    place = decode(cursor, tuple[str, int])
    with reading(central, caller) as connection:
        rows = views.movements(
            connection, site=site, gtin=gtin, day=day, document=document, after=place, limit=limit + 1
        )
    return page(rows, limit, lambda row: Movement(**row), lambda row: (row["site"], row["movement_id"]))


@router.post("/movements", status_code=201, response_model=Booked)
def book(
    central: Annotated[Central, Depends(central_of)],
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    body: NewDocument,
) -> Response:
    """Book an opening stock (from a supplier) or an adjustment (with its reason). The same document again changes nothing;
    another one under its number is refused."""
    now = central.now()
    document = Document(
        site=body.site,
        document=f"{body.kind}:{body.document}",
        lines=tuple(
            Line(line=number, gtin=line.gtin, quantity=line.quantity)
            for number, line in enumerate(body.lines, 1)
        ),
        event_time=body.event_time or now,
        reason=body.reason,
    )

    def work(connection: Connection) -> Booked:
        must_be_known(connection, [line.gtin for line in body.lines])
        done = documents.book(connection, document, now)
        match done:
            case Unknown():
                raise not_found("site", body.site)
            case Differs(booked_at=booked_at):
                raise Problem(
                    409,
                    f"document {body.document!r} was booked at {booked_at.isoformat()} with other lines; "
                    f"give this one a number of its own",
                )
        rows: list[dict[str, Any]] = views.movements(
            connection, site=body.site, document=document.document, limit=len(body.lines)
        )
        return Booked(
            document=document.document, booked=done is True, movements=[Movement(**row) for row in rows]
        )

    return write.run(caller, work, status=201)
