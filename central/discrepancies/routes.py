"""``/v1/discrepancies``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import Connection
from central.discrepancies import decisions
from central.discrepancies.decisions import Decision, NotOpen
from central.discrepancies.visibility import shown_cause, shown_evidence
from central.ledger.documents import Line
from central.ledger.routes import MovedLine
from central.products.routes import must_be_known

router = APIRouter(prefix="/v1", tags=["discrepancies"])

State = Literal["open", "assigned", "settled", "dismissed"]


class Discrepancy(BaseModel):
    """Two facts that contradict each other."""

    site: str
    discrepancy_id: UUID
    discrepancy_class: str = Field(serialization_alias="class")
    state: State
    gtin: str | None
    item: str | None
    quantity: Decimal | None
    value_minor: int | None
    currency: str | None
    likely_cause: str
    proposal: str
    evidence: list[dict[str, Any]] = Field(
        description="the events behind it; of other dealers' sites only that there are any"
    )
    assignee: str | None
    opened_at: datetime
    updated_at: datetime


class Step(BaseModel):
    """Something that was done about it."""

    at: datetime
    actor: str
    action: str
    reason: str | None


class DiscrepancyWithHistory(Discrepancy):
    """A discrepancy with everything that was done about it."""

    history: list[Step]


class Because(BaseModel):
    """A decision with its reason."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class Assignment(Because):
    """Who is to look into it."""

    assignee: str = Field(min_length=1, max_length=200)


class Settlement(Because):
    """How it was settled. `adjustments` are booked at its site: above zero for what was found, below for what is gone."""

    adjustments: list[MovedLine] = Field(default=[], max_length=1000)


@router.get("/discrepancies")
def list_discrepancies(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    state: State | None = None,
    discrepancy_class: Annotated[str | None, Query(alias="class")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Discrepancy]:
    """Discrepancies, the newest first."""
    place = decode(cursor, tuple[datetime, UUID])
    with reading(central, caller) as connection:
        rows = decisions.page(
            connection,
            site=site,
            state=state,
            discrepancy_class=discrepancy_class,
            after=place,
            limit=limit + 1,
        )
    return page(
        rows, limit, lambda row: _shown(caller, row), lambda row: (row["opened_at"], row["discrepancy_id"])
    )


@router.get("/discrepancies/{site}/{discrepancy_id}")
def get_discrepancy(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, discrepancy_id: UUID
) -> DiscrepancyWithHistory:
    """One discrepancy, with what was done about it."""
    with reading(central, caller) as connection:
        row = decisions.find(connection, site, discrepancy_id)
        if row is None:
            raise not_found("discrepancy", f"{site}/{discrepancy_id}")
        steps = decisions.history(connection, site, discrepancy_id)
    return DiscrepancyWithHistory(
        **_shown(caller, row).model_dump(), history=[Step(**step) for step in steps]
    )


@router.post("/discrepancies/{site}/{discrepancy_id}/assign", response_model=Discrepancy)
def assign(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, discrepancy_id: UUID, body: Assignment
) -> Response:
    """Say who is to look into it."""
    return _decide(write, caller, site, discrepancy_id, Decision.ASSIGN, body)


@router.post("/discrepancies/{site}/{discrepancy_id}/settle", response_model=Discrepancy)
def settle(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, discrepancy_id: UUID, body: Settlement
) -> Response:
    """Settle it, booking the adjustments that it takes in the same transaction. A new fact of the same cause opens it again."""
    return _decide(write, caller, site, discrepancy_id, Decision.SETTLE, body)


@router.post("/discrepancies/{site}/{discrepancy_id}/dismiss", response_model=Discrepancy)
def dismiss(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, discrepancy_id: UUID, body: Because
) -> Response:
    """Decide that it is none. The same cause does not open it again."""
    return _decide(write, caller, site, discrepancy_id, Decision.DISMISS, body)


def _decide(
    write: Once, caller: Caller, site: str, discrepancy_id: UUID, decision: Decision, body: Because
) -> Response:
    now = write.central.now()

    def work(connection: Connection) -> Discrepancy:
        row = decisions.decide(
            connection,
            site,
            discrepancy_id,
            decision,
            By(actor=caller.actor, at=now, reason=body.reason),
            assignee=body.assignee if isinstance(body, Assignment) else None,
        )
        if row is None:
            raise not_found("discrepancy", f"{site}/{discrepancy_id}")
        if isinstance(row, NotOpen):
            raise Problem(409, f"cannot {decision} this discrepancy: it is {row.state}", state=row.state)
        if isinstance(body, Settlement) and body.adjustments:
            must_be_known(connection, [line.gtin for line in body.adjustments])
            lines = [
                Line(line=number, gtin=line.gtin, quantity=line.quantity)
                for number, line in enumerate(body.adjustments, 1)
            ]
            decisions.book_settlement(connection, row, lines, now)
        return _shown(caller, row)

    return write.run(caller, work)


def _shown(caller: Caller, row: dict[str, Any]) -> Discrepancy:
    shown = {
        "discrepancy_class": row["class"],
        **{name: value for name, value in row.items() if name != "class"},
    }
    if not caller.sees_every_site:
        shown["evidence"] = shown_evidence(row["evidence"], caller.sites)
        shown["likely_cause"] = shown_cause(row["class"], row["likely_cause"])
    return Discrepancy(**shown)
