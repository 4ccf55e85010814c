"""Answering neighbours: one kind of question, from agents on the list, with bounds on everything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable

import h11
import msgspec

from agent.clock import Clock
from agent.neighbours import tls
from agent.neighbours.messages import PATH, QUESTION_LIMIT_BYTES, ItemTold, ItemWanted
from agent.neighbours.tls import NeighbourError

CONNECTIONS_LIMIT = 32
_QUESTION_TIMEOUT_S = 2.0
_HEAD_LIMIT_BYTES = 4096
_GOOD, _NO_SUCH_PLACE, _BAD = 200, 404, 400
_log = logging.getLogger("countermark.neighbours")

Look = Callable[[str], ItemTold | None]
"""What the journal here did to an item; may wait for the disk."""


class Answering:
    """The listening side. ``refused`` says whom it last turned away, and why."""

    def __init__(self, look: Look, known: frozenset[str], clock: Clock) -> None:
        self.refused: str | None = None
        self._look = look
        self._known = known
        self._clock = clock
        self._open = 0

    async def listen(self, host: str, port: int, context: ssl.SSLContext) -> asyncio.Server:
        """Begin. Raises :class:`OSError` for an address that cannot be listened on."""
        return await asyncio.start_server(
            self._serve, host, port, ssl=context, limit=_HEAD_LIMIT_BYTES, ssl_handshake_timeout=5.0
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            self._check(writer)
            await self._answer_all(reader, writer)
        except NeighbourError as error:
            if str(error) != self.refused:
                _log.warning("%s", error)
            self.refused = str(error)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            _log.info("a neighbour's connection ended: %s", error)
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await writer.wait_closed()

    def _check(self, writer: asyncio.StreamWriter) -> None:
        name = tls.check_name(writer.get_extra_info("peercert"), self._clock.wall_us() / 1_000_000)
        if name not in self._known:
            raise NeighbourError(
                f"agent {name!r} asked here and is not in the list; if it is a neighbour, add it under [[neighbours.agents]]"
            )
        if self._open > CONNECTIONS_LIMIT:
            raise NeighbourError(f"agent {name!r}: {CONNECTIONS_LIMIT} connections are open already")

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT_BYTES)
        while isinstance(first := await _next(line, reader), h11.Request):
            async with asyncio.timeout(_QUESTION_TIMEOUT_S):
                status, body = await self._answer(line, reader, first)
                headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
                writer.write(
                    (line.send(h11.Response(status_code=status, headers=headers)) or b"")
                    + (line.send(h11.Data(data=body)) or b"")
                    + (line.send(h11.EndOfMessage()) or b"")
                )
                await writer.drain()
            if line.our_state is not h11.DONE or line.their_state is not h11.DONE:
                return
            line.start_next_cycle()

    async def _answer(
        self, line: h11.Connection, reader: asyncio.StreamReader, request: h11.Request
    ) -> tuple[int, bytes]:
        body = bytearray()
        while isinstance(event := await _next(line, reader), h11.Data):
            body += event.data
            if len(body) > QUESTION_LIMIT_BYTES:
                return _BAD, _told(f"more than {QUESTION_LIMIT_BYTES} bytes")
        if request.method != b"POST" or request.target != PATH.encode():
            return _NO_SUCH_PLACE, _told(f"expected POST {PATH}")
        try:
            wanted = msgspec.json.decode(bytes(body), type=ItemWanted)
        except msgspec.DecodeError as error:
            return _BAD, _told(str(error))
        return _GOOD, msgspec.json.encode(await asyncio.to_thread(self._look, wanted.item))


async def _next(
    line: h11.Connection, reader: asyncio.StreamReader
) -> h11.Request | h11.Data | h11.EndOfMessage | None:
    """The next event; None when the other end has gone."""
    while (event := line.next_event()) is h11.NEED_DATA:
        line.receive_data(await reader.read(_HEAD_LIMIT_BYTES))
    return event if isinstance(event, h11.Request | h11.Data | h11.EndOfMessage) else None


def _told(detail: str) -> bytes:
    return msgspec.json.encode({"detail": detail})
