"""What the books know around products that were counted: despatches on their way, open cases, late tills, earlier counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from central.database import Connection
from central.discrepancies.rules import DiscrepancyClass
from central.stocktakes.causes import Around
from central.stocktakes.codes import Codes
from central.stocktakes.documents import Line, Stocktake
from central.stocktakes.proposing import Worked

SELLING_DAYS = 28
"""What usually sells is the average of so many days before the count."""
DAMAGE_DAYS = 180
OFTEN = 2


class Late(msgspec.Struct, frozen=True):
    """A till that has not brought all it sold before a count, and since when."""

    agent: str
    since: datetime


def around(
    connection: Connection,
    stocktake: Stocktake,
    lines: Mapping[str, Line],
    worked: Worked,
    codes: Mapping[str, Codes],
) -> dict[str, Around]:
    """What is known around each of these lines."""
    if not lines:
        return {}
    gtins, last = sorted(lines), max(line.counted_at for line in lines.values())
    late = late_agents(connection, stocktake.site, last)
    awaited = _awaited(connection, stocktake.site, gtins, last)
    cases = _open_cases(connection, stocktake.site, gtins)
    rates = _daily_sales(connection, stocktake.site, gtins, last) if late else {}
    before = _last_variances(connection, stocktake, gtins)
    damaged = _often_damaged(connection, stocktake.site, gtins, last)
    days = max(((last - one.since) / timedelta(days=1) for one in late), default=0.0)
    return {
        gtin: Around(
            awaited=tuple(awaited.get(gtin, ())),
            short=tuple(cases.get((gtin, DiscrepancyClass.SHORT_RECEIPT), ())),
            over=tuple(cases.get((gtin, DiscrepancyClass.OVER_RECEIPT), ())),
            late_agents=tuple(one.agent for one in late),
            usual=rates.get(gtin, Decimal(0)) * Decimal(str(round(max(days, 0.0), 4))),
            is_often_damaged=gtin in damaged,
            last_variance=before.get(gtin),
            rounds_differ=gtin in worked.wavering,
            missing=tuple(one.item for one in codes[gtin].missing) if gtin in codes else (),
            surplus=tuple(one.item for one in codes[gtin].surplus) if gtin in codes else (),
        )
        for gtin in gtins
    }


def late_agents(connection: Connection, site: str, at: datetime) -> list[Late]:
    """Tills of a site that may hold sales from before ``at``: they say so themselves, or have not been heard of since."""
    found = connection.execute(
        """
        SELECT agent_id, least(seen_at, CASE WHEN unsent > 0 THEN oldest_unsent_at END)
          FROM agents
         WHERE site_id = %(site)s AND state = 'enrolled' AND (seen_at < %(at)s OR (unsent > 0 AND oldest_unsent_at <= %(at)s))
         ORDER BY agent_id
        """,
        {"site": site, "at": at},
    )
    return [Late(agent, since) for agent, since in found]


def _awaited(
    connection: Connection, site: str, gtins: list[str], at: datetime
) -> dict[str, list[tuple[str, Decimal]]]:
    found = connection.execute(
        """
        SELECT gtin, despatch_id, sum(quantity - received - settled)
          FROM despatches JOIN despatch_lines USING (to_site_id, despatch_id)
         WHERE to_site_id = %s AND state <> 'received' AND despatched_at <= %s AND gtin = ANY (%s::bpchar[])
         GROUP BY gtin, despatch_id HAVING sum(quantity - received - settled) > 0 ORDER BY gtin, despatch_id
        """,
        (site, at, gtins),
    )
    awaited: dict[str, list[tuple[str, Decimal]]] = {}
    for gtin, despatch, outstanding in found:
        awaited.setdefault(gtin, []).append((despatch, outstanding))
    return awaited


def _open_cases(connection: Connection, site: str, gtins: list[str]) -> dict[tuple[str, Any], list[Decimal]]:
    found = connection.execute(
        """
        SELECT gtin, class, quantity FROM discrepancies
         WHERE site_id = %s AND state IN ('open', 'assigned') AND class IN ('short_receipt', 'over_receipt')
           AND gtin = ANY (%s::bpchar[]) AND quantity IS NOT NULL
        """,
        (site, gtins),
    )
    cases: dict[tuple[str, Any], list[Decimal]] = {}
    for gtin, name, quantity in found:
        cases.setdefault((gtin, name), []).append(quantity)
    return cases


def _daily_sales(connection: Connection, site: str, gtins: list[str], at: datetime) -> dict[str, Decimal]:
    found = connection.execute(
        """
        SELECT gtin, sum(quantity) / %s FROM stock_days
         WHERE site_id = %s AND business_day BETWEEN %s AND %s AND flow = 'sold' AND gtin = ANY (%s::bpchar[]) GROUP BY gtin
        """,
        (SELLING_DAYS, site, (at - timedelta(days=SELLING_DAYS)).date(), at.date(), gtins),
    )
    return dict(found.fetchall())


def _last_variances(connection: Connection, stocktake: Stocktake, gtins: list[str]) -> dict[str, Decimal]:
    found = connection.execute(
        """
        SELECT DISTINCT ON (gtin) gtin, variance FROM stocktake_lines
         WHERE site_id = %s AND gtin = ANY (%s::bpchar[]) AND state = 'booked' AND stocktake_id <> %s
         ORDER BY gtin, counted_at DESC
        """,
        (stocktake.site, gtins, stocktake.stocktake_id),
    )
    return {gtin: variance for gtin, variance in found if variance}


def _often_damaged(connection: Connection, site: str, gtins: list[str], at: datetime) -> set[str]:
    found = connection.execute(
        """
        SELECT gtin FROM movements
         WHERE site_id = %s AND business_day BETWEEN %s AND %s AND gtin = ANY (%s::bpchar[]) AND destination = 'adjustment:damage'
         GROUP BY gtin HAVING count(*) >= %s
        """,
        (site, (at - timedelta(days=DAMAGE_DAYS)).date(), at.date(), gtins, OFTEN),
    )
    return {gtin for (gtin,) in found}
