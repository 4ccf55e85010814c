"""Work for a store: numbers that are taken, a writer that is kept busy, a disk that is full."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from agent.store.database import Connection
from agent.store.series import take_number
from agent.store.store import Store


class Held:
    """Keeps the writer busy until it is let go."""

    def __init__(self, store: Store) -> None:
        self._is_running, self._may_go_on = threading.Event(), threading.Event()
        self.future = store.write(self._work)
        assert self._is_running.wait(10)

    def let_go(self) -> None:
        self._may_go_on.set()
        self.future.result(10)

    def _work(self, _: Connection) -> None:
        self._is_running.set()
        assert self._may_go_on.wait(10)


def count(store: Store, name: str) -> int:
    """How many numbers of a series were taken."""
    found = store.read(lambda at: at.execute("SELECT next FROM series WHERE name = ?", (name,)).fetchone())
    return int(found[0]) - 1 if found else 0


def take(store: Store, name: str = "receipt") -> Future[int]:
    return store.write(lambda at: take_number(at, name))


def fill(at: Connection) -> None:
    """More than a database of few pages holds."""
    at.execute("PRAGMA max_page_count = 1")
    at.execute("INSERT INTO feed_rows VALUES ('f', 1, 'k', zeroblob(1000000))")
