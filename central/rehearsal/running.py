"""A rehearsal carried out: day by day through the real intake, with the simulated moment as now, and by night the checks of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TypeVar

import msgspec

from central.database import Database
from central.discrepancies.limits import Limits
from central.discrepancies.watching.rounds import CaseRounds
from central.intake import Intake
from central.moments import to_microseconds
from central.partitions.upkeep import make_ahead
from central.reconciliation.rebuild import compare_all
from central.reconciliation.statement import day_statement
from central.rehearsal import laying_out, machines
from central.rehearsal.code_mishaps import CODE_MISHAPS
from central.rehearsal.deliveries import Van
from central.rehearsal.desk import Desk
from central.rehearsal.kinds import Fault, plan
from central.rehearsal.mishaps import MISHAPS
from central.rehearsal.papers import Branch, EndCount, Garbage, Greeting, Paper, Recall
from central.rehearsal.retail import Retail
from central.rehearsal.scoring import Raised, Score, score
from central.rehearsal.shop import CLOSES
from central.rehearsal.trade import Trade
from central.rehearsal.world import make
from protocol.codec import encode
from protocol.messages import DownMessage, EpochGranted, Presence
from protocol.topics import topic

ZONE = timezone(timedelta(hours=8))
FIRST_DAY = datetime(2027, 1, 4, tzinfo=ZONE)
"""A Monday; always the same, so that the same seed gives the same bytes."""
SLOW_DAYS = 3
"""What central does every hour is done in every third night alone, the rest in each: less often than it is in earnest, and much faster."""
SWEEP_DAYS = 9
"""Every site is gone through by the checks of the night once in so many nights."""
ALWAYS_SITES = 40
"""So many sites are gone through each time, however few there are."""
STATEMENTS_AT_MOST = 1000
"""Of more site-days than that, the statements of so many are drawn (by the seed); their sums are compared for all."""
_MACHINE_PAPERS = (Branch, Greeting, Garbage)
_HAPPENS = {**MISHAPS, **CODE_MISHAPS}

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""(what, done, of how much)"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be rehearsed."""

    seed: int
    sites: int
    days: int
    faults: int
    lines_a_day: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``waiting`` are faults for which there was no occasion. Seconds are of the wall clock."""

    asked: Asked
    score: Score
    planted: int
    waiting: int
    events: int
    sale_lines: int
    movements: int
    sold: Decimal
    statements: int
    unbalanced: tuple[str, ...]
    rebuild_agrees: bool
    seconds: dict[str, float]

    @property
    def passes(self) -> bool:
        """Whether everything that is promised holds."""
        return self.score.passes and self.rebuild_agrees and not self.unbalanced


class Rehearsal:
    """One run over one database."""

    def __init__(self, database: Database, asked: Asked, retail: Retail, progress: Progress) -> None:
        self._database, self._asked, self._progress = database, asked, progress
        world = make(asked.seed, asked.sites, asked.lines_a_day, retail)
        faults: list[Fault] = plan(asked.seed, world, asked.days, asked.faults)
        self.trade = Trade(
            asked.seed, world, retail, days=asked.days, faults=faults, first_midnight=FIRST_DAY
        )
        self._van = Van(self.trade)
        self._desk = Desk(database)
        self._now = FIRST_DAY
        self._granted: dict[str, EpochGranted] = {}
        self._grants = 0
        self._intake = Intake(database, self._answered, self._clock, new_epoch=self._new_epoch)
        a_round = max(ALWAYS_SITES, -(-len(world.sites) * SLOW_DAYS // SWEEP_DAYS))
        self._rounds = CaseRounds(database, Limits(sites_a_round=a_round))
        self._to_cancel: list[Paper] = []
        self.seconds: dict[str, float] = {}

    def run(self) -> Outcome:
        """All of it. Raises what central raises."""
        laying_out.prepare(self._database)
        laying_out.lay_out(self._database, self.trade, FIRST_DAY)
        for day in range(self._asked.days):
            self._progress("days", day, self._asked.days)
            self._day(day)
        self._last_night()
        self._progress("days", self._asked.days, self._asked.days)
        return self._judge()

    # a day ------------------------------------------------------------------------------------------------------------

    def _day(self, day: int) -> None:
        trade = self.trade
        for till, last in list(trade.dark_until.items()):
            if last < day:
                trade.journals[till].is_dark = False
        self._set_clock(day, 6 * 60 + 30)
        papers = [*(trade.open_books() if day == 0 else ()), *trade.change_prices(day), *self._to_cancel]
        papers += self._timed("trade", lambda: self._van.send(day))
        self._to_cancel = []
        self._flush()
        self._timed("papers", lambda: self._desk.do(papers, self._now))
        self._set_clock(day, 9 * 60 + 30)
        self._timed("trade", lambda: self._van.arrive(day))
        self._flush()
        self._timed(
            "papers", lambda: self._desk.do([*trade.start_counts(day), *self._van.bill(day)], self._now)
        )
        self._evening(day)
        self._night(day)

    def _evening(self, day: int) -> None:
        trade = self.trade
        papers = self._timed("trade", lambda: self._sell(day))
        self._set_clock(day, CLOSES - 25)
        self._desk.do([one for one in papers if isinstance(one, Recall)], self._now)
        self._set_clock(day, 22 * 60 + 30)
        counts = trade.count(day)
        self._van.order(day)
        self._flush()
        for one in papers:
            if isinstance(one, _MACHINE_PAPERS):
                self._at_a_machine(one)
        self._timed("papers", lambda: self._desk.do(counts, self._now))
        self._to_cancel = [one for one in papers if isinstance(one, EndCount)]

    def _sell(self, day: int) -> list[Paper]:
        trade = self.trade
        at = trade.midnight(day)
        busyness = trade.rhythm.weekdays[at.weekday()] * trade.rhythm.months[at.month - 1]
        for name, shop in trade.shops.items():
            shop.open_day(day, trade.at_us(day, 0), trade.journals)
            shop.sell(trade.chance(f"day/{name}/{day}"), day, trade.rhythm, busyness)
        trade.move_on(day)
        papers: list[Paper] = []
        for name, shop in trade.shops.items():
            for fault in trade.due(name, day, _HAPPENS):
                papers += (
                    _HAPPENS[fault.kind](trade, shop, day, fault, trade.chance(f"fault/{fault.number}/{day}"))
                    or ()
                )
        trade.happen(day)
        for shop in trade.shops.values():
            for drawer in shop.drawers:
                drawer.close()
        return papers

    def _night(self, day: int) -> None:
        self._set_clock(day + 1, 3 * 60)
        if day % 25 == 0:
            make_ahead(self._database, self._now)
        self._timed("night", lambda: self._rounds.quick(self._now))
        if day % SLOW_DAYS == 0:
            self._timed("night", lambda: self._rounds.slow(self._now))

    def _last_night(self) -> None:
        for journal in self.trade.journals.values():
            journal.is_dark = False
        self._set_clock(self._asked.days, 6 * 60)
        self._desk.do(self._to_cancel, self._now)
        self._flush()
        for night in range(SWEEP_DAYS // SLOW_DAYS + 1):
            self._set_clock(self._asked.days, 7 * 60 + night * 60)
            self._timed("night", lambda: self._rounds.quick(self._now))
            self._timed("night", lambda: self._rounds.slow(self._now))

    # the machines -----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._timed("intake", self._send_all)

    def _send_all(self) -> None:
        received_us = to_microseconds(self._now)
        for journal in self.trade.journals.values():
            if journal.is_dark:
                continue
            here = Presence(online=True, since_us=received_us, software="rehearsal", epoch=journal.epoch)
            self._intake.offer(
                journal.agent, "state", encode(here, topic("state", journal.agent)), received_us
            )
            for frame in journal.frames():
                if not self._intake.offer(journal.agent, "up", frame, received_us):
                    self._intake.drain()
                    self._intake.offer(journal.agent, "up", frame, received_us)
        self._intake.drain()

    def _at_a_machine(self, paper: Branch | Greeting | Garbage) -> None:
        journal = self.trade.journals[paper.agent]
        received_us = to_microseconds(self._now)
        for frame in machines.messages(journal, paper, received_us):
            self._intake.offer(journal.agent, "up", frame, received_us)
            self._intake.drain()
        if isinstance(paper, Branch):
            granted = self._granted.pop(journal.agent)
            left = machines.left_behind(journal, received_us) if paper.clone else []
            journal.continue_in(granted.epoch, granted.parent_hash)
            for frame in left:
                self._intake.offer(journal.agent, "up", frame, received_us)
            self._intake.drain()

    def _answered(self, agent: str, message: DownMessage) -> None:
        if isinstance(message, EpochGranted):
            self._granted[agent] = message

    def _new_epoch(self) -> str:
        self._grants += 1
        return self.trade.new_id(f"granted/{self._grants}")

    def _clock(self) -> int:
        return to_microseconds(self._now)

    def _set_clock(self, day: int, minute: int) -> None:
        self._now = (self.trade.midnight(day) + timedelta(minutes=minute)).astimezone(UTC)

    def _timed(self, what: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - began

    # the end ----------------------------------------------------------------------------------------------------------

    def _judge(self) -> Outcome:
        trade = self.trade
        with self._database.transaction() as connection:
            rows = connection.execute(
                """
                SELECT site_id, class, cause_key, opened_at, state, cause, gtin, item, evidence -> 0 ->> 'despatch' FROM discrepancies
                 ORDER BY opened_at, site_id, class, cause_key
                """
            ).fetchall()
            figures = connection.execute(
                """
                SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM sale_lines), (SELECT count(*) FROM movements),
                       (SELECT coalesce(sum(quantity), 0) FROM stock WHERE location = 'customer')
                """
            ).fetchone()
        assert figures is not None
        raised = [
            Raised(
                site=site, discrepancy_class=name, cause_key=key, day=(opened - FIRST_DAY).days, state=state, cause=cause,
                gtin=gtin, item=item, despatch=despatch, opened_at=opened,
            )
            for site, name, key, opened, state, cause, gtin, item, despatch in rows
        ]  # fmt: skip
        compared = self._timed("rebuild", lambda: compare_all(self._database, None, lambda *_: None))
        statements, unbalanced = self._timed("statements", self._statements)
        events, sale_lines, movements, sold = figures
        return Outcome(
            asked=self._asked,
            score=score(trade.planted, raised, trade.dark),
            planted=len(trade.planted),
            waiting=sum(map(len, trade.waiting.values())),
            events=events,
            sale_lines=sale_lines,
            movements=movements,
            sold=sold,
            statements=statements,
            unbalanced=tuple(unbalanced),
            rebuild_agrees=compared.agrees,
            seconds={name: round(seconds, 1) for name, seconds in self.seconds.items()},
        )

    def _statements(self) -> tuple[int, list[str]]:
        chance = self.trade.chance("statements")
        every = [(site.site, day) for site in self.trade.world.sites for day in range(self._asked.days)]
        drawn = every if len(every) <= STATEMENTS_AT_MOST else chance.sample(every, STATEMENTS_AT_MOST)
        unbalanced = []
        for number, (site, day) in enumerate(drawn):
            if number % 100 == 0:
                self._progress("statements", number, len(drawn))
            on: date = self.trade.midnight(day).date()
            with self._database.transaction() as connection:
                found = day_statement(connection, site, on, now=self._now)
            if not found.balanced:
                unbalanced.append(f"{site} {on}: {'; '.join(found.unbalanced[:3])}")
        return len(drawn), unbalanced
