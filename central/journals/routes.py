"""``/v1/journals`` and ``/v1/quarantine``: what has arrived of every agent's journal, and what could not be taken in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.paging import Cursor, Limit, Page, decode, page
from central.journals import views

router = APIRouter(prefix="/v1", tags=["journals"])


class Counts(BaseModel):
    """Events that have arrived: every one of them was applied, or is visible in the quarantine."""

    accepted: int
    applied: int
    quarantined: int


class AgentJournal(Counts):
    """The journal of one agent, over all its epochs."""

    agent: str
    site: str
    unsent: int = Field(description="events the agent has not brought here yet, by its own last word")


class Journals(Page[AgentJournal]):
    """A page of journals, with the totals of all of them."""

    totals: Counts


class Quarantined(BaseModel):
    """An event that could not be read or booked. Its bytes are kept; the rest of its journal went on."""

    site: str
    agent: str
    epoch: str
    seq: int
    cause: str
    bytes: int
    quarantined_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@router.get("/journals")
def list_journals(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Journals:
    """What has arrived, agent by agent and in total."""
    place = decode(cursor, tuple[str])
    with reading(central, caller) as connection:
        rows = views.journals(connection, site=site, after=place[0] if place else None, limit=limit + 1)
        totals = views.totals(connection, site=site)
    shown = page(rows, limit, lambda row: AgentJournal(**row), lambda row: (row["agent"],))
    return Journals(items=shown.items, next=shown.next, totals=Counts(**totals))


@router.get("/quarantine")
def list_quarantine(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Quarantined]:
    """Events that are in quarantine, with the cause."""
    place = decode(cursor, tuple[int, int])
    with reading(central, caller) as connection:
        rows = views.quarantine(connection, site=site, after=place, limit=limit + 1)
    return page(
        rows,
        limit,
        lambda row: Quarantined(**{name: value for name, value in row.items() if name != "journal"}),
        lambda row: (row["journal"], row["seq"]),
    )
