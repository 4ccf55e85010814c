"""``/v1/reconciliation``: the day statement of a site, and whether the balances are what the movements say."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from central.api.callers import Overseer, Reader, reading
from central.api.context import Central, central_of
from central.api.problems import not_found
from central.reconciliation import rules, storage
from central.reconciliation.rebuild import rebuild as replay
from central.reconciliation.rebuild import zero_sum
from central.reconciliation.storage import UnknownSite

router = APIRouter(prefix="/v1", tags=["reconciliation"])

CSV_COLUMNS = (
    "gtin", "opening", "received", "returned", "transferred_in", "sold", "transferred_out", "adjusted", "closing",
    "set_aside", "difference", "amount_minor",
)  # fmt: skip


class ProductDay(BaseModel):
    """opening + received + returned + transferred_in + adjusted - sold - transferred_out = closing; else `difference`."""

    gtin: str
    opening: Decimal
    received: Decimal
    returned: Decimal
    transferred_in: Decimal
    sold: Decimal
    transferred_out: Decimal
    adjusted: Decimal
    closing: Decimal
    set_aside: Decimal = Field(description="returned straight into quarantine; never was on hand")
    difference: Decimal
    amount_minor: int


class Takings(BaseModel):
    """Money of one currency."""

    currency: str
    amount_minor: int
    refunded_minor: int


class Totals(BaseModel):
    """The day in sums."""

    receipts: int
    lines: int
    quantity: Decimal
    takings: list[Takings]


class JournalState(BaseModel):
    """How far a journal of the site has come here."""

    agent: str
    epoch: str
    next_seq: int
    applied: int
    quarantined: int
    unsent: int


class OpenCase(BaseModel):
    """A discrepancy of the day that nobody has settled."""

    discrepancy_id: str
    discrepancy_class: str = Field(serialization_alias="class")
    gtin: str | None
    item: str | None
    quantity: Decimal | None
    value_minor: int | None


class Quarantined(BaseModel):
    """An event that could not be booked; its day is not known, so every day shows it."""

    agent: str
    epoch: str
    seq: int
    cause: str
    quarantined_at: datetime


class DayStatement(BaseModel):
    """The day of a site. It is balanced, or `unbalanced` lists what is not."""

    site: str
    day: date
    currency: str
    balanced: bool
    complete: bool = Field(description="no agent of the site has told of events that have not arrived")
    unbalanced: list[str]
    totals: Totals
    products: list[ProductDay]
    journals: list[JournalState]
    discrepancies: list[OpenCase]
    quarantined: list[Quarantined]


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


@router.get(
    "/reconciliation/{site}/{day}",
    response_model=DayStatement,
    responses={200: {"content": {"text/csv": {}}}},
)
def day_statement(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str,
    day: date,
    as_format: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="csv: the products alone; else as Accept says"),
    ] = None,
    accept: Annotated[str, Header()] = "application/json",
) -> Response:
    """The day statement of a site; `day` is its local date."""
    try:
        with reading(central, caller) as connection:
            statement = storage.day_statement(connection, site, day)
    except UnknownSite:
        raise not_found("site", site) from None
    wants_csv = as_format == "csv" or (
        as_format is None and accept.split(",")[0].strip().startswith("text/csv")
    )
    if wants_csv:
        name = f'attachment; filename="{site}-{day}.csv"'
        return Response(
            _csv(statement), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
        )
    return Response(_shown(statement).model_dump_json(by_alias=True), media_type="application/json")


def _shown(statement: rules.DayStatement) -> DayStatement:
    fields = msgspec.structs.asdict(statement)
    return DayStatement(
        **{
            **fields,
            "balanced": statement.balanced,
            "unbalanced": list(statement.unbalanced),
            "products": [ProductDay(**_product(line)) for line in statement.products],
            "totals": Totals(
                receipts=statement.totals.receipts,
                lines=statement.totals.lines,
                quantity=statement.totals.quantity,
                takings=[Takings(**msgspec.structs.asdict(one)) for one in statement.totals.takings],
            ),
            "journals": [
                JournalState(**{name: getattr(one, name) for name in JournalState.model_fields})
                for one in statement.journals
            ],
            "discrepancies": [OpenCase(**msgspec.structs.asdict(one)) for one in statement.discrepancies],
            "quarantined": [Quarantined(**msgspec.structs.asdict(one)) for one in statement.quarantined],
        }
    )


def _product(line: rules.ProductDay) -> dict[str, Any]:
    return {**msgspec.structs.asdict(line), "difference": line.difference}


def _csv(statement: rules.DayStatement) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for line in statement.products:
        writer.writerow(_product(line))
    return text.getvalue()
