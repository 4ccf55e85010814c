"""``/v1/despatches``: goods on their way."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.containers.routes import Sscc
from central.database import EVERY_SITE, Connection
from central.despatches import storage, transfers
from central.despatches.rules import Despatch as Kept
from central.despatches.rules import DespatchState, Line
from central.despatches.transfers import Transfer
from central.products.routes import Gtin, must_be_known
from protocol.codes import parse_typed, recognise
from protocol.orders import Forbidden

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
    containers: list[str] = Field(description="cases and pallets; what is in them counts in the lines")


class LeavingLine(BaseModel):
    """A quantity of a product that leaves, with the codes of its items where they carry any."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    quantity: Decimal = Field(gt=0, max_digits=18, decimal_places=6)
    items: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=10_000)


class NewDespatch(BaseModel):
    """Goods that leave one site for another without an order."""

    model_config = ConfigDict(extra="forbid")

    from_site: str
    to_site: str
    despatch_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    lines: list[LeavingLine] = Field(default=[], max_length=1000)
    containers: list[Sscc] = Field(default=[], max_length=1000)
    reason: str | None = Field(default=None, max_length=500)


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


@router.post("/despatches", status_code=201, response_model=Despatch)
def post_despatch(caller: Brand, write: Annotated[Once, Depends(once)], body: NewDespatch) -> Response:
    """Send goods from one site to another without an order: to a shop that did not ask, between shops, or back to a warehouse."""
    transfer = Transfer(
        from_site=body.from_site,
        to_site=body.to_site,
        lines=tuple(
            Line(
                line=number,
                gtin=line.gtin,
                quantity=line.quantity,
                items=tuple(dict.fromkeys(recognise(parse_typed(item)).item or item for item in line.items)),
            )
            for number, line in enumerate(body.lines, 1)
        ),
        containers=tuple(body.containers),
        despatch_id=body.despatch_id,
    )
    by = By(actor=caller.actor, at=write.central.now(), reason=body.reason)

    def work(connection: Connection) -> Despatch:
        must_be_known(connection, [line.gtin for line in transfer.lines])
        done = transfers.send(connection, transfer, by)
        if isinstance(done, Forbidden):
            raise Problem(409, done.reason)
        return _shown(done)

    return write.run(caller, work, status=201, sites=EVERY_SITE)


def _shown(despatch: Kept) -> Despatch:
    return Despatch(
        to_site=despatch.to_site,
        despatch_id=despatch.despatch_id,
        from_site=despatch.from_site,
        order_id=despatch.order_id,
        state=despatch.state,
        despatched_at=despatch.despatched_at,
        received_at=despatch.received_at,
        containers=list(despatch.containers),
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
