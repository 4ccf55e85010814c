"""What central does by the clock: prices whose time has come, checks by the public, answers that were kept long enough, its own certificate,
the partitions of the large tables, days that close, discrepancies that no single fact shows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from central.api.once import forget_old_answers
from central.database import Database, DatabaseFault
from central.discrepancies.limits import DEFAULTS
from central.discrepancies.limits import Limits as CaseLimits
from central.discrepancies.watching.rounds import CaseRounds
from central.items.actions import EXPIRY_LIMIT, expire_due
from central.items.watching import forget_old_codes
from central.partitions.rules import Retention
from central.partitions.upkeep import Kept, let_go, make_ahead
from central.prices.storage import tell_what_began
from central.reconciliation.calendar import close_due
from central.reconciliation.calendar_rules import DEFAULT, Rule
from central.resolver.counting import Checks, forget
from central.shifts.booking import mend

INTERVAL_S = 30.0
SLOW_EVERY = timedelta(hours=1)
LOOK_BACK = timedelta(days=1)
"""Prices that began while no process ran are told at the first round."""

log = structlog.get_logger(__name__)


class Housekeeping:
    """A thread that looks every half minute. Several processes may do so at once: doing a thing twice changes nothing."""

    def __init__(
        self,
        database: Database,
        renew_certificate: Callable[[datetime], object],
        now: Callable[[], datetime],
        checks: Checks | None = None,
        retention: Retention | None = None,
        case_limits: CaseLimits = DEFAULTS,
        closing: Rule = DEFAULT,
    ) -> None:
        self._database = database
        self._cases = CaseRounds(database, case_limits)
        self._retention = retention or Retention()
        self._closing = closing
        self._checks = checks
        self._renew_certificate = renew_certificate
        self._now = now
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._prices_told_until = now() - LOOK_BACK
        self._slow_work_at = now()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the round that is under way; what was counted meanwhile is written down."""
        self._ended.set()
        self._thread.join()
        if self._checks is not None:
            with contextlib.suppress(DatabaseFault):
                self._checks.write(self._database, self._now())

    def once(self) -> None:
        """One round. Raises DatabaseFault when the database is away; the next round then does what this one left."""
        now = self._now()
        self._database.run(lambda connection: tell_what_began(connection, self._prices_told_until, now))
        self._prices_told_until = now
        self._database.run(lambda connection: mend(connection, now))
        if now >= self._slow_work_at:
            self._database.run(forget_old_answers)
            self._database.run(forget_old_codes)
            self._expire(now)
            self._database.run(lambda connection: forget(connection, now))
            self._renew_certificate(now)
            make_ahead(self._database, now)
            self._let_go(now)
            close_due(self._database, now, self._closing)
        if self._checks is not None:
            self._checks.write(self._database, now)
        self._cases.quick(now)
        if now >= self._slow_work_at:
            self._cases.slow(now)
            self._slow_work_at = now + SLOW_EVERY

    def _expire(self, now: datetime) -> None:
        """Items past their date, some ten thousand a transaction."""
        while self._database.run(lambda connection: expire_due(connection, now)) >= EXPIRY_LIMIT:
            pass

    def _let_go(self, now: datetime) -> None:
        """Partitions past their retention."""
        for one in let_go(self._database, now, self._retention):
            if isinstance(one, Kept):
                log.warning("a partition is kept longer", partition=one.partition.name, cause=one.reason)
            else:
                log.info("a partition is past its retention", partition=one.partition.name, rows=one.rows)

    def _make_ahead(self) -> None:
        """At the start, before anything is taken in after a long standstill."""
        try:
            make_ahead(self._database, self._now())
        except DatabaseFault as fault:
            log.warning("partitions are made later", cause=str(fault))

    def _run(self) -> None:
        self._make_ahead()
        while not self._ended.wait(INTERVAL_S):
            try:
                self.once()
            except DatabaseFault as fault:
                log.warning("housekeeping is put off", cause=str(fault))
