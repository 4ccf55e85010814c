"""``/v1/reconciliation``: the day statement of a site, its closing, and whether the balances are what the movements say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Overseer, Reader, reading
from central.api.context import Central, central_of
from central.api.described import json_of, model_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem
from central.database import Connection
from central.reconciliation import beside, closing, tables
from central.reconciliation import reading as books
from central.reconciliation.answers import csv_of, wants_csv
from central.reconciliation.periods import end_of_day
from central.reconciliation.ranges import TooLong
from central.reconciliation.rebuild import rebuild as replay
from central.reconciliation.rebuild import zero_sum
from central.reconciliation.statement import DayStatement, NotKept, UnknownSite, day_statement, site_of

router = APIRouter(prefix="/v1", tags=["reconciliation"])

Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(9000, 1, 1))]
Format = Annotated[
    Literal["json", "csv"] | None,
    Query(alias="format", description="csv: the products alone; else as Accept says"),
]
Accept = Annotated[str, Header()]
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


class Drift(BaseModel):
    """A balance that is not the sum of its movements: an alarm about central itself."""

    site: str
    gtin: str
    location: str
    kept: Decimal
    replayed: Decimal
    kept_value_minor: int
    replayed_value_minor: int


class Rebuilt(BaseModel):
    """All movements replayed against all balances."""

    agrees: bool
    drifts: list[Drift]
    not_zero: dict[str, Decimal] = Field(
        description="products whose quantities over all places do not add up to zero"
    )


class ToClose(BaseModel):
    """How a day is to be closed."""

    model_config = ConfigDict(extra="forbid")

    incomplete: bool = Field(
        default=False, description="also while an agent may still bring events of the day"
    )
    reason: str | None = Field(default=None, min_length=1, max_length=500)


class ClosedDay(BaseModel):
    """The closing that took a day: of the day itself, or of a later one."""

    site: str
    day: date
    closed_with: date = Field(description="the day whose closing took it")
    closed_at: AwareDatetime
    actor: str
    reason: str | None
    complete: bool = Field(description="every agent had sent everything of it")


class Restatement(BaseModel):
    """What was heard of a closed day, or of one before it, after the closing."""

    day: date
    gtin: str
    flow: str
    quantity: Decimal
    value_minor: int
    amount_minor: int
    recorded_at: AwareDatetime
    agent: str | None
    journal: int | None
    seq: int | None
    document: str | None


@contextmanager
def answered() -> Iterator[None]:
    """What a statement cannot be made for, as a refusal."""
    try:
        yield
    except UnknownSite as unknown:
        raise Problem(404, str(unknown)) from None
    except TooLong as long:
        raise Problem(400, str(long)) from None
    except NotKept as gone:
        raise Problem(404, str(gone)) from None


@router.get("/reconciliation/stock")
def rebuild(
    central: Annotated[Central, Depends(central_of)], caller: Overseer, site: str | None = None
) -> Rebuilt:
    """Replay the movements and compare them with the balances: stock derived against stock on paper."""
    with reading(central, caller) as connection:
        drifts = replay(connection, site)
        not_zero = zero_sum(connection)
    return Rebuilt(
        agrees=not drifts and not not_zero,
        drifts=[Drift(**msgspec.structs.asdict(drift)) for drift in drifts],
        not_zero=not_zero,
    )


@router.get("/reconciliation/{site}/{day}", response_model=model_of(DayStatement), responses=CSV)
def get_day_statement(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str,
    day: Annotated[Day, Path()],
    as_of: Annotated[
        AwareDatetime | None, Query(description="also what central knew at this instant; with csv that alone")
    ] = None,
    as_format: Format = None,
    accept: Accept = "application/json",
) -> Response:
    """The day statement of a site; `day` is its local date. Balanced, or it says in words what is not."""
    with answered(), reading(central, caller, snapshot=True) as connection:
        statement = day_statement(connection, site, day, now=central.now(), as_of=as_of)
    if not wants_csv(as_format, accept):
        return json_of(statement if caller.sees_every_site else _without_names(statement))
    products = statement.products if statement.as_of is None else statement.as_of.products
    return csv_of(tables.PRODUCT_COLUMNS, map(tables.product_row, products), f"{site}-{day}")


@router.get("/reconciliation/{site}/{day}/restatements")
def list_restatements(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str,
    day: Annotated[Day, Path()],
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Restatement]:
    """What was heard of a closed day after its closing, in the order in which it was heard."""
    place = decode(cursor, tuple[int])
    with answered(), reading(central, caller, snapshot=True) as connection:
        site_of(connection, site)
        closed = closing.closing_of(connection, site, day)
        rows = (
            []
            if closed is None
            else closing.restatements(
                connection,
                site,
                day,
                closed.restated_through,
                after=place[0] if place else 0,
                limit=limit + 1,
            )
        )
    return page(rows, limit, lambda row: Restatement(**msgspec.structs.asdict(row[1])), lambda row: (row[0],))


@router.post("/reconciliation/{site}/{day}/close", response_model=ClosedDay)
def close_day(
    caller: Brand,
    write: Annotated[Once, Depends(once)],
    site: str,
    day: Annotated[Day, Path()],
    body: ToClose | None = None,
) -> Response:
    """Close a day, and every earlier one that is open. What is heard of them later is a restatement. A closed day stays as it was closed."""
    now = write.central.now()
    asked = body or ToClose()

    def work(connection: Connection) -> ClosedDay:
        with answered():
            here = site_of(connection, site)
        end = end_of_day(day, here.time_zone)
        if now < end:
            raise Problem(
                409, f"day {day} is not over at {site}: it ends at {end.isoformat()}", ends_at=end.isoformat()
            )
        awaited = beside.awaited(books.agents(connection, site), end, now)
        if awaited and not asked.incomplete and closing.closing_of(connection, site, day) is None:
            who = "; ".join(f"{one.agent}: {one.why}" for one in awaited[:5])
            raise Problem(
                409,
                f'day {day} is not complete ({who}); wait, or close it with "incomplete": true',
                awaited=len(awaited),
            )
        by = By(actor=caller.actor, at=now, reason=asked.reason)
        return _shown(site, day, closing.close(connection, site, day, by, complete=not awaited))

    return write.run(caller, work)


def _without_names(statement: DayStatement) -> DayStatement:
    """For those outside the brand: who of its people has closed the day is its own business."""
    if statement.closed is None:
        return statement
    role = statement.closed.actor.partition(":")[0]
    return msgspec.structs.replace(
        statement, closed=msgspec.structs.replace(statement.closed, actor=role, reason=None)
    )


def _shown(site: str, day: date, closed: beside.Closed) -> ClosedDay:
    return ClosedDay(
        site=site,
        day=day,
        closed_with=closed.day,
        closed_at=closed.closed_at,
        actor=closed.actor,
        reason=closed.reason,
        complete=closed.complete,
    )
