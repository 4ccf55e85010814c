"""The replica of central's feeds, as the counter reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from agent.clock import Clock
from agent.feeds import chunks
from agent.feeds.chunks import FeedCursor, Outcome
from agent.store.database import Connection
from agent.store.store import Store
from protocol.messages import FeedChunk

TIDY_LIMIT_ROWS = 2000

_GET = """
SELECT r.body FROM feed_cursors c
  JOIN feed_rows r ON r.feed = c.feed AND r.edition = c.edition AND r.key = ?
 WHERE c.feed = ?
"""
_ROWS = """
SELECT r.key, r.body FROM feed_cursors c
  JOIN feed_rows r ON r.feed = c.feed AND r.edition = c.edition AND r.key >= ? AND r.key < ?
 WHERE c.feed = ? ORDER BY r.key LIMIT ?
"""
_LAST_CHARACTER = "\U0010ffff"  # after everything that begins with the prefix


def row_body(connection: Connection, feed: str, key: str) -> bytes | None:
    """The JSON body of one row; None if there is none. Inside a read."""
    found = connection.execute(_GET, (key, feed)).fetchone()
    return bytes(found[0]) if found else None


class Replica:
    """Reads see the last complete edition of a feed; during the very first pull, what has come so far.

    ``with_chunk`` is called with each chunk that was taken in, inside its transaction, for what must follow from it.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock | None = None,
        with_chunk: Callable[[Connection, FeedChunk], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock or Clock()
        self._with_chunk = with_chunk

    def get(self, feed: str, key: str) -> bytes | None:
        """The JSON body of one row; None if there is none."""
        return self._store.read(lambda at: row_body(at, feed, key))

    def get_all(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The JSON bodies of several rows, (feed, key) each, in one view."""
        return self._store.read(lambda at: [row_body(at, feed, key) for feed, key in wanted])

    def rows(self, feed: str, *, prefix: str = "", limit: int = 1000) -> list[tuple[str, bytes]]:
        """(key, JSON body) of the rows whose key begins with ``prefix``, in the order of their keys."""
        bounds = (prefix, prefix + _LAST_CHARACTER)
        found = self._store.read(lambda at: at.execute(_ROWS, (*bounds, feed, limit)).fetchall())
        return [(key, bytes(body)) for key, body in found]

    def cursor(self, feed: str) -> FeedCursor:
        """Where the replica stands."""
        return self._store.read(lambda at: chunks.cursor_of(at, feed))

    def version(self, feed: str) -> int:
        """The version from which the next pull goes on; 0 before the first."""
        return self.cursor(feed).version

    def synced_at_us(self, feed: str) -> int | None:
        """When the replica was last complete, by the agent's wall clock; None if it never was."""
        return self.cursor(feed).synced_at_us

    def age_us(self, feed: str) -> int | None:
        """How old the knowledge is; None if it never was complete. A clock that was set back makes nothing younger than now."""
        synced_at_us = self.synced_at_us(feed)
        return None if synced_at_us is None else max(0, self._clock.wall_us() - synced_at_us)

    def apply(self, chunk: FeedChunk) -> Future[Outcome]:
        """Take in a chunk of a pull; see :mod:`agent.feeds.chunks`."""
        now_us = self._clock.wall_us()

        def work(connection: Connection) -> Outcome:
            outcome = chunks.apply(connection, chunk, now_us)
            if self._with_chunk is not None and isinstance(outcome, chunks.Applied):
                self._with_chunk(connection, chunk)
            return outcome

        return self._store.write(work)

    def tidy(self) -> Future[int]:
        """Remove one piece of what a rebuilt feed has left behind; 0 when there is nothing more."""
        return self._store.write(_tidy)


def _tidy(connection: Connection) -> int:
    return chunks.tidy(connection, TIDY_LIMIT_ROWS)
