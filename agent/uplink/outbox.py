"""Where messages leave the agent: encoded, signed, on the right topic."""

from __future__ import annotations

from collections.abc import Callable

from agent.uplink.mqtt import Connection
from agent.uplink.settings import LinkIdentity
from protocol.codec import Signer, encode
from protocol.messages import AskMessage, Presence, UpMessage
from protocol.topics import Channel, topic


class Outbox:
    """Sends in the name of one agent. ``failed`` is told what a person should know."""

    def __init__(self, connection: Connection, identity: LinkIdentity, failed: Callable[[str], None]) -> None:
        self._connection = connection
        self.identity = identity
        self.failed = failed

    @property
    def agent(self) -> str:
        """The agent's id."""
        return self.identity.agent

    @property
    def sign(self) -> Signer | None:
        """Signs what is sent, if this agent does."""
        return self.identity.sign

    def topic(self, channel: Channel) -> str:
        """The topic of a channel of ours."""
        return topic(channel, self.agent)

    def frame(self, channel: Channel, message: UpMessage | AskMessage | Presence) -> bytes:
        """A message as it would be sent."""
        return encode(message, self.topic(channel), self.sign)

    def send(self, channel: Channel, message: UpMessage | AskMessage) -> bool:
        """Send; False if there is no link to send it over."""
        return self.send_frame(channel, self.frame(channel, message))

    def send_frame(self, channel: Channel, frame: bytes) -> bool:
        """Send what is encoded already."""
        return self._connection.publish(self.topic(channel), frame)

    def send_presence(self, presence: Presence) -> bool:
        """Say, for whoever looks later too, that we are there or not."""
        return self._connection.publish(self.topic("state"), self.frame("state", presence), retain=True)
