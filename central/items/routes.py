"""``/v1/items``: where an item is, and how it came there."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from central.actors import By
from central.api.callers import Brand, Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.problems import Problem, not_found
from central.codes.orders import OrderError
from central.database import EVERY_SITE, Connection
from central.items import actions, views
from central.items.actions import Deed, Which
from central.items.issuance import named
from central.items.registration import SERIAL, Batch, register
from central.products.routes import Gtin, must_be_known
from protocol.codes import parse_typed, recognise
from protocol.epcis import DISPOSITIONS
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


class EpcisEvent(BaseModel):
    """A step in the words of EPCIS 2.0 and its vocabulary (CBV 2.0)."""

    event_type: str
    action: str
    biz_step: str | None
    disposition: str | None
    error_reason: str | None


class TraceStep(BaseModel):
    """Something that happened to an item."""

    action: str
    from_state: str | None
    to_state: str | None
    legal: bool = Field(
        description="false: the life of an item does not know this step, and it happened all the same"
    )
    note: str | None
    site: str | None
    container: str | None = Field(description="the case or pallet it was packed into, or came in")
    journal: int | None
    seq: int | None
    document: str | None
    event_time: datetime
    uncertainty_us: int | None = Field(description="how far event_time may still be off, either way")
    recorded_at: datetime
    epcis: list[EpcisEvent]


class Item(BaseModel):
    """An item as it is now. A site that is not yours is left out."""

    item: str
    gtin: str
    state: str = Field(
        description="`unknown`: nobody ever issued this code; `issued`: it is on no product yet"
    )
    disposition: str = Field(description="the state in EPCIS 2.0 (CBV 2.0)")
    site: str | None
    batch: str | None
    expiry: date | None
    sold_at: datetime | None
    sold_site: str | None
    standing_sales: int = Field(description="sales less those taken back; 2 and more: it was sold twice")
    container: str | None = Field(description="the SSCC of the case it lies in")
    unissued: bool = Field(
        description="nobody has issued or registered it: it is known by what happened to it"
    )


class Trace(Item):
    """The life of an item. Sites that are not yours are left out."""

    steps: list[TraceStep]


@router.get("/items/{item:path}/trace")
def trace(central: Annotated[Central, Depends(central_of)], caller: Reader, item: str) -> Trace:
    """Where an item is and how it came there. `item` is its id (`01<gtin>21<serial>`), or its code as it is typed:
    an element string in brackets or a GS1 Digital Link, percent-encoded."""
    name = _canonical(item)
    with reading(central, caller) as connection:
        steps = views.steps(connection, name)
        life = _life(central, caller, connection, name)
    if life is None and not steps:
        raise not_found("item", item)
    return Trace(
        **_shown(caller, life or views.unknown(name)),
        steps=[TraceStep(**step, epcis=[EpcisEvent(**one) for one in views.epcis(step)]) for step in steps],
    )


@router.get("/items/{item:path}")
def get_item(central: Annotated[Central, Depends(central_of)], caller: Reader, item: str) -> Item:
    """How an item stands. A code that was issued and never put on a product is `issued`; one that nobody issued is not there."""
    name = _canonical(item)
    with reading(central, caller) as connection:
        life = _life(central, caller, connection, name)
    if life is None:
        raise not_found("item", item)
    return Item(**_shown(caller, life))


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


class Deeds(BaseModel):
    """Which items, and why: one batch of a product, or items by their codes."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
    gtin: Gtin | None = None
    batch: str | None = Field(default=None, min_length=1, max_length=20)
    items: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=10_000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Deeds:
        is_batch = self.gtin is not None and self.batch is not None
        if is_batch == bool(self.items) or (self.gtin is None) != (self.batch is None):
            raise ValueError("expected gtin and batch together, or items")
        return self


class Done(BaseModel):
    """What became of it."""

    document: str = Field(description="stands in the trace of every item that changed")
    changed: int
    marked: int = Field(
        description="sold items that are recalled when they come back; at a release, that no longer are"
    )
    refused: dict[str, int] = Field(description="items to which it cannot be done, by their state")
    unknown: int = Field(description="of the named items, those that are not known here")
    sites: int = Field(description="whose counters hear of it")


@router.post("/items/{deed}", response_model=Done)
def do(caller: Brand, write: Annotated[Once, Depends(once)], deed: Deed, body: Deeds) -> Response:
    """Hold items, release them, recall them, report them stolen, recovered or destroyed; a batch of a million is one request.

    What cannot be done to an item in its state is counted and left as it is."""
    by = By(actor=caller.actor, at=write.central.now(), reason=body.reason)

    def work(connection: Connection) -> Done:
        must_be_known(connection, [body.gtin] if body.gtin else [])
        which = Which(items=named(connection, body.items), gtin=body.gtin, batch=body.batch)
        done = actions.act(connection, deed, which, by, write.central.authority_directory)
        return Done(**msgspec.to_builtins(done))

    return write.run(caller, work, sites=EVERY_SITE)


def _canonical(text: str) -> str:
    return recognise(parse_typed(text)).item or text


def _life(central: Central, caller: Caller, connection: Connection, item: str) -> dict[str, Any] | None:
    # What a scope hides must not come to light as a code that was "issued and never put on a product".
    directory = central.authority_directory if caller.sees_every_site else None
    try:
        return views.life(connection, directory, item)
    except OrderError as error:
        raise Problem(503, str(error)) from None


def _shown(caller: Caller, life: dict[str, Any]) -> dict[str, Any]:
    shown = {**life, "disposition": DISPOSITIONS.get(life["state"], "unknown")}
    if caller.sees_every_site or life["sold_site"] is None or life["sold_site"] in caller.sites:
        return shown
    return {**shown, "sold_site": None}
