"""The stocktakes that can be counted: those that central tells of, and those begun at this counter."""

from __future__ import annotations

import threading
import uuid

import msgspec

from agent.documents import Refusal
from agent.shop import Shop
from agent.stocktakes import rules
from agent.stocktakes.rules import Begun, Stocktake
from agent.verification.known_rows import KnownRows
from agent.verification.service import ALL_ROWS
from protocol.feeds import Feed, StocktakeHere

_DRAFT = "stocktakes/begun"
BEGUN_LIMIT = 20
"""Stocktakes that were begun here and that central has not answered."""
_row_decoder = msgspec.json.Decoder(StocktakeHere)


class Stocktakes:
    """Looks stocktakes up. Thread-safe."""

    def __init__(self, shop: Shop) -> None:
        self._replica = shop.replica
        self._drafts = shop.drafts
        self._clock = shop.clock
        self._rows = KnownRows(shop.replica, shop.clock, Feed.STOCKTAKES, _made)
        self._lock = threading.Lock()
        self._begun = {one.stocktake_id: one for one in shop.drafts.get(_DRAFT, tuple[Begun, ...]) or ()}

    def find(self, stocktake_id: str) -> Stocktake | None:
        """A stocktake that can be counted; None once it has ended."""
        told = self._rows.get(stocktake_id)
        with self._lock:
            begun = self._begun.get(stocktake_id)
        if told is None:
            return None if begun is None else rules.from_here(begun)
        if begun is not None:
            self._drop(stocktake_id)  # central has heard of it: when it ends there, it ends here
        return told

    def listed(self) -> list[Stocktake]:
        """All of them, the latest first."""
        ids = [key for key, _ in self._replica.rows(Feed.STOCKTAKES, limit=ALL_ROWS)]
        with self._lock:
            ids += [stocktake_id for stocktake_id in self._begun if stocktake_id not in ids]
        found = [stocktake for stocktake_id in ids if (stocktake := self.find(stocktake_id)) is not None]
        return sorted(found, key=lambda stocktake: (-stocktake.started_at_us, stocktake.name))

    def begin(self, name: str, stocktake_id: str | None = None) -> Stocktake | Refusal:
        """Begin one here, online or not. The same id again changes nothing."""
        if (fault := rules.name_fault(name)) is not None:
            return Refusal(reason=fault.reason, key=fault.key)
        if stocktake_id is not None and not 1 <= len(stocktake_id) <= rules.NAME_LIMIT:
            return Refusal(reason=f"stocktake_id: expected 1 to {rules.NAME_LIMIT} characters", key="invalid")
        known = None if stocktake_id is None else self.find(stocktake_id)
        if known is not None:
            return _the_same(known, name)
        begun = Begun(
            stocktake_id=stocktake_id or str(uuid.uuid4()), name=name, begun_at_us=self._clock.wall_us()
        )
        with self._lock:
            if len(self._begun) >= BEGUN_LIMIT:
                return Refusal(
                    reason=f"{BEGUN_LIMIT} stocktakes were begun here and wait for central: forget one first",
                    conflict=True,
                    key="full",
                )
            self._begun[begun.stocktake_id] = begun
        self._keep()
        return rules.from_here(begun)

    def forget(self, stocktake_id: str) -> Refusal | None:
        """Take one off the list that was begun here. What was sent of it stays sent."""
        with self._lock:
            is_ours = stocktake_id in self._begun
        if not is_ours:
            return Refusal(
                reason=f"stocktake {stocktake_id[:64]}: was not begun here; central ends it",
                conflict=True,
                key="not_begun_here",
            )
        self._drop(stocktake_id)
        return None

    def _drop(self, stocktake_id: str) -> None:
        with self._lock:
            self._begun.pop(stocktake_id, None)
        self._keep()

    def _keep(self) -> None:
        with self._lock:
            begun = tuple(self._begun.values())
        self._drafts.put(_DRAFT, begun)


def _made(body: bytes) -> Stocktake:
    return rules.from_feed(_row_decoder.decode(body))


def _the_same(known: Stocktake, name: str) -> Stocktake | Refusal:
    if known.name == name:
        return known
    return Refusal(
        reason=f"stocktake {known.stocktake_id}: is called {known.name!r}; expected that name, or a new id",
        conflict=True,
        key="conflict",
    )
