"""``/v1/despatches``: goods on their way."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import not_found
from central.despatches import storage
from central.despatches.rules import Despatch as Kept
from central.despatches.rules import DespatchState

router = APIRouter(prefix="/v1", tags=["orders"])


class DespatchLine(BaseModel):
    """What was announced of a product, and what of it has been received."""

    line: int
    gtin: str
    quantity: Decimal
    received: Decimal
    items: list[str]


class Despatch(BaseModel):
    """A despatch advice."""

    to_site: str
    despatch_id: str
    from_site: str
    order_id: str | None
    state: DespatchState
    despatched_at: datetime
    received_at: datetime | None
    lines: list[DespatchLine]


@router.get("/despatches")
def list_despatches(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    state: DespatchState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Despatch]:
    """Despatches to your sites, the newest first; `site` is the receiving one."""
    place = decode(cursor, tuple[datetime, str, str])
    with reading(central, caller) as connection:
        rows = storage.page(connection, site=site, state=state, after=place, limit=limit + 1)
    return page(rows, limit, _shown, lambda one: (one.despatched_at, one.to_site, one.despatch_id))


@router.get("/despatches/{site}/{despatch_id}")
def get_despatch(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, despatch_id: str
) -> Despatch:
    """One despatch to a site."""
    with reading(central, caller) as connection:
        found = storage.find(connection, site, despatch_id)
    if found is None:
        raise not_found("despatch", f"{site}/{despatch_id}")
    return _shown(found)


def _shown(despatch: Kept) -> Despatch:
    return Despatch(
        to_site=despatch.to_site,
        despatch_id=despatch.despatch_id,
        from_site=despatch.from_site,
        order_id=despatch.order_id,
        state=despatch.state,
        despatched_at=despatch.despatched_at,
        received_at=despatch.received_at,
        lines=[
            DespatchLine(
                line=line.line,
                gtin=line.gtin,
                quantity=line.quantity,
                received=line.received,
                items=list(line.items),
            )
            for line in despatch.lines
        ],
    )
