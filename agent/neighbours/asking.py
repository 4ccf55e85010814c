"""Asking one neighbour, over a connection that is kept open: a scan pays for no handshake, and never for a machine that is off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl

import h11
import msgspec

from agent.clock import Clock
from agent.neighbours import tls
from agent.neighbours.messages import ANSWER_LIMIT_BYTES, PATH, ItemTold, ItemWanted
from agent.neighbours.tls import NeighbourError

CONNECT_TIMEOUT_S = 3.0
RETRY_S = 5.0
_READ_BYTES = 4096
_GOOD = 200
_TROUBLE = (OSError, TimeoutError, h11.ProtocolError, NeighbourError)
_log = logging.getLogger("countermark.neighbours")

Answer = ItemTold | None


class Neighbour:
    """One neighbour. Everything but :attr:`is_open` and :attr:`trouble` belongs to the thread of the event loop."""

    def __init__(self, agent: str, host: str, port: int, context: ssl.SSLContext, clock: Clock) -> None:
        self.agent = agent
        self.address = f"{host}:{port}"
        self.trouble: str | None = None
        """Why it cannot be asked now; None while it can, or nothing is known yet."""
        self._host, self._port = host, port
        self._context = context
        self._clock = clock
        self._line: _Line | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be asked now."""
        return self._line is not None

    async def keep_connected(self) -> None:
        """Connect, stay, and come back when the connection is lost; until cancelled."""
        while True:
            try:
                await self._stay_connected()
            except _TROUBLE as error:
                self._note(str(error) or type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def ask(self, item: str, timeout_s: float) -> Answer:
        """What its journal did to the item; None also where it does not say so in time."""
        line = self._line
        if line is None:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await line.ask(item)
        except _TROUBLE as error:
            # An answer that comes late would be taken for the next question's: a new connection has none.
            self._note(str(error) or "did not answer in time")
            line.close()
            return None

    async def _stay_connected(self) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._context, server_hostname=""
            )
        try:
            name = tls.check_name(writer.get_extra_info("peercert"), self._clock.wall_us() / 1_000_000)
            if name != self.agent:
                raise NeighbourError(f"is agent {name!r}; correct its name or its url")
            self._line = line = _Line(reader, writer)
            self.trouble = None
            await line.read_all()
            if not line.is_given_up:  # else what is told is why
                self._note("the connection was closed")
        finally:
            self._line = None
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await writer.wait_closed()

    def _note(self, trouble: str) -> None:
        told = f"neighbour {self.agent} at {self.address}: {trouble}"
        if told != self.trouble:
            _log.warning("%s", told)
        self.trouble = told


class _Line:
    """One open connection: questions one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._line = h11.Connection(h11.CLIENT, max_incomplete_event_size=_READ_BYTES)
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[bytes] | None = None
        self._body = bytearray()
        self.is_given_up = False

    async def ask(self, item: str) -> Answer:
        async with self._turn:
            body = msgspec.json.encode(ItemWanted(item))
            headers = [("Host", "neighbour"), ("Content-Length", str(len(body)))]
            self._answer = asyncio.get_running_loop().create_future()
            self._writer.write(
                (self._line.send(h11.Request(method="POST", target=PATH, headers=headers)) or b"")
                + (self._line.send(h11.Data(data=body)) or b"")
                + (self._line.send(h11.EndOfMessage()) or b"")
            )
            told = await self._answer
            self._line.start_next_cycle()
        try:
            return msgspec.json.decode(told, type=ItemTold | None)
        except msgspec.DecodeError as error:
            raise NeighbourError(f"its answer cannot be read: {error}") from None

    async def read_all(self) -> None:
        """Take answers until the connection ends; whoever waits is told of the end."""
        try:
            while data := await self._reader.read(_READ_BYTES):
                self._line.receive_data(data)
                self._take()
        finally:
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(NeighbourError("the connection was closed"))

    def close(self) -> None:
        self.is_given_up = True
        self._writer.close()

    def _take(self) -> None:
        while (event := self._line.next_event()) is not h11.NEED_DATA and event is not h11.PAUSED:
            if isinstance(event, h11.Response):
                self._body.clear()
                if event.status_code != _GOOD:
                    raise NeighbourError(
                        f"refused with {event.status_code}; has it the same version as this one?"
                    )
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > ANSWER_LIMIT_BYTES:
                    raise NeighbourError(f"answered with more than {ANSWER_LIMIT_BYTES} bytes")
            elif isinstance(event, h11.EndOfMessage):
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(bytes(self._body))
                return
            else:
                return
