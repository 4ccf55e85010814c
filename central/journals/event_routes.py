"""``/v1/events/{journal}/{seq}``: one event as its counter wrote it. Every figure and every piece of evidence leads here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from central.api.callers import Reader, reading
from central.api.context import Central, central_of
from central.api.problems import not_found
from central.journals import archive

router = APIRouter(prefix="/v1", tags=["journals"])

Number = Annotated[int, Path(ge=1, lt=1 << 63)]


class Event(BaseModel):
    """An event from the archive, or from the quarantine. `body` is what the counter said, decoded."""

    site: str
    agent: str
    epoch: str
    journal: int
    seq: int
    kind: str
    event_time: datetime | None = Field(description="when it happened, corrected for a wrong clock")
    received_at: datetime
    hash: str = Field(description="its place in the chain of the journal, SHA-256")
    repeats: int | None = Field(
        description="the journal that brought the same fact before; it has no effect here"
    )
    quarantined: str | None = Field(description="why it could not be booked")
    said_at: dict[str, Any] | None = Field(
        description="what the counter's clock said; none where it cannot be read"
    )
    body: dict[str, Any] | None


@router.get("/events/{journal}/{seq}")
def get_event(
    central: Annotated[Central, Depends(central_of)], caller: Reader, journal: Number, seq: Number
) -> Event:
    """One event of one of your sites. Who the customer was is shown to nobody here."""
    with reading(central, caller) as connection:
        found = archive.find(connection, journal, seq)
    if found is None:
        raise not_found("event", f"{journal}/{seq}")
    return Event(**found)
