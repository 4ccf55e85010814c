"""Feeds in PostgreSQL.

A feed's head row is locked from its first change in a transaction until the commit, so versions become visible in their
order and a reader that has seen version 7 has seen all before it. (A sequence would give out 7 and 8 to two transactions and
let 8 be seen first: a reader that then asks for what follows 8 would never see 7.) Whoever publishes to several feeds in one
transaction does so in the order of (feed, scope) where that is possible, and in :meth:`central.database.Database.run`
where it is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from central.database import Connection
from central.feeds.rules import (
    RAW_LIMIT_BYTES,
    Changed,
    Present,
    check_row,
    fits,
    publication,
    rows_within,
)
from protocol.messages import FeedChunk, FeedRow

CHANNEL = "countermark_feeds"
"""PostgreSQL tells listeners on this channel, after the commit, which feed has moved: ``<feed>\\n<scope>\\n<version>``."""
_ROWS_A_STATEMENT = 10_000


def publish(connection: Connection, feed: str, scope: str, rows: Iterable[tuple[str, bytes | None]]) -> int:
    """Bring rows of a feed up to date; the feed's version after it.

    A row is (key, JSON body); None as body takes it away. What is unchanged stays at its version.
    """
    wanted = dict(rows)
    for key, body in wanted.items():
        check_row(feed, key, body)
    version, digest = _lock_head(connection, feed, scope)
    present = _present(connection, feed, scope, list(wanted))
    result = publication(version, digest, wanted.items(), present)
    if not result.changed:
        return version
    for start in range(0, len(result.changed), _ROWS_A_STATEMENT):
        _write(connection, feed, scope, result.changed[start : start + _ROWS_A_STATEMENT])
    connection.execute(
        "UPDATE feed_heads SET version = %s, digest = %s WHERE feed = %s AND scope = %s",
        (result.version, result.digest, feed, scope),
    )
    announce(connection, feed, {scope: result.version})
    return result.version


def remove_all_but(connection: Connection, feed: str, scope: str, keys: Collection[str]) -> int:
    """Take away every row whose key is not in ``keys``; the feed's version after it."""
    _lock_head(connection, feed, scope)
    present = connection.execute(
        "SELECT key FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL", (feed, scope)
    )
    gone = sorted({key for (key,) in present} - set(keys))
    return publish(connection, feed, scope, [(key, None) for key in gone])


def lock_heads(connection: Connection, feed: str, scopes: Sequence[str]) -> None:
    """Lock a feed of several scopes, in their order, for a statement that changes many rows of all of them at once."""
    connection.execute(
        "INSERT INTO feed_heads (feed, scope) SELECT %s, * FROM unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (feed, list(scopes)),
    )
    connection.execute(
        "SELECT FROM feed_heads WHERE feed = %s AND scope = ANY (%s) ORDER BY scope FOR UPDATE",
        (feed, list(scopes)),
    )


def announce(connection: Connection, feed: str, versions: Mapping[str, int]) -> None:
    """Tell listeners, after the commit, that a feed has moved: scope -> version."""
    for scope, version in sorted(versions.items()):
        connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, f"{feed}\n{scope}\n{version}"))


def head(connection: Connection, feed: str, scope: str) -> int:
    """The version of a feed; 0 for one that has never had a row."""
    row = connection.execute(
        "SELECT version FROM feed_heads WHERE feed = %s AND scope = %s", (feed, scope)
    ).fetchone()
    return 0 if row is None else int(row[0])


def pull(connection: Connection, feed: str, scope: str, since: int, limit: int) -> FeedChunk:
    """The rows of a feed after version ``since``, in the order of their versions, at most ``limit`` and what a frame holds.

    The chunk's ``next`` is where the following pull goes on; the last one carries the digest of the whole feed.
    """
    # One statement, one snapshot: the digest belongs to exactly these rows. A first pull does not need to hear of what went.
    found = connection.execute(
        """
        SELECT head.version, head.digest, row.version, row.key, row.body
        FROM feed_heads AS head
        LEFT JOIN LATERAL (
            SELECT version, key, body FROM feed_rows
            WHERE feed = head.feed AND scope = head.scope AND version > %(since)s
              AND (body IS NOT NULL OR %(since)s > 0)
            ORDER BY version
            LIMIT %(limit)s
        ) AS row ON true
        WHERE head.feed = %(feed)s AND head.scope = %(scope)s
        ORDER BY row.version
        """,
        {"feed": feed, "scope": scope, "since": since, "limit": max(limit, 1) + 1},
    ).fetchall()
    version, digest = (int(found[0][0]), int(found[0][1])) if found else (0, 0)
    if since > version or since < 0:
        return FeedChunk(feed=feed, since=since, next=0, rows=(), head=version, restart=True)
    rows = [(int(at), FeedRow(key, body)) for _, _, at, key, body in found if at is not None]
    return _chunk(feed, since, rows, max(limit, 1), version, digest)


def _chunk(
    feed: str, since: int, rows: Sequence[tuple[int, FeedRow]], limit: int, version: int, digest: int
) -> FeedChunk:
    sizes = [len(row.key) + len(row.body or b"") + 16 for _, row in rows[:limit]]
    count = rows_within(sizes, RAW_LIMIT_BYTES)
    while True:
        more = count < len(rows)
        chunk = FeedChunk(
            feed=feed,
            since=since,
            next=rows[count - 1][0] if more else version,
            rows=tuple(row for _, row in rows[:count]),
            head=version,
            more=more,
            digest=None if more else digest,
        )
        if count <= 1 or fits(chunk):
            return chunk
        count //= 2


def _lock_head(connection: Connection, feed: str, scope: str) -> tuple[int, int]:
    connection.execute(
        "INSERT INTO feed_heads (feed, scope) VALUES (%s, %s) ON CONFLICT DO NOTHING", (feed, scope)
    )
    row = connection.execute(
        "SELECT version, digest FROM feed_heads WHERE feed = %s AND scope = %s FOR UPDATE", (feed, scope)
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _present(connection: Connection, feed: str, scope: str, keys: list[str]) -> dict[str, Present]:
    # Key by key on the primary key. With `key = ANY`, a plan from statistics that are behind reads a whole feed instead, and a
    # feed has a million rows.
    found = connection.execute(
        """
        SELECT present.key, present.digest FROM unnest(%s::text[]) AS wanted (key) CROSS JOIN LATERAL
            (SELECT key, digest FROM feed_rows WHERE feed = %s AND scope = %s AND key = wanted.key LIMIT 1) AS present
        """,
        (keys, feed, scope),
    )
    return {key: Present(int(digest)) for key, digest in found}


def _write(connection: Connection, feed: str, scope: str, rows: Sequence[Changed]) -> None:
    columns = msgspec.structs.astuple
    keys, versions, digests, bodies = zip(*map(columns, rows), strict=True)
    connection.execute(
        """
        INSERT INTO feed_rows (feed, scope, key, version, digest, body)
        SELECT %s, %s, * FROM unnest(%s::text[], %s::bigint[], %s::numeric[], %s::bytea[])
        ON CONFLICT (feed, scope, key)
        DO UPDATE SET version = EXCLUDED.version, digest = EXCLUDED.digest, body = EXCLUDED.body
        """,
        (feed, scope, list(keys), list(versions), list(digests), list(bodies)),
    )
