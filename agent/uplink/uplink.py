"""The link to central, as the rest of the agent sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.journal.journal import Journal
from agent.uplink.asks import DEFAULT_TIMEOUT_MS
from agent.uplink.link import Link
from agent.uplink.settings import LinkIdentity, LinkSettings
from agent.uplink.status import FeedStatus, LinkStatus
from protocol.feeds import Feed
from protocol.messages import ItemAnswered


class Uplink:
    """Brings the journal to central and central's feeds here, for as long as it runs. It is never waited for by a sale."""

    def __init__(
        self,
        settings: LinkSettings,
        identity: LinkIdentity,
        journal: Journal,
        replica: Replica,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._replica = replica
        self._listeners: list[Callable[[], None]] = []
        self._said: tuple[object, ...] = ()
        self._link = Link(settings, identity, journal, replica, clock, self._say_if_changed)
        self._thread = threading.Thread(target=self._link.run, name="uplink", daemon=True)

    def start(self) -> None:
        """Begin: connect, and stay connected."""
        self._journal.on_commit(self._link.committed)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Say goodbye and end."""
        self._link.stop()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        else:
            self._link.part()

    def status(self) -> LinkStatus:
        """How the link is now. From any thread."""
        link, unsent, lineage = self._link, self._journal.unsent(), self._journal.lineage()
        return LinkStatus(
            online=link.is_up,
            phase=link.delivery.phase.value,
            epoch=lineage[-1].epoch if lineage else "",
            unsent=unsent.count,
            oldest_unsent_us=unsent.oldest_us,
            last_ack_us=link.delivery.last_ack_us,
            last_error=link.last_error,
            broker=f"{self._settings.host}:{self._settings.port}",
            mqtt_version=link.mqtt_version if link.is_up else None,
            unreadable=link.unreadable,
            feeds={feed.value: self._feed_status(feed.value) for feed in Feed},
        )

    def ask_item(self, item: str, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> ItemAnswered | None:
        """What central knows of ``item``; None if it does not say so in time, at once when there is no link."""
        return self._link.asks.ask_item(item, timeout_ms) if self._link.is_up else None

    @property
    def is_linked(self) -> bool:
        """Whether a question could reach central now."""
        return self._link.is_up

    def pull_now(self) -> None:
        """Ask for news of every feed now, instead of waiting for the next hint or round."""
        self._link.post(self._link.puller.pull_now)

    def use_identity(self, identity: LinkIdentity) -> None:
        """Use a renewed certificate from the next connection on."""
        self._link.use_identity(identity)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, on the link's thread, when :meth:`status` has changed."""
        self._listeners.append(listener)

    def _feed_status(self, feed: str) -> FeedStatus:
        cursor = self._replica.cursor(feed)
        return FeedStatus(
            version=cursor.version,
            head=cursor.head,
            synced_at_us=cursor.synced_at_us,
            is_pulling=self._link.puller.under_way == feed,
        )

    def _say_if_changed(self) -> None:
        link = self._link
        now = (
            link.is_up,
            link.delivery.phase,
            self._journal.unsent(),
            link.last_error,
            link.unreadable,
            link.puller.under_way,
        )
        if now == self._said:
            return
        self._said = now
        for listener in self._listeners:
            listener()
