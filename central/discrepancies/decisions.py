"""What people decide about a discrepancy: assign it, say something about it, settle it (booking what it takes), dismiss it, open it again.

Each in the caller's transaction, with a reason, and noted in the audit trail of the case. What cannot be decided is a value with the reason.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Rollback

from central.actors import By
from central.database import Connection
from central.discrepancies import settling, views
from central.discrepancies.limits import DEFAULTS, Limits
from central.discrepancies.settlements import Settlement


class Decision(StrEnum):
    """What can be decided."""

    ASSIGN = "assign"
    COMMENT = "comment"
    SETTLE = "settle"
    DISMISS = "dismiss"
    REOPEN = "reopen"


_AFTER = {
    Decision.ASSIGN: "assigned",
    Decision.SETTLE: "settled",
    Decision.DISMISS: "dismissed",
    Decision.REOPEN: "open",
}
_FROM = {
    Decision.ASSIGN: ("open", "assigned"),
    Decision.COMMENT: ("open", "assigned", "settled", "dismissed"),
    Decision.SETTLE: ("open", "assigned"),
    Decision.DISMISS: ("open", "assigned"),
    Decision.REOPEN: ("settled", "dismissed"),
}


class Refused(msgspec.Struct, frozen=True):
    """Why it cannot be done; ``state`` is where the case really stands."""

    reason: str
    state: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with what belongs to it: whom a case is assigned to, and how it is settled: by its own proposal, by a ``settlement`` of the
    caller's, or by nothing that is booked."""

    decision: Decision
    by: By
    assignee: str | None = None
    by_proposal: bool = False
    settlement: Settlement | None = None
    limits: Limits = DEFAULTS


def decide(
    connection: Connection, site: str, discrepancy_id: UUID, choice: Choice
) -> dict[str, Any] | Refused | None:
    """Carry a decision out: the case afterwards. None if there is none of this id at this site.

    What is booked is booked in the order of locks: despatches, items and balances before the case itself. So the case is read first, and
    looked at again when it is locked.
    """
    before = views.find(connection, site, discrepancy_id)
    if before is None:
        return None
    wanted = _refused(before["state"], choice.decision) or _wanted(before, choice)
    if isinstance(wanted, Refused):
        return wanted
    refusals: list[Refused] = []
    with connection.transaction():  # what cannot be booked after all has changed nothing
        refused = _carry_out(connection, before, choice, wanted)
        if refused is not None:
            refusals.append(refused)
            raise Rollback
    return refusals[0] if refusals else views.find(connection, site, discrepancy_id)


def _carry_out(
    connection: Connection, before: dict[str, Any], choice: Choice, wanted: Settlement | None
) -> Refused | None:
    case = before["site"], before["discrepancy_id"]
    if wanted is not None:
        impossible = settling.prepare(connection, before, wanted)
        if impossible is not None:
            return _cannot(impossible, before)
    row = connection.execute(
        "SELECT state FROM discrepancies WHERE site_id = %s AND discrepancy_id = %s FOR UPDATE", case
    ).fetchone()
    assert row is not None, "a case is never deleted"
    refused = _refused(row[0], choice.decision)
    if refused is not None:
        return refused
    if choice.decision in _AFTER:
        connection.execute(
            """
            UPDATE discrepancies SET state = %s, assignee = coalesce(%s, assignee), updated_at = %s
             WHERE site_id = %s AND discrepancy_id = %s
            """,
            (_AFTER[choice.decision], choice.assignee, choice.by.at, *case),
        )
    note(connection, case, choice.decision.value, choice.by)
    if wanted is not None:
        impossible = settling.book(connection, before, wanted, choice.by, choice.limits)
        if impossible is not None:
            return _cannot(impossible, before)
    return None


def note(connection: Connection, case: tuple[str, UUID], action: str, by: By) -> None:
    """Write down what was done about a case."""
    connection.execute(
        "INSERT INTO discrepancy_audit (site_id, discrepancy_id, at, actor, action, reason) VALUES (%s, %s, %s, %s, %s, %s)",
        (*case, by.at, by.actor, action, by.reason),
    )


def _refused(state: str, decision: Decision) -> Refused | None:
    if state in _FROM[decision]:
        return None
    return Refused(f"cannot {decision} this discrepancy: it is {state}", state)


def _cannot(impossible: settling.Impossible, case: dict[str, Any]) -> Refused:
    return Refused(f"cannot settle this discrepancy so: {impossible.reason}", case["state"])


def _wanted(case: dict[str, Any], choice: Choice) -> Settlement | Refused | None:
    if not choice.by_proposal:
        return choice.settlement
    if case["settlement"] is None:
        return Refused(
            "this discrepancy proposes nothing that could be booked; name the adjustments, or settle it without",
            case["state"],
        )
    return settling.read(case["settlement"])
