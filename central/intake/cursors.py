"""The cursors of one transaction: as they were locked, and as its messages move them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from central.journals.rules import Epoch
from protocol.delivery import receiver
from protocol.delivery.receiver import Outcome
from protocol.messages import Batch, Cursor


class Cursors:
    """What is known of the epochs a group of messages speaks of.

    ``known`` are hashes of rows (journal, seq) that were fetched beforehand; rows applied in this transaction are remembered, so
    that a batch that came twice in one group is recognised.
    """

    def __init__(self, epochs: dict[tuple[str, str], Epoch], known: dict[tuple[int, int], bytes]) -> None:
        self._before = dict(epochs)
        self._epochs = epochs
        self._hashes = known

    def epoch(self, agent: str, epoch: str) -> Epoch | None:
        """An epoch as it stands now."""
        return self._epochs.get((agent, epoch))

    def is_branched(self, agent: str) -> bool:
        """Whether an agent has several epochs, so that one may bring what another has brought."""
        return sum(owner == agent for owner, _ in self._epochs) > 1

    def of_agent(self, agent: str) -> dict[str, Cursor]:
        """All cursors of an agent, by epoch."""
        return {epoch: known.cursor for (owner, epoch), known in self._epochs.items() if owner == agent}

    def hash_at(self, agent: str, epoch: str, seq: int) -> bytes | None:
        """The hash of an applied row, of the genesis for 0; None for one that is not there."""
        known = self._epochs.get((agent, epoch))
        if known is None:
            return None
        return known.opening_hash if seq == 0 else self._hashes.get((known.journal, seq))

    def receive(self, agent: str, batch: Batch) -> Outcome:
        """What a batch means, and the cursor moved accordingly."""
        known = self._epochs.get((agent, batch.epoch))
        outcome = receiver.receive(
            batch,
            known.cursor if known else None,
            lambda epoch, seq: self.hash_at(agent, epoch, seq),
        )
        if known is not None and outcome.cursor is not None and outcome.rows:
            moved = msgspec.structs.replace(
                known, next_seq=outcome.cursor.next_seq, head_hash=outcome.cursor.head_hash
            )
            self._epochs[agent, batch.epoch] = moved
            self._hashes |= {(known.journal, row.seq): row.hash for row in outcome.rows}
        return outcome

    def moved(self) -> Iterator[tuple[Epoch, Epoch]]:
        """(before, after) of every cursor that has moved, in the order in which they are locked."""
        for key in sorted(self._epochs):
            before, after = self._before[key], self._epochs[key]
            if before.next_seq != after.next_seq:
                yield before, after
