"""``GET /v1/stock/suspects``: where the next count pays."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from psycopg.rows import dict_row
from pydantic import BaseModel, Field

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.paging import Cursor, Limit, Page, decode, page
from central.database import Connection
from central.products.routes import Gtin

router = APIRouter(prefix="/v1", tags=["stock"])

_SUSPECTS = """
SELECT s.site_id AS site, s.gtin, p.name, s.probability, s.on_hand, s.value_minor, sites.currency, s.last_sold_on, s.silent_days, s.missed,
       s.looked_at
  FROM stock_suspects AS s JOIN sites USING (site_id) LEFT JOIN products AS p USING (gtin)
 WHERE (%(site)s::text IS NULL OR s.site_id = %(site)s)
   AND (%(dealer)s::text IS NULL OR s.site_id IN (
        SELECT site_id FROM sites JOIN dealers USING (dealer_id)
         WHERE starts_with(path, (SELECT path FROM dealers WHERE dealer_id = %(dealer)s))))
   AND (%(gtin)s::bpchar IS NULL OR s.gtin = %(gtin)s::bpchar) AND s.probability >= %(least)s
   AND (%(after)s::float IS NULL OR s.probability < %(after)s
        OR (s.probability = %(after)s AND (s.site_id, s.gtin) > (%(after_site)s, %(after_gtin)s::bpchar)))
 ORDER BY s.probability DESC, s.site_id, s.gtin LIMIT %(limit)s
"""


class Suspect(BaseModel):
    """A shelf that is full on paper and does not sell."""

    site: str
    gtin: str
    name: str | None
    probability: float = Field(description="that nothing is there to be sold")
    on_hand: Decimal
    value_minor: int
    currency: str
    last_sold_on: date
    silent_days: int = Field(description="days since, on which the shop was open and had it on paper")
    missed: float = Field(description="units that its usual rate would have sold in those days")
    looked_at: datetime


@router.get("/stock/suspects")
def list_suspects(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    dealer: Annotated[
        str | None, Query(description="the sites of this dealer and of all below it", max_length=100)
    ] = None,
    gtin: Gtin | None = None,
    probability: Annotated[float, Query(description="at least", ge=0, le=1)] = 0.0,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Suspect]:
    """Fast movers that are in stock on paper and have not sold for unusually long, the most suspicious first: what to count next."""
    place = decode(cursor, tuple[float, str, str])
    after, after_site, after_gtin = place or (None, None, None)
    values = {
        "site": site, "dealer": dealer, "gtin": gtin, "least": probability, "after": after, "after_site": after_site,
        "after_gtin": after_gtin, "limit": limit + 1,
    }  # fmt: skip
    with reading(central, caller) as connection:
        rows = _read(connection, values)
    return page(
        rows, limit, lambda row: Suspect(**row), lambda row: (row["probability"], row["site"], row["gtin"])
    )


def _read(connection: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SUSPECTS, values).fetchall()
