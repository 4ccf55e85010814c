"""Agents, cursors and archives in PostgreSQL, as the intake needs them: always for many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from psycopg.rows import TupleRow

from central.database import Connection
from central.database.bulk import Bulk, load, text_of
from central.journals.rules import AgentHere, Epoch
from protocol.messages import EpochGranted, Lineage

HELD_LIMIT = 50
"""Unreadable messages kept of one agent; a sender repeats, and the first ones tell enough."""


class Archived(msgspec.Struct, frozen=True, gc=False):
    """An event as it goes into the archive."""

    site: str
    journal: int
    seq: int
    hash: bytes
    kind: str
    event_time: datetime
    received_at: datetime
    body: bytes
    repeats: int | None = None


class Quarantined(msgspec.Struct, frozen=True):
    """An event that cannot be taken in, with the reason."""

    site: str
    journal: int
    seq: int
    hash: bytes
    cause: str
    body: bytes


class Advance(msgspec.Struct, frozen=True):
    """A cursor after a transaction."""

    agent: str
    epoch: str
    next_seq: int
    head_hash: bytes
    applied: int
    quarantined: int
    repeated: int


_EVENTS = Bulk(
    "events",
    "COPY events (site_id, journal, seq, hash, kind, event_time, received_at, body, repeats) FROM STDIN",
    """
    INSERT INTO events (site_id, journal, seq, hash, kind, event_time, received_at, body, repeats)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)
_QUARANTINE = Bulk(
    "quarantine",
    "COPY quarantine (site_id, journal, seq, hash, cause, body) FROM STDIN",
    "INSERT INTO quarantine (site_id, journal, seq, hash, cause, body) VALUES (%s, %s, %s, %s, %s, %s)",
)


def agents_of(connection: Connection, agents: Iterable[str]) -> dict[str, AgentHere]:
    """Those of ``agents`` that are enrolled, or were."""
    found = connection.execute(
        """
        SELECT agent_id, site_id, time_zone, price_list, agents.state = 'revoked', boot_id, booted_at
        FROM agents JOIN sites USING (site_id) WHERE agent_id = ANY (%s)
        """,
        (sorted(set(agents)),),
    )
    return {
        row[0]: AgentHere(
            agent=row[0],
            site=row[1],
            time_zone=row[2],
            price_list=row[3],
            revoked=row[4],
            boot_id=row[5],
            booted_at=row[6],
        )
        for row in found
    }


def lock_epochs(connection: Connection, agents: Iterable[str]) -> dict[tuple[str, str], Epoch]:
    """Every epoch of these agents, locked in the order of (agent, epoch) until the end of the transaction.

    Whoever holds the locks is the only one to apply rows of these agents, in whatever process. All epochs of an agent are locked
    together, because copies of one machine may bring the same fact in two of them.
    """
    wanted = sorted(set(agents))
    if not wanted:
        return {}
    found = connection.execute(
        """
        SELECT agent_id, epoch::text, journal, opening_hash, next_seq, head_hash
        FROM epochs WHERE agent_id = ANY (%s) ORDER BY agent_id, epoch FOR UPDATE
        """,
        (wanted,),
    ).fetchall()
    # In a statement of its own: a grant that was committed while we waited for a lock must be seen.
    grown = connection.execute(
        """
        SELECT agent_id, parent_epoch::text, min(parent_seq) FROM epochs
        WHERE agent_id = ANY (%s) AND parent_epoch IS NOT NULL
        GROUP BY agent_id, parent_epoch
        """,
        (wanted,),
    )
    children = {(agent, parent): seq for agent, parent, seq in grown}
    return _by_key(_epoch(row, children.get((row[0], row[1]))) for row in found)


def known_facts(connection: Connection, facts: Iterable[tuple[str, bytes]]) -> dict[tuple[str, bytes], int]:
    """Of (agent, fact id) those that a journal has brought already, and which. Known for agents with several epochs."""
    keys = sorted(set(facts))
    if not keys:
        return {}
    agents, ids = zip(*keys, strict=True)
    found = connection.execute(
        """
        SELECT agent_id, fact_id, journal
        FROM unnest(%s::text[], %s::bytea[]) AS fact (agent_id, fact_id) JOIN branch_facts USING (agent_id, fact_id)
        """,
        (list(agents), list(ids)),
    )
    return {(agent, fact): journal for agent, fact, journal in found}


def remember_facts(connection: Connection, facts: Mapping[tuple[str, bytes], int]) -> None:
    """Remember which journal has brought a fact: (agent, fact id) -> journal."""
    if facts:
        agents, ids = zip(*facts, strict=True)
        connection.execute(
            """
            INSERT INTO branch_facts (agent_id, fact_id, journal)
            SELECT * FROM unnest(%s::text[], %s::bytea[], %s::bigint[]) ON CONFLICT DO NOTHING
            """,
            (list(agents), list(ids), list(facts.values())),
        )


def remember_branch(connection: Connection, agent: str, parent_epoch: str | None, parent_seq: int) -> None:
    """Remember the facts that follow the point from which a new epoch grows: the new one may bring them again."""
    connection.execute(
        """
        WITH parent AS (SELECT journal FROM epochs WHERE agent_id = %(agent)s AND epoch = %(epoch)s),
        tail (journal, fact_id) AS (
            SELECT journal, substr(sha256(body), 1, 16) FROM events JOIN parent USING (journal) WHERE seq > %(seq)s
            UNION ALL
            SELECT journal, substr(sha256(body), 1, 16) FROM quarantine JOIN parent USING (journal) WHERE seq > %(seq)s
            UNION ALL
            SELECT journal, substr(fact_ids, ((row - first_seq) * 16 + 1)::integer, 16)
            FROM event_digests JOIN parent USING (journal), generate_series(greatest(first_seq, %(seq)s + 1), last_seq) AS row
        )
        INSERT INTO branch_facts (agent_id, fact_id, journal)
        SELECT %(agent)s, fact_id, journal FROM tail
        ON CONFLICT DO NOTHING
        """,
        {"agent": agent, "epoch": parent_epoch, "seq": parent_seq},
    )


def hashes(connection: Connection, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of rows (journal, seq) that were applied or quarantined, whether or not their bodies are still kept."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    journals, seqs = zip(*keys, strict=True)
    found = connection.execute(
        """
        WITH wanted AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS row (journal, seq))
        SELECT journal, seq, hash FROM wanted JOIN events USING (journal, seq)
        UNION ALL
        SELECT journal, seq, hash FROM wanted JOIN quarantine USING (journal, seq)
        UNION ALL
        SELECT journal, seq, substr(hashes, ((seq - first_seq) * 32 + 1)::integer, 32)
        FROM wanted JOIN event_digests USING (journal) WHERE seq BETWEEN first_seq AND last_seq
        """,
        (list(journals), list(seqs)),
    )
    return {(journal, seq): digest for journal, seq, digest in found}


def bodies(
    connection: Connection, agent: str, epoch: str, first_seq: int, last_seq: int, limit_bytes: int
) -> list[tuple[int, bytes]]:
    """The archived rows (seq, body) of an epoch of this agent, in their order; quarantined ones are among them.

    At least one if there is any; no more than ``limit_bytes`` of them together.
    """
    found = connection.execute(
        """
        WITH own AS (SELECT journal FROM epochs WHERE agent_id = %(agent)s AND epoch = %(epoch)s),
        kept AS (
            SELECT seq, body FROM events JOIN own USING (journal) WHERE seq BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT seq, body FROM quarantine JOIN own USING (journal) WHERE seq BETWEEN %(first)s AND %(last)s
        ),
        measured AS (
            SELECT seq, body, row_number() OVER by_seq AS number, sum(octet_length(body)) OVER by_seq AS size
            FROM kept WINDOW by_seq AS (ORDER BY seq)
        )
        SELECT seq, body FROM measured WHERE number = 1 OR size <= %(limit)s ORDER BY seq
        """,
        {"agent": agent, "epoch": epoch, "first": first_seq, "last": last_seq, "limit": limit_bytes},
    )
    return [(seq, bytes(body)) for seq, body in found]


def archive(connection: Connection, events: Sequence[Archived], quarantined: Sequence[Quarantined]) -> None:
    """Keep the bytes of events."""
    if events:
        load(
            connection,
            _EVENTS,
            (
                (
                    event.site,
                    event.journal,
                    event.seq,
                    event.hash,
                    event.kind,
                    text_of(event.event_time),
                    text_of(event.received_at),
                    event.body,
                    event.repeats,
                )
                for event in events
            ),
        )
    if quarantined:
        load(connection, _QUARANTINE, map(msgspec.structs.astuple, quarantined))


def advance(connection: Connection, advances: Sequence[Advance], at: datetime) -> None:
    """Move cursors that are locked."""
    if not advances:
        return
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, advances), strict=True)]
    connection.execute(
        """
        UPDATE epochs SET next_seq = moved.next_seq, head_hash = moved.head_hash,
            applied = epochs.applied + moved.applied, quarantined = epochs.quarantined + moved.quarantined,
            repeated = epochs.repeated + moved.repeated, advanced_at = %s
        FROM unnest(%s::text[], %s::uuid[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS moved (agent_id, epoch, next_seq, head_hash, applied, quarantined, repeated)
        WHERE epochs.agent_id = moved.agent_id AND epochs.epoch = moved.epoch
        """,
        (at, *columns),
    )


def adopt(connection: Connection, agent: str, known: Lineage, opening_hash: bytes) -> None:
    """Take up an epoch that a central before this one had granted."""
    remember_branch(connection, agent, known.parent_epoch, known.parent_seq)
    connection.execute(
        """
        INSERT INTO epochs (agent_id, epoch, parent_epoch, parent_seq, parent_hash, opening_hash, cause, head_hash)
        VALUES (%s, %s, %s, %s, %s, %s, 'adopted', %s)
        ON CONFLICT DO NOTHING
        """,
        (
            agent,
            known.epoch,
            known.parent_epoch,
            known.parent_seq,
            known.parent_hash,
            opening_hash,
            opening_hash,
        ),
    )


def granted_before(connection: Connection, agent: str, request_id: str) -> EpochGranted | None:
    """The epoch that was granted to this request, if it came before."""
    row = connection.execute(
        """
        SELECT epoch::text, parent_epoch::text, parent_seq, parent_hash FROM epochs
        WHERE agent_id = %s AND request_id = %s
        """,
        (agent, request_id),
    ).fetchone()
    if row is None:
        return None
    return EpochGranted(
        request_id=request_id, epoch=row[0], parent_epoch=row[1] or "", parent_seq=row[2], parent_hash=row[3]
    )


def open_epoch(
    connection: Connection, agent: str, granted: EpochGranted, opening_hash: bytes, cause: str
) -> None:
    """Keep a granted epoch."""
    remember_branch(connection, agent, granted.parent_epoch, granted.parent_seq)
    connection.execute(
        """
        INSERT INTO epochs
            (agent_id, epoch, parent_epoch, parent_seq, parent_hash, opening_hash, request_id, cause, head_hash)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            agent, granted.epoch, granted.parent_epoch, granted.parent_seq, granted.parent_hash, opening_hash,
            granted.request_id, cause, opening_hash,
        ),
    )  # fmt: skip


def hold(connection: Connection, agent: str, topic: str, cause: str, frame: bytes, at: datetime) -> None:
    """Keep a message that cannot be read, once, and not more than :data:`HELD_LIMIT` of one agent."""
    connection.execute(
        """
        INSERT INTO held_messages (agent_id, topic, cause, frame, frame_hash, received_at)
        SELECT %(agent)s, %(topic)s, %(cause)s, %(frame)s, %(hash)s, %(at)s
        WHERE (SELECT count(*) FROM held_messages WHERE agent_id = %(agent)s) < %(limit)s
        ON CONFLICT DO NOTHING
        """,
        {
            "agent": agent, "topic": topic, "cause": cause, "frame": frame,
            "hash": hashlib.sha256(frame).digest(), "at": at, "limit": HELD_LIMIT,
        },
    )  # fmt: skip


def _epoch(row: TupleRow, first_child_seq: int | None) -> Epoch:
    agent, epoch, journal, opening_hash, next_seq, head_hash = row
    return Epoch(
        agent=agent,
        epoch=epoch,
        journal=journal,
        opening_hash=opening_hash,
        next_seq=next_seq,
        head_hash=head_hash,
        first_child_seq=first_child_seq,
    )


def _by_key(epochs: Iterable[Epoch]) -> dict[tuple[str, str], Epoch]:
    return {(epoch.agent, epoch.epoch): epoch for epoch in epochs}
