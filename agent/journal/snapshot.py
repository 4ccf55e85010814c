"""The shape of the journal at one moment: its epochs, where each begins and ends, and what central has of it."""

from __future__ import annotations

import msgspec

from agent.store.database import Connection
from protocol.messages import Lineage


class EpochView(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of this machine.

    ``base_seq`` is the last row that retention took away (0: none), ``head_seq`` the last row there is, superseded ones
    included; the hashes are those of these rows, of the genesis for 0. Central has everything before ``acked_next_seq``.
    """

    epoch_no: int
    epoch: str
    parent_epoch: str | None
    parent_seq: int
    parent_hash: bytes
    opening_hash: bytes
    copied_rows: int
    base_seq: int
    base_hash: bytes
    head_seq: int
    head_hash: bytes
    acked_next_seq: int


class Snapshot(msgspec.Struct, frozen=True):
    """All epochs by their id, and those that count as ``chain`` and ``lineage``, oldest first; the last one is live.

    An epoch that is in ``epochs`` and not in ``chain`` is superseded as a whole.
    """

    epochs: dict[str, EpochView]
    chain: tuple[EpochView, ...]
    lineage: tuple[Lineage, ...]
    oldest_unsent_us: int | None

    @property
    def live(self) -> EpochView | None:
        """The epoch that grows; None before enrolment."""
        return self.chain[-1] if self.chain else None

    def unsent_count(self) -> int:
        """Rows that count and that central has not acknowledged."""
        return sum(
            _unsent_of(view, line.next_seq) for view, line in zip(self.chain, self.lineage, strict=True)
        )

    def accepted_count(self) -> int:
        """Rows that count, from the first ever to the head: superseded ones left out, pruned ones included."""
        return sum(line.next_seq - 1 for line in self.lineage)


_EPOCHS = """
SELECT e.epoch_no, e.epoch, e.parent_epoch, e.parent_seq, e.parent_hash, e.opening_hash, e.copied_rows,
       coalesce(b.seq, 0), coalesce(b.hash, e.opening_hash),
       coalesce(j.seq, b.seq, 0), coalesce(j.hash, b.hash, e.opening_hash),
       coalesce(a.next_seq, 1)
  FROM epochs e
  LEFT JOIN base b ON b.epoch_no = e.epoch_no
  LEFT JOIN acked a ON a.epoch_no = e.epoch_no
  LEFT JOIN journal j ON j.epoch_no = e.epoch_no
                     AND j.seq = (SELECT max(seq) FROM journal WHERE epoch_no = e.epoch_no)
 ORDER BY e.epoch_no
"""
_OLDEST = "SELECT record_time_us FROM journal WHERE epoch_no = ? AND seq >= ? ORDER BY seq LIMIT 1"


def load(connection: Connection) -> Snapshot:
    """The snapshot of what ``connection`` sees. Costs a few page reads, however long the journal is."""
    views = [
        EpochView(
            epoch_no=row[0],
            epoch=row[1],
            parent_epoch=row[2],
            parent_seq=row[3],
            parent_hash=row[4],
            opening_hash=row[5],
            copied_rows=row[6],
            base_seq=row[7],
            base_hash=row[8],
            head_seq=row[9],
            head_hash=row[10],
            acked_next_seq=row[11],
        )
        for row in connection.execute(_EPOCHS)
    ]
    epochs = {view.epoch: view for view in views}
    chain = _chain(views, epochs)
    lineage = tuple(
        _line(view, chain[at + 1] if at + 1 < len(chain) else None) for at, view in enumerate(chain)
    )
    return Snapshot(epochs, chain, lineage, _oldest_unsent_us(connection, chain, lineage))


def _chain(views: list[EpochView], epochs: dict[str, EpochView]) -> tuple[EpochView, ...]:
    """From the live epoch back to the first, by parents; turned round."""
    chain: list[EpochView] = []
    view = views[-1] if views else None
    while view is not None:
        chain.append(view)
        view = epochs.get(view.parent_epoch) if view.parent_epoch else None
    return tuple(reversed(chain))


def _line(view: EpochView, child: EpochView | None) -> Lineage:
    """A closed epoch ends where its child grew from it, the live one at its last row."""
    return Lineage(
        epoch=view.epoch,
        next_seq=(child.parent_seq if child else view.head_seq) + 1,
        head_hash=child.parent_hash if child else view.head_hash,
        parent_epoch=view.parent_epoch,
        parent_seq=view.parent_seq,
        parent_hash=view.parent_hash,
    )


def _first_unsent(view: EpochView) -> int:
    # What was pruned is not here any more, even if a restored central has lost it since.
    return max(view.acked_next_seq, view.base_seq + 1)


def _unsent_of(view: EpochView, next_seq: int) -> int:
    return max(0, next_seq - _first_unsent(view))


def _oldest_unsent_us(
    connection: Connection, chain: tuple[EpochView, ...], lineage: tuple[Lineage, ...]
) -> int | None:
    for view, line in zip(chain, lineage, strict=True):
        if _unsent_of(view, line.next_seq):
            found = connection.execute(_OLDEST, (view.epoch_no, _first_unsent(view))).fetchone()
            return int(found[0]) if found else None
    return None
