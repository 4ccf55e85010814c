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
    """Carry a decision out: the case afterwards. None if there is none of this id at this site."""
    # Two people who decide the same case wait for each other here. The row itself is locked where no booking follows, for bookings lock
    # despatches, items, balances and days, and a case comes after them in the order that holds everywhere.
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('discrepancy ' || %s, 0))", (str(discrepancy_id),)
    )
    before = views.find(connection, site, discrepancy_id)
    if before is None:
        return None
    wanted = _refused(before["state"], choice.decision) or _wanted(before, choice)
    if isinstance(wanted, Refused):
        return wanted
    refusals: list[Refused] = []
    with connection.transaction():  # what cannot be booked after all has changed nothing
        refused = (
            _decide(connection, before, choice)
            if wanted is None
            else _settle(connection, before, choice, wanted)
        )
        if refused is not None:
            refusals.append(refused)
            raise Rollback
    return refusals[0] if refusals else views.find(connection, site, discrepancy_id)


def _decide(connection: Connection, before: dict[str, Any], choice: Choice) -> Refused | None:
    """What books nothing."""
    row = connection.execute(
        "SELECT state FROM discrepancies WHERE site_id = %s AND discrepancy_id = %s FOR UPDATE", _key(before)
    ).fetchone()
    assert row is not None, "a case is never deleted"
    refused = _refused(row[0], choice.decision)
    if refused is None:
        note(connection, _key(before), choice.decision.value, choice.by)
        _change(connection, before, choice)
    return refused


def _settle(
    connection: Connection, before: dict[str, Any], choice: Choice, wanted: Settlement
) -> Refused | None:
    impossible = settling.prepare(connection, before, wanted)
    if impossible is not None:
        return _cannot(impossible, before)
    # Whatever fact could explain the case meanwhile needs one of the locks that are held now: what is read here stays true.
    now = views.find(connection, *_key(before))
    assert now is not None, "a case is never deleted"
    refused = _refused(now["state"], choice.decision)
    if refused is not None:
        return refused
    if now["settlement"] != before["settlement"] and choice.by_proposal:
        return Refused("this discrepancy proposes something else by now; look at it again", now["state"])
    note(connection, _key(before), choice.decision.value, choice.by)
    impossible = settling.book(connection, before, wanted, choice.by, choice.limits)
    if impossible is not None:
        return _cannot(impossible, before)
    _change(connection, before, choice)
    return None


def _change(connection: Connection, before: dict[str, Any], choice: Choice) -> None:
    if choice.decision not in _AFTER:
        return
    connection.execute(
        """
        UPDATE discrepancies SET state = %s, assignee = coalesce(%s, assignee), updated_at = %s
         WHERE site_id = %s AND discrepancy_id = %s
        """,
        (_AFTER[choice.decision], choice.assignee, choice.by.at, *_key(before)),
    )


def _key(case: dict[str, Any]) -> tuple[str, UUID]:
    return case["site"], case["discrepancy_id"]


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
