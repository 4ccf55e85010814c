"""One MQTT connection at a time: the only file that knows the MQTT library.

All of it runs on the link's one thread, which waits for the socket itself, so there is no lock and no second queue: what the
library holds back at most is one batch, one question and their acknowledgements. Each connection is a new client
with a clean start. Nothing is kept for the next one, because the journal holds whatever has to be sent again.

MQTT 5 is tried first, for its reason codes; a broker that does not speak it (or hangs up on it) is met with 3.1.1.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.uplink.settings import LinkIdentity, LinkSettings
from protocol.codec import FRAME_LIMIT_BYTES
from protocol.topics import topic

PACKET_LIMIT_BYTES = FRAME_LIMIT_BYTES + 1024
OUTGOING_LIMIT = 32
"""Messages that the library may hold: one batch, one pull, presence, and some questions."""
INCOMING_LIMIT = 64
_UPKEEP_S = 1.0  # how often the keep-alive is looked after
_GREETING_TIMEOUT_S = 10.0  # for the broker to accept connection and subscription
_PARTING_LIMIT_S = 1.0
_HUNG_UP_LIMIT = 2  # times that a broker hangs up on MQTT 5 before 3.1.1 is tried
_VERSION_REFUSED = 0x84
_SESSION_TAKEN_OVER = 0x8E
_UNSPECIFIED = 0x80
_OUT_OF_TIME = frozenset({9, 10})  # OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED


class Up(msgspec.Struct, frozen=True):
    """The broker has accepted us and our subscription."""


class Down(msgspec.Struct, frozen=True):
    """There is no connection (any more). ``is_taken_over``: another machine connected under our name."""

    cause: str
    is_taken_over: bool = False


class Arrived(msgspec.Struct, frozen=True):
    """A message for us."""

    frame: bytes


class NotTaken(msgspec.Struct, frozen=True):
    """The broker refused something that we published; the cause in its words."""

    cause: str


Happening = Up | Down | Arrived | NotTaken


class Connection:
    """The connection of one agent to its broker."""

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings
        self._version = MQTTProtocolVersion.MQTTv5
        self._hung_up = 0
        self._client: Client | None = None
        self._happened: list[Happening] = []
        self._refusal: str | None = None
        self._is_up = False
        self._opened_s = 0.0
        self._upkeep_s = 0.0

    @property
    def mqtt_version(self) -> str:
        """What is spoken with this broker."""
        return "5.0" if self._version is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    @property
    def is_open(self) -> bool:
        """Whether there is a socket to wait for."""
        return self._client is not None

    def open(self, identity: LinkIdentity, will: bytes) -> None:
        """Begin to connect; :class:`Up` or :class:`Down` follows from :meth:`wait`. Blocks for the TCP and TLS handshake."""
        self._refusal, self._is_up = None, False
        tls: _Tls | None = None
        try:
            client = self._new_client(identity)
            if identity.certificate_path is not None:
                tls = _tls(identity)
                client.tls_set_context(tls)
            client.will_set(topic("state", identity.agent), will, qos=1, retain=True)
            is_new = self._version is MQTTProtocolVersion.MQTTv5
            client.connect(
                self._settings.host,
                self._settings.port,
                self._settings.keepalive_s,
                clean_start=True if is_new else 3,  # 3: the library's word for "as the version has it"
                properties=_limits() if is_new else None,
            )
        except (OSError, ValueError) as error:
            if tls is not None and tls.wrapped is not None:
                tls.wrapped.close()
            self._happened.append(Down(self._explain(error)))
            return
        sock: Any = client.socket()
        # One message at a time and an answer to each: nothing is gained by holding small packets back for larger ones.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._opened_s = self._upkeep_s = time.monotonic()

    def wait(self, timeout_s: float, wake: socket.socket) -> list[Happening]:
        """What has happened, at the latest after ``timeout_s`` or when ``wake`` can be read."""
        client = self._client
        if client is None or self._happened:
            if not self._happened:
                select.select([wake], [], [], timeout_s)
            return self._take()
        sock: Any = client.socket()
        if sock is None:
            self._lost(client, None, "the connection is gone")
            return self._take()
        # What TLS has decrypted already no longer shows at the socket.
        is_pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        wait_s = 0.0 if is_pending else min(timeout_s, _UPKEEP_S)
        readable, writable, _ = select.select(
            [sock, wake], [sock] if client.want_write() else [], [], max(wait_s, 0.0)
        )
        if is_pending or sock in readable:
            client.loop_read()
        if self._client is client and sock in writable:
            client.loop_write()
        if self._client is client and time.monotonic() - self._upkeep_s >= _UPKEEP_S:
            self._upkeep(client)
        return self._take()

    def publish(self, name: str, frame: bytes, *, retain: bool = False) -> bool:
        """Hand over one message with QoS 1; False if it cannot be sent now. The caller repeats what matters."""
        if self._client is None or not self._is_up:
            return False
        return self._client.publish(name, frame, qos=1, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Part politely: the broker does not send the will. What was published just before still goes out."""
        client, self._client = self._client, None
        if client is None:
            return
        self._is_up = False
        client.disconnect()
        deadline_s = time.monotonic() + _PARTING_LIMIT_S
        while client.want_write() and (sock := client.socket()) and time.monotonic() < deadline_s:
            select.select([], [sock], [], _PARTING_LIMIT_S)
            client.loop_write()
        _drop(client)

    # -- inside ---------------------------------------------------------------------------------------------------------

    def _new_client(self, identity: LinkIdentity) -> Client:
        is_new = self._version is MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=identity.agent,
            clean_session=None if is_new else True,
            protocol=self._version,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._settings.connect_timeout_s
        client.max_inflight_messages_set(OUTGOING_LIMIT)
        client.max_queued_messages_set(OUTGOING_LIMIT)
        down = topic("down", identity.agent)

        def on_connect(_: Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
            if code.is_failure:
                self._refuse(code)
            else:
                client.subscribe(down, qos=1)

        def on_subscribe(_: Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
            if codes[0].is_failure:
                self._refusal = f"the broker does not let us subscribe to {down}: {codes[0]}"
                client.disconnect()
                return
            self._is_up, self._hung_up = True, 0
            self._happened.append(Up())

        def on_message(_: Client, __: Any, message: MQTTMessage) -> None:
            if message.topic == down:
                self._happened.append(Arrived(bytes(message.payload)))

        def on_publish(_: Client, __: Any, ___: int, code: ReasonCode, ____: Any) -> None:
            if code.is_failure:
                self._happened.append(NotTaken(f"the broker did not take a message of ours: {code}"))

        def on_disconnect(_: Client, __: Any, flags: Any, code: ReasonCode, ____: Any) -> None:
            if flags.is_disconnect_packet_from_server:
                self._lost(client, code, str(code))
            else:  # the library's own word for a broken connection is "Unspecified error"
                self._lost(client, None, "the connection broke" if code.value == _UNSPECIFIED else str(code))

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_message = on_message
        client.on_publish = on_publish
        client.on_disconnect = on_disconnect
        return client

    def _refuse(self, code: ReasonCode) -> None:
        self._refusal = f"the broker refuses this agent: {code}"
        if code.value == _VERSION_REFUSED:
            self._version = MQTTProtocolVersion.MQTTv311
            self._refusal = "the broker does not speak MQTT 5; trying 3.1.1"

    def _lost(self, client: Client, code: ReasonCode | None, cause: str) -> None:
        if self._client is not client:
            return  # we parted from it ourselves
        self._client = None
        if not self._is_up and self._refusal is None:
            self._hung_up += 1
            if self._hung_up >= _HUNG_UP_LIMIT:
                self._hung_up = 0
                is_new = self._version is MQTTProtocolVersion.MQTTv5
                self._version = MQTTProtocolVersion.MQTTv311 if is_new else MQTTProtocolVersion.MQTTv5
            cause = "the broker closed the connection without a word"
        self._is_up = False
        is_taken_over = code is not None and code.value == _SESSION_TAKEN_OVER
        self._happened.append(Down(self._refusal or f"{self._where}: {cause}", is_taken_over))
        _drop(client)

    def _upkeep(self, client: Client) -> None:
        self._upkeep_s = time.monotonic()
        client.loop_misc()
        if (
            self._client is client
            and not self._is_up
            and self._upkeep_s - self._opened_s > _GREETING_TIMEOUT_S
        ):
            self._refusal = self._refusal or f"{self._where}: the broker does not answer"
            self._lost(client, None, "")

    def _take(self) -> list[Happening]:
        happened, self._happened = self._happened, []
        return happened

    @property
    def _where(self) -> str:
        return f"broker {self._settings.host}:{self._settings.port}"

    def _explain(self, error: OSError | ValueError) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            check = (
                "this machine's clock"
                if error.verify_code in _OUT_OF_TIME
                else "the broker's address, or enrol again"
            )
            what = f"its certificate is not one to trust ({error.verify_message}); check {check}"
        elif isinstance(error, ssl.SSLError):
            what = f"no encrypted connection ({error.reason}); check that the port is the one for TLS"
        elif isinstance(error, FileNotFoundError):
            what = f"{error.filename} is missing; enrol this machine again"
        elif isinstance(error, TimeoutError):
            what = "no answer; check the network"
        else:
            what = f"cannot be reached ({error}); check that it runs, and the network"
        return f"{self._where}: {what}"


class _Tls(ssl.SSLContext):
    """Closes the socket of a handshake that fails: the library only forgets it."""

    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **options)
        return self.wrapped


def _tls(identity: LinkIdentity) -> _Tls:
    """Read anew for every connection, so that a renewed certificate is used from the next one on."""
    assert identity.certificate_path is not None
    context = _Tls(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(identity.ca_path)
    context.load_cert_chain(identity.certificate_path, identity.key_path)
    return context


def _limits() -> Properties:
    """What we are ready to take (MQTT 5, section 3.1.2.11): the broker keeps the rest back, or drops it; both do no harm."""
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.ReceiveMaximum = INCOMING_LIMIT
    limits.MaximumPacketSize = PACKET_LIMIT_BYTES
    return limits


def _drop(client: Client) -> None:
    sock = client.socket()
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.close()
