"""Whether a case stands here, as far as this counter knows: not on its way here still, and not sent away."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.documents import Written
from agent.packing.cases import Cases
from agent.packing.contents import Contents
from agent.store import Connection, Store

_LEFT = "SELECT number, base, at_us FROM containers_despatched WHERE sscc = ?"
_CAME = "SELECT despatch_id, at_us FROM containers_received WHERE sscc = ?"
_NOTE_LEFT = """
INSERT OR REPLACE INTO containers_despatched (sscc, number, to_site, base, at_us) VALUES (?, ?, ?, ?, ?)
"""


class NotHere(msgspec.Struct, frozen=True):
    """Why a case is not to be handled as one that stands here."""

    key: str
    reason: str


class Standing:
    """Knows which cases came and left. Thread-safe."""

    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases

    def not_here(self, sscc: str, contents: Contents | None) -> NotHere | None:
        """Why this case does not stand here; None where nothing speaks against it."""
        left, came = self._store.read(
            lambda connection: (
                connection.execute(_LEFT, (sscc,)).fetchone(),
                connection.execute(_CAME, (sscc,)).fetchone(),
            )
        )
        came_at_us = 0 if came is None else int(came[1])
        is_gone = left is not None and int(left[2]) >= came_at_us
        # What the feed tells of it now and did not tell then, another till of this site has received since.
        if is_gone and self._cases.base_of(sscc) in {b"", bytes(left[1])}:
            return NotHere("left", f"this case left with {left[0]}: receive it first, if it is here")
        on_its_way = None if contents is None else contents.despatch_id
        if on_its_way is not None and (came is None or came[0] != on_its_way):
            return NotHere("not_received", "this case is on its way here: receive it first")
        return None

    def note_left(
        self, connection: Connection, ssccs: Iterable[tuple[str, bytes]], to_site: str, written: Written
    ) -> None:
        """Note that cases left, each with :meth:`Cases.base_of` it. In the transaction that writes the despatch."""
        connection.executemany(
            _NOTE_LEFT,
            [(sscc, written.number, to_site, base, written.event_time_us) for sscc, base in ssccs],
        )
