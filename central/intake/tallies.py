"""What the intake has counted since its start, for the metrics and the status page."""

from __future__ import annotations

import threading
from collections.abc import Mapping


class Tallies:
    """Counters and a few last values; safe to read and write from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._measures: dict[str, float] = {}
        self._words: dict[str, str] = {}

    def count(self, name: str) -> None:
        """One more."""
        self.add({name: 1})

    def add(self, counts: Mapping[str, int], prefix: str = "") -> None:
        """So many more of each."""
        with self._lock:
            for name, count in counts.items():
                self._counts[prefix + name] = self._counts.get(prefix + name, 0) + count

    def measure(self, name: str, value: float) -> None:
        """The last value of something."""
        with self._lock:
            self._measures[name] = value

    def say(self, name: str, words: str) -> None:
        """The last words about something."""
        with self._lock:
            self._words[name] = words

    def counts(self) -> dict[str, int]:
        """All counters."""
        with self._lock:
            return dict(self._counts)

    def measures(self) -> dict[str, float]:
        """All last values."""
        with self._lock:
            return dict(self._measures)

    def words(self) -> dict[str, str]:
        """All last words."""
        with self._lock:
            return dict(self._words)
