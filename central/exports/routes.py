"""``/v1/exports``: the books for others."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, Query
from fastapi.responses import FileResponse, Response

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.problems import Problem, not_found
from central.database import Connection
from central.exports import storage
from central.exports.beancount import beancount_lines
from central.exports.parquet import NoParquet, write_movements
from central.exports.rules import transactions
from central.exports.storage import Wanted
from central.exports.tables import csv_rows

router = APIRouter(prefix="/v1/exports", tags=["exports"])

DAYS_LIMIT = 400
"""Days in one answer: a business year with room. The command line knows no limit."""

First = Annotated[date, Query(alias="from", description="the first business day")]
Last = Annotated[date, Query(alias="to", description="the last business day")]
Site = Annotated[str | None, Query(description="one site; else every one you may see")]
Dealer = Annotated[str | None, Query(description="a dealer with all dealers below it")]


@router.get("/accounting", responses={200: {"content": {"text/plain": {}, "text/csv": {}}}})
def accounting(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    first: First,
    last: Last,
    site: Site = None,
    dealer: Dealer = None,
    as_format: Annotated[Literal["beancount", "csv"], Query(alias="format")] = "csv",
) -> Response:
    """The double-entry journal of sales, cost of goods, stock and differences, as it is known now: a later export of the same days replaces this one."""
    wanted = _wanted(first, last, site, dealer)
    with reading(central, caller) as connection:
        _must_be_there(connection, wanted)
        found = storage.sums(connection, wanted)
    journal = transactions(found)
    if as_format == "csv":
        text, kind, name = "".join(csv_rows(journal)), "text/csv", f"accounting-{first}-{last}.csv"
    else:
        text, kind = "\n".join((*beancount_lines(journal), "")), "text/plain"
        name = f"accounting-{first}-{last}.beancount"
    return Response(
        text,
        media_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/movements", responses={200: {"content": {"application/vnd.apache.parquet": {}}}})
def movements(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    background: BackgroundTasks,
    first: First,
    last: Last,
    site: Site = None,
    dealer: Dealer = None,
) -> FileResponse:
    """Movements as a Parquet file, by the business day on which they happened."""
    wanted = _wanted(first, last, site, dealer)
    with ExitStack() as cleaning:
        place = Path(tempfile.mkdtemp(prefix="countermark-export-"))
        cleaning.callback(shutil.rmtree, place)
        try:
            with reading(central, caller) as connection:
                _must_be_there(connection, wanted)
                write_movements(place / "movements.parquet", storage.movements(connection, wanted))
        except NoParquet as error:
            raise Problem(501, str(error)) from None
        background.add_task(cleaning.pop_all().close)  # once it has been sent
    return FileResponse(
        place / "movements.parquet",
        media_type="application/vnd.apache.parquet",
        filename=f"movements-{first}-{last}.parquet",
        background=background,
    )


def _wanted(first: date, last: date, site: str | None, dealer: str | None) -> Wanted:
    if not 0 <= (last - first).days < DAYS_LIMIT:
        raise Problem(
            422, f"from {first} to {last}: expected 1 to {DAYS_LIMIT} days, the first one not after the last"
        )
    return Wanted(first=first, last=last, site=site, dealer=dealer)


def _must_be_there(connection: Connection, wanted: Wanted) -> None:
    if wanted.site is not None and not storage.knows_site(connection, wanted.site):
        raise not_found("site", wanted.site)
    if wanted.dealer is not None and not storage.knows_dealer(connection, wanted.dealer):
        raise not_found("dealer", wanted.dealer)
