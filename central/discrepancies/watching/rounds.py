"""What is done about cases by the clock, in transactions of bounded size: every half minute what is small, every hour the rest.

Several processes may do it at once: doing a thing twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import psycopg
import structlog

from central.database import Connection, Database
from central.discrepancies import assessing
from central.discrepancies.limits import DEFAULTS, Limits
from central.discrepancies.watching.clearing import close_explained
from central.discrepancies.watching.coded_stock import check_codes
from central.discrepancies.watching.drift import check_balances
from central.discrepancies.watching.overdue import AT_ONCE as OVERDUE_AT_ONCE
from central.discrepancies.watching.overdue import raise_overdue
from central.discrepancies.watching.phantoms import look
from central.discrepancies.watching.silence import AT_ONCE as SILENT_AT_ONCE
from central.discrepancies.watching.silence import raise_silent
from central.intake.faults import in_words
from central.invoices.matching import AT_ONCE as INVOICES_AT_ONCE
from central.invoices.matching import match_waiting

NEW_A_ROUND = 50
"""Transactions of new cases in one half minute; what is left comes in the next."""
AGAIN_A_ROUND = 100
SITES_AT_ONCE = 10

log = structlog.get_logger(__name__)


class CaseRounds:
    """The rounds of one process. It remembers which sites it has gone through."""

    def __init__(self, database: Database, limits: Limits = DEFAULTS) -> None:
        self._database = database
        self._limits = limits
        self._after = ""

    def quick(self, now: datetime) -> None:
        """Close what is explained, and look at what was raised since the last time."""
        self._guarded(self._quick, now)

    def slow(self, now: datetime) -> None:
        """Find what has not happened in its time; go through the next sites; look again at what is open."""
        self._guarded(self._slow, now)

    def _guarded(self, work: Callable[[datetime], None], now: datetime) -> None:
        """What the data of one case do to a round must not stop what else is done by the clock: prices whose time has come, certificates."""
        try:
            work(now)
        except psycopg.Error as error:
            # Without a trace, which would repeat values.
            log.warning(
                "a round of discrepancies was cut short; the next one begins anew", cause=in_words(error)
            )

    def _quick(self, now: datetime) -> None:
        self._database.run(lambda connection: close_explained(connection, now))
        self._repeat(lambda connection: assessing.assess_new(connection, now), assessing.AT_ONCE, NEW_A_ROUND)

    def _slow(self, now: datetime) -> None:
        limits = self._limits
        self._repeat(lambda connection: raise_overdue(connection, now, limits), OVERDUE_AT_ONCE, 20)
        self._repeat(lambda connection: raise_silent(connection, now, limits), SILENT_AT_ONCE, 20)
        self._repeat(lambda connection: match_waiting(connection, now, limits), INVOICES_AT_ONCE, 20)
        sites = self._next_sites()
        for first in range(0, len(sites), SITES_AT_ONCE):
            some = sites[first : first + SITES_AT_ONCE]
            self._database.run(lambda connection, some=some: check_codes(connection, some, now))  # type: ignore[misc]
            self._database.run(lambda connection, some=some: check_balances(connection, some, now))  # type: ignore[misc]
        for site in sites:
            self._database.run(lambda connection, site=site: look(connection, site, sites, now, limits))  # type: ignore[misc]
        self._repeat(lambda connection: assessing.assess_new(connection, now), assessing.AT_ONCE, NEW_A_ROUND)
        self._repeat(
            lambda connection: assessing.assess_again(connection, now), assessing.AT_ONCE, AGAIN_A_ROUND
        )

    def _next_sites(self) -> list[str]:
        """So many sites after those of the last round, in a ring."""
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT site_id FROM sites WHERE closed_at IS NULL ORDER BY site_id <= %s, site_id LIMIT %s",
                (self._after, self._limits.sites_a_round),
            ).fetchall()
        sites = [site for (site,) in found]
        self._after = sites[-1] if sites else ""
        return sites

    def _repeat(self, work: Callable[[Connection], int], at_once: int, times: int) -> None:
        """One transaction after the other while each finds as much as it may."""
        for _ in range(times):
            if self._database.run(work) < at_once:
                return
