"""A fleet in one process: each machine with its own certificate and MQTT connection, its own journal and the real sender.

What a machine of the fleet lacks is a disk and a counter: its batches are made before the clock starts. What it sends, and when, is
decided by :mod:`protocol.delivery.sender`. The MQTT is the little of version 3.1.1 that this takes, so that the load costs less
than what it loads.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from protocol.codec import decode, encode
from protocol.delivery.sender import step
from protocol.delivery.vocabulary import (
    Connected,
    Disconnected,
    Effect,
    Input,
    NoteAcked,
    Phase,
    SendBatch,
    SendHello,
    State,
    Tick,
)
from protocol.messages import Ack, Batch, Hello, HelloWanted, Lineage, Welcome
from protocol.topics import topic

HANDSHAKES_LIMIT = 64
KEEPALIVE_S = 600
_RETRY_S = 1.0
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK, _PINGRESP = 1, 2, 3, 4, 8, 9, 13


class FleetError(Exception):
    """A machine was told something that has no place in a bench."""


class Certificate(NamedTuple):
    """The files with which a machine comes to the broker."""

    ca: Path
    certificate: Path
    key: Path


class Rows:
    """The journal of one machine, as far as its sender asks: the hashes between batches."""

    def __init__(self, agent: str, frames: Sequence[bytes]) -> None:
        self.frames: dict[int, bytes] = {}
        self._hashes: dict[int, bytes] = {}
        self._epoch, self._next_seq = "", 1
        for frame in frames:
            batch = decode(frame).message
            assert isinstance(batch, Batch)
            self.frames[batch.first_seq] = frame
            self._epoch, self._next_seq = batch.epoch, batch.first_seq + len(batch.bodies)
            self._hashes[batch.first_seq - 1] = batch.previous_hash
            self._hashes[self._next_seq - 1] = batch.head_hash
        self.agent = agent

    @property
    def next_seq(self) -> int:
        """Where it ends."""
        return self._next_seq

    def lineage(self) -> Sequence[Lineage]:
        return [
            Lineage(epoch=self._epoch, next_seq=self._next_seq, head_hash=self._hashes[self._next_seq - 1])
        ]

    def hash_at(self, epoch: str, seq: int) -> bytes | None:
        return self._hashes.get(seq) if epoch == self._epoch else None

    def first_kept(self, epoch: str) -> int:
        return min(self._hashes) + 1 if epoch == self._epoch else 1


class Machine:
    """One of the fleet. ``acked`` is told of rows that central has."""

    def __init__(self, rows: Rows, certificate: Certificate, port: int, acked: Callable[[int], None]) -> None:
        self._rows = rows
        self._certificate = certificate
        self._port = port
        self._acked = acked
        self._state = State(agent=rows.agent)
        self._acked_seq = 0
        self._packet_id = 0
        self._writer: asyncio.StreamWriter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._done = asyncio.Event()
        self.reconnects = 0
        self.repeats = 0

    async def run(self, handshakes: asyncio.Semaphore) -> None:
        """Connect, deliver everything, part."""
        reading: asyncio.Task[None] | None = None
        while not self._done.is_set():
            try:
                async with handshakes:
                    reader = await self._connect()
                reading = asyncio.create_task(self._read(reader))
                done = asyncio.create_task(self._done.wait())
                await asyncio.wait((reading, done), return_when=asyncio.FIRST_COMPLETED)
                done.cancel()
                if reading.done():
                    reading.result()
            except (OSError, asyncio.IncompleteReadError):
                self.reconnects += 1
                self._step(Disconnected())
                await asyncio.sleep(_RETRY_S)
        if reading is not None:
            reading.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._writer is not None:
            self._writer.transport.abort()

    # What the sender decides ------------------------------------------------------------------------------------------

    def _step(self, happening: Input) -> None:
        self._state, effects = step(self._state, happening, self._rows, time.monotonic_ns() // 1000)
        for effect in effects:
            self._carry_out(effect)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._state.wake_us is not None:
            wait_s = max(0.0, self._state.wake_us / 1e6 - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)
        if self._state.phase is Phase.IDLE and self._state.next_seq == self._rows.next_seq:
            self._done.set()

    def _tick(self) -> None:
        self.repeats += 1
        self._step(Tick())

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case SendHello():
                self._publish(encode(self._hello(), topic("up", self._rows.agent)))
            case SendBatch():
                frame = self._rows.frames.get(effect.first_seq)
                if frame is None:
                    raise FleetError(
                        f"{self._rows.agent}: central wants row {effect.first_seq}, where no batch begins"
                    )
                self._publish(frame)
            case NoteAcked():
                if effect.next_seq - 1 > self._acked_seq:
                    self._acked(effect.next_seq - 1 - self._acked_seq)
                    self._acked_seq = effect.next_seq - 1
            case _:
                raise FleetError(f"{self._rows.agent}: {type(effect).__name__} has no place in a bench")

    def _hello(self) -> Hello:
        now_us = time.time_ns() // 1000
        return Hello(
            lineage=tuple(self._rows.lineage()),
            acked_seq=self._acked_seq,
            software="bench",
            journal_version=1,
            wall_us=now_us,
            monotonic_us=time.monotonic_ns() // 1000,
            boot_id="bench",
            clock_synced=True,
            unsent=self._rows.next_seq - 1 - self._acked_seq,
        )

    # MQTT 3.1.1 -------------------------------------------------------------------------------------------------------

    async def _connect(self) -> asyncio.StreamReader:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self._certificate.ca)
        context.load_cert_chain(self._certificate.certificate, self._certificate.key)
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=context)
        clean_session = 0x02
        self._send(
            _CONNECT,
            0,
            _text("MQTT") + struct.pack("!BBH", 4, clean_session, KEEPALIVE_S) + _text(self._rows.agent),
        )
        kind, body = await _packet(reader)
        if kind >> 4 != _CONNACK or body[1] != 0:
            raise FleetError(f"{self._rows.agent}: the broker refuses it with {body!r}")
        self._send(
            _SUBSCRIBE,
            0x02,
            struct.pack("!H", self._next_id()) + _text(topic("down", self._rows.agent)) + b"\x01",
        )
        return reader

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            kind, body = await _packet(reader)
            match kind >> 4:
                case n if n == _SUBACK:
                    if body[2] == 0x80:
                        raise FleetError(f"{self._rows.agent}: the broker does not let it subscribe")
                    self._step(Connected())
                case n if n == _PUBLISH:
                    self._take(kind, body)
                case n if n not in {_PUBACK, _PINGRESP}:
                    raise FleetError(f"{self._rows.agent}: an MQTT packet of kind {n}")

    def _take(self, kind: int, body: bytes) -> None:
        at = 2 + int.from_bytes(body[:2], "big")
        if kind & 0x06:  # QoS 1: acknowledge
            self._send(_PUBACK, 0, body[at : at + 2])
            at += 2
        message = decode(body[at:]).message
        if isinstance(message, Ack | Welcome | HelloWanted):
            self._step(message)

    def _publish(self, frame: bytes) -> None:
        name = _text(topic("up", self._rows.agent))
        self._send(_PUBLISH, 0x02, name + struct.pack("!H", self._next_id()) + frame)

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(bytes((kind << 4 | flags,)) + _length(len(body)) + body)

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % 65_535 + 1
        return self._packet_id


async def deliver(machines: Sequence[Machine]) -> float:
    """Have all of them return at once; seconds from the first connection until the last row is acknowledged."""
    handshakes = asyncio.Semaphore(HANDSHAKES_LIMIT)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as all_of_them:
        for machine in machines:
            all_of_them.create_task(machine.run(handshakes))
    return time.perf_counter() - began


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def _length(size: int) -> bytes:
    """MQTT's variable byte integer (3.1.1, section 2.2.3)."""
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(digits)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    size = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return kind, await reader.readexactly(size)
