"""What one chunk does to one replica, in one transaction.

A chunk counts only if it continues exactly where the replica stands: applied twice, late or out of turn it changes nothing. Rows,
cursor and digest move together, so that a power cut between two chunks costs one chunk.

When central says that the replica cannot be continued, or the digests differ at the end, the feed is pulled anew into a second
*edition*. Readers stay on the old one until the new one is complete: a counter that sells from yesterday's catalogue is better than
one that knows no products.
"""

from __future__ import annotations

import msgspec

from agent.store.database import Connection
from protocol.feeds import digest_after, row_digest
from protocol.messages import FeedChunk, FeedRow


class FeedCursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replica stands. ``version`` and ``digest`` are those of ``building``, which is ``edition`` unless it is rebuilt."""

    feed: str
    edition: int = 1
    building: int = 1
    version: int = 0
    digest: int = 0
    head: int = 0
    synced_at_us: int | None = None


class Applied(msgspec.Struct, frozen=True):
    """The replica stands at ``version`` now; ``more`` chunks are to come."""

    feed: str
    version: int
    more: bool


class Restart(msgspec.Struct, frozen=True):
    """The feed has to be pulled from 0; ``cause`` says why."""

    feed: str
    cause: str


class Stale(msgspec.Struct, frozen=True):
    """The chunk does not continue this replica. Nothing was changed."""

    feed: str


Outcome = Applied | Restart | Stale

_CURSOR = """
SELECT edition, building, version, digest, head, synced_at_us FROM feed_cursors WHERE feed = ?
"""
_NOTE_CURSOR = """
INSERT INTO feed_cursors (feed, edition, building, version, digest, head, synced_at_us) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feed) DO UPDATE SET edition = excluded.edition, building = excluded.building,
    version = excluded.version, digest = excluded.digest, head = excluded.head, synced_at_us = excluded.synced_at_us
"""
_BODY = "SELECT body FROM feed_rows WHERE feed = ? AND edition = ? AND key = ?"
_PUT = """
INSERT INTO feed_rows (feed, edition, key, body) VALUES (?, ?, ?, ?)
ON CONFLICT (feed, edition, key) DO UPDATE SET body = excluded.body
"""
_TAKE_AWAY = "DELETE FROM feed_rows WHERE feed = ? AND edition = ? AND key = ?"
_LEFT_OVER = """
DELETE FROM feed_rows WHERE (feed, edition, key) IN
    (SELECT feed, edition, key FROM feed_rows WHERE feed = ? AND edition < ? LIMIT ?)
"""
_ABANDONED = """
DELETE FROM feed_rows WHERE (feed, edition, key) IN
    (SELECT feed, edition, key FROM feed_rows WHERE feed = ? AND edition > ? AND edition < ? LIMIT ?)
"""


def cursor_of(connection: Connection, feed: str) -> FeedCursor:
    """Where the replica of ``feed`` stands; at the beginning if it was never pulled."""
    found = connection.execute(_CURSOR, (feed,)).fetchone()
    if found is None:
        return FeedCursor(feed=feed)
    edition, building, version, digest, head, synced_at_us = found
    return FeedCursor(
        feed=feed,
        edition=edition,
        building=building,
        version=version,
        digest=int(digest),
        head=head,
        synced_at_us=synced_at_us,
    )


def apply(connection: Connection, chunk: FeedChunk, now_us: int) -> Outcome:
    """Take in a chunk. Inside a write."""
    cursor = cursor_of(connection, chunk.feed)
    if chunk.since != cursor.version or chunk.next < chunk.since:
        return Stale(chunk.feed)
    if chunk.restart:
        return _start_over(connection, cursor, "central does not know the version that is here")
    digest = cursor.digest
    for row in chunk.rows:
        digest = digest_after(digest, _put(connection, cursor, row), row_digest(row.key, row.body))
    cursor = msgspec.structs.replace(
        cursor, version=chunk.next, digest=digest, head=max(chunk.head, chunk.next)
    )
    if not chunk.more:
        if chunk.digest is not None and chunk.digest != digest:
            return _start_over(connection, cursor, "what is here is not what central has")
        cursor = msgspec.structs.replace(cursor, edition=cursor.building, synced_at_us=now_us)
    _note(connection, cursor)
    return Applied(chunk.feed, cursor.version, chunk.more)


def _put(connection: Connection, cursor: FeedCursor, row: FeedRow) -> int:
    """Write one row; the digest of what it replaces."""
    place = (cursor.feed, cursor.building, row.key)
    found = connection.execute(_BODY, place).fetchone()
    if row.body is None:
        connection.execute(_TAKE_AWAY, place)
    else:
        connection.execute(_PUT, (*place, row.body))
    return row_digest(row.key, found[0]) if found else 0


def _start_over(connection: Connection, cursor: FeedCursor, cause: str) -> Restart:
    building = max(cursor.edition, cursor.building) + 1
    # Where nothing was ever complete there is nothing to go on serving.
    edition = cursor.edition if cursor.synced_at_us is not None else building
    _note(
        connection,
        FeedCursor(feed=cursor.feed, edition=edition, building=building, synced_at_us=cursor.synced_at_us),
    )
    return Restart(cursor.feed, cause)


def _note(connection: Connection, cursor: FeedCursor) -> None:
    connection.execute(
        _NOTE_CURSOR,
        (
            cursor.feed,
            cursor.edition,
            cursor.building,
            cursor.version,
            str(cursor.digest),
            cursor.head,
            cursor.synced_at_us,
        ),
    )


def tidy(connection: Connection, limit_rows: int) -> int:
    """Remove a piece of the editions that nobody reads or builds any more; how many rows went. Inside a write."""
    for feed, edition, building in connection.execute(
        "SELECT feed, edition, building FROM feed_cursors"
    ).fetchall():
        gone = connection.execute(_LEFT_OVER, (feed, edition, limit_rows)).rowcount
        gone += connection.execute(_ABANDONED, (feed, edition, building, limit_rows)).rowcount
        if gone:
            return gone
    return 0
