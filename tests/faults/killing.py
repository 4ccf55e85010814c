"""Kills at random: which, when, and how long each victim stays dead are drawn from a seed.

The seed fixes the order of kills, their pauses and the choice among equals. What each process was doing at that moment it cannot
fix: that is the machine's, which is why there are many kills.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import psutil

from tests.faults.shops import Shops

DEAD_S = 1.5  # at most, until a victim is started again
WEIGHTS = {"agent": 4, "broker": 2, "central": 2, "postmaster": 1, "session": 2}
"""How often each kind is struck. A session of PostgreSQL takes all others with it."""


class Kill(NamedTuple):
    """One kill of the plan: wait, strike, and start it again after a while."""

    pause_s: float
    victim: str
    dead_s: float


def plan(seed: int, kills: int, pace_s: float, agents: Sequence[str]) -> Iterator[Kill]:
    """``kills`` kills, ``pace_s`` apart on average."""
    chance = random.Random(seed)
    for _ in range(kills):
        kind = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        victim = chance.choice(list(agents)) if kind == "agent" else kind
        yield Kill(chance.uniform(0, 2 * pace_s), victim, chance.uniform(0, DEAD_S))


class Killer:
    """Carries a plan out. Several victims may be dead at the same time."""

    def __init__(self, shops: Shops, seed: int) -> None:
        self.struck: Counter[str] = Counter()
        self._shops = shops
        self._chance = random.Random(seed)
        self._revive_at: dict[str, float] = {}
        self._postgres: Future[None] | None = None
        self._starter = ThreadPoolExecutor(1, "postgres")

    def carry_out(self, kills: Iterator[Kill], told: Callable[[Kill], object] = lambda _: None) -> None:
        """Kill on, and start again what is due."""
        for kill in kills:
            self._wait(time.monotonic() + kill.pause_s)
            self._strike(kill)
            self.struck[_kind(kill.victim)] += 1
            told(kill)

    def revive_all(self) -> None:
        """Start everything that is still dead."""
        for name in list(self._revive_at):
            self._revive(name)
        self._await_postgres()

    def close(self) -> None:
        """Start what is dead, and kill no more."""
        self.revive_all()
        self._starter.shutdown()

    def power_cut(self, agents: Sequence[str]) -> None:
        """Everything dies at once and comes back, as after a power cut in town: one kill for each."""
        self.revive_all()
        for victim in (*agents, "broker", "central", "postmaster"):
            self._strike(Kill(0, victim, 0))
            self.struck[_kind(victim)] += 1
        self.revive_all()

    def _strike(self, kill: Kill) -> None:
        match kill.victim:
            case "postmaster":
                self._await_postgres()
                self._shops.kill_postmaster()
                # Its start waits for recovery: meanwhile the others go on being killed.
                self._postgres = self._starter.submit(self._start_postgres, kill.dead_s)
            case "session":
                self._await_postgres()
                self._kill_session()
            case name:
                if name in self._revive_at:
                    self._revive(name)  # dead already: it is struck at the moment of its start
                self._shops.kill(name)
                self._revive_at[name] = time.monotonic() + kill.dead_s

    def _kill_session(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            # The one that was found may have ended by itself; then there are others.
            with suppress(psutil.NoSuchProcess, IndexError):
                self._shops.kill_backend(self._chance.choice)
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL has had no process to kill for 30 s")

    def _start_postgres(self, dead_s: float) -> None:
        time.sleep(dead_s)
        self._shops.revive("postgres")

    def _await_postgres(self) -> None:
        if self._postgres is not None:
            self._postgres.result()
            self._postgres = None

    def _wait(self, until_s: float) -> None:
        while True:
            now_s = time.monotonic()
            for name, due_s in list(self._revive_at.items()):
                if due_s <= now_s:
                    self._revive(name)
            if now_s >= until_s:
                return
            next_s = min([until_s, *self._revive_at.values()])
            time.sleep(max(0.0, next_s - now_s))

    def _revive(self, name: str) -> None:
        del self._revive_at[name]
        self._shops.revive(name)


def _kind(victim: str) -> str:
    return "agent" if victim.startswith("agent-") else victim
