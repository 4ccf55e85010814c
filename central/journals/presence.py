"""Which agents are there, and how far behind: noted in memory, written down now and then for all at once.

Nothing here is a promise. What is lost with the process is said again with the next message.
"""

from __future__ import annotations

import threading
from datetime import datetime

import msgspec

from central.database import Connection
from central.moments import from_microseconds


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life. None means: it did not say."""

    seen_at: datetime | None = None
    online: bool | None = None
    unsent: int | None = None
    oldest_unsent_us: int | None = None
    software: str | None = None


class PresenceBoard:
    """The last signs of life, of every agent one."""

    def __init__(self) -> None:
        self._signs: dict[str, Sign] = {}
        self._lock = threading.Lock()

    def note(self, agent: str, sign: Sign) -> None:
        """Put a sign in place of the last one; what it does not say stays as it was said."""
        with self._lock:
            before = self._signs.get(agent)
            self._signs[agent] = sign if before is None else _together(before, sign)

    def take(self) -> dict[str, Sign]:
        """All signs since the last time."""
        with self._lock:
            taken, self._signs = self._signs, {}
        return taken


def write(connection: Connection, signs: dict[str, Sign]) -> None:
    """Write signs of life down. Agents are locked in their order; an agent that is not enrolled is passed over."""
    if not signs:
        return
    agents = sorted(signs)
    ordered = [signs[agent] for agent in agents]
    connection.execute(
        "SELECT FROM agents WHERE agent_id = ANY (%s) ORDER BY agent_id FOR NO KEY UPDATE", (agents,)
    )
    connection.execute(
        """
        UPDATE agents SET
            seen_at = greatest(agents.seen_at, sign.seen_at),
            online = coalesce(sign.online, agents.online),
            unsent = coalesce(sign.unsent, agents.unsent),
            oldest_unsent_at = CASE WHEN sign.unsent IS NULL THEN agents.oldest_unsent_at ELSE sign.oldest_unsent_at END,
            software = coalesce(sign.software, agents.software)
        FROM unnest(%s::text[], %s::timestamptz[], %s::boolean[], %s::bigint[], %s::timestamptz[], %s::text[])
            AS sign (agent_id, seen_at, online, unsent, oldest_unsent_at, software)
        WHERE agents.agent_id = sign.agent_id
        """,
        (
            agents,
            [sign.seen_at for sign in ordered],
            [sign.online for sign in ordered],
            [_count(sign.unsent) for sign in ordered],
            [_moment(sign.oldest_unsent_us) for sign in ordered],
            [_text(sign.software) for sign in ordered],
        ),
    )


def _together(before: Sign, after: Sign) -> Sign:
    backlog = before if after.unsent is None else after  # the two figures of a backlog belong together
    return Sign(
        seen_at=after.seen_at or before.seen_at,
        online=before.online if after.online is None else after.online,
        unsent=backlog.unsent,
        oldest_unsent_us=backlog.oldest_unsent_us,
        software=after.software or before.software,
    )


def _count(unsent: int | None) -> int | None:
    return None if unsent is None else max(0, min(unsent, 2**62))


def _moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    try:
        return from_microseconds(microseconds)
    except OverflowError:
        return None  # a clock far outside any calendar says nothing about an age


def _text(software: str | None) -> str | None:
    return None if software is None else software.replace("\0", "")[:200]
