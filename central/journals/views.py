"""Journals as people read them. The epochs are reached through their agents, which row-level security guards."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from central.database import Connection

_JOURNALS = """
SELECT a.agent_id AS agent, a.site_id AS site, a.unsent, coalesce(sum(e.next_seq - 1), 0)::bigint AS accepted,
       coalesce(sum(e.applied), 0)::bigint AS applied, coalesce(sum(e.quarantined), 0)::bigint AS quarantined
  FROM agents a LEFT JOIN epochs e USING (agent_id)
 WHERE (%(site)s::text IS NULL OR a.site_id = %(site)s) AND (%(after)s::text IS NULL OR a.agent_id > %(after)s)
 GROUP BY a.agent_id, a.site_id, a.unsent ORDER BY a.agent_id LIMIT %(limit)s
"""
_TOTALS = """
SELECT coalesce(sum(e.next_seq - 1), 0)::bigint AS accepted, coalesce(sum(e.applied), 0)::bigint AS applied,
       coalesce(sum(e.quarantined), 0)::bigint AS quarantined
  FROM agents a JOIN epochs e USING (agent_id) WHERE (%(site)s::text IS NULL OR a.site_id = %(site)s)
"""
_QUARANTINE = """
SELECT q.site_id AS site, e.agent_id AS agent, e.epoch::text AS epoch, q.journal, q.seq, q.cause, length(q.body) AS bytes,
       q.quarantined_at, q.resolved_at, q.resolution
  FROM quarantine q JOIN epochs e USING (journal)
 WHERE (%(site)s::text IS NULL OR q.site_id = %(site)s)
   AND (%(journal)s::bigint IS NULL OR (q.journal, q.seq) > (%(journal)s, %(seq)s))
 ORDER BY q.journal, q.seq LIMIT %(limit)s
"""


def journals(
    connection: Connection, *, site: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Agents by id with the counts of their journals, after ``after``."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_JOURNALS, {"site": site, "after": after, "limit": limit}).fetchall()


def totals(connection: Connection, *, site: str | None) -> dict[str, int]:
    """The counts of all visible journals together."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_TOTALS, {"site": site}).fetchone()
    assert row is not None
    return row


def quarantine(
    connection: Connection, *, site: str | None, after: tuple[int, int] | None, limit: int
) -> list[dict[str, Any]]:
    """Events in quarantine by (journal, seq), after that place."""
    journal, seq = after or (None, None)
    values = {"site": site, "journal": journal, "seq": seq, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_QUARANTINE, values).fetchall()
