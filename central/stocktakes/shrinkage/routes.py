"""``/v1/shrinkage``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.sites import storage as sites
from central.stocktakes.shrinkage import losses
from central.stocktakes.shrinkage.losses import Asked, By, Loss

router = APIRouter(prefix="/v1", tags=["stocktakes"])

CSV_COLUMNS = (
    "key", "name", "currency", "quantity", "value_minor", "unexplained_minor", "sales_minor", "percent_of_sales", "reasons"
)  # fmt: skip
DAYS_LIMIT = 1100
"""Three years, and what makes them end with a month."""


class Reason(BaseModel):
    """What is gone for one reason; below zero: found."""

    reason: str
    quantity: Decimal
    value_minor: int


class Shrinkage(BaseModel):
    """What is gone at a site, or of a product; below zero: found. At cost, against what was taken for sales."""

    key: str = Field(description="the site, or the GTIN")
    name: str | None
    currency: str
    quantity: Decimal = Field(description="of different products, in the unit of each")
    value_minor: int
    unexplained_minor: int = Field(description="what counts found missing, less what they found too much")
    sales_minor: int
    percent_of_sales: Decimal | None = Field(description="null where nothing was sold")
    reasons: list[Reason]


@router.get("/shrinkage", response_model=Page[Shrinkage], responses={200: {"content": {"text/csv": {}}}})
def list_shrinkage(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    first: Annotated[date, Query(alias="from", description="the first business day")],
    last: Annotated[date, Query(alias="to", description="the last business day, included")],
    by: By = By.SITE,
    site: str | None = None,
    dealer: Annotated[str | None, Query(description="with all dealers below it")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    as_format: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="csv: all of them; else as Accept says"),
    ] = None,
    accept: Annotated[str, Header()] = "application/json",
) -> Response:
    """What corrections took away: by count (unexplained), theft, damage and other reasons, but not own use. The greatest loss first."""
    if not 0 <= (last - first).days <= DAYS_LIMIT:
        raise Problem(400, f"to {last}: expected {first} or later, and at most {DAYS_LIMIT} days")
    if site is not None and dealer is not None:
        raise Problem(400, "dealer: expected a site or a dealer, not both")
    wants_csv = as_format == "csv" or (
        as_format is None and accept.split(",")[0].strip().startswith("text/csv")
    )
    asked = Asked(by=by, first=first, last=last, site=site, dealer=dealer)
    place = decode(cursor, tuple[int, str, str])
    with reading(central, caller) as connection:
        if site is not None and sites.find(connection, site) is None:
            raise not_found("site", site)
        if dealer is not None and not losses.is_dealer_seen(connection, dealer):
            raise not_found("dealer", dealer)
        found = losses.find(connection, asked, after=place, limit=None if wants_csv else limit + 1)
    if wants_csv:
        name = f'attachment; filename="shrinkage-{first}-{last}.csv"'
        headers = {"Content-Disposition": name}
        return Response(_csv(map(_shown, found)), media_type="text/csv; charset=utf-8", headers=headers)
    listed = page(found, limit, _shown, lambda loss: (-loss.value_minor, loss.key, loss.currency))
    return Response(listed.model_dump_json(), media_type="application/json")


def _shown(loss: Loss) -> Shrinkage:
    return Shrinkage(
        key=loss.key,
        name=loss.name,
        currency=loss.currency,
        quantity=loss.quantity,
        value_minor=loss.value_minor,
        unexplained_minor=loss.unexplained_minor,
        sales_minor=loss.sales_minor,
        percent_of_sales=loss.percent_of_sales,
        reasons=[
            Reason(reason=reason, quantity=quantity, value_minor=value)
            for reason, (quantity, value) in loss.reasons.items()
        ],
    )


def _csv(losses: Iterable[Shrinkage]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for loss in losses:
        reasons = " ".join(f"{one.reason}={one.value_minor}" for one in loss.reasons)
        writer.writerow({**loss.model_dump(), "reasons": reasons})
    return text.getvalue()
