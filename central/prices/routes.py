"""``/v1/prices``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from central.api.callers import Brand, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.database import Connection
from central.prices import storage
from central.prices.rules import PRICE_LIMIT_MINOR, PriceRow
from central.products.routes import Gtin, must_be_known

router = APIRouter(prefix="/v1", tags=["products"])


class Price(BaseModel):
    """What one unit of a product costs in a price list, from a moment on."""

    price_list: str
    gtin: str
    price_minor: int
    currency: str
    valid_from: datetime


class NewPrice(BaseModel):
    """A price to be set; it holds from now where `valid_from` is not given."""

    model_config = ConfigDict(extra="forbid")

    price_list: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    gtin: Gtin
    price_minor: int = Field(ge=0, lt=PRICE_LIMIT_MINOR)
    currency: str = Field(pattern="^[A-Z]{3}$")
    valid_from: AwareDatetime | None = None


@router.get("/prices")
def list_prices(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    price_list: str | None = None,
    gtin: Gtin | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Price]:
    """Prices of the lists that your sites use, past and future ones included."""
    place = decode(cursor, tuple[str, str, datetime])
    with reading(central, caller) as connection:
        rows = storage.page(connection, price_list=price_list, gtin=gtin, after=place, limit=limit + 1)
    return page(
        rows, limit, lambda row: Price(**row), lambda row: (row["price_list"], row["gtin"], row["valid_from"])
    )


@router.post("/prices", status_code=201, response_model=Price)
def put_price(
    central: Annotated[Central, Depends(central_of)],
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    body: NewPrice,
) -> Response:
    """Set a price. Agents hear of it at once, or when its time comes."""
    now = central.now()
    row = PriceRow(
        price_list=body.price_list,
        gtin=body.gtin,
        price_minor=body.price_minor,
        currency=body.currency,
        valid_from=body.valid_from or now,
    )

    def work(connection: Connection) -> Price:
        must_be_known(connection, [row.gtin])
        storage.put(connection, [row], now)
        return Price(
            price_list=row.price_list,
            gtin=row.gtin,
            price_minor=row.price_minor,
            currency=row.currency,
            valid_from=row.valid_from,
        )

    return write.run(caller, work, status=201)
