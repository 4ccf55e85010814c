"""The journal of a simulated till: events encoded, chained, and put into the frames that a real one sends. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from protocol.chain import genesis, links
from protocol.codec import encode
from protocol.events import Body, Event, Moment, encode_event
from protocol.messages import Batch, Message
from protocol.topics import topic

BATCH_BYTES = 60_000
REMEMBERED = 64


class Journal:
    """The journal of one agent. What was added waits until it is sent."""

    def __init__(self, agent: str, epoch: str, booted_us: int) -> None:
        self.agent, self.epoch = agent, epoch
        self.next_seq = 1
        self.head = genesis(agent, epoch)
        self.marks: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED)
        self.is_dark = False
        self.waiting: list[bytes] = []
        self.oldest_us: int | None = None
        self._booted_us = booted_us
        self._last_us = booted_us
        self._topic = topic("up", agent)

    @property
    def seq_of_next_event(self) -> int:
        """The row that the next event will have."""
        return self.next_seq + len(self.waiting)

    @property
    def boot_id(self) -> str:
        """The boot in which everything is written."""
        return f"boot-{self.agent}"

    def since_boot_us(self, at_us: int) -> int:
        """How long the machine has been running."""
        return at_us - self._booted_us

    def add(self, body: Body, at_us: int) -> int:
        """Accept a fact; its row. No two rows are of the same microsecond."""
        self._last_us = at_us = max(at_us, self._last_us + 1)
        moment = Moment(
            event_time_us=at_us,
            record_time_us=at_us,
            monotonic_us=at_us - self._booted_us,
            boot_id=self.boot_id,
            clock_synced=True,
        )
        return self.add_bytes(encode_event(Event(at=moment, body=body)), at_us)

    def add_bytes(self, body: bytes, at_us: int) -> int:
        """Accept a record as it is."""
        if self.oldest_us is None:
            self.oldest_us = at_us
        self.waiting.append(body)
        return self.next_seq + len(self.waiting) - 1

    def frames(self) -> Iterator[bytes]:
        """The frames of what waits, which then waits no more."""
        bodies, self.waiting = self.waiting, []
        self.oldest_us = None
        first = 0
        while first < len(bodies):
            last, size = first, 0
            while last < len(bodies) and (size + len(bodies[last]) <= BATCH_BYTES or last == first):
                size += len(bodies[last])
                last += 1
            yield self._frame(bodies[first:last])
            first = last

    def message(self, message: Message) -> bytes:
        """The frame of another message."""
        return encode(message, self._topic)

    def continue_in(self, epoch: str, parent_hash: bytes) -> None:
        """Go on in an epoch that was granted."""
        self.epoch, self.next_seq = epoch, 1
        self.head = genesis(self.agent, epoch, parent_hash)
        self.marks.clear()

    def _frame(self, bodies: list[bytes]) -> bytes:
        hashes = links(self.head, self.next_seq, bodies)
        batch = Batch(
            epoch=self.epoch,
            first_seq=self.next_seq,
            previous_hash=self.head,
            head_hash=hashes[-1],
            bodies=tuple(bodies),
        )
        self.marks.extend(enumerate(hashes, self.next_seq))
        self.next_seq += len(bodies)
        self.head = hashes[-1]
        return encode(batch, self._topic)
