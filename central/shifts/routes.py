"""``/v1/shifts`` and ``/v1/till-limits``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.described import json_of, model_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, decode, encode
from central.api.problems import Problem, not_found
from central.database import Connection
from central.shifts import limits, views
from central.shifts.limits import EVERYBODY
from central.shifts.views import ShiftDetail, ShiftView, State, Wanted

router = APIRouter(prefix="/v1", tags=["shifts"])

BasisPoints = Annotated[int, Field(ge=0, le=10_000, description="hundredths of a percent of the list price")]


class ShiftPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of shifts. ``next`` is the cursor of the page after it, null on the last one."""

    items: tuple[ShiftView, ...]
    next: str | None


class NewLimits(BaseModel):
    """How far a clerk may go alone, and how far a drawer may be off. Where nothing is given there is no limit."""

    model_config = ConfigDict(extra="forbid")

    discount_limit_bp: BasisPoints | None = None
    override_limit_bp: BasisPoints | None = None
    override: bool = Field(default=True, description="whether prices may be overridden at all")
    cash_tolerance_minor: int = Field(default=0, ge=0, le=10**12)
    price_tolerance_bp: int | None = Field(
        default=None,
        ge=0,
        le=10**6,
        description="how far a line may be from the list without a reason; null: not looked at",
    )
    reason: str | None = Field(default=None, min_length=1, max_length=500)


class TillLimits(BaseModel):
    """Limits that are set: of a site, or of everybody where `site` is null."""

    site: str | None
    discount_limit_bp: int | None
    override_limit_bp: int | None
    override: bool
    cash_tolerance_minor: int
    price_tolerance_bp: int | None
    updated_at: datetime | None
    actor: str | None


class EveryLimits(BaseModel):
    """The limits of everybody, and those of single sites, which hold there in place of everybody's."""

    everybody: TillLimits
    sites: list[TillLimits]


@router.get("/shifts", response_model=model_of(ShiftPage))
def list_shifts(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    agent: str | None = None,
    first: Annotated[date | None, Query(alias="from", description="the first day on which one ended")] = None,
    last: Annotated[date | None, Query(alias="to", description="the last such day, included")] = None,
    state: State | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Shifts with their seals and counts, the newest day first."""
    if first and last and last < first:
        raise Problem(400, f"to {last}: expected {first} or later")
    place = decode(cursor, tuple[date, str, str])
    wanted = Wanted(site=site, agent=agent, first=first, last=last, state=state)
    with reading(central, caller) as connection:
        rows = views.page(connection, wanted, after=place, limit=limit + 1)
    shown = tuple(rows[:limit])
    following = encode((shown[-1].day, shown[-1].site, shown[-1].shift)) if len(rows) > limit else None
    return json_of(ShiftPage(items=shown, next=following))


@router.get("/shifts/{site}/{shift}", response_model=model_of(ShiftDetail))
def get_shift(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, shift: str
) -> Response:
    """A shift with what central has of it, down to its events."""
    with reading(central, caller, snapshot=True) as connection:
        found = views.detail(connection, site, shift)
    if found is None:
        raise not_found("shift", f"{site}/{shift}")
    return json_of(found)


@router.get("/till-limits")
def list_till_limits(central: Annotated[Central, Depends(central_of)], caller: Reader) -> EveryLimits:
    """How far tills may go alone: everybody's limits, and those of the sites you may see."""
    with reading(central, caller) as connection:
        found = limits.every(connection)
    everybody = next((one for one in found if one.site == EVERYBODY), limits.Limits())
    return EveryLimits(
        everybody=_shown(caller, everybody),
        sites=[_shown(caller, one) for one in found if one.site != EVERYBODY],
    )


@router.get("/till-limits/{site}")
def get_till_limits(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str
) -> TillLimits:
    """The limits that hold at a site: its own, else everybody's (`site` is null then)."""
    with reading(central, caller) as connection:
        _must_be_there(connection, site)
        return _shown(caller, limits.of_site(connection, site))


@router.put("/till-limits", response_model=TillLimits)
def put_till_limits(caller: Brand, write: Annotated[Once, Depends(once)], body: NewLimits) -> Response:
    """Set the limits of every site that has none of its own. Tills hear of it at once."""
    return _put(write, caller, EVERYBODY, body)


@router.put("/till-limits/{site}", response_model=TillLimits)
def put_till_limits_of_site(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, body: NewLimits
) -> Response:
    """Set the limits of one site."""
    return _put(write, caller, site, body)


@router.delete("/till-limits/{site}", response_model=TillLimits)
def delete_till_limits_of_site(caller: Brand, write: Annotated[Once, Depends(once)], site: str) -> Response:
    """Take the limits of a site back: everybody's hold there again."""
    by = By(actor=caller.actor, at=write.central.now())

    def work(connection: Connection) -> TillLimits:
        if not limits.remove(connection, site, by):
            raise not_found("limits of site", site)
        return _shown(caller, limits.of_site(connection, site))

    return write.run(caller, work)


def _put(write: Once, caller: Caller, site: str, body: NewLimits) -> Response:
    by = By(actor=caller.actor, at=write.central.now(), reason=body.reason)

    def work(connection: Connection) -> TillLimits:
        if site != EVERYBODY:
            _must_be_there(connection, site)
        wanted = limits.Limits(site=site, **body.model_dump(exclude={"reason"}))
        return _shown(caller, limits.put(connection, wanted, by))

    return write.run(caller, work)


def _must_be_there(connection: Connection, site: str) -> None:
    if connection.execute("SELECT FROM sites WHERE site_id = %s", (site,)).fetchone() is None:
        raise not_found("site", site)


def _shown(caller: Caller, one: limits.Limits) -> TillLimits:
    fields = msgspec.structs.asdict(one)
    # Who at the brand has set them is the brand's own business.
    actor = one.actor if caller.sees_every_site else None
    return TillLimits(**{**fields, "site": one.site or None, "actor": actor})
