"""Single events as people read them."""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection
from protocol.errors import Malformed
from protocol.events import decode_event

_EVENT = """
SELECT site_id AS site, journal, seq, kind, event_time, received_at, hash, repeats, NULL AS quarantined, body
  FROM events WHERE journal = %(journal)s AND seq = %(seq)s
UNION ALL
SELECT site_id, journal, seq, 'quarantined', NULL, quarantined_at, hash, NULL, cause, body
  FROM quarantine WHERE journal = %(journal)s AND seq = %(seq)s
"""
_PERSONAL = ("member",)
"""What an event says of a customer."""


def find(connection: Connection, journal: int, seq: int) -> dict[str, Any] | None:
    """An event that this transaction may see, decoded as far as it can be read; None if there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_EVENT, {"journal": journal, "seq": seq}).fetchone()
        if found is None:
            return None
        # Only now: the epochs of others are not to be told from those that are not there.
        epoch = cursor.execute(
            "SELECT agent_id AS agent, epoch::text AS epoch FROM epochs WHERE journal = %s", (journal,)
        ).fetchone()
    assert epoch is not None, "a journal is an epoch"
    said_at, body = _read(bytes(found.pop("body")))
    return {**found, **epoch, "hash": bytes(found["hash"]).hex(), "said_at": said_at, "body": body}


def _read(data: bytes) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    try:
        event = decode_event(data)
    except Malformed:
        return None, None
    body = msgspec.to_builtins(event.body)
    return msgspec.to_builtins(event.at), {
        name: value for name, value in body.items() if name not in _PERSONAL
    }
