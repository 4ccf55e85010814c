"""The door in front of the embedded broker: TLS with client certificates, and a look at every client's first packet.

Here a connection is compared with its certificate before the broker hears of it, packets are bounded, silent and deaf clients
are given up, and a client's newer connection ends its older one. What lies behind the door is given as a function.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.embedded import packets
from central.embedded.access import may_connect, may_publish, may_receive
from central.errors import CentralError

PACKET_LIMIT_BYTES = 128 * 1024 + 1024  # the largest message of the protocol, its topic and header
CONNECT_TIMEOUT_S = 10.0
DRAIN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 1.0
STOP_TIMEOUT_S = 5.0
KEEP_ALIVE_FACTOR = 1.5  # MQTT 3.1.1, section 3.1.2.10

log = logging.getLogger(__name__)


class BrokerError(CentralError):
    """The embedded broker cannot be started."""


@dataclass(frozen=True)
class BrokerSettings:
    """Where the broker listens and what it proves itself with. Port 0 takes a free one."""

    ca_file: Path
    certificate_file: Path
    key_file: Path
    host: str = "127.0.0.1"
    port: int = 0
    max_connections: int = 1000
    packet_limit_bytes: int = PACKET_LIMIT_BYTES


def identity_of(tls: ssl.SSLObject | None) -> str | None:
    """The common name of the certificate that a client has proven to hold; ``None`` without one."""
    certificate: dict[str, Any] = (tls.getpeercert() or {}) if tls is not None else {}
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return str(names[0]) if len(names) == 1 else None


class PacketReader:
    """Reads whole packets, bounded in length, and the end of the stream when the client has gone silent."""

    def __init__(self, stream: asyncio.StreamReader, limit_bytes: int) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes
        self._received = bytearray()
        self._packet = b""
        self.silence_limit_s: float | None = CONNECT_TIMEOUT_S
        self._heard_at = asyncio.get_running_loop().time()

    async def next_packet(self) -> bytes:
        """The next whole packet; empty at the end of the stream. Cancelling it loses nothing."""
        while (length := packets.packet_length(self._received, self._limit_bytes)) is None or len(
            self._received
        ) < length:
            data = await self._receive()
            if not data:
                return b""
            self._received += data
        packet = bytes(self._received[:length])
        del self._received[:length]
        return packet

    def put_back(self, packet: bytes) -> None:
        """Have this packet read next."""
        self._packet = packet

    async def read(self, n: int = -1) -> bytes:
        """``n`` bytes of the current packet; fewer where it ends."""
        if n == 0:
            return b""
        try:
            if not self._packet:
                self._packet = await self.next_packet()
        except packets.PacketError as error:
            raise ConnectionResetError(str(error)) from error
        part, self._packet = (self._packet, b"") if n < 0 else (self._packet[:n], self._packet[n:])
        return part

    def feed_eof(self) -> None:
        """Nothing more will come."""
        self._stream.feed_eof()

    async def _receive(self) -> bytes:
        # The broker asks anew each time a client has been idle for a while: the time counts from the last byte heard.
        silent_at = None if self.silence_limit_s is None else self._heard_at + self.silence_limit_s
        try:
            async with asyncio.timeout_at(silent_at):
                data = await self._stream.read(65536)
        except (TimeoutError, OSError):
            return b""
        self._heard_at = asyncio.get_running_loop().time()
        return data


class PacketWriter:
    """Sends packets, but no message to an identity that may not have it, and not forever to a client that reads nothing."""

    def __init__(self, stream: asyncio.StreamWriter, identity: str) -> None:
        self._stream = stream
        self._identity = identity

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The secured connection."""
        tls: ssl.SSLObject | None = self._stream.get_extra_info("ssl_object")
        return tls

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the client."""
        name = self._stream.get_extra_info("peername") or ("", 0)
        return str(name[0]), int(name[1])

    def write(self, packet: bytes) -> None:
        """Send one packet."""
        is_message = packets.packet_type(packet) == packets.PUBLISH
        if self._stream.is_closing() or (
            is_message and not may_receive(self._identity, packets.publish_topic(packet))
        ):
            return
        self._stream.write(packet)

    async def drain(self) -> None:
        """Wait until the client has taken what was sent; one that does not is disconnected."""
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await self._stream.drain()
        except TimeoutError:
            self.abort()

    def close(self) -> None:
        """End the connection: politely, and soon in any case (the listener's limit on TLS farewells)."""
        # Closed twice, a TLS transport of Python 3.11 forgets what it should abort.
        if not self._stream.is_closing():
            self._stream.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._stream.transport.abort()


@dataclass(frozen=True, eq=False)
class _Connection:
    writer: PacketWriter
    ended: asyncio.Event


Serve = Callable[[PacketReader, PacketWriter], Awaitable[None]]


class Listener:
    """Listens, and hands every connection that is in order to ``serve``, which returns at the connection's end."""

    def __init__(self, settings: BrokerSettings, serve: Serve) -> None:
        self._settings = settings
        self._serve = serve
        self._connections: dict[str, _Connection] = {}
        self._open: dict[asyncio.Task[None], PacketWriter] = {}
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise BrokerError("MQTT broker: not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. :class:`BrokerError` if the port is taken or a certificate cannot be read."""
        settings = self._settings
        context = _tls_context(settings)
        try:
            self._server = await asyncio.start_server(
                self._connected,
                settings.host,
                settings.port,
                ssl=context,
                ssl_handshake_timeout=CONNECT_TIMEOUT_S,
                ssl_shutdown_timeout=CLOSE_TIMEOUT_S,
                reuse_address=True,
            )
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
            raise BrokerError(
                f"MQTT broker: {settings.host}:{settings.port} {reason}; choose another port"
            ) from error

    async def stop(self) -> None:
        """Listen no more, end every connection, and wait until that is done."""
        if self._server is not None:
            self._server.close()
        for writer in self._open.values():
            writer.abort()
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=STOP_TIMEOUT_S)

    async def _connected(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        identity = identity_of(outgoing.get_extra_info("ssl_object"))
        writer = PacketWriter(outgoing, identity or "")
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            if identity is None or len(self._open) > self._settings.max_connections:
                log.warning("refused %r: no name in its certificate, or too many connections", identity)
            else:
                await self._examine(
                    identity, PacketReader(incoming, self._settings.packet_limit_bytes), writer
                )
        except (packets.PacketError, OSError) as error:
            log.info("connection of %r ended: %s", identity, error)
        finally:
            writer.close()
            del self._open[task]

    async def _examine(self, identity: str, reader: PacketReader, writer: PacketWriter) -> None:
        """Look at a client's first packet, and serve the connection if it is in order."""
        first = await reader.next_packet()
        if not first:
            return
        connect = packets.parse_connect(first)
        refusal = _refusal(identity, connect)
        if refusal != packets.ACCEPTED:
            log.warning(
                "refused %r: client id %r, will on %r", identity, connect.client_id, connect.will_topic
            )
            writer.write(packets.connack(refusal, connect.level))
            return
        reader.put_back(packets.as_clean_session(first))
        reader.silence_limit_s = connect.keep_alive_s * KEEP_ALIVE_FACTOR or None
        await self._end_older(connect.client_id)
        connection = _Connection(writer, asyncio.Event())
        self._connections[connect.client_id] = connection
        try:
            await self._serve(reader, writer)
        finally:
            del self._connections[connect.client_id]
            connection.ended.set()

    async def _end_older(self, client_id: str) -> None:
        """End an older connection of this client, its will included, before the new one begins (MQTT-3.1.4-2)."""
        while (older := self._connections.get(client_id)) is not None:
            older.writer.abort()
            await older.ended.wait()


def _refusal(identity: str, connect: packets.Connect) -> int:
    if connect.level != packets.LEVEL_3_1_1:
        return packets.UNACCEPTABLE_LEVEL
    if not may_connect(identity, connect.client_id):
        return packets.IDENTIFIER_REJECTED
    if connect.will_topic is not None and not may_publish(identity, connect.will_topic):
        return packets.NOT_AUTHORISED
    return packets.ACCEPTED


def _tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(settings.ca_file)
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    except OSError as error:
        files = f"{settings.ca_file}, {settings.certificate_file}, {settings.key_file}"
        raise BrokerError(
            f"MQTT broker: cannot use {files}: {error}; expected PEM files of one authority"
        ) from error
    return context
