"""Rows of a small feed, decoded once: a scan has better things to do than to unpack the same key again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from agent.clock import Clock
from agent.feeds.chunks import FeedCursor

Row = TypeVar("Row")

LOOK_US = 1_000_000
"""How often it is looked whether the feed has moved: so long a change may go unnoticed."""


class FeedView(Protocol):
    """The replica of the feeds, row by row."""

    def get(self, feed: str, key: str) -> bytes | None:
        """One row's body."""

    def cursor(self, feed: str) -> FeedCursor:
        """Where the replica stands."""


class KnownRows(Generic[Row]):
    """Rows by their key. Thread-safe.

    Only rows that are there are remembered: a key that is not there is looked up each time, so that one which arrives is known at
    once, and so that codes that name keys at random fill no memory.
    """

    def __init__(self, replica: FeedView, clock: Clock, feed: str, make: Callable[[bytes], Row]) -> None:
        self._replica = replica
        self._clock = clock
        self._feed = feed
        self._make = make
        self._looked_at_us: int | None = None
        self._stand: tuple[int, int | None] | None = None
        self._known: dict[str, Row] = {}

    def get(self, key: str) -> Row | None:
        """A row; None where there is none."""
        known = self._current()
        row = known.get(key)
        if row is None:
            body = self._replica.get(self._feed, key)
            if body is None:
                return None
            row = known[key] = self._make(body)
        return row

    def _current(self) -> dict[str, Row]:
        """What is remembered of the feed as it stands. What another thread decodes meanwhile goes where it belongs: into the old one."""
        now_us = self._clock.monotonic_us()
        if self._looked_at_us is None or now_us - self._looked_at_us > LOOK_US:
            cursor = self._replica.cursor(self._feed)
            stand = (cursor.version, cursor.synced_at_us)
            if stand != self._stand:
                self._known, self._stand = {}, stand
            self._looked_at_us = now_us
        return self._known
