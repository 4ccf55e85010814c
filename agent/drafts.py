"""What is being written at the counter, kept behind the hand that writes it.

A change is in memory first and on its way to the screen; the disk follows. After a power cut the counter shows what it
showed a moment before. Drafts are no facts: losing the last one costs a scan, never a sale.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TypeVar

import msgspec

from agent.clock import Clock
from agent.store import Connection, Store

T = TypeVar("T")


class Drafts:
    """Named JSON documents. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._bodies: dict[str, bytes] = dict(store.read(_read_all))
        self._changed: set[str] = set()
        self._saving: dict[str, bytes | None] = {}
        self._is_queued = False

    def get(self, draft: str, kind: type[T]) -> T | None:
        """A draft as it was last put; None if there is none, or if a former version of the program wrote it otherwise."""
        with self._lock:
            body = self._bodies.get(draft)
        if body is None:
            return None
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError:
            return None

    def put(self, draft: str, value: object) -> None:
        """Keep a draft; the disk follows, several changes in one write."""
        body = msgspec.json.encode(value)
        with self._lock:
            self._bodies[draft] = body
        self._note_change(draft)

    def drop(self, draft: str) -> None:
        """Forget a draft."""
        with self._lock:
            self._bodies.pop(draft, None)
        self._note_change(draft)

    def names(self, prefix: str) -> list[str]:
        """The drafts whose name begins like this."""
        with self._lock:
            return sorted(name for name in self._bodies if name.startswith(prefix))

    def remove(self, connection: Connection, draft: str) -> None:
        """Take a draft off the disk within a transaction: a completed basket must leave it together with its sale."""
        _store_one(connection, draft, None, self._clock.wall_us())

    def save(self, connection: Connection, draft: str, value: object) -> None:
        """Store a draft within a transaction: a completed basket must leave the disk together with its sale."""
        _store_one(connection, draft, msgspec.json.encode(value), self._clock.wall_us())

    def _note_change(self, draft: str) -> None:
        with self._lock:
            self._changed.add(draft)
            if self._is_queued:
                return
            self._is_queued = True
        self._store.write(self._save_changes).add_done_callback(self._settle)

    def _save_changes(self, connection: Connection) -> None:
        """May be run twice for one write, and after a refused one: what is being saved stays until it is known to be."""
        with self._lock:
            self._is_queued = False
            self._saving.update((name, self._bodies.get(name)) for name in self._changed)
            self._changed.clear()
            saving = dict(self._saving)
        for name, body in saving.items():
            _store_one(connection, name, body, self._clock.wall_us())

    def _settle(self, written: Future[None]) -> None:
        with self._lock:
            if written.exception() is None:
                self._saving.clear()
            else:
                self._is_queued = (
                    False  # the next change tries again, with these; the store's health tells of the trouble
                )


def _read_all(connection: Connection) -> list[tuple[str, bytes]]:
    rows = connection.execute("SELECT draft, body FROM drafts")
    return [(str(draft), str(body).encode()) for draft, body in rows]


def _store_one(connection: Connection, draft: str, body: bytes | None, now_us: int) -> None:
    if body is None:
        connection.execute("DELETE FROM drafts WHERE draft = ?", (draft,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO drafts (draft, body, saved_at_us) VALUES (?, ?, ?)",
        (draft, body.decode(), now_us),
    )
