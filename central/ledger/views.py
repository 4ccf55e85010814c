"""The ledger as people read it: stock per site and product, and the movements behind it."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection

_STOCK = """
WITH here AS (
    SELECT site_id, gtin,
           coalesce(sum(quantity) FILTER (WHERE location = 'on_hand'), 0) AS on_hand,
           coalesce(sum(reserved) FILTER (WHERE location = 'on_hand'), 0) AS reserved,
           coalesce(sum(quantity) FILTER (WHERE location = 'quarantine'), 0) AS quarantine,
           coalesce(sum(value_minor) FILTER (WHERE location = 'on_hand'), 0)::bigint AS value_minor,
           max(unit_cost_minor) FILTER (WHERE location = 'on_hand') AS unit_cost_minor
      FROM stock
     WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
     GROUP BY site_id, gtin
), coming AS (
    SELECT to_site_id AS site_id, gtin, sum(l.quantity - l.received) AS in_transit
      FROM despatches JOIN despatch_lines l USING (to_site_id, despatch_id)
     WHERE state <> 'received' AND (%(site)s::text IS NULL OR to_site_id = %(site)s)
       AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
     GROUP BY 1, 2
), ordered AS (
    SELECT site_id, gtin,
           sum(CASE WHEN state IN ('submitted', 'held') THEN l.ordered ELSE l.accepted - l.despatched END) AS on_order
      FROM orders JOIN order_lines l USING (site_id, order_id)
     WHERE state IN ('submitted', 'held', 'accepted', 'part_accepted', 'allocated', 'part_despatched', 'part_received')
       AND (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
     GROUP BY site_id, gtin
), levels AS (
    SELECT site_id, gtin, reorder_point, order_up_to FROM stock_levels
     WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
), every AS (
    SELECT site_id, gtin FROM here UNION SELECT site_id, gtin FROM coming UNION SELECT site_id, gtin FROM ordered
    UNION SELECT site_id, gtin FROM levels
)
SELECT site_id AS site, gtin, coalesce(on_hand, 0) AS on_hand, coalesce(reserved, 0) AS reserved,
       coalesce(on_hand, 0) - coalesce(reserved, 0) AS available, coalesce(quarantine, 0) AS quarantine,
       coalesce(in_transit, 0) AS in_transit, coalesce(on_order, 0) AS on_order, reorder_point, order_up_to,
       coalesce(value_minor, 0) AS value_minor, unit_cost_minor
  FROM every LEFT JOIN here USING (site_id, gtin) LEFT JOIN coming USING (site_id, gtin)
       LEFT JOIN ordered USING (site_id, gtin) LEFT JOIN levels USING (site_id, gtin)
 WHERE (NOT %(short)s
        OR coalesce(on_hand, 0) + coalesce(in_transit, 0) + coalesce(on_order, 0) <= reorder_point)
   AND (%(after_site)s::text IS NULL OR (site_id, gtin) > (%(after_site)s, %(after_gtin)s::bpchar))
 ORDER BY site_id, gtin LIMIT %(limit)s
"""

_MOVEMENTS = """
SELECT site_id AS site, movement_id, gtin, quantity, value_minor, source, destination, cause, journal, seq, document, line, event_time,
       recorded_at, business_day
  FROM movements
 WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
   AND (%(location)s::text IS NULL OR %(location)s IN (source, destination))
   AND (%(day)s::date IS NULL OR business_day = %(day)s)
   AND (%(document)s::text IS NULL OR document = %(document)s)
   AND (%(after_site)s::text IS NULL OR (site_id, movement_id) > (%(after_site)s, %(after_id)s))
 ORDER BY site_id, movement_id LIMIT %(limit)s
"""


def stock(
    connection: Connection,
    *,
    site: str | None,
    gtin: str | None,
    short: bool,
    after: tuple[str, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Stock by site and product, after the place ``after``. ``short`` keeps what is at or below its reorder point, with all
    that is on its way and on order counted in: what a dealer would reorder."""
    after_site, after_gtin = after or (None, None)
    values = {"site": site, "gtin": gtin, "short": short, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _STOCK, {**values, "after_site": after_site, "after_gtin": after_gtin}
        ).fetchall()


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Movements by what they have in common; None for all. Of a ``location`` these are what came there and what left it."""

    site: str | None = None
    gtin: str | None = None
    location: str | None = None
    day: date | None = None
    document: str | None = None


def movements(
    connection: Connection, which: Which, *, after: tuple[str, int] | None = None, limit: int
) -> list[dict[str, Any]]:
    """Movements in the order of their booking at each site, after the place ``after``."""
    after_site, after_id = after or (None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _MOVEMENTS,
            {**msgspec.structs.asdict(which), "limit": limit, "after_site": after_site, "after_id": after_id},
        ).fetchall()
