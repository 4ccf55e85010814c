"""How the agent is: what ``GET /v1/status`` and the state bar tell."""

from __future__ import annotations

import msgspec

from agent.neighbours.service import NeighboursStatus
from agent.printing.service import PrinterStatus
from devices.scan import DeviceStatus


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far one replica is: its version, central's newest as last heard, and how long ago it was complete (None: never)."""

    version: int
    head: int
    is_pulling: bool
    age_s: int | None


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should know. ``subject`` is what it is about: of ``sold_twice``, the receipt."""

    id: int
    kind: str
    subject: str
    text: str
    times: int
    last_at_us: int


class StatusFrame(msgspec.Struct, frozen=True, kw_only=True, tag="status", tag_field="type"):
    """Everything about the agent's health. ``disk_trouble`` is set while nothing can be recorded.

    ``unsettled`` counts the items that were sold provisionally, and of which central has not said anything yet.
    """

    agent: str
    site: str
    lane: str
    currency: str
    software: str
    mode: str
    online: bool
    phase: str
    epoch: str
    accepted: int
    unsent: int
    oldest_unsent_s: int | None
    last_ack_us: int | None
    last_error: str | None
    broker: str
    mqtt_version: str | None
    clock_synced: bool
    feeds: dict[str, FeedStatus]
    scanners: list[DeviceStatus]
    notices: list[NoticeView]
    unsettled: int
    neighbours: NeighboursStatus | None
    printer: PrinterStatus | None = None
    disk_trouble: str | None
    free_bytes: int
    certificate_not_after_s: int
    language: str
    screens: int
    now_us: int
