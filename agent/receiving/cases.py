"""Whole cases at receiving: what they hold, whether they were taken in before, and what a receipt of them does to their items."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.documents import Written
from agent.packing.cases import Cases
from agent.packing.contents import Contents
from agent.store import Connection, Store
from agent.verification.service import ALL_ROWS, ReplicaView
from protocol.feeds import ContainerHere, Feed
from protocol.items import State

_RECEIVED = "SELECT number, despatch_id, at_us FROM containers_received WHERE sscc = ?"
_NOTE_RECEIVED = (
    "INSERT OR REPLACE INTO containers_received (sscc, number, despatch_id, at_us) VALUES (?, ?, ?, ?)"
)
# A case tells where its items are. It says nothing of one that this till sold or took back since the case was sent.
_NOTE_ITEM = """
INSERT INTO local_items (item, gtin, state, at_us) VALUES (?, ?, ?, ?)
ON CONFLICT (item) DO UPDATE SET gtin = excluded.gtin, state = excluded.state, at_us = excluded.at_us, receipt = NULL,
       sale_id = NULL, standing = NULL
 WHERE local_items.state = excluded.state OR local_items.at_us < ?
"""
_container_decoder = msgspec.json.Decoder(ContainerHere)


class ReceivedBefore(msgspec.Struct, frozen=True):
    """The receipt of goods that has a case already."""

    number: str
    despatch_id: str | None
    at_us: int


class ReceivingCases:
    """The cases of one counter, at receiving. Thread-safe but for :meth:`announced`, which its service guards."""

    def __init__(self, cases: Cases, store: Store, replica: ReplicaView) -> None:
        self._cases = cases
        self._store = store
        self._replica = replica
        self._announced: tuple[tuple[str, int] | None, frozenset[str]] = (None, frozenset())

    def contents(self, sscc: str) -> Contents | None:
        """All that is in a case; None where nothing is known of it here."""
        return self._cases.contents(sscc)

    def received_before(self, sscc: str, contents: Contents | None) -> ReceivedBefore | None:
        """The receipt that has this case, unless it has been sent here anew since."""
        row = self._store.read(lambda connection: connection.execute(_RECEIVED, (sscc,)).fetchone())
        if row is None:
            return None
        before = ReceivedBefore(*row)
        sent_anew = contents is not None and contents.despatch_id not in {None, before.despatch_id}
        return None if sent_anew else before

    def announced(self, despatch_id: str) -> frozenset[str]:
        """Every item, and every case, that stands in a case of a despatch. Read again only when the feed has moved on."""
        version = self._replica.cursor(Feed.CONTAINERS).version
        if self._announced[0] != (despatch_id, version):
            self._announced = ((despatch_id, version), frozenset(self._named_by(despatch_id)))
        return self._announced[1]

    def note(
        self, connection: Connection, contents: Iterable[Contents], sealed: Iterable[str], receipt: Receipt
    ) -> None:
        """Note what a receipt did to its cases and to every item in them. In the transaction that writes it."""
        written = receipt.written
        sent_with = dict.fromkeys(sealed, receipt.despatch_id)
        for each in contents:
            sent_with |= dict.fromkeys((each.sscc, *each.containers), each.despatch_id or receipt.despatch_id)
            known = ((item, self._cases.gtin_of(item)) for item in each.items)
            connection.executemany(
                _NOTE_ITEM,
                [
                    (item, gtin, State.SELLABLE.value, written.event_time_us, receipt.despatched_at_us)
                    for item, gtin in known
                    if gtin is not None
                ],
            )
        connection.executemany(
            _NOTE_RECEIVED,
            [(sscc, written.number, sent, written.event_time_us) for sscc, sent in sent_with.items()],
        )

    def _named_by(self, despatch_id: str) -> Iterable[str]:
        rows = self._replica.rows(Feed.CONTAINERS, limit=ALL_ROWS)
        for _, body in rows:
            container = _container_decoder.decode(body)
            if container.despatch_id == despatch_id:
                inside = self._cases.contents(container.sscc)
                yield from (*inside.items, *inside.containers) if inside else ()
                yield container.sscc


class Receipt(msgspec.Struct, frozen=True):
    """A receipt of goods that is being written. ``despatched_at_us`` is when they were sent, as far as an advice tells; else 0."""

    written: Written
    despatch_id: str | None
    despatched_at_us: int
