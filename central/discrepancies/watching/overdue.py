"""``in_transit_too_long``: despatches that have not been received after their lane's usual time.

A lane is a pair of sites. What it usually takes is known from its last despatches: nineteen in twenty were there within the time that
counts, and half as long again is given on top (twelve hours at least). Where there are too few of them, the setting ``transit_days`` holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from central.database import Connection
from central.discrepancies import storage
from central.discrepancies.limits import Limits
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import iso

QUANTILE = 0.95
SLACK = 1.5
SLACK_AT_LEAST = timedelta(hours=12)
HISTORY = 50
HISTORY_AT_LEAST = 5
AT_ONCE = 500
LINES_SHOWN = 20


def raise_overdue(connection: Connection, now: datetime, limits: Limits) -> int:
    """Raise what is overdue and new, or of which less is awaited than before; how many there were."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            WITH waiting AS (
                SELECT d.to_site_id, d.despatch_id, d.from_site_id, d.despatched_at, d.order_id, d.state,
                       CASE WHEN lane.despatches >= %(enough)s THEN greatest(lane.usual * %(slack)s, lane.usual + %(slack_s)s)
                            ELSE %(default_s)s END AS limit_s,
                       lane.despatches, lane.usual
                  FROM despatches AS d
                  LEFT JOIN LATERAL (
                       SELECT count(*) AS despatches,
                              percentile_cont(%(quantile)s) WITHIN GROUP (ORDER BY extract(epoch FROM received_at - despatched_at)) AS usual
                         FROM (SELECT received_at, despatched_at FROM despatches AS past
                                WHERE past.to_site_id = d.to_site_id AND past.from_site_id = d.from_site_id AND past.received_at IS NOT NULL
                                  AND past.received_at > past.despatched_at
                                  -- what was written off was never received
                                  AND NOT EXISTS (SELECT FROM despatch_lines AS gone WHERE gone.to_site_id = past.to_site_id
                                                     AND gone.despatch_id = past.despatch_id AND gone.settled > 0)
                                ORDER BY past.despatched_at DESC LIMIT %(history)s) AS past) AS lane ON true
                 -- What was sent where nobody awaits it is a case already.
                 WHERE d.state <> 'received' AND d.to_site_id <> d.from_site_id
                   AND EXISTS (SELECT FROM sites WHERE sites.site_id = d.to_site_id)
            ), awaited AS (
                SELECT w.*, l.quantity, l.value_minor, l.lines
                  FROM waiting AS w
                  CROSS JOIN LATERAL (
                       SELECT sum(left_over) AS quantity, sum(round(value_minor * left_over / quantity))::bigint AS value_minor,
                              jsonb_agg(jsonb_build_object('gtin', gtin, 'quantity', left_over::text) ORDER BY line) AS lines
                         FROM (SELECT line, gtin, quantity, value_minor, quantity - received - settled AS left_over FROM despatch_lines
                                WHERE to_site_id = w.to_site_id AND despatch_id = w.despatch_id) AS line
                        WHERE left_over > 0) AS l
                 WHERE w.despatched_at + make_interval(secs => w.limit_s) < %(now)s AND l.quantity > 0
            )
            SELECT a.to_site_id, a.despatch_id, a.from_site_id, a.despatched_at, a.order_id, a.limit_s, a.despatches, a.usual, a.quantity,
                   a.value_minor, a.lines, sender.currency
              FROM awaited AS a LEFT JOIN sites AS sender ON sender.site_id = a.from_site_id
              LEFT JOIN discrepancies AS c ON c.site_id = a.to_site_id AND c.class = %(class)s AND c.cause_key = a.despatch_id
             WHERE c.state IS NULL OR (c.state IN ('open', 'assigned') AND c.quantity IS DISTINCT FROM a.quantity)
             ORDER BY a.despatched_at, a.to_site_id, a.despatch_id LIMIT %(limit)s
            """,
            {
                "enough": HISTORY_AT_LEAST, "slack": SLACK, "slack_s": SLACK_AT_LEAST.total_seconds(),
                "default_s": limits.transit.total_seconds(), "quantile": QUANTILE, "history": HISTORY, "now": now,
                "class": DiscrepancyClass.IN_TRANSIT_TOO_LONG.value, "limit": AT_ONCE,
            },
        ).fetchall()  # fmt: skip
    storage.raise_all(connection, [_case(row) for row in found], now)
    return len(found)


def _case(row: dict[str, Any]) -> Discrepancy:
    known = row["usual"] is not None and row["despatches"] >= HISTORY_AT_LEAST
    usual = (
        {"usual_hours": round(float(row["usual"]) / 3600, 1), "despatches": row["despatches"]}
        if known
        else {}
    )
    lines, value_minor = row["lines"], row["value_minor"]
    gtins = {line["gtin"] for line in lines}
    return Discrepancy(
        site=row["to_site_id"],
        discrepancy_class=DiscrepancyClass.IN_TRANSIT_TOO_LONG,
        cause_key=row["despatch_id"],
        likely_cause="it takes longer than this way ever does",
        proposal="ask the carrier and both sites",
        evidence=(
            {
                "event": "despatch",
                "site": row["to_site_id"],
                "despatch": row["despatch_id"],
                "from_site": row["from_site_id"],
                "event_time": iso(row["despatched_at"]),
                "limit_hours": round(float(row["limit_s"]) / 3600, 1),
                "lines": lines[:LINES_SHOWN],
                **usual,
                **({"order": row["order_id"]} if row["order_id"] else {}),
            },
        ),
        gtin=gtins.pop() if len(gtins) == 1 else None,
        quantity=row["quantity"],
        value_minor=value_minor,
        currency=row["currency"] if value_minor is not None else None,
    )
