"""A simulated disk with a journal on it: what is committed survives a crash, nothing else does."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.chain import genesis, link
from protocol.messages import EpochGranted, Lineage

STAND_IN = b"!stands in for "


class EpochLog:
    """The rows of one epoch. ``hashes[0]`` is the genesis; rows before ``first_kept`` were pruned, their hashes too."""

    __slots__ = ("bodies", "epoch", "first_kept", "hashes", "parent_epoch", "parent_hash", "parent_seq")

    def __init__(self, agent: str, epoch: str, parent: tuple[str, int, bytes] | None = None) -> None:
        self.epoch = epoch
        self.parent_epoch: str | None = parent[0] if parent else None
        self.parent_seq = parent[1] if parent else 0
        self.parent_hash = parent[2] if parent else b""
        self.bodies: list[bytes] = []
        self.hashes: list[bytes] = [genesis(agent, epoch, self.parent_hash or bytes(32))]
        self.first_kept = 1

    def append(self, body: bytes) -> None:
        self.hashes.append(link(self.hashes[-1], len(self.hashes), body))
        self.bodies.append(body)

    def copy(self) -> EpochLog:
        twin = EpochLog.__new__(EpochLog)
        twin.epoch, twin.first_kept = self.epoch, self.first_kept
        twin.parent_epoch, twin.parent_seq, twin.parent_hash = (
            self.parent_epoch,
            self.parent_seq,
            self.parent_hash,
        )
        twin.bodies, twin.hashes = self.bodies.copy(), self.hashes.copy()
        return twin


class Disk:
    """A journal in memory; implements :class:`protocol.delivery.vocabulary.JournalView`."""

    def __init__(self, agent: str, first_epoch: str) -> None:
        self.agent = agent
        self.logs = [EpochLog(agent, first_epoch)]
        self.full = False
        self.damaged: set[bytes] = set()  # bodies whose bits have flipped

    def image(self) -> Disk:
        """A copy of the whole disk, as a backup or a cloned card makes it."""
        twin = Disk.__new__(Disk)
        twin.agent, twin.full, twin.damaged = self.agent, False, self.damaged.copy()
        twin.logs = [log.copy() for log in self.logs]
        return twin

    # What the sender sees ----------------------------------------------------------------------------------------

    def lineage(self) -> Sequence[Lineage]:
        known = []
        for position, log in enumerate(self.logs):
            end = self.end(position)
            known.append(
                Lineage(
                    epoch=log.epoch,
                    next_seq=end,
                    head_hash=log.hashes[end - 1],
                    parent_epoch=log.parent_epoch,
                    parent_seq=log.parent_seq,
                    parent_hash=log.parent_hash,
                )
            )
        return known

    def hash_at(self, epoch: str, seq: int) -> bytes | None:
        log = self._log(epoch)
        if log is None or not 0 <= seq < len(log.hashes):
            return None
        return log.hashes[seq] if seq == 0 or seq >= log.first_kept - 1 else None

    def first_kept(self, epoch: str) -> int:
        log = self._log(epoch)
        return log.first_kept if log is not None else 1

    # What the machine does ---------------------------------------------------------------------------------------

    def append(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            self.logs[-1].append(body)

    def adopt(self, granted: EpochGranted) -> None:
        """Open the granted epoch with a copy of the tail; all at once, as a transaction does."""
        if self._log(granted.epoch) is not None:
            return
        tail: list[bytes] = []
        after = False
        for position, log in enumerate(self.logs):
            first = 1
            if log.epoch == granted.parent_epoch:
                after, first = True, granted.parent_seq + 1
            if after:
                tail += log.bodies[max(first, log.first_kept) - 1 : self.end(position) - 1]
        # Epochs after the parent are superseded as a whole: nothing of them has reached central.
        parents = next(i for i, log in enumerate(self.logs) if log.epoch == granted.parent_epoch)
        del self.logs[parents + 1 :]
        self.logs.append(
            EpochLog(
                self.agent, granted.epoch, (granted.parent_epoch, granted.parent_seq, granted.parent_hash)
            )
        )
        self.append([STAND_IN + body if body in self.damaged else body for body in tail])

    def prune(self, epoch: str, acked_seq: int) -> None:
        """Retention: what central has acknowledged may go."""
        log = self._log(epoch)
        if log is not None:
            log.first_kept = max(log.first_kept, min(acked_seq + 1, len(log.hashes)))

    def sales(self) -> set[bytes]:
        """Every sale that this disk still holds (a stand-in counts for the sale it stands for)."""
        return {
            body.removeprefix(STAND_IN)
            for position, log in enumerate(self.logs)
            for body in log.bodies[log.first_kept - 1 : self.end(position) - 1]
        }

    def end(self, position: int) -> int:
        """The ``next_seq`` of an epoch: a closed one ends where its child grew from it."""
        if position + 1 < len(self.logs):
            return self.logs[position + 1].parent_seq + 1
        return len(self.logs[position].hashes)

    def _log(self, epoch: str) -> EpochLog | None:
        return next((log for log in self.logs if log.epoch == epoch), None)
