"""Agents and enrolment tokens in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection
from protocol.chain import genesis


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that has joined: ``lane`` is its place at ``site``, ``epoch`` the first of its journal."""

    agent: str
    site: str
    lane: str
    state: str
    public_key_pem: str
    previous_key_pem: str | None
    epoch: str


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment token as it is kept. ``agent`` is who has used it."""

    site: str
    lane: str | None
    is_expired: bool
    agent: str | None


def put_token(
    connection: Connection, token_hash: bytes, site: str, lane: str | None, expires_at: datetime
) -> None:
    """Keep a new token (its SHA-256) that lets one machine join at ``site``."""
    connection.execute(
        "INSERT INTO enrolment_tokens (token_hash, site_id, lane, expires_at) VALUES (%s, %s, %s, %s)",
        (token_hash, site, lane, expires_at),
    )


def lock_token(connection: Connection, token_hash: bytes, now: datetime) -> Token | None:
    """A token, locked: of two machines that show it at once, one waits and then finds it used."""
    row = connection.execute(
        """
        SELECT site_id, lane, expires_at <= %s, agent_id FROM enrolment_tokens WHERE token_hash = %s FOR UPDATE
        """,
        (now, token_hash),
    ).fetchone()
    return None if row is None else Token(site=row[0], lane=row[1], is_expired=row[2], agent=row[3])


def use_token(connection: Connection, token_hash: bytes, agent: str, now: datetime) -> None:
    """Note that ``agent`` has joined with a (locked) token."""
    connection.execute(
        "UPDATE enrolment_tokens SET used_at = %s, agent_id = %s WHERE token_hash = %s",
        (now, agent, token_hash),
    )


def lock_lanes(connection: Connection, site: str) -> None:
    """From here to the end of the transaction nobody else gives out a lane of ``site``."""
    connection.execute("SELECT FROM sites WHERE site_id = %s FOR NO KEY UPDATE", (site,))


def free_lane(connection: Connection, site: str) -> str:
    """The lowest lane number that no machine of ``site`` has ever had.

    A lane is never given twice: its machine prints it in front of its receipt numbers, and those begin at 1 again.
    """
    rows = connection.execute("SELECT lane FROM agents WHERE site_id = %s", (site,)).fetchall()
    taken = {lane for (lane,) in rows}
    return next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)


def lane_holder(connection: Connection, site: str, lane: str) -> str | None:
    """The machine that has, or had, a lane of a site."""
    row = connection.execute(
        "SELECT agent_id FROM agents WHERE site_id = %s AND lane = %s", (site, lane)
    ).fetchone()
    return None if row is None else str(row[0])


def add(connection: Connection, agent: Agent, software: str, now: datetime) -> None:
    """A machine joins: the agent and the first epoch of its journal, at whose beginning central stands."""
    connection.execute(
        """
        INSERT INTO agents (agent_id, site_id, lane, public_key_pem, enrolled_at, software) VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (agent.agent, agent.site, agent.lane, agent.public_key_pem, now, software),
    )
    opening = genesis(agent.agent, agent.epoch)
    connection.execute(
        """
        INSERT INTO epochs (agent_id, epoch, opening_hash, head_hash, cause, granted_at) VALUES (%s, %s, %s, %s, 'enrolment', %s)
        """,
        (agent.agent, agent.epoch, opening, opening, now),
    )


def lock(connection: Connection, agent: str) -> Agent | None:
    """An agent with the first epoch of its journal, locked."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            """
            SELECT agent_id AS agent, site_id AS site, lane, state, public_key_pem, previous_key_pem,
                   (SELECT epoch::text FROM epochs e WHERE e.agent_id = a.agent_id ORDER BY journal LIMIT 1) AS epoch
              FROM agents a WHERE agent_id = %s FOR UPDATE
            """,
            (agent,),
        ).fetchone()
    return None if row is None else Agent(**row)


def put_keys(connection: Connection, agent: str, public_key_pem: str, previous_key_pem: str | None) -> None:
    """The key that an agent has from now on, and the one that is still good for one more renewal."""
    connection.execute(
        "UPDATE agents SET public_key_pem = %s, previous_key_pem = %s WHERE agent_id = %s",
        (public_key_pem, previous_key_pem, agent),
    )


def revoke(connection: Connection, agent: str) -> bool:
    """Shut an agent out; False if there is none of this id that the transaction may see."""
    done = connection.execute(
        "UPDATE agents SET state = 'revoked', online = false WHERE agent_id = %s", (agent,)
    )
    return done.rowcount == 1


_FLEET = """
SELECT a.agent_id AS agent, a.site_id AS site, a.lane, a.state, a.enrolled_at, a.software, a.online, a.seen_at, a.unsent,
       a.oldest_unsent_at, a.clock_synced, a.clock_offset_us, j.epochs, j.forks, j.epoch, j.accepted, j.applied,
       j.quarantined, j.advanced_at
  FROM agents a
  LEFT JOIN LATERAL (
       SELECT count(*) AS epochs,
              count(*) FILTER (WHERE cause NOT IN ('enrolment', 'adopted')) AS forks,
              (array_agg(epoch::text ORDER BY journal DESC))[1] AS epoch,
              sum(next_seq - 1)::bigint AS accepted, sum(applied)::bigint AS applied,
              sum(quarantined)::bigint AS quarantined, max(advanced_at) AS advanced_at
         FROM epochs e WHERE e.agent_id = a.agent_id) AS j ON true
"""


def fleet(
    connection: Connection, *, site: str | None, state: str | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """Agents by id, with what is known of their journals, after ``after``."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _FLEET
            + """
            WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(state)s::text IS NULL OR state = %(state)s)
              AND (%(after)s::text IS NULL OR agent_id > %(after)s)
            ORDER BY agent_id LIMIT %(limit)s
            """,
            {"site": site, "state": state, "after": after, "limit": limit},
        ).fetchall()


def find(connection: Connection, agent: str) -> dict[str, Any] | None:
    """One agent as in :func:`fleet`."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_FLEET + "WHERE agent_id = %s", (agent,)).fetchone()
