"""``/v1/products``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from central.api.callers import Brand, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import Connection
from central.imports.rules import Wrong
from central.products import storage
from central.products.rules import gtin_14
from protocol.feeds import Product as CatalogueRow

router = APIRouter(prefix="/v1", tags=["products"])


def _gtin(text: str) -> str:
    found = gtin_14(text)
    if isinstance(found, Wrong):
        raise ValueError(f"{found.value[:40]!r}: expected {found.expected}")  # noqa: TRY004 - what pydantic listens for
    return found


Gtin = Annotated[str, AfterValidator(_gtin), Field(description="8, 12, 13 or 14 digits; kept as 14")]


class Product(BaseModel):
    """What is sold under a GTIN."""

    gtin: str
    name: str
    unit: str
    department: str | None
    category: str | None
    package_size: str | None
    serialised: bool = Field(description="each piece carries its own code")
    active: bool
    updated_at: datetime


class NewProduct(BaseModel):
    """A product to be added; the one of this GTIN that is there already is changed."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    name: str = Field(min_length=1, max_length=1000)
    unit: str = Field(default="each", min_length=1, max_length=40)
    department: str | None = Field(default=None, max_length=200)
    category: str | None = Field(default=None, max_length=200)
    package_size: str | None = Field(default=None, max_length=200)
    serialised: bool = False
    active: bool = True


@router.get("/products")
def list_products(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    name: Annotated[str | None, Query(description="a part of the name, in any case")] = None,
    status: Literal["active", "inactive"] | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Product]:
    """The catalogue, by GTIN."""
    place = decode(cursor, tuple[str])
    active = None if status is None else status == "active"
    with reading(central, caller) as connection:
        rows = storage.page(
            connection, name=name, active=active, after=place[0] if place else None, limit=limit + 1
        )
    return page(rows, limit, lambda row: Product(**row), lambda row: (row["gtin"],))


@router.get("/products/{gtin}")
def get_product(central: Annotated[Central, Depends(central_of)], caller: Reader, gtin: Gtin) -> Product:
    """One product."""
    with reading(central, caller) as connection:
        row = storage.find(connection, gtin)
    if row is None:
        raise not_found("product", gtin)
    return Product(**row)


@router.post("/products", status_code=201, response_model=Product)
def put_product(caller: Brand, write: Annotated[Once, Depends(once)], body: NewProduct) -> Response:
    """Add a product, or change the one of this GTIN. Every agent hears of it."""

    def work(connection: Connection) -> Product:
        storage.put(connection, [CatalogueRow(**body.model_dump())])
        row = storage.find(connection, body.gtin)
        assert row is not None
        return Product(**row)

    return write.run(caller, work, status=201)


def must_be_known(connection: Connection, gtins: list[str]) -> None:
    """Refuse a request that names a product which is not in the catalogue."""
    missing = storage.unknown(connection, gtins)
    if missing:
        raise Problem(422, f"product {', '.join(sorted(missing)[:5])}: not in the catalogue; add it first")
