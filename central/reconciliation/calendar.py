"""Closing the days that are due, by the clock."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from central.actors import By
from central.database import Connection, Database
from central.reconciliation.calendar_rules import Rule, due, last_due
from central.reconciliation.closing import close
from central.reconciliation.reading import agents

ACTOR = "calendar"


def close_due(database: Database, now: datetime, rule: Rule) -> int:
    """Close what is due at every site, each in a transaction of its own; how many closings there were."""
    if not rule.is_on:
        return 0
    with database.transaction() as connection:
        sites = _sites(connection)
    count = 0
    for site, time_zone, closed_through in sites:
        if closed_through is not None and closed_through >= last_due(rule, now, time_zone):
            continue
        count += database.run(
            partial(_close, site=site, time_zone=time_zone, through=closed_through, now=now, rule=rule)
        )
    return count


def _close(
    connection: Connection, site: str, time_zone: str, through: date | None, now: datetime, rule: Rule
) -> int:
    closings = due(rule, now, time_zone, through, agents(connection, site))
    by = By(actor=ACTOR, at=now)
    for one in closings:
        close(connection, site, one.day, by, complete=one.complete)
    return len(closings)


def _sites(connection: Connection) -> list[tuple[str, str, date | None]]:
    """The sites at which something has moved: (site, time zone, the last day that is closed)."""
    return connection.execute(
        """
        SELECT site_id, time_zone, (SELECT max(business_day) FROM day_closings WHERE day_closings.site_id = sites.site_id)
        FROM sites WHERE EXISTS (SELECT FROM stock_months WHERE stock_months.site_id = sites.site_id) ORDER BY site_id
        """
    ).fetchall()
