"""The evidence for a verdict, gathered in its order: what is here first, then one question to others, which has a budget of time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from agent.clock import Clock
from agent.feeds.chunks import FeedCursor
from agent.feeds.replica import row_body
from agent.neighbours.messages import ItemTold
from agent.store import Connection, Store
from agent.verification import rules
from agent.verification.local_items import find_item
from agent.verification.proofs import Proof
from agent.verification.rules import Evidence, Hit, LocalItem, Place, Policy
from protocol.codes import Code
from protocol.feeds import Feed, ItemHere, PolicyRow
from protocol.messages import ItemAnswered
from protocol.verdicts import Act, Finding

_item_decoder = msgspec.json.Decoder(ItemHere)
_policy_decoder = msgspec.json.Decoder(PolicyRow)

_CURSOR_AGE_US = 1_000_000
ALL_ROWS = 10_000_000
REMEMBERED_US = 60_000_000
"""How long what others said of an item serves the next scan of it."""
REMEMBERED_LIMIT = 256
NEIGHBOURS_SHARE = 3
"""While there is a link, one part in so many of the budget is kept for the neighbours, in case central is silent."""


class ReplicaView(Protocol):
    """The replica of the feeds, as far as the shop reads it."""

    def get(self, feed: str, key: str) -> bytes | None:
        """One row's body."""

    def get_all(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The bodies of several rows, (feed, key) each, in one view."""

    def cursor(self, feed: str) -> FeedCursor:
        """The version the replica is at, and when it was last known to be complete (wall clock)."""

    def rows(self, feed: str, *, prefix: str = "", limit: int = 1000) -> Iterable[tuple[str, bytes]]:
        """Rows by key: key and body."""


class CentralAsked(Protocol):
    """Central, as far as a question about an item goes."""

    @property
    def is_linked(self) -> bool:
        """Whether there is a link to it now."""

    def ask_item(self, item: str, timeout_ms: int) -> ItemAnswered | None:
        """What it knows of an item; None without an answer in time. Blocks."""


class NeighboursAsked(Protocol):
    """The neighbours' agents, all at once."""

    @property
    def is_any(self) -> bool:
        """Whether there is one to ask."""

    def ask_item(self, item: str, timeout_ms: int) -> tuple[ItemTold, ...]:
        """What those that answer in time have done to an item. Blocks."""


class Labels(Protocol):
    """Proves the signed part of labels."""

    def prove(self, code: Code) -> Proof:
        """What it proves."""


class Lists(Protocol):
    """The brand's filters."""

    def hits(self, item: str) -> Sequence[Hit]:
        """The sets that the item is perhaps in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What speaks beside the journal and the replica."""

    labels: Labels
    lists: Lists
    central: CentralAsked
    neighbours: NeighboursAsked


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


class _Said:
    """What others said of items a moment ago, so that the same question is not asked again. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._said: OrderedDict[str, tuple[int, Judged]] = OrderedDict()

    def note(self, item: str, judged: Judged) -> None:
        """Someone has answered."""
        with self._mutex:
            self._said[item] = (self._clock.monotonic_us(), judged)
            self._said.move_to_end(item)
            if len(self._said) > REMEMBERED_LIMIT:
                self._said.popitem(last=False)

    def of(self, item: str, within_us: int) -> Judged | None:
        """What was said no longer ago than that; older by as much now."""
        with self._mutex:
            said_at_us, judged = self._said.get(item, (0, None))
        elapsed_us = self._clock.monotonic_us() - said_at_us
        if judged is None or judged.finding is None or elapsed_us > within_us:
            return None
        age_us = (judged.finding.age_us or 0) + elapsed_us
        return msgspec.structs.replace(judged, finding=msgspec.structs.replace(judged.finding, age_us=age_us))


class Verification:
    """Judges codes at one site. Thread-safe."""

    def __init__(
        self,
        *,
        store: Store,
        replica: ReplicaView,
        sources: Sources,
        site: str,
        time_zone: str,
        clock: Clock,
    ) -> None:
        self._store = store
        self._replica = replica
        self._labels = sources.labels
        self._lists = sources.lists
        self._central = sources.central
        self._neighbours = sources.neighbours
        self._site = site
        self._zone = ZoneInfo(time_zone)
        self._clock = clock
        self._cursors = _Cursors(replica, clock)
        self._said = _Said(clock)
        self._policy_read: tuple[tuple[int, int | None], Policy] = ((-1, None), {})

    @property
    def site(self) -> str:
        """Where this is."""
        return self._site

    def locally(self, code: Code) -> Judged | None:
        """What is known here; None where others should be asked, and can be."""
        if code.item is None or code.kind == "sscc":
            return self._without_item(code)
        here = self._here(code)
        finding = here.judged.finding
        if finding is not None and not rules.wants_second_opinion(finding):
            return here.judged
        if not (self._central.is_linked or self._neighbours.is_any):
            return self._alone(code.item, here)
        return self._said.of(code.item, REMEMBERED_US)

    def by_asking(self, code: Code, timeout_ms: int) -> Judged:
        """What others say of an item, or what stands without them. Blocks up to the budget: central first, then the neighbours."""
        assert code.item is not None
        begun_us = self._clock.monotonic_us()
        here = self._here(code)
        has_neighbours = self._neighbours.is_any
        if self._central.is_linked:
            kept_ms = timeout_ms // NEIGHBOURS_SHARE if has_neighbours else 0
            answer = self._central.ask_item(code.item, timeout_ms - kept_ms)
            if answer is not None:
                return self._by_central(code.item, here, answer)
        left_ms = timeout_ms - (self._clock.monotonic_us() - begun_us) // 1000
        if has_neighbours and left_ms > 0:
            told = self._neighbours.ask_item(code.item, left_ms)
            by_neighbours = self._by_neighbours(code.item, here, told)
            if by_neighbours is not None:
                return by_neighbours
        return self._alone(code.item, here)

    def unanswered(self, code: Code) -> Judged:
        """What stands without any answer: never waits."""
        if code.item is None or code.kind == "sscc":
            return self._without_item(code)
        return self._alone(code.item, self._here(code))

    def confirmed(self, code: Code) -> Judged:
        """What the cashier was shown of a code a moment ago and has said yes to; else what stands without asking again."""
        if code.item is None or code.kind == "sscc":
            return self._without_item(code)
        here = self._here(code)
        finding = here.judged.finding
        if finding is not None and not rules.wants_second_opinion(finding):
            return here.judged
        return self._said.of(code.item, rules.FRESH_US) or self._alone(code.item, here)

    def is_disproven(self, code: Code) -> bool:
        """Whether the label's own signature speaks against it: a second label of an item that is genuine may be a copy of it."""
        return self._labels.prove(code).kind in rules.DISPROVEN

    def judge(self, code: Code, timeout_ms: int) -> Judged:
        """Both steps in one; may block up to the budget."""
        return self.locally(code) or self.by_asking(code, timeout_ms)

    def evidence(self, item: str) -> Evidence:
        """What the journal and the replica know of one item, in one view."""

        def look(connection: Connection) -> tuple[LocalItem | None, bytes | None]:
            return find_item(connection, item), row_body(connection, Feed.ITEMS, item)

        local, row = self._store.read(look)
        synced_at_us = self._cursors.of(Feed.ITEMS).synced_at_us
        return Evidence(
            local=local,
            replica=None if row is None else _item_decoder.decode(row),
            replica_age_us=None if synced_at_us is None else max(0, self._clock.wall_us() - synced_at_us),
        )

    # -- the steps --------------------------------------------------------------------------------------------------------

    def _without_item(self, code: Code) -> Judged:
        """Most scans: a product's number, of which nothing but a date is to be verified."""
        if code.expiry is None:
            return Judged(gtin=code.gtin)
        return Judged(gtin=code.gtin, finding=rules.from_label(code, None, self._place(), self._policy()))

    def _here(self, code: Code) -> _Here:
        """The first three kinds of evidence. What is refused by its record needs no look at the signature."""
        assert code.item is not None
        place, policy = self._place(), self._policy()
        evidence = self.evidence(code.item)
        known = evidence.local or evidence.replica
        gtin = code.gtin or (known.gtin if known else None)
        proof: Proof | None = None
        finding = rules.from_records(code.item, evidence, place, policy)
        if finding is None or finding.act is not Act.REFUSE:
            proof = self._labels.prove(code)
            finding = rules.from_label(code, proof, place, policy) or finding
        judged = Judged(gtin=gtin, finding=finding, local=evidence.local, known=evidence.replica)
        return _Here(judged=judged, proof=proof)

    def _alone(self, item: str, here: _Here) -> Judged:
        if here.judged.finding is not None:
            return here.judged
        hits = self._lists.hits(item)
        finding = rules.without_answer(here.judged.gtin, here.proof, hits, self._policy())
        return msgspec.structs.replace(here.judged, finding=finding)

    def _by_central(self, item: str, here: _Here, answer: ItemAnswered) -> Judged:
        known = None if answer.body is None else _item_decoder.decode(answer.body)
        gtin = here.judged.gtin or (known.gtin if known else None)
        local = here.judged.local
        finding = rules.from_answer(item, local, known, gtin, self._place(), self._policy())
        return self._noted(item, Judged(gtin=gtin, finding=finding, local=local, known=known))

    def _by_neighbours(self, item: str, here: _Here, told: Sequence[ItemTold]) -> Judged | None:
        evidence = Evidence(local=here.judged.local, replica=here.judged.known)
        place, policy = self._place(), self._policy()
        finding = rules.from_neighbours(item, evidence, here.judged.gtin, told, place, policy)
        if finding is None:
            return None
        return self._noted(item, msgspec.structs.replace(here.judged, finding=finding))

    def _noted(self, item: str, judged: Judged) -> Judged:
        self._said.note(item, judged)
        return judged

    def _place(self) -> Place:
        now = datetime.fromtimestamp(self._clock.wall_us() / 1_000_000, UTC).astimezone(self._zone)
        return Place(site=self._site, today=now.date().isoformat())

    def _policy(self) -> Policy:
        """The policy as last fetched. A handful of rows, read again only when the feed has moved on."""
        cursor = self._cursors.of(Feed.POLICY)
        state = (cursor.version, cursor.synced_at_us)
        if self._policy_read[0] != state:
            found = self._replica.rows(Feed.POLICY, limit=ALL_ROWS)
            rows = {key: _policy_decoder.decode(body).action for key, body in found}
            self._policy_read = (state, rows)
        return self._policy_read[1]


class _Here(msgspec.Struct, frozen=True, kw_only=True):
    judged: Judged
    proof: Proof | None
