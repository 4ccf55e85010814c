"""The evidence for a verdict, gathered: local rows first, then one question to central, which has a budget of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from agent.clock import Clock
from agent.feeds.chunks import FeedCursor
from agent.store import Store
from agent.verification import rules
from agent.verification.local_items import find_item
from agent.verification.rules import Evidence, LocalItem, Place
from protocol.codes import Code
from protocol.feeds import Feed, ItemHere, PolicyRow
from protocol.messages import ItemAnswered
from protocol.verdicts import Finding

_item_decoder = msgspec.json.Decoder(ItemHere)
_policy_decoder = msgspec.json.Decoder(PolicyRow)

_CURSOR_AGE_US = 1_000_000
ALL_ROWS = 10_000_000

Ask = Callable[[str, int], ItemAnswered | None]
"""Asks central about an item, with a budget in milliseconds; None when there was no answer in time."""


class ReplicaView(Protocol):
    """The replica of the feeds, as far as the shop reads it."""

    def get(self, feed: str, key: str) -> bytes | None:
        """One row's body."""

    def cursor(self, feed: str) -> FeedCursor:
        """The version the replica is at, and when it was last known to be complete (wall clock)."""

    def rows(self, feed: str, *, prefix: str = "", limit: int = 1000) -> Iterable[tuple[str, bytes]]:
        """Rows by key: key and body."""


class _Cursors:
    """Where the feeds stand, looked up at most once a second: a scan has better things to read."""

    def __init__(self, replica: ReplicaView, clock: Clock) -> None:
        self._replica = replica
        self._clock = clock
        self._read: dict[str, tuple[int, FeedCursor]] = {}

    def of(self, feed: str) -> FeedCursor:
        """The cursor of a feed, at most a second old."""
        now_us = self._clock.monotonic_us()
        read_at_us, cursor = self._read.get(feed, (None, None))
        if cursor is None or read_at_us is None or now_us - read_at_us > _CURSOR_AGE_US:
            cursor = self._replica.cursor(feed)
            self._read[feed] = (now_us, cursor)
        return cursor


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a code. ``local`` and ``known`` are the evidence a return needs."""

    gtin: str | None
    finding: Finding | None = None
    local: LocalItem | None = None
    known: ItemHere | None = None


class Verification:
    """Judges codes at one site. Thread-safe."""

    def __init__(
        self, *, store: Store, replica: ReplicaView, ask: Ask, site: str, time_zone: str, clock: Clock
    ) -> None:
        self._store = store
        self._replica = replica
        self._ask = ask
        self._site = site
        self._zone = ZoneInfo(time_zone)
        self._clock = clock
        self._cursors = _Cursors(replica, clock)
        self._policy_read: tuple[tuple[int, int | None], dict[str, str]] = ((-1, None), {})

    def locally(self, code: Code) -> Judged | None:
        """What is known here; None where central should be asked."""
        if code.item is None and code.expiry is None:
            return Judged(
                gtin=code.gtin
            )  # most scans: a product's number, of which nothing is to be verified
        place = self._place()
        if code.item is None or code.kind == "sscc":
            return Judged(gtin=code.gtin, finding=rules.from_label(code, place, self._policy()))
        evidence = self.evidence(code.item)
        known = evidence.local or evidence.replica
        gtin = code.gtin or (known.gtin if known else None)
        policy = self._policy()
        finding = rules.from_here(code.item, evidence, place, policy) or rules.from_label(code, place, policy)
        if finding is None:
            return None
        return Judged(gtin=gtin, finding=finding, local=evidence.local, known=evidence.replica)

    def by_asking(self, code: Code, timeout_ms: int) -> Judged:
        """What central says of an item that is not known here, or policy where it does not answer. Blocks up to the budget."""
        assert code.item is not None
        answer = self._ask(code.item, timeout_ms)
        if answer is None:
            return self.unanswered(code)
        place = self._place()
        known = None if answer.body is None else _item_decoder.decode(answer.body)
        gtin = code.gtin or (known.gtin if known else None)
        return Judged(gtin=gtin, finding=rules.from_answer(known, gtin, place, self._policy()), known=known)

    def unanswered(self, code: Code) -> Judged:
        """What stands without central."""
        return Judged(gtin=code.gtin, finding=rules.without_answer(code.gtin, self._policy()))

    def judge(self, code: Code, timeout_ms: int) -> Judged:
        """Both steps in one; may block up to the budget."""
        return self.locally(code) or self.by_asking(code, timeout_ms)

    def evidence(self, item: str) -> Evidence:
        """All that is known here of one item."""
        row = self._replica.get(Feed.ITEMS, item)
        synced_at_us = self._cursors.of(Feed.ITEMS).synced_at_us
        return Evidence(
            local=self._store.read(lambda connection: find_item(connection, item)),
            replica=None if row is None else _item_decoder.decode(row),
            replica_age_us=None if synced_at_us is None else max(0, self._clock.wall_us() - synced_at_us),
        )

    def _place(self) -> Place:
        now = datetime.fromtimestamp(self._clock.wall_us() / 1_000_000, UTC).astimezone(self._zone)
        return Place(site=self._site, today=now.date().isoformat())

    def _policy(self) -> dict[str, str]:
        """The policy as last fetched. A handful of rows, read again only when the feed has moved on."""
        cursor = self._cursors.of(Feed.POLICY)
        state = (cursor.version, cursor.synced_at_us)
        if self._policy_read[0] != state:
            found = self._replica.rows(Feed.POLICY, limit=ALL_ROWS)
            rows = {key: _policy_decoder.decode(body).action for key, body in found}
            self._policy_read = (state, rows)
        return self._policy_read[1]
