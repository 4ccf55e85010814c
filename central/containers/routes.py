"""``/v1/containers``: cases and pallets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.problems import Problem, not_found
from central.containers import packing, views
from central.containers.packing import Contents, Packed, Refused
from central.containers.views import View
from central.database import EVERY_SITE, Connection
from central.products.routes import Gtin, must_be_known
from protocol.aggregation import CHILDREN_LIMIT, sscc_fault
from protocol.codes import parse_typed, recognise
from protocol.epcis import BIZ_STEPS
from protocol.items import Action

router = APIRouter(prefix="/v1", tags=["items"])


def _sscc(text: str) -> str:
    digits = text[2:] if len(text) == 20 and text.startswith("00") else text
    wrong = sscc_fault(digits)
    if wrong is not None:
        raise ValueError(wrong)
    return digits


Sscc = Annotated[
    str,
    AfterValidator(_sscc),
    Field(description="18 digits with their check digit; `00` may stand before it"),
]


class Quantity(BaseModel):
    """Goods without codes of their own."""

    model_config = ConfigDict(extra="forbid")

    gtin: Gtin
    quantity: Decimal = Field(gt=0, max_digits=18, decimal_places=6)


class Packing(BaseModel):
    """What is put into a container."""

    model_config = ConfigDict(extra="forbid")

    items: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=CHILDREN_LIMIT)
    containers: list[Sscc] = Field(default=[], max_length=CHILDREN_LIMIT)
    lines: list[Quantity] = Field(default=[], max_length=200)
    site: str | None = Field(default=None, description="of a new container; else where what is packed lies")
    reason: str | None = Field(default=None, max_length=500)


class Unpacking(BaseModel):
    """What is taken out; everything where nothing is named."""

    model_config = ConfigDict(extra="forbid")

    items: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=CHILDREN_LIMIT)
    containers: list[Sscc] = Field(default=[], max_length=CHILDREN_LIMIT)
    reason: str | None = Field(default=None, max_length=500)


class Handled(BaseModel):
    """What was done."""

    sscc: str
    document: str
    site: str
    items: int
    containers: int


class Container(BaseModel):
    """A case or pallet with everything in it that you may see."""

    sscc: str
    site: str = Field(description="where it is, or with a despatch is on its way to")
    parent: str | None
    from_site: str | None
    despatch_id: str | None
    packed_at: datetime
    items: list[str]
    lines: dict[str, Decimal] = Field(description="goods without codes directly in it: GTIN and quantity")
    containers: list[Container]
    items_at_all_levels: int


class Step(BaseModel):
    """Something that was done to a container, with its name in EPCIS 2.0."""

    action: str
    biz_step: str | None
    items: list[str]
    containers: list[str]
    lines: dict[str, Decimal]
    note: str | None
    site: str
    journal: int | None
    seq: int | None
    document: str | None
    event_time: datetime
    recorded_at: datetime


class Trace(BaseModel):
    """The life of a container, oldest step first."""

    sscc: str
    steps: list[Step]


@router.get("/containers/{sscc}")
def get_container(central: Annotated[Central, Depends(central_of)], caller: Reader, sscc: Sscc) -> Container:
    """A case or pallet: what is in it at all levels, what it lies in, and where it is."""
    with reading(central, caller) as connection:
        found = views.view(connection, sscc)
    if found is None:
        raise not_found("container", sscc)
    return _shown(found)


@router.get("/containers/{sscc}/trace")
def get_container_trace(
    central: Annotated[Central, Depends(central_of)], caller: Reader, sscc: Sscc
) -> Trace:
    """What was done to a container. Steps at sites that are not yours are left out."""
    with reading(central, caller) as connection:
        steps = views.trace(connection, sscc)
    if not steps:
        raise not_found("container", sscc)
    return Trace(sscc=sscc, steps=[Step(**step, biz_step=_biz_step(step)) for step in steps])


@router.post("/containers/{sscc}/pack", response_model=Handled)
def pack(caller: Brand, write: Annotated[Once, Depends(once)], sscc: Sscc, body: Packing) -> Response:
    """Put items, smaller containers and goods without codes into a container: all of them, or none."""
    contents = Contents(
        items=_items(body.items),
        containers=tuple(dict.fromkeys(body.containers)),
        lines=_summed(body.lines),
    )
    if not (contents.items or contents.containers or contents.lines):
        raise Problem(422, "body: nothing to pack; expected items, containers or lines")

    def work(connection: Connection) -> Handled:
        must_be_known(connection, list(contents.lines))
        return _answer(
            sscc, packing.pack(connection, sscc, contents, _by(write, caller, body.reason), body.site)
        )

    # Packing is at home at every site: the brand decides, and sees them all.
    return write.run(caller, work, sites=EVERY_SITE)


@router.post("/containers/{sscc}/unpack", response_model=Handled)
def unpack(
    caller: Brand, write: Annotated[Once, Depends(once)], sscc: Sscc, body: Unpacking = Unpacking()
) -> Response:
    """Take out what is named, or open it: everything comes out, and the containers in it stay packed."""
    contents = Contents(items=_items(body.items), containers=tuple(dict.fromkeys(body.containers)))

    def work(connection: Connection) -> Handled:
        done = packing.unpack(connection, sscc, contents, _by(write, caller, body.reason))
        if done is None:
            raise not_found("container", sscc)
        return _answer(sscc, done)

    return write.run(caller, work, sites=EVERY_SITE)


def _by(write: Once, caller: Caller, reason: str | None) -> By:
    return By(actor=caller.actor, at=write.central.now(), reason=reason)


def _items(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(recognise(parse_typed(text)).item or text for text in texts))


def _summed(lines: list[Quantity]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for line in lines:
        total[line.gtin] = total.get(line.gtin, Decimal(0)) + line.quantity
    return total


def _answer(sscc: str, done: Packed | Refused) -> Handled:
    if isinstance(done, Refused):
        raise Problem(409, str(done), refused=dict(list(done.reasons.items())[:100]))
    return Handled(
        sscc=sscc, document=done.document, site=done.site, items=done.items, containers=done.containers
    )


def _biz_step(step: dict[str, Any]) -> str | None:
    return BIZ_STEPS[Action(step["action"])] if step["action"] in set(Action) else None


def _shown(found: View) -> Container:
    kept = found.container
    return Container(
        sscc=kept.sscc,
        site=kept.site,
        parent=kept.parent,
        from_site=kept.from_site,
        despatch_id=kept.despatch,
        packed_at=kept.packed_at,
        items=list(found.items),
        lines=dict(kept.lines),
        containers=[_shown(one) for one in found.containers],
        items_at_all_levels=found.items_at_all_levels,
    )
