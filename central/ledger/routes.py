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
from central.costs.rules import COST_LIMIT_MINOR, COST_PLACES
from central.database import Connection
from central.ledger import documents, views
from central.ledger.documents import Differs, Document, Line, Revaluation, Unknown
from central.ledger.views import Which
from central.products.routes import Gtin, must_be_known

router = APIRouter(prefix="/v1", tags=["stock"])

Quantity = Annotated[Decimal, Field(max_digits=18, decimal_places=3)]
UnitCost = Annotated[Decimal, Field(ge=0, lt=COST_LIMIT_MINOR, decimal_places=COST_PLACES)]


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
    value_minor: int = Field(description="of what is on hand, at moving-average cost, in the site's currency")
    unit_cost_minor: Decimal | None = Field(
        description="of one unit when some last came in; null: never known"
    )


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
    """A quantity that left one place and arrived at another, with its worth and the event (journal, seq) or document behind it.

    Without a quantity it is a revaluation: worth alone.
    """

    site: str
    movement_id: int
    gtin: str
    quantity: Decimal
    value_minor: int = Field(description="at cost, in the site's currency")
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


class DocumentLine(BaseModel):
    """A quantity of a product, what one unit of it is worth, or both: as the kind of the document asks."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    quantity: Quantity | None = None
    unit_cost_minor: UnitCost | None = Field(
        default=None, description="in minor units of the site's currency; fractions are allowed"
    )


class NewDocument(BaseModel):
    """A document that moves stock or its worth. `document` is its own number: sent again, it is not booked again.

    `opening` brings goods from the supplier, worth `unit_cost_minor` where it is given; `adjustment` corrects; `set_aside` takes goods
    from the shelf into quarantine, below zero back; `revaluation` makes what is on hand worth `unit_cost_minor` a unit.
    """

    model_config = ConfigDict(extra="forbid")

    document: str = Field(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")
    kind: Literal["opening", "adjustment", "set_aside", "revaluation"]
    site: str
    reason: str | None = Field(
        default=None, pattern=r"^[a-z0-9_]{1,40}$", description="of an adjustment: damage, found …"
    )
    location: Literal["on_hand", "quarantine"] = Field(
        default="on_hand", description="what an adjustment corrects"
    )
    event_time: AwareDatetime | None = Field(
        default=None, description="when it happened; now where not given, and always for a revaluation"
    )
    lines: list[DocumentLine] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _sound(self) -> NewDocument:
        if (self.kind == "adjustment") != (self.reason is not None):
            raise ValueError("reason: expected for an adjustment, and only there")
        if self.kind != "adjustment" and self.location != "on_hand":
            raise ValueError("location: expected for an adjustment only")
        return self._sound_revaluation() if self.kind == "revaluation" else self._sound_goods()

    def _sound_goods(self) -> NewDocument:
        quantities = [line.quantity for line in self.lines]
        if any(quantity is None for quantity in quantities):
            raise ValueError("lines: a quantity is expected in every line")
        if self.kind == "opening" and any(quantity < 0 for quantity in quantities if quantity is not None):
            raise ValueError("lines: an opening stock cannot be below zero")
        if self.kind != "opening" and any(line.unit_cost_minor is not None for line in self.lines):
            raise ValueError("lines: unit_cost_minor is expected in an opening or a revaluation only")
        return self

    def _sound_revaluation(self) -> NewDocument:
        if any(line.quantity is not None or line.unit_cost_minor is None for line in self.lines):
            raise ValueError("lines: a revaluation has a unit_cost_minor in every line, and no quantity")
        if len({line.gtin for line in self.lines}) < len(self.lines):
            raise ValueError("lines: a revaluation names a product once")
        if self.event_time is not None:
            raise ValueError("event_time: a revaluation holds from now on")
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
    location: Annotated[
        str | None, Query(description="what came there and what left it: on_hand, customer …")
    ] = None,
    day: Annotated[date | None, Query(description="the site's business day")] = None,
    document: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Movement]:
    """Movements in the order of their booking at each site: what every balance is the sum of."""
    place = decode(cursor, tuple[str, int])
    with reading(central, caller) as connection:
        which = Which(site=site, gtin=gtin, location=location, day=day, document=document)
        rows = views.movements(connection, which, after=place, limit=limit + 1)
    return page(rows, limit, lambda row: Movement(**row), lambda row: (row["site"], row["movement_id"]))


@router.post("/movements", status_code=201, response_model=Booked)
def book(
    central: Annotated[Central, Depends(central_of)],
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    body: NewDocument,
) -> Response:
    """Book an opening stock (from a supplier), an adjustment (with its reason), goods set aside, or a revaluation. The same document again
    changes nothing; another one under its number is refused."""
    now = central.now()
    number = f"{body.kind}:{body.document}"

    def work(connection: Connection) -> Booked:
        must_be_known(connection, [line.gtin for line in body.lines])
        done = _book(connection, body, number, now)
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
            connection, Which(site=body.site, document=number), limit=len(body.lines)
        )
        return Booked(document=number, booked=done is True, movements=[Movement(**row) for row in rows])

    return write.run(caller, work, status=201)


def _book(connection: Connection, body: NewDocument, number: str, now: datetime) -> bool | Unknown | Differs:
    if body.kind == "revaluation":
        costs = {line.gtin: line.unit_cost_minor for line in body.lines if line.unit_cost_minor is not None}
        return documents.revalue(
            connection, Revaluation(site=body.site, document=number, unit_costs_minor=costs), now
        )
    lines = tuple(
        Line(line=at, gtin=line.gtin, quantity=line.quantity, unit_cost_minor=line.unit_cost_minor)
        for at, line in enumerate(body.lines, 1)
        if line.quantity is not None
    )
    document = Document(
        site=body.site,
        document=number,
        lines=lines,
        event_time=body.event_time or now,
        reason=body.reason,
        location=body.location,
        set_aside=body.kind == "set_aside",
    )
    return documents.book(connection, document, now)
