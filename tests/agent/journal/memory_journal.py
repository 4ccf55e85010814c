"""The journal kept in memory: what the real one must answer, written as plainly as possible."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.chain import NO_PARENT, genesis, link
from protocol.messages import EpochGranted, Lineage


@dataclass
class Epoch:
    """One epoch: every body ever written to it, and what of it is still kept."""

    epoch: str
    opening_hash: bytes
    parent_epoch: str | None = None
    parent_seq: int = 0
    parent_hash: bytes = b""
    copied_rows: int = 0
    bodies: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    base_seq: int = 0
    last_kept_seq: int | None = None  # superseded rows after it are gone
    acked_next_seq: int = 1

    def append(self, body: bytes) -> None:
        previous = self.hashes[-1] if self.hashes else self.opening_hash
        self.hashes.append(link(previous, len(self.hashes) + 1, body))
        self.bodies.append(body)

    def hash_at(self, seq: int) -> bytes | None:
        if seq == 0:
            return self.opening_hash
        last = len(self.hashes) if self.last_kept_seq is None else self.last_kept_seq
        return self.hashes[seq - 1] if self.base_seq <= seq <= last else None


class MemoryJournal:
    """A :class:`protocol.delivery.vocabulary.JournalView` with the writing side of the agent's journal."""

    def __init__(self, agent: str, first_epoch: str) -> None:
        self.agent = agent
        self.epochs = [Epoch(first_epoch, genesis(agent, first_epoch, NO_PARENT))]
        self.contacts: list[tuple[int, int, int]] = []  # day, position of the epoch, next_seq

    @property
    def live(self) -> Epoch:
        return self.epochs[-1]

    def chain(self) -> list[Epoch]:
        by_id = {epoch.epoch: epoch for epoch in self.epochs}
        chain = [self.live]
        while chain[0].parent_epoch is not None:
            chain.insert(0, by_id[chain[0].parent_epoch])
        return chain

    def lineage(self) -> tuple[Lineage, ...]:
        chain = self.chain()
        lines = []
        for epoch, child in zip(chain, [*chain[1:], None], strict=True):
            head_hash = epoch.hashes[-1] if epoch.hashes else epoch.opening_hash
            lines.append(
                Lineage(
                    epoch=epoch.epoch,
                    next_seq=(child.parent_seq if child else len(epoch.bodies)) + 1,
                    head_hash=child.parent_hash if child else head_hash,
                    parent_epoch=epoch.parent_epoch,
                    parent_seq=epoch.parent_seq,
                    parent_hash=epoch.parent_hash,
                )
            )
        return tuple(lines)

    def hash_at(self, epoch: str, seq: int) -> bytes | None:
        found = next((known for known in self.epochs if known.epoch == epoch), None)
        if found is None:
            return None
        kept = found.hash_at(seq)
        ends = {(line.epoch, line.next_seq - 1): line.head_hash for line in self.lineage()}
        return kept if kept is not None else ends.get((epoch, seq))

    def first_kept(self, epoch: str) -> int:
        return next((known.base_seq + 1 for known in self.epochs if known.epoch == epoch), 1)

    def adopt(self, granted: EpochGranted) -> None:
        if any(known.epoch == granted.epoch for known in self.epochs):
            return
        chain, ends = self.chain(), [line.next_seq - 1 for line in self.lineage()]
        at = next(i for i, known in enumerate(chain) if known.epoch == granted.parent_epoch)
        new = Epoch(
            granted.epoch,
            genesis(self.agent, granted.epoch, granted.parent_hash),
            granted.parent_epoch,
            granted.parent_seq,
            granted.parent_hash,
        )
        for i in range(at, len(chain)):
            after = max(chain[i].base_seq, granted.parent_seq if i == at else 0)
            for body in chain[i].bodies[after : ends[i]]:
                new.append(body)
        new.copied_rows = len(new.bodies)
        chain[at].acked_next_seq = granted.parent_seq + 1
        self.epochs.append(new)

    def note_contact(self, day: int) -> None:
        if all(known != day for known, _, _ in self.contacts):
            self.contacts.append((day, len(self.epochs) - 1, self.live.acked_next_seq))

    def prune(self, keep_days: int) -> None:
        if len(self.contacts) <= keep_days:
            return
        _, position, next_seq = self.contacts[-1 - keep_days]
        live_no = len(self.epochs) - 1
        chain, lineage = self.chain(), self.lineage()
        for epoch, line in zip(chain, lineage, strict=True):
            number = self.epochs.index(epoch)
            allowed = line.next_seq if number < position else next_seq if number == position else 1
            epoch.base_seq = max(epoch.base_seq, min(allowed, line.next_seq, epoch.acked_next_seq) - 1)
        copies_are_old = position == live_no and next_seq > self.live.copied_rows
        if copies_are_old and self.live.acked_next_seq > self.live.copied_rows:
            ends = {line.epoch: line.next_seq - 1 for line in lineage}
            for epoch in self.epochs[:-1]:
                end = max(ends.get(epoch.epoch, 0), epoch.base_seq)
                epoch.last_kept_seq = min(end, len(epoch.bodies))

    def unsent_count(self) -> int:
        return sum(
            max(0, line.next_seq - max(epoch.acked_next_seq, epoch.base_seq + 1))
            for epoch, line in zip(self.chain(), self.lineage(), strict=True)
        )

    def accepted_count(self) -> int:
        return sum(line.next_seq - 1 for line in self.lineage())

    def kept_rows(self, epoch: str) -> list[tuple[int, bytes]]:
        """The rows of the lineage that can still be sent."""
        end = next(line.next_seq - 1 for line in self.lineage() if line.epoch == epoch)
        found = next(known for known in self.epochs if known.epoch == epoch)
        return [(seq, found.bodies[seq - 1]) for seq in range(found.base_seq + 1, end + 1)]
