"""The link to the broker: frames in, answers out. The only room of central that knows MQTT."""

from central.link.connection import Link, LinkSettings, LinkStatus

__all__ = ["Link", "LinkSettings", "LinkStatus"]
