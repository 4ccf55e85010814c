"""``/v1/costs``. What goods cost the brand is none of its dealers' business: only who oversees everything reads it here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from central.api.callers import Brand, Overseer, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.costs import storage
from central.costs.rules import COST_LIMIT_MINOR, COST_PLACES, CostRow
from central.database import Connection
from central.products.routes import Gtin, must_be_known

router = APIRouter(prefix="/v1", tags=["products"])

UnitCost = Annotated[Decimal, Field(ge=0, lt=COST_LIMIT_MINOR, decimal_places=COST_PLACES)]


class Cost(BaseModel):
    """What one unit of a product costs the brand, from a moment on."""

    gtin: str
    currency: str
    cost_minor: Decimal = Field(description="minor units, with fractions where there are any")
    valid_from: datetime


class NewCost(BaseModel):
    """A cost to be set; it holds from now where `valid_from` is not given."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    currency: str = Field(pattern="^[A-Z]{3}$")
    cost_minor: UnitCost
    valid_from: AwareDatetime | None = None


@router.get("/costs")
def list_costs(
    central: Annotated[Central, Depends(central_of)],
    caller: Overseer,
    gtin: Gtin | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Cost]:
    """Costs, past and future ones included."""
    place = decode(cursor, tuple[str, str, datetime])
    with reading(central, caller) as connection:
        rows = storage.page(connection, gtin=gtin, after=place, limit=limit + 1)
    return page(
        rows, limit, lambda row: Cost(**row), lambda row: (row["gtin"], row["currency"], row["valid_from"])
    )


@router.post("/costs", status_code=201, response_model=Cost)
def put_cost(
    central: Annotated[Central, Depends(central_of)],
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    body: NewCost,
) -> Response:
    """Set a cost. Goods that come from a supplier from then on are worth it; what is there already stays worth what it was."""
    row = CostRow(
        gtin=body.gtin,
        currency=body.currency,
        valid_from=body.valid_from or central.now(),
        cost_minor=body.cost_minor,
    )

    def work(connection: Connection) -> Cost:
        must_be_known(connection, [row.gtin])
        storage.put(connection, [row])
        return Cost(
            gtin=row.gtin, currency=row.currency, cost_minor=row.cost_minor, valid_from=row.valid_from
        )

    return write.run(caller, work, status=201)
