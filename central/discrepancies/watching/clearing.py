"""Cases that something has explained since: closed by the clock, whatever brought the explanation, and in whatever order it came.

Most are closed in the transaction of the fact that explains them. What is asked here is asked of open cases alone, of which there are few.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from central.database import Connection
from central.discrepancies.rules import EVIDENCE_LIMIT, DiscrepancyClass
from central.discrepancies.storage import explain

AT_ONCE = 2000
CLOCK_RIGHT_US = 60_000_000

# Each gives (site, cause_key) of open cases of one class that are explained.
_RECEIVED = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c JOIN despatches AS d ON d.to_site_id = c.site_id AND d.despatch_id = c.cause_key
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned') AND d.state = 'received' LIMIT %(limit)s
"""
_FOUND_LATER = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned')
   AND (SELECT sum(quantity - received - settled) FROM despatch_lines AS l
         WHERE l.to_site_id = c.site_id AND l.despatch_id = left(c.cause_key, -15) AND l.gtin = c.gtin) <= 0
 LIMIT %(limit)s
"""
_HEARD = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c JOIN agents AS a ON a.agent_id = c.evidence -> 0 ->> 'agent'
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned')
   AND (a.state <> 'enrolled' OR a.seen_at > (c.evidence -> 0 ->> 'event_time')::timestamptz) LIMIT %(limit)s
"""
_SOLD_OR_COUNTED = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c
  LEFT JOIN stock AS s ON s.site_id = c.site_id AND s.gtin = c.gtin AND s.location = 'on_hand'
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned')
   AND (coalesce(s.quantity, 0) <= 0 OR s.counted_at > c.opened_at
        OR EXISTS (SELECT FROM stock_days AS d
                    WHERE d.site_id = c.site_id AND d.gtin = c.gtin AND d.flow = 'sold' AND d.quantity > 0
                      AND d.business_day > (c.evidence -> 0 ->> 'last_sold_on')::date))
 LIMIT %(limit)s
"""
_IN_CATALOGUE = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c JOIN products AS p ON p.gtin = c.gtin
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned') LIMIT %(limit)s
"""
_RELEASED = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned')
   AND NOT EXISTS (SELECT FROM quarantine AS q JOIN epochs AS e USING (journal)
                    WHERE e.agent_id = c.cause_key AND q.site_id = c.site_id AND q.resolved_at IS NULL) LIMIT %(limit)s
"""
_CLOCK_RIGHT = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c JOIN agents AS a ON a.agent_id = c.cause_key
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned') AND a.clock_synced AND abs(a.clock_offset_us) < %(right)s
   AND a.seen_at > c.updated_at LIMIT %(limit)s
"""
_CAUGHT_UP = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c JOIN agents AS a ON a.agent_id = c.cause_key
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned') AND a.unsent = 0 AND a.seen_at > c.updated_at LIMIT %(limit)s
"""
# Every sale of the case has been taken back, or what was charged is the price that the list says for its time by now.
_PRICE_RIGHT = """
SELECT c.site_id, c.cause_key FROM discrepancies AS c
 WHERE c.class = %(class)s AND c.state IN ('open', 'assigned') AND jsonb_array_length(c.evidence) < %(evidence)s
   AND NOT EXISTS (
       SELECT FROM jsonb_to_recordset(c.evidence) AS fact (sale_id text, quantity numeric, amount_minor bigint, discount_minor bigint,
                                                            event_time timestamptz)
        WHERE NOT EXISTS (SELECT FROM sale_lines AS v WHERE v.site_id = c.site_id AND v.sale_id = fact.sale_id AND v.kind = 'void')
          AND NOT coalesce(c.class = 'price_outside_policy' AND (
              SELECT abs(p.price_minor * fact.quantity - fact.amount_minor - fact.discount_minor) <= 1
                FROM prices AS p JOIN sites AS s USING (price_list)
               WHERE s.site_id = c.site_id AND p.gtin = c.gtin AND p.currency = c.currency AND p.valid_from <= fact.event_time
               ORDER BY p.valid_from DESC LIMIT 1), false))
 LIMIT %(limit)s
"""

_WHAT: tuple[tuple[DiscrepancyClass, LiteralString, str], ...] = (
    (DiscrepancyClass.IN_TRANSIT_TOO_LONG, _RECEIVED, "its receipt has come"),
    (DiscrepancyClass.SHORT_RECEIPT, _FOUND_LATER, "what was missing has been received or settled"),
    (DiscrepancyClass.AGENT_SILENT, _HEARD, "the machine has been heard again, or no longer belongs here"),
    (DiscrepancyClass.PHANTOM_STOCK, _SOLD_OR_COUNTED, "it has sold again, was counted, or is off the books"),
    (
        DiscrepancyClass.PRICE_OUTSIDE_POLICY,
        _PRICE_RIGHT,
        "its sales were taken back, or the list has that price by now",
    ),
    (DiscrepancyClass.DISCOUNT_OUTSIDE_POLICY, _PRICE_RIGHT, "its sales were taken back"),
    (DiscrepancyClass.UNKNOWN_PRODUCT, _IN_CATALOGUE, "the product is in the catalogue now"),
    (
        DiscrepancyClass.QUARANTINED,
        _RELEASED,
        "every record of this agent has been taken out of the quarantine",
    ),
    (DiscrepancyClass.CLOCK_STEP, _CLOCK_RIGHT, "the clock of the machine is synchronised and right again"),
    (DiscrepancyClass.CENTRAL_RESTORED, _CAUGHT_UP, "the agent has sent again what it keeps"),
)


def close_explained(connection: Connection, now: datetime) -> int:
    """Close what is explained by now; how many cases."""
    closed = 0
    for name, query, reason in _WHAT:
        found = connection.execute(
            query,
            {"class": name.value, "limit": AT_ONCE, "right": CLOCK_RIGHT_US, "evidence": EVIDENCE_LIMIT},
        ).fetchall()
        explain(connection, [(site, name, key) for site, key in found], now, reason)
        closed += len(found)
    return closed
