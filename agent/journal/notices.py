"""What a person should be told: kept until someone has read it, whatever happens to the log files.

The same thing said again is counted, so that a fault that repeats every second stays one line.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from agent.store.database import Connection

KEPT_LIMIT = 1000
"""Notices that are kept; the oldest go first, those that someone has read before others."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    REWIND = "rewind"
    FORK = "fork"
    PRUNED = "pruned"
    DAMAGED = "damaged"
    HELD = "held"
    UNREADABLE = "unreadable"
    FEED = "feed"
    IDENTITY = "identity"
    SOLD_TWICE = "sold_twice"


class Notice(msgspec.Struct, frozen=True):
    """One notice. ``subject`` tells two of a kind apart; times are UTC microseconds by the agent's clock."""

    id: int
    kind: str
    subject: str
    text: str
    first_at_us: int
    last_at_us: int
    times: int
    dismissed: bool


_NOTE = """
INSERT INTO notices (kind, subject, text, first_at_us, last_at_us) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, subject) DO UPDATE
   SET text = excluded.text, last_at_us = excluded.last_at_us, times = times + 1, dismissed = 0
"""
_BOUND = """
DELETE FROM notices
 WHERE id IN (SELECT id FROM notices ORDER BY dismissed, last_at_us DESC LIMIT -1 OFFSET ?)
"""
_LIST = """
SELECT id, kind, subject, text, first_at_us, last_at_us, times, dismissed
  FROM notices ORDER BY dismissed, last_at_us DESC, id DESC LIMIT ?
"""


def note(connection: Connection, kind: NoticeKind, subject: str, text: str, at_us: int) -> None:
    """Keep a notice. Inside a :meth:`~agent.store.store.Store.write` work."""
    connection.execute(_NOTE, (kind.value, subject, text, at_us, at_us))
    connection.execute(_BOUND, (KEPT_LIMIT,))


def notices(connection: Connection, limit: int = 100) -> list[Notice]:
    """The notices, unread ones first, newest first. Inside a read."""
    return [
        Notice(number, kind, subject, text, first_at_us, last_at_us, times, bool(dismissed))
        for number, kind, subject, text, first_at_us, last_at_us, times, dismissed in connection.execute(
            _LIST, (limit,)
        )
    ]


def dismiss(connection: Connection, notice_id: int) -> None:
    """Someone has read it. Inside a write."""
    connection.execute("UPDATE notices SET dismissed = 1 WHERE id = ?", (notice_id,))


def dismiss_subject(connection: Connection, kind: NoticeKind, subject: str) -> None:
    """What was told has turned out otherwise. Inside a write."""
    connection.execute(
        "UPDATE notices SET dismissed = 1 WHERE kind = ? AND subject = ?", (kind.value, subject)
    )
