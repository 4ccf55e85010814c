"""``/v1/stocktakes``: started, watched and decided on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response

from central.actors import By
from central.api.callers import Caller, Reader, allow, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import EVERY_SITE, Connection
from central.products.routes import must_be_known
from central.stocktakes import decisions, settling, starting, tables, views
from central.stocktakes.bodies import Because, Booking, Closing, Deciding, NewStocktake, Recount
from central.stocktakes.documents import COUNTED_NOW, Limits, LineState, Refused, StocktakeState
from central.stocktakes.documents import Stocktake as Kept
from central.stocktakes.rules import order_of
from central.stocktakes.starting import New, NoSite
from central.stocktakes.views import Stocktake, StocktakeLine, StocktakeWithHistory
from central.tokens.bearer import Role

router = APIRouter(prefix="/v1", tags=["stocktakes"])

Steward = Annotated[Caller, Depends(allow(Role.BRAND, Role.DEALER))]
"""Who answers for the stock of a site: the brand, or its dealer. Those who count do not approve."""
CSV_LIMIT = 100_000
Decision = Callable[[Connection, Kept, By], Kept | Refused]


@router.get("/stocktakes")
def list_stocktakes(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    state: StocktakeState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Stocktake]:
    """Stocktakes, the newest first."""
    place = decode(cursor, tuple[datetime, str, str])
    with reading(central, caller) as connection:
        rows = tables.page(connection, site=site, state=state, after=place, limit=limit + 1)
    return page(rows, limit, views.shown, lambda one: (one.started_at, one.site, one.stocktake_id))


@router.get("/stocktakes/{site}/{stocktake_id}")
def get_stocktake(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, stocktake_id: str
) -> StocktakeWithHistory:
    """One stocktake with its sums, and who did what to it, when and why."""
    with reading(central, caller) as connection:
        stocktake = _found(connection, site, stocktake_id)
        sums = tables.sums(connection, stocktake)
        history = tables.history(connection, site, stocktake_id)
    hidden = _hides_figures(caller, stocktake)
    values = (None, None) if hidden else (sums.missing_minor, sums.surplus_minor)
    return StocktakeWithHistory(
        **views.shown(stocktake).model_dump(),
        sums=views.Sums(
            lines={} if hidden else sums.lines,
            unnamed=sums.unnamed,
            missing_minor=values[0],
            surplus_minor=values[1],
            counts=sums.counts,
            areas=sums.areas,
            counted_by=list(sums.counted_by),
        ),
        history=[views.Step(**step) for step in history],
    )


@router.get(
    "/stocktakes/{site}/{stocktake_id}/lines",
    response_model=Page[StocktakeLine],
    responses={200: {"content": {"text/csv": {}}}},
)
def list_lines(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str,
    stocktake_id: str,
    state: LineState | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    as_format: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="csv: all of them; else as Accept says"),
    ] = None,
    accept: Annotated[str, Header()] = "application/json",
) -> Response:
    """The lines of a stocktake: first what nobody counted, then what differs, by its value."""
    wants_csv = as_format == "csv" or (
        as_format is None and accept.split(",")[0].strip().startswith("text/csv")
    )
    place = decode(cursor, tuple[bool, bool, int, str])
    with reading(central, caller) as connection:
        stocktake = _found(connection, site, stocktake_id)
        if _hides_figures(caller, stocktake):
            raise Problem(
                403, "this count is blind: those who count see its lines when the counting is closed"
            )
        count = CSV_LIMIT if wants_csv else limit
        found = tables.page_of_lines(connection, stocktake, state=state, after=place, limit=count + 1)
        shown = views.with_lines(connection, stocktake, found[:count])
    if wants_csv:
        name = f'attachment; filename="stocktake-{site}-{stocktake.started_at.date()}.csv"'
        return Response(
            views.as_csv(shown), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
        )
    by_gtin = {line.gtin: line for line in shown}
    listed = page(found, limit, lambda line: by_gtin[line.gtin], order_of)
    return Response(listed.model_dump_json(), media_type="application/json")


@router.post("/stocktakes", status_code=201, response_model=Stocktake)
def start(caller: Steward, write: Annotated[Once, Depends(once)], body: NewStocktake) -> Response:
    """Start a stocktake. The site's counters show it at once; sales go on."""
    _must_be_in_scope(caller, body.site)
    new = New(
        site=body.site,
        name=body.name,
        blind=body.blind,
        gtins=tuple(body.gtins),
        departments=tuple(dict.fromkeys(body.departments)),
        limits=Limits(quantity=body.recount_limit_quantity, value_minor=body.recount_limit_minor),
        stocktake_id=body.stocktake_id,
    )
    by = By(actor=caller.actor, at=write.central.now())

    def work(connection: Connection) -> Stocktake:
        must_be_known(connection, body.gtins)
        done = starting.start(connection, new, by)
        match done:
            case NoSite():
                raise not_found("site", body.site)
            case Refused(reason=reason):
                raise Problem(409, reason)
        return views.shown(done)

    return write.run(caller, work, status=201)


@router.post("/stocktakes/{site}/{stocktake_id}/close-counting", response_model=Stocktake)
def close_counting(
    caller: Steward,
    write: Annotated[Once, Depends(once)],
    site: str,
    stocktake_id: str,
    body: Closing = Closing(),
) -> Response:
    """Say that everything has been counted: what nobody named is not there. Variances beyond the limits go back to be counted again."""
    return _decide(
        write,
        caller,
        (site, stocktake_id),
        body.reason,
        lambda connection, kept, by: decisions.close_counting(connection, kept, by, recount=body.recount),
    )


@router.post("/stocktakes/{site}/{stocktake_id}/recount", response_model=Stocktake)
def recount(
    caller: Steward,
    write: Annotated[Once, Depends(once)],
    site: str,
    stocktake_id: str,
    body: Recount = Recount(),
) -> Response:
    """Have products counted again, in a round of its own."""
    return _decide(
        write,
        caller,
        (site, stocktake_id),
        body.reason,
        lambda connection, kept, by: decisions.recount(connection, kept, by, body.gtins),
    )


@router.post("/stocktakes/{site}/{stocktake_id}/approve", response_model=Stocktake)
def approve(
    caller: Steward, write: Annotated[Once, Depends(once)], site: str, stocktake_id: str, body: Deciding
) -> Response:
    """Approve what was counted. Nothing is booked yet; a late fact that changes a variance asks for the approval anew."""
    return _decide(
        write,
        caller,
        (site, stocktake_id),
        body.reason,
        lambda connection, kept, by: decisions.approve(connection, kept, by, body.gtins),
    )


@router.post("/stocktakes/{site}/{stocktake_id}/refuse", response_model=Stocktake)
def refuse(
    caller: Steward, write: Annotated[Once, Depends(once)], site: str, stocktake_id: str, body: Deciding
) -> Response:
    """Refuse what was counted: the books stay as they are."""
    return _decide(
        write,
        caller,
        (site, stocktake_id),
        body.reason,
        lambda connection, kept, by: decisions.refuse(connection, kept, by, body.gtins),
    )


@router.post("/stocktakes/{site}/{stocktake_id}/book", response_model=Stocktake)
def book(
    caller: Steward,
    write: Annotated[Once, Depends(once)],
    site: str,
    stocktake_id: str,
    body: Booking = Booking(),
) -> Response:
    """Book what was approved, as of the moment of each count, and end the stocktake."""
    stolen = body.missing_items == "stolen"
    return _decide(
        write,
        caller,
        (site, stocktake_id),
        body.reason,
        lambda connection, kept, by: settling.book(connection, kept, by, missing_are_stolen=stolen),
    )


@router.post("/stocktakes/{site}/{stocktake_id}/cancel", response_model=Stocktake)
def cancel(
    caller: Steward, write: Annotated[Once, Depends(once)], site: str, stocktake_id: str, body: Because
) -> Response:
    """End a stocktake without booking anything of it."""
    return _decide(write, caller, (site, stocktake_id), body.reason, decisions.cancel)


def _decide(
    write: Once, caller: Caller, key: tuple[str, str], reason: str | None, decision: Decision
) -> Response:
    site, stocktake_id = key
    _must_be_in_scope(caller, site)

    def work(connection: Connection) -> Stocktake:
        kept = tables.lock(connection, site, stocktake_id)
        if kept is None:
            raise not_found("stocktake", f"{site}/{stocktake_id}")
        done = decision(connection, kept, By(actor=caller.actor, at=write.central.now(), reason=reason))
        if isinstance(done, Refused):
            raise Problem(409, done.reason, state=kept.state)
        return views.shown(done)

    # An item that was found here may stand in the books of a site that the caller does not see: its right to this one is checked above.
    return write.run(caller, work, sites=EVERY_SITE)


def _must_be_in_scope(caller: Caller, site: str) -> None:
    if not caller.sees_every_site and site not in caller.sites:
        raise not_found("site", site)


def _found(connection: Connection, site: str, stocktake_id: str) -> Kept:
    stocktake = tables.find(connection, site, stocktake_id)
    if stocktake is None:
        raise not_found("stocktake", f"{site}/{stocktake_id}")
    return stocktake


def _hides_figures(caller: Caller, stocktake: Kept) -> bool:
    """A blind count is blind to those who count, as long as they do."""
    return caller.role is Role.STORE and stocktake.blind and stocktake.state in COUNTED_NOW
