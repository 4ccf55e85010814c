"""``/v1/items``: where an item is, and how it came there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict, Field, field_validator

from central.api.callers import Brand, Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.problems import not_found
from central.database import Connection
from central.items.registration import SERIAL, Batch, register
from central.products.routes import Gtin, must_be_known
from protocol.codes import parse_typed, recognise
from protocol.items import State

router = APIRouter(prefix="/v1", tags=["items"])


class NewItems(BaseModel):
    """Items of one product that are at one site."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    serials: list[str] = Field(min_length=1, max_length=10_000, description="1 to 20 characters each (AI 21)")
    site: str
    batch: str | None = Field(default=None, min_length=1, max_length=20)
    expiry: date | None = None

    @field_validator("serials")
    @classmethod
    def _sound(cls, serials: list[str]) -> list[str]:
        for number, serial in enumerate(serials):
            if not SERIAL.fullmatch(serial):
                raise ValueError(
                    f"[{number}]: expected 1 to 20 characters that GS1 allows in a serial number"
                )
        if len(set(serials)) != len(serials):
            raise ValueError("expected every serial number once")
        return serials


class Registered(BaseModel):
    """What became of the items."""

    state: State
    items: list[str]
    known: list[str] = Field(description="were there before, and stay as they are")


class TraceStep(BaseModel):
    """Something that happened to an item."""

    action: str
    from_state: str | None
    to_state: str
    legal: bool = Field(
        description="false: the life of an item does not know this step, and it happened all the same"
    )
    note: str | None
    site: str | None
    journal: int | None
    seq: int | None
    document: str | None
    event_time: datetime
    recorded_at: datetime


class Trace(BaseModel):
    """The life of an item. Sites that are not yours are left out."""

    item: str
    gtin: str
    state: str
    site: str | None
    batch: str | None
    expiry: date | None
    sold_at: datetime | None
    sold_site: str | None
    steps: list[TraceStep]


@router.get("/items/{item:path}/trace")
def trace(central: Annotated[Central, Depends(central_of)], caller: Reader, item: str) -> Trace:
    """Where an item is and how it came there. `item` is its id (`01<gtin>21<serial>`), or its code as it is typed:
    an element string in brackets or a GS1 Digital Link, percent-encoded."""
    name = _canonical(item)
    with reading(central, caller) as connection, connection.cursor(row_factory=dict_row) as cursor:
        life = cursor.execute(
            """
            SELECT item, gtin, state, site_id AS site, batch, expiry, sold_at, sold_site_id AS sold_site FROM items
             WHERE item = %s
            """,
            (name,),
        ).fetchone()
        if life is None:
            raise not_found("item", item)
        steps = cursor.execute(
            """
            SELECT action, from_state, to_state, legal, note, site_id AS site, journal, seq, document, event_time, recorded_at
              FROM item_trace WHERE item = %s ORDER BY trace_id LIMIT 1000
            """,
            (name,),
        ).fetchall()
    return Trace(**_within_scope(caller, life), steps=[TraceStep(**step) for step in steps])


@router.post("/items", status_code=201, response_model=Registered)
def put_items(
    central: Annotated[Central, Depends(central_of)],
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    body: NewItems,
) -> Response:
    """Register items of a product: sellable at a store or a dealer, commissioned at a warehouse. Moves no stock."""
    batch = Batch(
        gtin=body.gtin, serials=tuple(body.serials), site=body.site, batch=body.batch, expiry=body.expiry
    )

    def work(connection: Connection) -> Registered:
        must_be_known(connection, [body.gtin])
        done = register(connection, batch, f"registration:{write.fingerprint.hex()[:16]}", central.now())
        if done is None:
            raise not_found("site", body.site)
        return Registered(state=done.state, items=list(done.items), known=list(done.known))

    return write.run(caller, work, status=201)


def _canonical(text: str) -> str:
    return recognise(parse_typed(text)).item or text


def _within_scope(caller: Caller, life: dict[str, Any]) -> dict[str, Any]:
    if caller.sees_every_site or life["sold_site"] is None or life["sold_site"] in caller.sites:
        return life
    return {**life, "sold_site": None}
