"""Hints: telling agents that one of their feeds has moved, soon after the commit that moved it.

PostgreSQL notifies after the commit, whichever process made it. Hints of a moment are gathered, so that a shop's thousand sales
are one hint. An agent that misses one finds out at its next pull.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import psycopg
import structlog

from central.database import Connection, Database, DatabaseFault
from protocol.feeds import Feed
from protocol.messages import Changed, DownMessage

GATHER_S = 0.25
_RETRY_S = 2.0
_log = structlog.get_logger("central.feeds")


class Hints:
    """Listens for moved feeds and tells their agents, from :meth:`start` to :meth:`stop`."""

    def __init__(self, database: Database, publish: Callable[[str, DownMessage], None]) -> None:
        self._database = database
        self._publish = publish
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen, in a thread; a database that is away is tried again and again."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._listen, name="feed-hints", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End within a moment."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._database.connect() as connection:
                    connection.autocommit = True
                    connection.execute("LISTEN countermark_feeds")  # CHANNEL; takes no parameter
                    while not self._stopping.is_set():
                        self._tell(_moved(connection))
            except (psycopg.Error, DatabaseFault) as error:
                _log.warning("no hints of moved feeds for now", cause=" ".join(str(error).split()))
                self._stopping.wait(_RETRY_S)

    def _tell(self, moved: dict[tuple[str, str], int]) -> None:
        if not moved:
            return
        with self._database.transaction() as connection:
            for agent, feeds in sorted(concerned(connection, moved).items()):
                self._publish(agent, Changed(feeds=feeds))


def concerned(connection: Connection, moved: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Which agents must hear of which feeds. ``moved`` is (feed, scope) -> version."""
    feeds, scopes = zip(*moved, strict=True)
    found = connection.execute(
        """
        SELECT agent_id, feed, max(version)
        FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS moved (feed, scope, version)
        JOIN sites ON scope = '' OR (feed = %s AND scope = price_list) OR (feed <> %s AND scope = site_id)
        JOIN agents USING (site_id)
        WHERE agents.state = 'enrolled'
        GROUP BY agent_id, feed
        """,
        (list(feeds), list(scopes), list(moved.values()), Feed.PRICES.value, Feed.PRICES.value),
    )
    told: dict[str, dict[str, int]] = {}
    for agent, feed, version in found:
        told.setdefault(agent, {})[feed] = int(version)
    return told


def _moved(connection: Connection) -> dict[tuple[str, str], int]:
    """The feeds that moved within a moment, with their newest version."""
    return _newest(notice.payload for notice in connection.notifies(timeout=GATHER_S))


def _newest(payloads: Iterable[str]) -> dict[tuple[str, str], int]:
    moved: dict[tuple[str, str], int] = {}
    for payload in payloads:
        feed, scope, version = payload.split("\n")
        moved[feed, scope] = max(moved.get((feed, scope), 0), int(version))
    return moved
