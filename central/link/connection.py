"""Central's connection to the broker: the only file of central that imports an MQTT library.

The session is clean: a broker keeps nothing for central. What was sent while central was away is sent again by its sender, which has
no ack; so there is no backlog of stale messages to work through after a stop.

MQTT 5 is tried first, for its reason codes; a broker that hangs up on it, or says so, is met with 3.1.1. Nothing else depends on
the version, except that several processes can divide the messages only with a shared subscription (MQTT 5, section 4.8.2).
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from central.authority.names import central_name
from protocol.codec import FRAME_LIMIT_BYTES, Signer, encode
from protocol.errors import Malformed, ProtocolError
from protocol.messages import DownMessage
from protocol.topics import every, parse, shared, topic

PACKET_LIMIT_BYTES = FRAME_LIMIT_BYTES + 1024
IN_FLIGHT_LIMIT = 1_000
_HUNG_UP_LIMIT = 2  # times that a broker hangs up on a version before the other is tried
_VERSION_REFUSED = 0x84
_SESSION_TAKEN_OVER = 0x8E
_RETRY_S = 0.25
_RETRY_LIMIT_S = 15.0

Offer = Callable[[str, str, bytes, int], bool]
"""(agent, channel, frame, received_us) -> whether it was taken."""

_log = structlog.get_logger("central.link")


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is, and as whom central comes. Without ``ca_file`` the connection is not encrypted (for trials only).

    A broker knows one connection a name, and takes the name from the certificate: several processes have a ``worker`` and a
    certificate each (see :mod:`central.authority.names`), and the broker's access list knows them all as central's.
    """

    host: str
    port: int
    worker: str = "1"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    shared_subscription: bool = False
    group: str = "central"
    keepalive_s: int = 30
    connect_timeout_s: float = 5.0
    outgoing_limit: int = 20_000


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the link stands, for the status page and the metrics. ``dropped`` are answers for which there was no way out."""

    online: bool
    cause: str
    mqtt_version: str
    received: int
    unreadable_topics: int
    published: int
    dropped: int


class Link:
    """Keeps the connection up, from :meth:`start` to :meth:`stop`."""

    def __init__(
        self,
        settings: LinkSettings,
        offer: Offer,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        sign: Signer | None = None,
    ) -> None:
        self._settings = settings
        self._offer = offer
        self._clock = clock
        self._sign = sign
        self._version = MQTTProtocolVersion.MQTTv5
        self._hung_up = 0
        self._client: Client | None = None
        self._ended = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = threading.Lock()
        self._online = False
        self._cause = "not started"
        self._counts = {"received": 0, "unreadable_topics": 0, "published": 0, "dropped": 0}

    def start(self) -> None:
        """Begin to connect, in a thread; a broker that is away is tried again and again."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_up, name="link", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Part from the broker."""
        self._stopping.set()
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def publish(self, agent: str, message: DownMessage) -> None:
        """Send a message to an agent, if there is a way out now. Never blocks, never raises: what matters is asked for again."""
        try:
            name = topic("down", agent)
            frame = encode(message, name, self._sign)
        except ProtocolError as error:
            _log.error("an answer cannot be sent", agent=agent, cause=str(error))
            self._count("dropped")
            return
        client = self._client if self._online else None
        sent = client is not None and client.publish(name, frame, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        self._count("published" if sent else "dropped")

    def status(self) -> LinkStatus:
        """How it stands."""
        with self._state:
            return LinkStatus(
                online=self._online,
                cause=self._cause,
                mqtt_version="5.0" if self._version is MQTTProtocolVersion.MQTTv5 else "3.1.1",
                **self._counts,
            )

    # -- the connection ------------------------------------------------------------------------------------------------

    def _keep_up(self) -> None:
        wait_s = _RETRY_S
        while not self._stopping.is_set():
            was_online = self._connect_once()
            if was_online:
                wait_s = _RETRY_S
            self._stopping.wait(wait_s * (0.5 + random.random()))  # noqa: S311 - spread, so that workers do not return as one
            wait_s = min(wait_s * 2, _RETRY_LIMIT_S)

    def _connect_once(self) -> bool:
        """One connection from its beginning to its end; whether it was ever up."""
        self._ended.clear()
        try:
            client = self._new_client()
            is_new = self._version is MQTTProtocolVersion.MQTTv5
            client.connect(
                self._settings.host,
                self._settings.port,
                self._settings.keepalive_s,
                clean_start=True if is_new else 3,  # 3: the library's word for "as the version has it"
                properties=_limits() if is_new else None,
            )
        except (OSError, ValueError) as error:
            self._say(self._explain(error))
            return False
        sock: Any = client.socket()
        if sock is not None:
            # Acks are small and many an agent waits for one: none may be held back for the next (Nagle's algorithm).
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        client.loop_start()
        if self._stopping.is_set():
            self._ended.set()
        self._ended.wait()
        was_online = self._set_offline()
        self._client = None
        client.disconnect()
        client.loop_stop()
        return was_online

    def _new_client(self) -> Client:
        is_new = self._version is MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=central_name(self._settings.worker),
            clean_session=None if is_new else True,
            protocol=self._version,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._settings.connect_timeout_s
        client.max_inflight_messages_set(IN_FLIGHT_LIMIT)
        client.max_queued_messages_set(self._settings.outgoing_limit)
        if self._settings.ca_file is not None:
            client.tls_set(
                ca_certs=str(self._settings.ca_file),
                certfile=_path(self._settings.certificate_file),
                keyfile=_path(self._settings.key_file),
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(self, client: Client, _: Any, __: Any, code: ReasonCode, ___: Any) -> None:
        if code.is_failure:
            self._say(f"the broker refuses central: {code}")
            if code.value == _VERSION_REFUSED:
                self._version = MQTTProtocolVersion.MQTTv311
                self._say("the broker does not speak MQTT 5; trying 3.1.1")
            self._ended.set()
            return
        share = self._settings.shared_subscription and self._version is MQTTProtocolVersion.MQTTv5
        divided = [
            shared(channel, self._settings.group) if share else every(channel) for channel in ("up", "ask")
        ]
        # Presence is retained, and a shared subscription gets no retained messages: every process hears all of it.
        client.subscribe([(name, 1) for name in (*divided, every("state"))])

    def _on_subscribe(self, _: Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
        refused = next((code for code in codes if code.is_failure), None)
        if refused is not None:
            self._say(f"the broker does not let central subscribe: {refused}; see its access rules")
            self._ended.set()
            return
        with self._state:
            self._online, self._cause, self._hung_up = True, "", 0
        _log.info("linked to the broker", host=self._settings.host, port=self._settings.port)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        received_us = self._clock()
        self._count("received")
        try:
            channel, agent = parse(message.topic)
        except Malformed:
            self._count("unreadable_topics")
            return
        self._offer(agent, channel, bytes(message.payload), received_us)

    def _on_disconnect(self, client: Client, _: Any, flags: Any, code: ReasonCode, __: Any) -> None:
        if client is not self._client:
            return
        with self._state:
            was_online = self._online
            hung_up = (
                not was_online and not flags.is_disconnect_packet_from_server and not self._ended.is_set()
            )
            self._hung_up += hung_up
            if self._hung_up >= _HUNG_UP_LIMIT:
                self._hung_up = 0
                is_new = self._version is MQTTProtocolVersion.MQTTv5
                self._version = MQTTProtocolVersion.MQTTv311 if is_new else MQTTProtocolVersion.MQTTv5
        if code.value == _SESSION_TAKEN_OVER and flags.is_disconnect_packet_from_server:
            self._say(
                f"another process connected to the broker as {central_name(self._settings.worker)}; "
                "give each central process a broker.worker of its own"
            )
        elif was_online or hung_up:
            self._say(f"broker {self._settings.host}:{self._settings.port}: the connection was lost ({code})")
        self._ended.set()

    def _set_offline(self) -> bool:
        with self._state:
            was_online, self._online = self._online, False
            if self._stopping.is_set():
                self._cause = "stopped"
            return was_online

    def _say(self, cause: str) -> None:
        with self._state:
            is_news, self._cause = cause != self._cause, cause
        if is_news:
            _log.warning("no link to the broker", cause=cause)

    def _count(self, name: str) -> None:
        with self._state:
            self._counts[name] += 1

    def _explain(self, error: OSError | ValueError) -> str:
        where = f"broker {self._settings.host}:{self._settings.port}"
        match error:
            case ssl.SSLCertVerificationError():
                return f"{where}: its certificate is not one to trust ({error.verify_message}); check address and authority"
            case ssl.SSLError():
                return f"{where}: no encrypted connection ({error.reason}); check that the port is the one for TLS"
            case FileNotFoundError():
                return f"{where}: central's certificate or key is missing; run: countermark-central authority init"
            case TimeoutError():
                return f"{where}: no answer; check the network"
            case _:
                return f"{where}: cannot be reached ({error}); check that it runs, and broker.host and broker.port"


def _limits() -> Properties:
    """What central is ready to take at once (MQTT 5, section 3.1.2.11); the broker keeps the rest back."""
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.ReceiveMaximum = IN_FLIGHT_LIMIT
    limits.MaximumPacketSize = PACKET_LIMIT_BYTES
    return limits


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
