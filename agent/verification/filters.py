"""The brand's filters, as a counter asks them: is this item perhaps sold, recalled or stolen elsewhere?

The rows of the ``filters`` feed (see :mod:`protocol.filters`) are checked and unpacked once for each version of the feed, beside the
scans: a scan reads memory alone, and while a new version is being unpacked it is answered from the one before. The bits of
4,000,000 items take 6 MB (12 bits each), for a moment twice that; what has gone from them at most 5 MB more.

What is not what it should be is left out, never believed: a header or a list with a wrong signature, a part that is not the one its
header names. A person is told once. Without a part fewer items are noticed; without a list a few more are asked about.
"""

from __future__ import annotations

import contextlib
import threading
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

import msgspec

from agent.clock import Clock
from agent.feeds.chunks import FeedCursor
from agent.journal.notices import NoticeKind, note
from agent.store import Connection, Store
from agent.store.faults import StoreError
from protocol.errors import Malformed
from protocol.feeds import Feed
from protocol.filters import (
    FilterKind,
    FilterLayer,
    Hash,
    Signed,
    decode_gone,
    decode_layer,
    decode_part,
    hash_of,
    is_perhaps_in,
    part_key,
    part_of,
    signed_bytes,
)

PURPOSE = "filters"
_KINDS = frozenset(FilterKind)
LOOK_US = 1_000_000
"""How often it is looked whether the feed has moved."""
PATIENCE_US = 60_000_000
"""How long a row may look wrong before a person is told: the key that signed it may still be on its way."""
_GONE_ROWS_LIMIT = 4096


class Hit(msgspec.Struct, frozen=True):
    """An item is perhaps in a set: ``kind`` is sold, recalled or stolen. The knowledge is ``age_us`` old."""

    kind: str
    age_us: int


class FeedView(Protocol):
    """The replica of the feeds, as far as filters read it."""

    def get(self, feed: str, key: str) -> bytes | None:
        """One row's body."""

    def rows(self, feed: str, *, prefix: str = "", limit: int = 1000) -> Iterable[tuple[str, bytes]]:
        """Rows by key: key and body."""

    def cursor(self, feed: str) -> FeedCursor:
        """Where the replica stands."""


class Verifies(Protocol):
    """Whether a signature was made with a key that was good for a purpose on a day."""

    def __call__(self, key_id: str, data: bytes, signature: bytes, purpose: str, day: date) -> bool:
        """True: believe it."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer, unpacked. A part that is missing or wrong is None."""

    header: FilterLayer
    body: bytes
    parts: tuple[bytes | None, ...]
    gone: frozenset[int]

    def has(self, numbers: Hash) -> bool:
        mark = numbers[0]
        bits = self.parts[part_of(mark, len(self.parts))]
        return bits is not None and is_perhaps_in(bits, numbers) and mark not in self.gone


Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is in memory, and the versions of the feeds it was made from.

    Not ``settled``: the keys have just changed, and whoever verifies may look at theirs only once a second.
    """

    stamp: Stamp | None = None
    layers: tuple[_Layer, ...] = ()
    settled: bool = True


@dataclass(slots=True)
class _Faults:
    """Rows that look wrong: since when (monotonic), and whether a person was told."""

    since_us: dict[str, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def wait_for_telling(self) -> bool:
        """Whether one may yet turn out well, or a person is to be told of it."""
        return not self.since_us.keys() <= self.told


class Filters:
    """Thread-safe. Notices go to ``store``."""

    def __init__(self, replica: FeedView, verifies: Verifies, *, store: Store, clock: Clock) -> None:
        self._replica = replica
        self._verifies = verifies
        self._store = store
        self._clock = clock
        self._loaded = _Loaded()
        self._synced_at_us: int | None = None
        self._looked_at_us = 0
        self._faults = _Faults()
        self._refreshing = threading.Lock()
        self._mutex = threading.Lock()

    def hits(self, item: str) -> tuple[Hit, ...]:
        """The sets in which an item perhaps is, none of them twice; () says: in none, as far as is known here."""
        self._look()
        layers = self._loaded.layers
        if not layers:
            return ()
        numbers = hash_of(item)
        found = {layer.header.kind: layer for layer in layers if layer.has(numbers)}
        if not found:
            return ()
        now_us, synced_at_us = self._clock.wall_us(), self._synced_at_us
        return tuple(
            Hit(kind, max(0, now_us - (layer.header.as_of_us if synced_at_us is None else synced_at_us)))
            for kind, layer in found.items()
        )

    def refresh(self) -> None:
        """Unpack what the replica has now, except for parts that have not changed. Blocks; call it before the first scan."""
        with self._refreshing:
            self._load()

    # -- what has moved --------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Have what has moved unpacked beside the scans; the very first time before the first answer."""
        if self._loaded.stamp is None:
            with self._refreshing:
                if self._loaded.stamp is None:
                    self._load()
            return
        now_us = self._clock.monotonic_us()
        with self._mutex:
            if now_us - self._looked_at_us < LOOK_US:
                return
            self._looked_at_us = now_us
        stamp, is_whole = self._stamp()
        has_moved = is_whole and stamp != self._loaded.stamp
        is_open = not self._loaded.settled or self._faults.wait_for_telling()
        if (has_moved or is_open) and not self._refreshing.locked():
            threading.Thread(target=self._refresh_beside, name="filters", daemon=True).start()

    def _refresh_beside(self) -> None:
        # A disk that does not read is told of by the status; what is in memory goes on serving.
        with contextlib.suppress(StoreError):
            self.refresh()

    def _load(self) -> None:
        stamp, is_whole = self._stamp()
        wrong: dict[str, str] = {}
        before = self._loaded.stamp
        settled = before is not None and before[2:] == stamp[2:]
        self._loaded = _Loaded(stamp, tuple(self._layers(wrong)), settled)
        # In the middle of a pull a header and its parts may be of two versions, and nobody is to blame.
        self._note_faults(wrong if is_whole else {})

    def _stamp(self) -> tuple[Stamp, bool]:
        """Which versions the replica has, and whether no pull is half way through."""
        filters, keys = self._replica.cursor(Feed.FILTERS), self._replica.cursor(Feed.KEYS)
        self._synced_at_us = filters.synced_at_us
        is_whole = all(one.edition == one.building and one.version >= one.head for one in (filters, keys))
        return (filters.edition, filters.version, keys.edition, keys.version), is_whole

    # -- unpacking -------------------------------------------------------------------------------------------------------

    def _layers(self, wrong: dict[str, str]) -> Iterable[_Layer]:
        before = {(one.header.kind, one.header.layer): one for one in self._loaded.layers}
        for key, body in self._replica.rows(Feed.FILTERS, prefix="layer/"):
            try:
                header, digests = decode_layer(key, body)
            except Malformed as error:
                wrong[key] = str(error)
                continue
            if header.kind not in _KINDS or not self._is_proven(key, header, wrong):
                continue  # a set that only a later version knows says nothing here
            known = before.get((header.kind, header.layer))
            if known is not None and known.body == body and None not in known.parts:
                parts = known.parts
            else:
                parts = tuple(self._parts(header, digests, wrong))
            yield _Layer(header, body, parts, frozenset(self._gone(header, wrong)))

    def _parts(
        self, header: FilterLayer, digests: tuple[bytes, ...], wrong: dict[str, str]
    ) -> Iterable[bytes | None]:
        for part, digest in enumerate(digests):
            key = part_key(header.kind, header.layer, part)
            body = self._replica.get(Feed.FILTERS, key)
            try:
                yield decode_part(key, body or b"", digest)
            except Malformed as error:
                wrong[key] = str(error)
                yield None

    def _gone(self, header: FilterLayer, wrong: dict[str, str]) -> Iterable[int]:
        prefix = f"gone/{header.kind}/{header.layer}/"
        for key, body in self._replica.rows(Feed.FILTERS, prefix=prefix, limit=_GONE_ROWS_LIMIT):
            try:
                gone, marks = decode_gone(key, body)
            except Malformed as error:
                wrong[key] = str(error)
                continue
            if gone.as_of_us == header.as_of_us and self._is_proven(key, gone, wrong):
                yield from marks

    def _is_proven(self, key: str, row: Signed, wrong: dict[str, str]) -> bool:
        try:
            signature = b64decode(row.signature, validate=True)
            day = datetime.fromtimestamp(row.signed_at_us / 1_000_000, UTC).date()
        except (ValueError, OverflowError, OSError):
            wrong[key] = f"filter {key}: its signature or its time cannot be read"
            return False
        if self._verifies(row.key_id, signed_bytes(row), signature, PURPOSE, day):
            return True
        wrong[key] = f"filter {key}: the signature by key {row.key_id!r} of {day} is not good"
        return False

    # -- telling a person ------------------------------------------------------------------------------------------------

    def _note_faults(self, wrong: dict[str, str]) -> None:
        now_us, faults = self._clock.monotonic_us(), self._faults
        faults.since_us = {key: faults.since_us.get(key, now_us) for key in wrong}
        faults.told &= wrong.keys()
        for key, since_us in faults.since_us.items():
            if key not in faults.told and now_us - since_us >= PATIENCE_US:
                faults.told.add(key)
                self._tell(
                    key,
                    f"{wrong[key]}; it is not used, and items sold or recalled elsewhere may pass unnoticed",
                )

    def _tell(self, key: str, text: str) -> None:
        at_us = self._clock.wall_us()

        def write(connection: Connection) -> None:
            note(connection, NoticeKind.FEED, f"filters/{key}", text, at_us)

        self._store.write(write)
