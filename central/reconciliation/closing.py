"""Closing a day: from then on, what is heard of it is a restatement.

A closing takes the day and every earlier one that is not closed yet. It waits for whatever is being booked at the site, and what is
booked afterwards finds it: nothing falls between the statement as closed and its restatements.
"""

from __future__ import annotations

from datetime import date

import msgspec

from central.actors import By
from central.database import Connection
from central.reconciliation.beside import Closed, Restatement

RESTATEMENTS_SHOWN = 200


class NotOver(msgspec.Struct, frozen=True):
    """The day is not over at the site, where it is ``today``."""

    today: date


def closing_of(connection: Connection, site: str, day: date) -> Closed | None:
    """The closing that took a day, None while it is open."""
    row = connection.execute(
        """
        SELECT business_day, closed_at, actor, reason, complete, restated_through FROM day_closings
        WHERE site_id = %s AND business_day >= %s ORDER BY business_day LIMIT 1
        """,
        (site, day),
    ).fetchone()
    if row is None:
        return None
    taken_by, closed_at, actor, reason, complete, through = row
    return Closed(
        day=taken_by,
        closed_at=closed_at,
        actor=actor,
        reason=reason,
        complete=complete,
        restated_through=through,
    )


def close(connection: Connection, site: str, day: date, by: By, *, complete: bool) -> Closed:
    """Close a day; the closing that has taken it already, if one has. ``complete``: every agent had sent everything of it."""
    bar(connection, site)
    known = closing_of(connection, site, day)
    if known is not None:
        return known
    connection.execute(
        """
        INSERT INTO day_closings (site_id, business_day, closed_at, actor, reason, complete, restated_through)
        SELECT %(site)s, %(day)s, %(at)s, %(actor)s, %(reason)s, %(complete)s,
               coalesce((SELECT max(restatement_id) FROM restatements WHERE site_id = %(site)s), 0)
        """,
        {"site": site, "day": day, "at": by.at, "actor": by.actor, "reason": by.reason, "complete": complete},
    )
    made = closing_of(connection, site, day)
    assert made is not None
    return made


def bar(connection: Connection, site: str) -> None:
    """Wait until nobody is booking at a site, and keep everybody from it until the end of the transaction (central.ledger.days has the
    other side)."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('countermark books'), hashtext(%s) & 63)", (site,)
    )


def count_restated(connection: Connection, site: str, day: date, closed: Closed | None) -> int:
    """How many restatements a day has: its own, and those of earlier days since it was closed."""
    if closed is None:
        return 0
    row = connection.execute(
        "SELECT count(*) FROM restatements WHERE site_id = %s AND business_day <= %s AND restatement_id > %s",
        (site, day, closed.restated_through),
    ).fetchone()
    return 0 if row is None else int(row[0])


def restatements(
    connection: Connection,
    site: str,
    day: date,
    through: int,
    *,
    after: int = 0,
    limit: int = RESTATEMENTS_SHOWN,
) -> list[tuple[int, Restatement]]:
    """What was booked after the closing that left ``through`` as the last restatement, with its number, in the order in which it came."""
    found = connection.execute(
        """
        SELECT restatement_id, business_day, gtin, flow, quantity, value_minor, amount_minor, recorded_at,
               (SELECT agent_id FROM epochs WHERE epochs.journal = restatements.journal), journal, seq, document
        FROM restatements
        WHERE site_id = %s AND business_day <= %s AND restatement_id > %s ORDER BY restatement_id LIMIT %s
        """,
        (site, day, max(through, after), limit),
    )
    return [
        (
            number,
            Restatement(
                day=of,
                gtin=gtin,
                flow=flow,
                quantity=quantity,
                value_minor=value,
                amount_minor=amount,
                recorded_at=at,
                agent=agent,
                journal=journal,
                seq=seq,
                document=document,
            ),
        )
        for number, of, gtin, flow, quantity, value, amount, at, agent, journal, seq, document in found
    ]
