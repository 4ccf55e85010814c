"""A fact: one event of a journal, with its place in the books."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from protocol.events import Body


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event that central takes in.

    ``event_time`` is when it happened, corrected for the agent's clock where that is known to be wrong; ``recorded_at`` when
    central learned of it; ``business_day`` the local date of the site at ``event_time``. ``journal`` is central's short name
    for (agent, epoch). ``uncertainty_us`` says how far ``event_time`` may still be off. ``stated_us`` is what the agent's clock said at
    that moment: other times in the event are of the same clock. None: the clock was right.
    """

    site: str
    agent: str
    epoch: str
    journal: int
    seq: int
    event_time: datetime
    recorded_at: datetime
    business_day: date
    body: Body
    uncertainty_us: int = 0
    stated_us: int | None = None

    def evidence(self, **more: Any) -> dict[str, Any]:
        """This fact as evidence of a discrepancy: enough to find the event and to put several in order."""
        return {
            "event": kind_of(self.body),
            "site": self.site,
            "agent": self.agent,
            "epoch": self.epoch,
            "journal": self.journal,
            "seq": self.seq,
            "event_time": iso(self.event_time),
            **more,
        }


def kind_of(body: Body) -> str:
    """The kind of an event as the wire names it, such as ``sale``."""
    return str(body.__struct_config__.tag)


def iso(moment: datetime) -> str:
    """A moment (UTC) in ISO 8601 with all its microseconds, so that texts sort as their moments do."""
    return moment.isoformat(timespec="microseconds")
