"""``POST /v1/discrepancies/…``: what people decide about them, one by one or several at once.

The brand decides everything. A dealer may assign the cases of its own sites and of those below it, and say something about them; it may settle
and dismiss them where the installation allows it, and then books at its own sites alone. What is booked for another site is the brand's.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from central.actors import By
from central.api.callers import Brand, Caller, allow
from central.api.once import Once, once
from central.api.problems import Problem, not_found
from central.database import Connection
from central.discrepancies import decisions, views
from central.discrepancies.bodies import (
    Assignment,
    Because,
    Discrepancy,
    Done,
    Many,
    NotDone,
    Settlement,
    shown,
)
from central.discrepancies.decisions import Choice, Decision, Refused
from central.discrepancies.settlements import Line
from central.discrepancies.settlements import Settlement as Booked
from central.discrepancies.visibility import shown_settlement
from central.products.routes import must_be_known
from central.tokens.bearer import Role

router = APIRouter(prefix="/v1", tags=["discrepancies"])

Concerned = Annotated[Caller, Depends(allow(Role.BRAND, Role.DEALER))]
"""The brand, and a dealer for its own sites."""
Writing = Annotated[Once, Depends(once)]
_UNKNOWN = "not known here"


@router.post("/discrepancies/{site}/{discrepancy_id}/assign", response_model=Discrepancy)
def assign(caller: Concerned, write: Writing, site: str, discrepancy_id: UUID, body: Assignment) -> Response:
    """Say who is to look into it."""
    return _one(write, caller, (site, discrepancy_id), Decision.ASSIGN, body, assignee=body.assignee)


@router.post("/discrepancies/{site}/{discrepancy_id}/comment", response_model=Discrepancy)
def comment(caller: Concerned, write: Writing, site: str, discrepancy_id: UUID, body: Because) -> Response:
    """Say something about it: it stands in its history."""
    return _one(write, caller, (site, discrepancy_id), Decision.COMMENT, body)


@router.post("/discrepancies/{site}/{discrepancy_id}/settle", response_model=Discrepancy)
def settle(caller: Concerned, write: Writing, site: str, discrepancy_id: UUID, body: Settlement) -> Response:
    """Settle it, booking what it takes in the same transaction. A new fact of the same cause opens it again."""
    _may_settle(write, caller)
    return _one(write, caller, (site, discrepancy_id), Decision.SETTLE, body, settlement=body)


@router.post("/discrepancies/{site}/{discrepancy_id}/dismiss", response_model=Discrepancy)
def dismiss(caller: Concerned, write: Writing, site: str, discrepancy_id: UUID, body: Because) -> Response:
    """Decide that it is none. The same cause does not open it again."""
    _may_settle(write, caller)
    return _one(write, caller, (site, discrepancy_id), Decision.DISMISS, body)


@router.post("/discrepancies/{site}/{discrepancy_id}/reopen", response_model=Discrepancy)
def reopen(caller: Brand, write: Writing, site: str, discrepancy_id: UUID, body: Because) -> Response:
    """Open a settled or dismissed one again. What settling it has booked stays booked."""
    return _one(write, caller, (site, discrepancy_id), Decision.REOPEN, body)


@router.post("/discrepancies/{decision}", response_model=Done)
def decide_many(caller: Concerned, write: Writing, decision: Decision, body: Many) -> Response:
    """The same decision about several cases. What cannot be done of them is named with its reason, and stops nothing else."""
    if decision in (Decision.SETTLE, Decision.DISMISS):
        _may_settle(write, caller)
    if decision is Decision.REOPEN and caller.role is not Role.BRAND:
        raise Problem(403, f"a token of role {caller.role} may not do this; it takes one of: brand")
    if (decision is Decision.ASSIGN) != (body.assignee is not None):
        raise Problem(422, "assignee: expected where cases are assigned, and only there")
    if body.proposed and decision is not Decision.SETTLE:
        raise Problem(422, "proposed: expected where cases are settled, and only there")
    now = write.central.now()
    choice = Choice(
        decision=decision,
        by=By(actor=caller.actor, at=now, reason=body.reason),
        assignee=body.assignee,
        by_proposal=body.proposed,
        limits=write.central.case_limits,
    )

    def work(connection: Connection) -> Done:
        done: list[Discrepancy] = []
        refused: list[NotDone] = []
        # In the order of their keys: two who decide the same cases wait for each other, and never in a ring.
        for one in sorted({(named.site, named.discrepancy_id) for named in body.cases}):
            found = _decide(connection, caller, one, choice)
            if isinstance(found, Refused):
                refused.append(NotDone(site=one[0], discrepancy_id=one[1], reason=found.reason))
            elif found is None:
                refused.append(NotDone(site=one[0], discrepancy_id=one[1], reason=_UNKNOWN))
            else:
                done.append(found)
        if all(one.reason == _UNKNOWN for one in refused) and not done:
            raise not_found("discrepancy", ", ".join(str(one.discrepancy_id) for one in refused[:5]))
        return Done(done=done, refused=refused)

    return write.run(caller, work)


def _one(
    write: Once,
    caller: Caller,
    case: tuple[str, UUID],
    decision: Decision,
    body: Because,
    *,
    assignee: str | None = None,
    settlement: Settlement | None = None,
) -> Response:
    now = write.central.now()

    def work(connection: Connection) -> Discrepancy:
        choice = Choice(
            decision=decision,
            by=By(actor=caller.actor, at=now, reason=body.reason),
            assignee=assignee,
            by_proposal=settlement is not None and settlement.proposed,
            settlement=_named(connection, case, settlement),
            limits=write.central.case_limits,
        )
        found = _decide(connection, caller, case, choice)
        if found is None:
            raise not_found("discrepancy", f"{case[0]}/{case[1]}")
        if isinstance(found, Refused):
            raise Problem(409, found.reason, state=found.state)
        return found

    return write.run(caller, work)


def _decide(
    connection: Connection, caller: Caller, case: tuple[str, UUID], choice: Choice
) -> Discrepancy | Refused | None:
    if choice.by_proposal and not caller.sees_every_site:
        row = views.find(connection, *case)
        if (
            row is not None
            and row["settlement"]
            and shown_settlement(row["settlement"], caller.sites) is None
        ):
            return Refused("what this discrepancy proposes is booked by the brand", row["state"])
    found = decisions.decide(connection, *case, choice)
    return shown(caller, found) if isinstance(found, dict) else found


def _named(connection: Connection, case: tuple[str, UUID], settlement: Settlement | None) -> Booked | None:
    """The adjustments of the caller, under the class of the case as their reason."""
    if settlement is None or not settlement.adjustments:
        return None
    must_be_known(connection, [line.gtin for line in settlement.adjustments])
    row = views.find(connection, *case)
    lines = tuple(Line(gtin=line.gtin, quantity=line.quantity) for line in settlement.adjustments)
    return Booked(reason=row["class"] if row else "settlement", lines=lines)


def _may_settle(write: Once, caller: Caller) -> None:
    if caller.role is not Role.BRAND and not write.central.case_limits.dealers_settle:
        raise Problem(
            403,
            f"a token of role {caller.role} may assign and comment on discrepancies, not settle or dismiss them; "
            f"the brand may allow it (discrepancies.dealers_settle)",
        )
