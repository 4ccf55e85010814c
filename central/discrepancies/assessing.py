"""Looking at cases again, by the clock: what the books know by now may name another cause than the evidence did when they were raised."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from central.database import Connection
from central.discrepancies import looking
from central.discrepancies.causes import ASSESSED, named
from central.discrepancies.rules import Discrepancy, DiscrepancyClass

ACTOR = "central"
AT_ONCE = 100
"""Cases in one transaction: each takes a handful of small queries."""
AGAIN_AFTER = timedelta(minutes=50)
"""An open case is looked at again in each hourly round, for it may be explained by what has happened since."""

_COLUMNS = """
SELECT site_id, discrepancy_id, class, cause_key, gtin, item, quantity, value_minor, currency, likely_cause, proposal, evidence, cause,
       probability, settlement
  FROM discrepancies
"""


def assess_new(connection: Connection, now: datetime) -> int:
    """Look at cases that were raised, or got a new fact, since they were last looked at; how many there were, at most so many at once."""
    found = connection.execute(
        _COLUMNS
        + """
        WHERE state IN ('open', 'assigned') AND (assessed_at IS NULL OR assessed_at < updated_at) AND class = ANY (%s)
        ORDER BY updated_at, site_id, discrepancy_id LIMIT %s FOR UPDATE SKIP LOCKED
        """,
        (sorted(ASSESSED), AT_ONCE),
    ).fetchall()
    return _assess(connection, found, now)


def assess_again(connection: Connection, now: datetime) -> int:
    """Look again at open cases that were last looked at in an earlier round; how many there were, at most so many at once."""
    found = connection.execute(
        _COLUMNS
        + """
        WHERE state IN ('open', 'assigned') AND assessed_at < %s AND class = ANY (%s)
        ORDER BY assessed_at, site_id, discrepancy_id LIMIT %s FOR UPDATE SKIP LOCKED
        """,
        (now - AGAIN_AFTER, sorted(ASSESSED), AT_ONCE),
    ).fetchall()
    return _assess(connection, found, now)


def _assess(connection: Connection, found: list[tuple[Any, ...]], now: datetime) -> int:
    for row in found:
        site, discrepancy_id, *_ = row
        before = _case(row)
        after = named(before, looking.around(connection, before, now))
        if after == before:
            connection.execute(
                "UPDATE discrepancies SET assessed_at = greatest(%s, updated_at) WHERE site_id = %s AND discrepancy_id = %s",
                (now, site, discrepancy_id),
            )
            continue
        connection.execute(
            """
            UPDATE discrepancies SET likely_cause = %s, proposal = %s, evidence = %s, cause = %s, probability = %s, settlement = %s,
                   assessed_at = greatest(%s, updated_at)
             WHERE site_id = %s AND discrepancy_id = %s
            """,
            (
                after.likely_cause, after.proposal, Jsonb(after.evidence), after.cause, after.probability,
                None if after.settlement is None else Jsonb(after.settlement), now, site, discrepancy_id,
            ),
        )  # fmt: skip
        if after.cause != before.cause:
            connection.execute(
                """
                INSERT INTO discrepancy_audit (site_id, discrepancy_id, at, actor, action, reason) VALUES (%s, %s, %s, %s, 'likely cause', %s)
                """,
                (site, discrepancy_id, now, ACTOR, f"{before.cause or 'none'} -> {after.cause}"),
            )
    return len(found)


def _case(row: tuple[Any, ...]) -> Discrepancy:
    (site, _, name, key, gtin, item, quantity, value_minor, currency, words, proposal, evidence, cause, probability, settlement) = row  # fmt: skip
    return Discrepancy(
        site=site,
        discrepancy_class=DiscrepancyClass(name),
        cause_key=key,
        likely_cause=words,
        proposal=proposal,
        evidence=tuple(evidence),
        gtin=gtin,
        item=item,
        quantity=quantity,
        value_minor=value_minor,
        currency=currency,
        cause=cause,
        probability=None if probability is None else round(probability, 3),
        settlement=settlement,
    )
