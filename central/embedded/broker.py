"""The embedded MQTT 3.1.1 broker (amqtt), for an installation on one machine.

amqtt routes the messages. What it leaves open is closed by the listener in front of it (:mod:`central.embedded.listener`):

- it looks at a client's certificate only after the client id has already taken hold of the session of that name, and never
  at the topic of a will;
- it does not end a connection that has gone silent, does not bound a packet, and does not close the older of two
  connections of one client;
- it sends retained messages to a new client without asking whether it may have them.

The broker holds nothing that matters: no session outlives its connection, and all of it is in memory.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from central.embedded.access import may_connect, may_publish, may_receive, may_subscribe
from central.embedded.listener import BrokerSettings, Listener, PacketReader, PacketWriter, identity_of

if TYPE_CHECKING:
    from _collections_abc import dict_items

LISTENER = "default"


class IdentityPlugin(BaseAuthPlugin):
    """amqtt's question "is this client who it says": the certificate answers, no name or password does."""

    async def authenticate(self, *, session: Session) -> bool | None:
        """Whether the client id is the certificate's."""
        identity = identity_of(session.ssl_object)
        return identity is not None and may_connect(identity, session.client_id or "")


class AccessPlugin(BaseTopicPlugin):
    """amqtt's question "may this client use this topic"."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool | None:
        """Ask the rules for the certificate's identity."""
        identity = identity_of(session.ssl_object) if session is not None else None
        if identity is None or topic is None:
            return False
        match action:
            case Action.PUBLISH:
                return may_publish(identity, topic)
            case Action.SUBSCRIBE:
                return may_subscribe(identity, topic)
            case Action.RECEIVE:
                return may_receive(identity, topic)
            case _:
                return False


class EmbeddedBroker:
    """The broker inside a running event loop. See :mod:`central.embedded.broker_process` for one in its own process."""

    def __init__(self, settings: BrokerSettings) -> None:
        plugins: dict[str, dict[str, str]] = {
            f"{plugin.__module__}.{plugin.__qualname__}": {} for plugin in (IdentityPlugin, AccessPlugin)
        }
        # Its own notes name every packet and every client that went away; the listener says what an operator needs.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.ERROR)
        listeners = {LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)}
        self._broker = _Broker(BrokerConfig(listeners=listeners, plugins=plugins))
        self._listener = Listener(settings, self._serve)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    async def start(self) -> None:
        """Listen. :class:`~central.embedded.listener.BrokerError` if the port is taken or a certificate cannot be read."""
        await self._listener.start()
        await self._broker.start()

    async def stop(self) -> None:
        """End every connection and listen no more."""
        await self._listener.stop()
        await self._broker.shutdown()

    async def _serve(self, reader: PacketReader, writer: PacketWriter) -> None:
        await self._broker.external_connected(_Reader(reader), _Writer(writer), LISTENER)


class _Subscriptions(dict[str, list[tuple[Session, int]]]):
    """Subscriptions by topic filter, walked over as they were at the start of the walk.

    amqtt hands the loop to other clients in the middle of a walk; one of them subscribing would break it off, and the
    message or the connection under way would be lost.
    """

    def items(self) -> dict_items[str, list[tuple[Session, int]]]:
        """As they are now."""
        return self.copy().items()

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())


class _Broker(Broker):
    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self._subscriptions = _Subscriptions()


class _Reader(ReaderAdapter):
    """The listener's reader in the form that amqtt takes."""

    def __init__(self, packets: PacketReader) -> None:
        self._packets = packets

    async def read(self, n: int = -1) -> bytes:
        return await self._packets.read(n)

    def feed_eof(self) -> None:
        self._packets.feed_eof()


class _Writer(WriterAdapter):
    """The listener's writer in the form that amqtt takes."""

    def __init__(self, packets: PacketWriter) -> None:
        self._packets = packets

    def write(self, data: bytes) -> None:
        self._packets.write(data)

    async def drain(self) -> None:
        await self._packets.drain()

    def get_peer_info(self) -> tuple[str, int]:
        return self._packets.peer

    def get_ssl_info(self) -> ssl.SSLObject | None:
        return self._packets.tls

    async def close(self) -> None:
        self._packets.close()
