"""What is in a case, as known here: central's feed, and what was packed or unpacked here since.

A case packed here is known here at once, and may be opened again a minute later without a network. The note of it stands
until central has the event and the feed has told something new of that case; from then on the feed speaks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from agent.clock import Clock
from agent.documents import Written
from agent.packing.contents import Contents, expand, gtin_in
from agent.store import Connection, Store
from agent.verification.service import ReplicaView
from protocol.aggregation import LEVELS
from protocol.feeds import ContainerHere, Feed, ItemHere, body_encoder
from protocol.items import State

_DAY_US = 86_400_000_000
# A note that central has had for so long says nothing that the feed would not say by now, were it still so.
_NOTE_LASTS_US = 7 * _DAY_US

_NOTE = "SELECT body, base, epoch, seq, at_us FROM local_containers WHERE sscc = ?"
_ACKED = """
SELECT coalesce(max(a.next_seq), 0) > ? OR e.epoch_no < (SELECT max(epoch_no) FROM epochs)
  FROM epochs e LEFT JOIN acked a USING (epoch_no) WHERE e.epoch = ?
"""
_GONE = """
SELECT item FROM local_items
 WHERE item IN (SELECT value FROM json_each(?)) AND (state <> ? OR receipt IS NOT NULL) AND at_us >= ?
"""
_container_decoder = msgspec.json.Decoder(ContainerHere)
_item_decoder = msgspec.json.Decoder(ItemHere)


class Cases:
    """Looks into cases. Thread-safe."""

    def __init__(self, store: Store, replica: ReplicaView, clock: Clock) -> None:
        self._store = store
        self._replica = replica
        self._clock = clock

    def contents(self, sscc: str) -> Contents | None:
        """All that is in a case, all levels; None where nothing is known of it here.

        An inner case is on the way with the despatch of the one that holds it.
        """
        found = expand(sscc, self.directly_in, self.gtin_of)
        if found is None or found.despatch_id is not None:
            return found
        return msgspec.structs.replace(found, despatch_id=self._despatch_above(sscc))

    def _despatch_above(self, sscc: str) -> str | None:
        parent: str | None = sscc
        for _ in range(LEVELS):
            here = None if parent is None else self.directly_in(parent)
            if here is None or here.despatch_id is not None:
                return None if here is None else here.despatch_id
            parent = here.parent
        return None

    def directly_in(self, sscc: str) -> ContainerHere | None:
        """What is directly in a case; None where nothing is known of it here."""
        row = self._replica.get(Feed.CONTAINERS, sscc)
        noted = self._store.read(lambda connection: self._noted(connection, sscc, row))
        if noted is not None:
            return noted
        return None if row is None else _container_decoder.decode(row)

    def contents_on_hand(self, sscc: str) -> Contents | None:
        """The same of a case that stands here: without what was sold out of it, whose sale central may not have yet."""
        return expand(sscc, self.on_hand, self.gtin_of)

    def on_hand(self, sscc: str) -> ContainerHere | None:
        """What is directly in a case that stands here."""
        found = self.directly_in(sscc)
        if found is None or not found.items:
            return found
        since_us = self._store.read(lambda connection: _noted_at_us(connection, sscc))
        gone = self._store.read(lambda connection: _left_since(connection, found.items, since_us))
        kept = tuple(item for item in found.items if item not in gone)
        return msgspec.structs.replace(found, items=kept)

    def gtin_of(self, item: str) -> str | None:
        """The product of an item: its id tells, else the feed of items."""
        told = gtin_in(item)
        if told is not None:
            return told
        row = self._replica.get(Feed.ITEMS, item)
        return None if row is None else _item_decoder.decode(row).gtin

    def base_of(self, sscc: str) -> bytes:
        """The digest of what the feed says of a case now."""
        row = self._replica.get(Feed.CONTAINERS, sscc)
        return b"" if row is None else hashlib.sha256(row).digest()

    def note(self, connection: Connection, after: ContainerHere, base: bytes, written: Written) -> None:
        """Note what a case holds after an event of this agent. In the transaction that writes the event."""
        connection.execute(
            "INSERT OR REPLACE INTO local_containers (sscc, body, base, epoch, seq, at_us) VALUES (?, ?, ?, ?, ?, ?)",
            (
                after.sscc,
                body_encoder.encode(after).decode(),
                base,
                written.epoch,
                written.seq,
                written.event_time_us,
            ),
        )

    def _noted(self, connection: Connection, sscc: str, row: bytes | None) -> ContainerHere | None:
        note = connection.execute(_NOTE, (sscc,)).fetchone()
        if note is None:
            return None
        body, base, epoch, seq, at_us = note
        acked = connection.execute(_ACKED, (seq, epoch)).fetchone()
        if acked is not None and acked[0]:
            has_moved_on = base != (b"" if row is None else hashlib.sha256(row).digest())
            if has_moved_on or self._clock.wall_us() - at_us > _NOTE_LASTS_US:
                return None
        return _container_decoder.decode(body.encode())


def _noted_at_us(connection: Connection, sscc: str) -> int:
    note = connection.execute("SELECT at_us FROM local_containers WHERE sscc = ?", (sscc,)).fetchone()
    return 0 if note is None else int(note[0])


def _left_since(connection: Connection, items: Iterable[str], since_us: int) -> set[str]:
    """Which of these items were sold here, or have come back from a customer: either way they are in no case any more."""
    rows = connection.execute(
        _GONE, (msgspec.json.encode(list(items)).decode(), State.SELLABLE.value, since_us)
    )
    return {str(row[0]) for row in rows}
