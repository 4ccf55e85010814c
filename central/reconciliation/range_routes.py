"""``/v1/reconciliation`` and ``/v1/reconciliation/{site}``: ranges of days and months, and totals up the tree of dealers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from central.api.callers import Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.described import json_of, model_of
from central.api.paging import Cursor, Limit, decode, encode
from central.api.problems import Problem
from central.products.routes import Gtin
from central.reconciliation import tables
from central.reconciliation.answers import csv_of, wants_csv
from central.reconciliation.periods import By, Span, month_of
from central.reconciliation.ranges import RangeStatement, page, range_statement, refuse
from central.reconciliation.routes import CSV, Accept, Day, Format, answered
from central.reconciliation.statement import site_of
from central.reconciliation.totals import Scope, TreeTotals, tree_totals
from central.reconciliation.tree import NodeValues, place_of
from central.tokens.bearer import Role

router = APIRouter(prefix="/v1", tags=["reconciliation"])

CSV_PAGE = 20_000
NODE_COLUMNS = (
    "path", "dealer", "site", "parent", "name", "sites", "first", "last", "currency",
    *(name for name in NodeValues.__struct_fields__ if name.endswith("_minor")), "opening", "sold", "closing",
)  # fmt: skip


class AskedRange(msgspec.Struct, frozen=True):
    """A range that was asked for."""

    span: Span
    by: By
    gtin: str | None


class AskedPage(msgspec.Struct, frozen=True):
    """A page that was asked for; ``is_csv``: the whole as a table instead."""

    cursor: str | None
    limit: int
    is_csv: bool


def asked_range(
    central: Annotated[Central, Depends(central_of)],
    first: Annotated[
        Day | None,
        Query(alias="from", description="the first day; that of the month of `to` where not given"),
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="the last day, included; today where not given")
    ] = None,
    by: Annotated[By, Query(description="lines of days, of months, or of the whole range")] = By.TOTAL,
    gtin: Annotated[Gtin | None, Query(description="of this product alone")] = None,
) -> AskedRange:
    """The dependency of a range."""
    end = last or central.now().date()
    begin = first or month_of(end)
    if end < begin:
        raise Problem(400, f"to {end}: expected {begin} or later")
    return AskedRange(Span(begin, end), by, gtin)


def asked_page(
    cursor: Cursor = None, limit: Limit = 100, as_format: Format = None, accept: Accept = "application/json"
) -> AskedPage:
    """The dependency of a page, or a table."""
    return AskedPage(cursor, limit, wants_csv(as_format, accept))


@router.get("/reconciliation", response_model=model_of(TreeTotals), responses=CSV)
def get_totals(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    asked: Annotated[AskedRange, Depends(asked_range)],
    paging: Annotated[AskedPage, Depends(asked_page)],
    dealer: Annotated[str | None, Query(description="this dealer with all below it")] = None,
    site: Annotated[str | None, Query(description="this site alone")] = None,
) -> Response:
    """Goods at cost and what customers paid, of every site and of every dealer as the sum of what is below it; per currency, never added
    across currencies. Of one product (`gtin`) also quantities."""
    if dealer is not None and site is not None:
        raise Problem(400, "dealer and site: expected one of them, or neither for all that you may see")
    place = decode(paging.cursor, tuple[str, str, str, date])
    scope = Scope(root=caller.dealer, sees_dealers=caller.role is not Role.STORE, dealer=dealer, site=site)
    span = asked.span
    with answered(), reading(central, caller, snapshot=True) as connection:
        nodes = tree_totals(connection, scope, span, asked.by, asked.gtin)
    if paging.is_csv:
        rows = ([getattr(node, name) for name in NODE_COLUMNS] for node in nodes)
        return csv_of(NODE_COLUMNS, rows, f"totals-{span.first}-{span.last}")
    following = [node for node in nodes if place is None or place_of(node) > place]
    shown = tuple(following[: paging.limit])
    answer = TreeTotals(
        first=span.first,
        last=span.last,
        by=asked.by,
        gtin=asked.gtin,
        items=shown,
        next=encode(place_of(shown[-1])) if len(following) > paging.limit else None,
    )
    return json_of(answer)


@router.get("/reconciliation/{site}", response_model=model_of(RangeStatement), responses=CSV)
def get_range(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str,
    asked: Annotated[AskedRange, Depends(asked_range)],
    paging: Annotated[AskedPage, Depends(asked_page)],
) -> Response:
    """The statement of a range of days: opening, what moved, closing, in quantity and value. Days and months are those of the site; by day and
    by month, products that did not move have no line."""
    span, by = asked.span, asked.by
    if paging.is_csv:
        with answered(), reading(central, caller) as connection:
            site_of(connection, site)
            refuse(connection, span, by)
        rows = _every_row(central, caller, site, asked)
        return csv_of(tables.PERIOD_COLUMNS, rows, f"{site}-{span.first}-{span.last}")
    place = decode(paging.cursor, tuple[date, str])
    with answered(), reading(central, caller, snapshot=True) as connection:
        statement, following = range_statement(
            connection, site, span, by, gtin=asked.gtin, after=place, limit=paging.limit
        )
    return json_of(msgspec.structs.replace(statement, next=None if following is None else encode(following)))


def _every_row(central: Central, caller: Caller, site: str, asked: AskedRange) -> Iterator[list[Any]]:
    """All lines of a range, read while they are sent, as they were at one moment."""
    after: tuple[date, str] | None = None
    with reading(central, caller, snapshot=True) as connection:
        here = site_of(connection, site)
        while True:
            lines = page(connection, here, asked.span, asked.by, gtin=asked.gtin, after=after, limit=CSV_PAGE)
            for line in lines:
                yield [line.first, line.last, *tables.product_row(line)]
            if len(lines) < CSV_PAGE:
                return
            after = lines[-1].first, lines[-1].gtin
