"""``/v1/sites`` and ``/v1/dealers``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.api.callers import Brand, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import Connection
from central.imports.rules import Numbered
from central.sites import storage
from central.sites.rules import SiteRow, wrong_in

router = APIRouter(prefix="/v1", tags=["sites"])

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Kind = Literal["store", "dealer", "warehouse"]


class Site(BaseModel):
    """A place where goods are kept or sold."""

    site: str
    name: str
    kind: Kind
    dealer: str
    time_zone: str
    currency: str
    price_list: str
    serving_site: str | None = Field(description="the warehouse, or upper dealer, that its orders go to")
    latitude: float | None = Field(description="where it stands (WGS 84), if somebody has entered it")
    longitude: float | None
    closed_at: datetime | None
    created_at: datetime


class NewSite(BaseModel):
    """A site to be added; a site of this id that is there already is changed."""

    model_config = ConfigDict(extra="forbid")

    site: Id
    name: str = Field(min_length=1, max_length=200)
    kind: Kind
    dealer: Id = "brand"
    time_zone: str = "UTC"
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    serving_site: Id | None = None
    price_list: str = "default"
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


class Dealer(BaseModel):
    """A dealer in the tree."""

    dealer: str
    name: str
    parent: str | None


class NewDealer(BaseModel):
    """A dealer to be added or renamed."""

    model_config = ConfigDict(extra="forbid")

    dealer: Id
    name: str = Field(min_length=1, max_length=200)
    parent: Id | None = None


@router.get("/sites")
def list_sites(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    kind: Kind | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Site]:
    """The sites you may see, by id."""
    place = decode(cursor, tuple[str])
    with reading(central, caller) as connection:
        rows = storage.page(connection, kind=kind, after=place[0] if place else None, limit=limit + 1)
    return page(rows, limit, lambda row: Site(**row), lambda row: (row["site"],))


@router.get("/sites/{site}")
def get_site(central: Annotated[Central, Depends(central_of)], caller: Reader, site: str) -> Site:
    """One site."""
    with reading(central, caller) as connection:
        row = storage.find(connection, site)
    if row is None:
        raise not_found("site", site)
    return Site(**row)


@router.post("/sites", status_code=201, response_model=Site)
def put_site(caller: Brand, write: Annotated[Once, Depends(once)], body: NewSite) -> Response:
    """Add a site, or change the one of this id. Its dealer must be there."""
    row = SiteRow(**body.model_dump())

    def work(connection: Connection) -> Site:
        wrong = wrong_in(row)
        if wrong is not None:
            raise Problem(422, f"{wrong.column} {wrong.value!r}: expected {wrong.expected}")
        if row.dealer != "brand" and storage.dealer_path(connection, row.dealer) is None:
            raise Problem(422, f"dealer {row.dealer!r}: not known here; add it first (POST /v1/dealers)")
        faults = storage.put_sites(connection, [Numbered(1, row)])
        if faults:
            raise Problem(422, f"{faults[0].column} {faults[0].value!r}: expected {faults[0].expected}")
        kept = storage.find(connection, row.site)
        assert kept is not None
        return Site(**kept)

    return write.run(caller, work, status=201)


@router.get("/dealers")
def list_dealers(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Dealer]:
    """The dealers whose sites you may see, by id."""
    place = decode(cursor, tuple[str])
    with reading(central, caller) as connection:
        rows = storage.dealers(connection, after=place[0] if place else None, limit=limit + 1)
    if not caller.sees_every_site:
        visible = {row["dealer"] for row in rows}
        rows = [{**row, "parent": row["parent"] if row["parent"] in visible else None} for row in rows]
    return page(
        rows,
        limit,
        lambda row: Dealer(dealer=row["dealer"], name=row["name"], parent=row["parent"]),
        lambda row: (row["dealer"],),
    )


@router.post("/dealers", status_code=201, response_model=Dealer)
def put_dealer(caller: Brand, write: Annotated[Once, Depends(once)], body: NewDealer) -> Response:
    """Add a dealer below its parent, or rename the one of this id."""

    def work(connection: Connection) -> Dealer:
        why_not = storage.put_dealer(connection, body.dealer, body.name, body.parent)
        if why_not is not None:
            raise Problem(422, why_not)
        return Dealer(dealer=body.dealer, name=body.name, parent=body.parent)

    return write.run(caller, work, status=201)
