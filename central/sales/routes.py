"""``/v1/sales/totals``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.problems import Problem
from central.sales.totals import totals

router = APIRouter(prefix="/v1", tags=["sales"])


class Part(BaseModel):
    """Receipts of one kind. Of voids and returns, quantity and amounts are below zero."""

    receipts: int
    lines: int
    quantity: Decimal
    amount_minor: int
    discount_minor: int


class SiteTotals(BaseModel):
    """What a site sold in one currency: sales less voids, and amounts less returns."""

    site: str
    currency: str
    receipts: int
    lines: int
    quantity: Decimal
    amount_minor: int
    discount_minor: int
    sold: Part
    voided: Part
    returned: Part


class Totals(BaseModel):
    """Totals by site and currency."""

    items: list[SiteTotals] = Field(description="every site that sold something; not paged")


@router.get("/sales/totals")
def sales_totals(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    first: Annotated[date | None, Query(alias="from", description="the first business day")] = None,
    last: Annotated[date | None, Query(alias="to", description="the last business day, included")] = None,
) -> Totals:
    """What was sold, by site and currency, on the sites' business days."""
    if first and last and last < first:
        raise Problem(400, f"to {last}: expected {first} or later")
    with reading(central, caller) as connection:
        rows = totals(connection, site=site, first=first, last=last)
    return Totals(items=[SiteTotals(**row) for row in rows])
