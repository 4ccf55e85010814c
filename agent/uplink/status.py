"""What the link tells a person about itself."""

from __future__ import annotations

import msgspec


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One feed: the version that is here, central's newest as last heard, and when the replica was last complete."""

    version: int
    head: int
    synced_at_us: int | None
    is_pulling: bool


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The link as it is now. Times are UTC microseconds by the agent's clock.

    ``online`` says that the broker has us; ``phase`` what is awaited from central (see
    :class:`protocol.delivery.vocabulary.Phase`). ``last_error`` stays until central has answered again. ``unreadable`` counts messages
    that could not be read since the start; each kind is among the notices.
    """

    online: bool
    phase: str
    epoch: str
    unsent: int
    oldest_unsent_us: int | None
    last_ack_us: int | None
    last_error: str | None
    broker: str
    mqtt_version: str | None
    unreadable: int
    feeds: dict[str, FeedStatus]
