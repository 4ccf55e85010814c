"""``GET /v1/discrepancies``: what contradicts itself, filtered, summed up, and one with everything behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.discrepancies import views
from central.discrepancies.bodies import (
    Discrepancy,
    DiscrepancyWithHistory,
    Step,
    Summary,
    shown,
    shown_summary,
)
from central.discrepancies.rules import DiscrepancyClass
from central.discrepancies.views import Filters
from central.products.routes import Gtin

router = APIRouter(prefix="/v1", tags=["discrepancies"])

STATES = ("open", "assigned", "settled", "dismissed")
OPEN = ("open", "assigned")
SITES = 20
Words = Annotated[str | None, Query(max_length=2000)]


def filters_of(
    *,
    central: Annotated[Central, Depends(central_of)],
    site: str | None = None,
    dealer: Annotated[
        str | None, Query(description="the sites of this dealer and of all below it", max_length=100)
    ] = None,
    discrepancy_class: Annotated[
        str | None, Query(alias="class", description="one, or several joined by commas", max_length=2000)
    ] = None,
    state: Annotated[
        str | None, Query(description="one, or several joined by commas", max_length=100)
    ] = None,
    cause: Annotated[
        str | None, Query(description="likely causes, joined by commas", max_length=2000)
    ] = None,
    gtin: Gtin | None = None,
    item: Annotated[str | None, Query(description="the id of a coded item", max_length=200)] = None,
    assignee: Annotated[str | None, Query(max_length=200)] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
    value_min: Annotated[int | None, Query(description="in minor units of `currency`", ge=0)] = None,
    value_max: Annotated[int | None, Query(description="in minor units of `currency`", ge=0)] = None,
    opened_after: AwareDatetime | None = None,
    opened_before: AwareDatetime | None = None,
    older_than_days: Annotated[float | None, Query(ge=0, le=36500)] = None,
) -> Filters:
    """The dependency: which cases are meant."""
    if (value_min is not None or value_max is not None) and currency is None:
        raise Problem(
            400, "value_min, value_max: expected with a currency, since values of two cannot be compared"
        )
    if older_than_days is not None:
        before = central.now() - timedelta(days=older_than_days)
        opened_before = before if opened_before is None else min(before, opened_before)
    return Filters(
        site=site,
        dealer=dealer,
        classes=_several("class", discrepancy_class, [one.value for one in DiscrepancyClass]),
        states=_several("state", state, STATES),
        causes=_several("cause", cause, None),
        gtin=gtin,
        item=item,
        assignee=assignee,
        currency=currency,
        value_min=value_min,
        value_max=value_max,
        opened_after=opened_after,
        opened_before=opened_before,
    )


Wanted = Annotated[Filters, Depends(filters_of)]


@router.get("/discrepancies")
def list_discrepancies(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    wanted: Wanted,
    sort: Annotated[
        Literal["newest", "value"], Query(description="value: the highest amount first; give a currency")
    ] = "newest",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Discrepancy]:
    """Discrepancies, the newest or the dearest first."""
    if sort == "value":
        dear = decode(cursor, tuple[int, UUID])
        with reading(central, caller) as connection:
            rows = views.dearest(connection, wanted, dear, limit + 1)
        return page(
            rows,
            limit,
            lambda row: shown(caller, row),
            lambda row: (-1 if row["value_minor"] is None else row["value_minor"], row["discrepancy_id"]),
        )
    new = decode(cursor, tuple[datetime, UUID])
    with reading(central, caller) as connection:
        rows = views.newest(connection, wanted, new, limit + 1)
    return page(
        rows, limit, lambda row: shown(caller, row), lambda row: (row["opened_at"], row["discrepancy_id"])
    )


@router.get("/discrepancies/summary")
def summary(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    wanted: Wanted,
    sites: Annotated[
        int, Query(description="so many sites at most, those with the most value", ge=0, le=1000)
    ] = SITES,
) -> Summary:
    """How many there are and what is at stake, by class and by site: which five of a thousand shops need somebody. Open and assigned ones
    where no state is named."""
    if wanted.states is None:
        wanted = views.with_states(wanted, OPEN)
    with reading(central, caller) as connection:
        found = views.summary(connection, wanted, sites)
    return shown_summary(found)


@router.get("/discrepancies/{site}/{discrepancy_id}")
def get_discrepancy(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, discrepancy_id: UUID
) -> DiscrepancyWithHistory:
    """One discrepancy, with what was done about it."""
    with reading(central, caller) as connection:
        row = views.find(connection, site, discrepancy_id)
        if row is None:
            raise not_found("discrepancy", f"{site}/{discrepancy_id}")
        steps = views.history(connection, site, discrepancy_id)
    return DiscrepancyWithHistory(**shown(caller, row).model_dump(), history=[Step(**step) for step in steps])


def _several(name: str, text: str | None, known: list[str] | tuple[str, ...] | None) -> list[str] | None:
    """Several values joined by commas, each of which must be known."""
    if text is None:
        return None
    values = [one.strip() for one in text.split(",") if one.strip()]
    for one in values:
        if known is not None and one not in known:
            raise Problem(
                400, f"{name} {one[:60]!r}: expected some of {', '.join(sorted(known))}, joined by commas"
            )
    return values
