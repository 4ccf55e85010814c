"""A simulated till: a disk that lasts, and a process on it that does not."""

from __future__ import annotations

from protocol.delivery.sender import step
from protocol.delivery.vocabulary import (
    AdoptEpoch,
    Appended,
    Connected,
    Damaged,
    Disconnected,
    Effect,
    EpochAdopted,
    Input,
    NoteAcked,
    Pace,
    Phase,
    SendBatch,
    SendEpochAsked,
    SendHello,
    State,
    Tick,
)
from protocol.messages import Batch, Hello, UpMessage
from tests.simulation.disk import Disk

BATCH_ROWS = 40


class DiskFull(Exception):
    """The commit failed: the sale was refused, and the cashier knows it."""


class Machine:
    """One computer with one journal. Two of them may carry the same agent's name: a copied card."""

    def __init__(self, name: str, disk: Disk, pace: Pace) -> None:
        self.name = name
        self.disk = disk
        self.pace = pace
        self.on = True
        self.online = False
        self.acked: dict[str, int] = {}
        self.state = State(agent=disk.agent, pace=pace)
        self.outbox: list[UpMessage] = []
        self.dies_adopting: str | None = None  # "before" or "after" the commit of the next adoption

    @property
    def agent(self) -> str:
        return self.disk.agent

    def sell(self, bodies: list[bytes], now_us: int) -> None:
        """Commit sales to the journal; they are accepted when this returns."""
        if self.disk.full:
            raise DiskFull
        self.disk.append(bodies)
        self.tell(Appended(), now_us)

    def crash(self) -> None:
        """Power cut or kill -9: the process and what it had in hand are gone."""
        self.on = self.online = False
        self.outbox.clear()

    def start(self) -> None:
        self.on = True
        self.online = False
        self.state = State(agent=self.agent, pace=self.pace)

    def connect(self, now_us: int) -> None:
        self.online = True
        self.tell(Connected(), now_us)

    def disconnect(self, now_us: int) -> None:
        if self.online:
            self.online = False
            self.outbox.clear()
            self.tell(Disconnected(), now_us)

    def tick(self, now_us: int) -> None:
        wake_us = self.state.wake_us
        if self.on and wake_us is not None and wake_us <= now_us:
            self.tell(Tick(), now_us)

    def tell(self, happening: Input, now_us: int) -> None:
        if not self.on:
            return
        self.state, effects = step(self.state, happening, self.disk, now_us)
        for effect in effects:
            self._carry_out(effect, now_us)

    @property
    def quiet(self) -> bool:
        """Nothing is left to send."""
        return self.state.phase is Phase.IDLE and not self.outbox

    def _carry_out(self, effect: Effect, now_us: int) -> None:
        match effect:
            case SendHello():
                self.outbox.append(self._hello(effect, now_us))
            case SendBatch():
                self._send(effect, now_us)
            case SendEpochAsked():
                self.outbox.append(effect.asked)
            case NoteAcked():
                self.acked[effect.epoch] = effect.next_seq - 1
            case AdoptEpoch():
                self._adopt(effect, now_us)

    def _adopt(self, effect: AdoptEpoch, now_us: int) -> None:
        dies, self.dies_adopting = self.dies_adopting, None
        if dies == "before":
            self.crash()
            return
        self.disk.adopt(effect.granted)
        if dies == "after":
            self.crash()
            return
        self.tell(EpochAdopted(), now_us)

    def _hello(self, effect: SendHello, now_us: int) -> Hello:
        return Hello(
            lineage=tuple(self.disk.lineage()),
            acked_seq=0,
            software="simulation",
            journal_version=1,
            wall_us=now_us,
            monotonic_us=now_us,
            boot_id="",
            compare_epoch=effect.compare_epoch,
            marks=effect.marks,
        )

    def _send(self, effect: SendBatch, now_us: int) -> None:
        """Send rows up to the first whose hash does not fit; that one is told of when it is its turn."""
        log = next(log for log in self.disk.logs if log.epoch == effect.epoch)
        assert effect.first_seq >= log.first_kept, "rows that are gone cannot be sent"
        last = min(effect.last_seq, effect.first_seq + BATCH_ROWS - 1)
        bodies = tuple(log.bodies[effect.first_seq - 1 : last])
        sound = next((i for i, body in enumerate(bodies) if body in self.disk.damaged), len(bodies))
        if sound == 0:
            self.tell(Damaged(effect.epoch, effect.first_seq), now_us)
            return
        batch = Batch(
            epoch=effect.epoch,
            first_seq=effect.first_seq,
            previous_hash=log.hashes[effect.first_seq - 1],
            head_hash=log.hashes[effect.first_seq + sound - 1],
            bodies=bodies[:sound],
        )
        self.outbox.append(batch)
