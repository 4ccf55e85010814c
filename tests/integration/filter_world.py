"""Central's books with their filters, and a counter elsewhere that hears of them: everything real but the wire between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.clock import ManualClock
from agent.feeds.replica import Replica
from agent.store import Store
from agent.verification.filters import Filters
from agent.verification.signatures import Signatures
from central import feeds
from central.database import Connection, Database
from central.filters.build import Built
from central.filters.rounds import Rounds, build_all
from protocol.feeds import Feed
from protocol.items import State
from tests.integration.books import NOW_US

GTIN = "09506000134352"
START = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
LIMIT = 1_000_000


def serial(number: int) -> str:
    return f"01{GTIN}21{number:020d}"


def serials(first: int, count: int) -> list[str]:
    return [serial(number) for number in range(first, first + count)]


def put(connection: Connection, items: Sequence[str], state: State, at: datetime = START) -> None:
    """Bring items into a state, with the trace that goes with it."""
    connection.execute(
        """
        WITH before AS (SELECT item, state FROM items WHERE item = ANY (%(items)s)),
        written AS (
            INSERT INTO items (item, gtin, state, site_id, sold_at, updated_at)
            SELECT item, %(gtin)s, %(state)s, 'north', CASE WHEN starts_with(%(state)s, 'sold') THEN %(at)s END, %(at)s
            FROM unnest(%(items)s::text[]) AS item
            ON CONFLICT (item) DO UPDATE
            SET state = EXCLUDED.state, sold_at = EXCLUDED.sold_at, updated_at = EXCLUDED.updated_at
        )
        INSERT INTO item_trace (item, action, from_state, to_state, legal, site_id, event_time, recorded_at)
        SELECT item, 'test', before.state, %(state)s, true, 'north', %(at)s, %(at)s
        FROM unnest(%(items)s::text[]) AS item LEFT JOIN before USING (item)
        """,
        {"items": list(items), "gtin": GTIN, "state": state.value, "at": at},
    )


class World:
    """Central's books with their filters, and a counter elsewhere."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url, pool_size=4)
        self.directory = folder / "authority"
        self.now = START
        self.rounds = self.another_process()
        self.clock = ManualClock(NOW_US)
        self.store = Store.open(folder / "journal.db", reserve_bytes=0)
        self.replica = Replica(self.store, self.clock)
        signatures = Signatures(self.replica, self.clock)
        self.filters = Filters(self.replica, signatures.verifies, store=self.store, clock=self.clock)

    def another_process(self, limit_items: int = LIMIT) -> Rounds:
        return Rounds(
            self.database,
            self.directory,
            lambda: self.now,
            interval=timedelta(minutes=5),
            limit_items=limit_items,
        )

    def put(self, items: Sequence[str], state: State, at: datetime | None = None) -> None:
        with self.database.transaction() as connection:
            put(connection, items, state, at or self.now)

    def build(self, *, limit_items: int = LIMIT, from_nothing: bool = False) -> list[Built]:
        self.now += timedelta(minutes=5)
        with self.database.transaction() as connection:
            return build_all(
                connection, self.directory, self.now, limit_items=limit_items, from_nothing=from_nothing
            )

    def versions(self) -> int:
        with self.database.transaction() as connection:
            return feeds.head(connection, Feed.FILTERS, "")

    def feed_keys(self) -> list[str]:
        with self.database.transaction() as connection:
            found = connection.execute(
                "SELECT key FROM feed_rows WHERE feed = 'filters' AND body IS NOT NULL ORDER BY key"
            )
            return [key for (key,) in found]

    def pull(self) -> None:
        for feed in (Feed.KEYS, Feed.FILTERS):
            more = True
            while more:
                with self.database.transaction() as connection:
                    chunk = feeds.pull(connection, feed, "", self.replica.version(feed), 7)
                self.replica.apply(chunk).result()
                more = chunk.more
        self.clock.advance(2_000_000)  # the keys are looked at once a second
        self.filters.refresh()

    def hits(self, items: Sequence[str]) -> list[str]:
        """Those of ``items`` that are perhaps in some set, at a counter that has pulled everything."""
        self.pull()
        return [item for item in items if self.filters.hits(item)]

    def close(self) -> None:
        self.store.close()
        self.database.close()
