"""Gathers how the agent is, and tells the screens when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from agent.clock import Clock
from agent.identity.storage import Identity
from agent.journal.journal import Journal
from agent.journal.notices import notices
from agent.local.events import Hub
from agent.local.status import FeedStatus, NoticeView, StatusFrame
from agent.neighbours.service import NeighboursStatus
from agent.printing.service import PrinterStatus
from agent.scanners.service import Scanners
from agent.store import Store
from agent.till.counter import Counter
from agent.uplink.status import FeedStatus as LinkFeed
from agent.uplink.status import LinkStatus
from agent.verification.local_items import open_count

_LOOK_INTERVAL_S = 1.0
_NOTICES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Calling it gives the state as of now."""

    identity: Identity
    lane: str
    currency: str
    language: str
    software: str
    store: Store
    journal: Journal
    counter: Counter
    scanners: Scanners
    hub: Hub
    clock: Clock
    link: Callable[[], LinkStatus]
    neighbours: Callable[[], NeighboursStatus] | None = None
    printer: Callable[[], PrinterStatus] | None = None

    def __call__(self) -> StatusFrame:
        """How the agent is."""
        link = self.link()
        unsent = self.journal.unsent()
        now_us = self.clock.wall_us()
        disk = self.store.health()
        lineage = self.journal.lineage()
        return StatusFrame(
            agent=self.identity.agent,
            site=self.identity.site,
            lane=self.lane,
            currency=self.currency,
            software=self.software,
            mode=self.counter.mode.value,
            online=link.online,
            phase=link.phase,
            epoch=lineage[-1].epoch if lineage else "",
            accepted=self.journal.accepted_count(),
            unsent=unsent.count,
            oldest_unsent_s=None
            if unsent.oldest_us is None
            else max(0, (now_us - unsent.oldest_us) // 1_000_000),
            last_ack_us=link.last_ack_us,
            last_error=link.last_error,
            broker=link.broker,
            mqtt_version=link.mqtt_version,
            clock_synced=self.clock.clock_synced(),
            feeds={name: _feed(feed, now_us) for name, feed in link.feeds.items()},
            scanners=self.scanners.statuses(),
            notices=self._notices(),
            unsettled=self.store.read(open_count),
            neighbours=None if self.neighbours is None else self.neighbours(),
            printer=None if self.printer is None else self.printer(),
            disk_trouble=disk.detail,
            free_bytes=disk.free_bytes,
            certificate_not_after_s=self.identity.certificate_not_after_s,
            language=self.language,
            screens=self.hub.screens,
            now_us=now_us,
        )

    async def keep_telling(self, changed: asyncio.Event) -> None:
        """Send the status to every screen when something in it changed: at once when told so, else within a second."""
        told: StatusFrame | None = None
        while True:
            changed.clear()
            if self.hub.screens:
                current = self()
                if told is None or _without_clock(current) != _without_clock(told):
                    self.hub.announce(current)
                    told = current
            try:
                await asyncio.wait_for(changed.wait(), _LOOK_INTERVAL_S)
            except TimeoutError:
                continue

    def _notices(self) -> list[NoticeView]:
        found = self.store.read(lambda connection: notices(connection, _NOTICES_SHOWN))
        return [
            NoticeView(
                id=entry.id,
                kind=entry.kind,
                subject=entry.subject,
                text=entry.text,
                times=entry.times,
                last_at_us=entry.last_at_us,
            )
            for entry in found
            if not entry.dismissed
        ]


def _feed(feed: LinkFeed, now_us: int) -> FeedStatus:
    synced_at_us = feed.synced_at_us
    return FeedStatus(
        version=feed.version,
        head=feed.head,
        is_pulling=feed.is_pulling,
        age_s=None if synced_at_us is None else max(0, (now_us - synced_at_us) // 1_000_000),
    )


def _without_clock(frame: StatusFrame) -> StatusFrame:
    """The parts of a status whose change is news; ages grow by themselves, and the page counts them on. Each scan has a frame of its own."""
    feeds = {name: msgspec.structs.replace(feed, age_s=None) for name, feed in frame.feeds.items()}
    scanners = [msgspec.structs.replace(scanner, scans=0) for scanner in frame.scanners]
    return msgspec.structs.replace(
        frame, now_us=0, oldest_unsent_s=None, feeds=feeds, scanners=scanners, free_bytes=0
    )
