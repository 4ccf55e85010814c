"""What people decide about a discrepancy: assign it, settle it (booking what it takes), or dismiss it; always with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from central.actors import By
from central.database import Connection
from central.ledger import documents
from central.ledger.documents import Document, Line

_DISCREPANCY = """
SELECT site_id AS site, discrepancy_id, class, state, gtin, item, quantity, value_minor, currency, likely_cause, proposal,
       evidence, assignee, opened_at, updated_at
  FROM discrepancies
"""


class Decision(StrEnum):
    """What can be decided."""

    ASSIGN = "assign"
    SETTLE = "settle"
    DISMISS = "dismiss"


_AFTER = {Decision.ASSIGN: "assigned", Decision.SETTLE: "settled", Decision.DISMISS: "dismissed"}
_OPEN = ("open", "assigned")


class NotOpen(msgspec.Struct, frozen=True):
    """Somebody, or a later fact, was there first."""

    state: str


def page(
    connection: Connection,
    *,
    site: str | None,
    state: str | None,
    discrepancy_class: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Discrepancies, the newest first, after the place ``after`` (opened_at, id) in that order."""
    at, after_id = after or (None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _DISCREPANCY
            + """
            WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(state)s::text IS NULL OR state = %(state)s)
              AND (%(class)s::text IS NULL OR class = %(class)s)
              AND (%(at)s::timestamptz IS NULL OR (opened_at, discrepancy_id) < (%(at)s, %(after_id)s))
            ORDER BY opened_at DESC, discrepancy_id DESC LIMIT %(limit)s
            """,
            {
                "site": site,
                "state": state,
                "class": discrepancy_class,
                "at": at,
                "after_id": after_id,
                "limit": limit,
            },
        ).fetchall()


def find(connection: Connection, site: str, discrepancy_id: UUID) -> dict[str, Any] | None:
    """One discrepancy of a site."""
    return _read(
        connection, _DISCREPANCY + "WHERE site_id = %s AND discrepancy_id = %s", site, discrepancy_id
    )


def history(connection: Connection, site: str, discrepancy_id: UUID) -> list[dict[str, Any]]:
    """Everything that was done about a discrepancy, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT at, actor, action, reason FROM discrepancy_audit WHERE site_id = %s AND discrepancy_id = %s ORDER BY audit_id
            """,
            (site, discrepancy_id),
        ).fetchall()


def decide(
    connection: Connection,
    site: str,
    discrepancy_id: UUID,
    decision: Decision,
    by: By,
    *,
    assignee: str | None = None,
) -> dict[str, Any] | NotOpen | None:
    """Carry a decision out: the discrepancy afterwards. None if there is none of this id at this site."""
    row = _read(
        connection,
        _DISCREPANCY + "WHERE site_id = %s AND discrepancy_id = %s FOR UPDATE",
        site,
        discrepancy_id,
    )
    if row is None:
        return None
    if row["state"] not in _OPEN:
        return NotOpen(row["state"])
    connection.execute(
        """
        UPDATE discrepancies SET state = %s, assignee = coalesce(%s, assignee), updated_at = %s
         WHERE site_id = %s AND discrepancy_id = %s
        """,
        (_AFTER[decision], assignee, by.at, site, discrepancy_id),
    )
    connection.execute(
        "INSERT INTO discrepancy_audit (site_id, discrepancy_id, at, actor, action, reason) VALUES (%s, %s, %s, %s, %s, %s)",
        (site, discrepancy_id, by.at, by.actor, decision, by.reason),
    )
    return find(connection, site, discrepancy_id)


def book_settlement(
    connection: Connection, discrepancy: dict[str, Any], lines: Sequence[Line], at: datetime
) -> None:
    """Book the adjustments that settle a (locked, open) discrepancy, under its own document."""
    document = Document(
        site=discrepancy["site"],
        document=f"discrepancy:{discrepancy['discrepancy_id']}:{at.isoformat()}",
        lines=tuple(lines),
        event_time=at,
        reason=discrepancy["class"],
    )
    documents.book(connection, document, at)


def _read(connection: Connection, query: str, site: str, discrepancy_id: UUID) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, (site, discrepancy_id)).fetchone()
