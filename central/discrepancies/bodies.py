"""What ``/v1/discrepancies`` takes and gives."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from central.api.callers import Caller
from central.discrepancies import views
from central.discrepancies.visibility import (
    shown_cause,
    shown_evidence,
    shown_settlement,
    with_links,
)
from central.ledger.routes import MovedLine

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
    cause: str | None = Field(description="the likely cause in one word")
    probability: float | None = Field(description="of that cause")
    likely_cause: str
    proposal: str
    settlement: dict[str, Any] | None = Field(
        description="what settling it as proposed would book; null also where it would touch another dealer's books"
    )
    evidence: list[dict[str, Any]] = Field(
        description="the facts behind it, each with `href` where it can be opened; of other dealers' sites only that there are any"
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


class Value(BaseModel):
    """Cases whose value is known in a currency; null: those without a value."""

    currency: str | None
    cases: int
    value_minor: int | None


class Sums(BaseModel):
    """Cases together."""

    cases: int
    assigned: int
    oldest_opened_at: datetime | None
    values: list[Value]


class ClassSums(Sums):
    """Of one class."""

    discrepancy_class: str = Field(serialization_alias="class")


class SiteSums(Sums):
    """Of one site."""

    site: str


class Summary(Sums):
    """What there is. The classes and sites with the most value come first."""

    by_class: list[ClassSums]
    by_site: list[SiteSums]


class Because(BaseModel):
    """A decision with its reason."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class Assignment(Because):
    """Who is to look into it."""

    assignee: str = Field(min_length=1, max_length=200)


class Settlement(Because):
    """How it was settled: `proposed` books its own settlement; `adjustments` are booked at its site instead, above zero for what was found,
    below for what is gone. With neither nothing is booked."""

    proposed: bool = False
    adjustments: list[MovedLine] = Field(default=[], max_length=1000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Settlement:
        if self.proposed and self.adjustments:
            raise ValueError("proposed, adjustments: expected one of them, or neither")
        return self


class Named(BaseModel):
    """One of several cases."""

    model_config = ConfigDict(extra="forbid")

    site: str = Field(max_length=100)
    discrepancy_id: UUID


class Many(Because):
    """A decision about several cases at once. `assignee` where they are assigned, `proposed` where they are settled by their own proposals."""

    cases: list[Named] = Field(min_length=1, max_length=1000)
    assignee: str | None = Field(default=None, min_length=1, max_length=200)
    proposed: bool = False


class NotDone(BaseModel):
    """A case of which the decision could not be carried out, and why."""

    site: str
    discrepancy_id: UUID
    reason: str


class Done(BaseModel):
    """What became of a decision about several cases. Those that were refused are as they were."""

    done: list[Discrepancy]
    refused: list[NotDone]


def shown(caller: Caller, row: dict[str, Any]) -> Discrepancy:
    """A case as a caller may see it."""
    fields = {"discrepancy_class" if name == "class" else name: value for name, value in row.items()}
    if not caller.sees_every_site:
        fields["evidence"] = shown_evidence(row["evidence"], caller.sites)
        fields["likely_cause"] = shown_cause(row["class"], row["likely_cause"])
        fields["settlement"] = shown_settlement(row["settlement"], caller.sites)
    fields["evidence"] = with_links(fields["evidence"])
    if fields["probability"] is not None:
        fields["probability"] = round(fields["probability"], 3)
    return Discrepancy(**fields)


def shown_summary(found: views.Summary) -> Summary:
    """Sums as they are shown."""
    return Summary(
        **_sums(found.total),
        by_class=[ClassSums(discrepancy_class=one.name or "", **_sums(one)) for one in found.by_class],
        by_site=[SiteSums(site=one.name or "", **_sums(one)) for one in found.by_site],
    )


def _sums(one: views.Sum) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(one)
    del fields["name"]
    return fields | {"values": [msgspec.structs.asdict(value) for value in one.values]}
