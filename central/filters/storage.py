"""Sets and their layers in PostgreSQL. Every change of a set is one statement, however many items it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import class_row, dict_row

from central.database import Connection
from central.filters.rules import STATES
from protocol.filters import FilterKind

_BUILD_LOCK = 0x434F5546  # any number that only we use: 'COUF'
_FETCH_ROWS = 10_000
NEW = -1
"""The layer of a member that is not in the bits of any yet."""


class Horizon(msgspec.Struct, frozen=True):
    """Every transaction older than ``horizon`` has ended. Of the ``cluster`` that gave the transaction its number."""

    cluster: int
    horizon: str


class Layer(msgspec.Struct, frozen=True):
    """A layer as it was built; ``gone`` items have left it since."""

    layer: int
    items: int
    as_of_us: int
    digests: bytes
    key_id: str
    gone: int


def lock(connection: Connection, *, wait: bool) -> bool:
    """Be the only one that builds, until the end of the transaction; False where another process is at it."""
    if wait:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_BUILD_LOCK,))
        return True
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_BUILD_LOCK,)).fetchone()
    return row is not None and bool(row[0])


def horizon_now(connection: Connection) -> Horizon:
    """Where a build that looks at the set after this has to go on the next time.

    A snapshot's xmin is the oldest transaction that is under way: all before it have ended, and their rows are seen by whoever
    looks now. What is under way or begins later has a number at least as high, so the next build meets it, whenever it commits.
    Some steps are met twice, which changes nothing: what counts is the state in which their item is when it is looked at.
    """
    row = connection.execute(
        "SELECT system_identifier, pg_snapshot_xmin(pg_current_snapshot())::text FROM pg_control_system()"
    ).fetchone()
    assert row is not None
    return Horizon(int(row[0]), row[1])


def built_until(connection: Connection, kind: FilterKind) -> Horizon | None:
    """Where the last build of a set says to go on; None before the first."""
    row = connection.execute(
        "SELECT cluster, horizon::text FROM filter_sets WHERE kind = %s", (kind,)
    ).fetchone()
    return None if row is None else Horizon(int(row[0]), row[1])


def note_built(connection: Connection, kind: FilterKind, until: Horizon, at: datetime) -> None:
    """A build has seen everything before ``until``."""
    connection.execute(
        """
        INSERT INTO filter_sets (kind, cluster, horizon, built_at) VALUES (%s, %s, %s::xid8, %s)
        ON CONFLICT (kind) DO UPDATE
        SET cluster = EXCLUDED.cluster, horizon = EXCLUDED.horizon, built_at = EXCLUDED.built_at
        """,
        (kind, until.cluster, until.horizon, at),
    )


def is_due(connection: Connection, kind: FilterKind, built_before: datetime) -> bool:
    """Whether the last build of a set is older than that."""
    row = connection.execute(
        "SELECT built_at > %s FROM filter_sets WHERE kind = %s", (built_before, kind)
    ).fetchone()
    return row is None or not row[0]


def awaited(connection: Connection, kind: FilterKind) -> bool:
    """Whether an item has come into a set since its last build, or the set was never built."""
    until = built_until(connection, kind)
    if until is None:
        return True
    row = connection.execute(
        """
        SELECT EXISTS (
            SELECT FROM filter_changes JOIN items USING (item)
            WHERE written_by >= %(horizon)s::xid8 AND state = ANY (%(states)s)
              AND NOT EXISTS (SELECT FROM filter_members AS m WHERE m.item = items.item AND m.kind = %(kind)s))
        """,
        _about(kind, until),
    ).fetchone()
    return row is not None and bool(row[0])


# The members ------------------------------------------------------------------------------------------------------------


def take_in_changed(connection: Connection, kind: FilterKind, since: Horizon) -> int:
    """Make members of the items that have come into a set; how many."""
    return connection.execute(
        """
        INSERT INTO filter_members (item, kind, layer, since)
        SELECT item, %(kind)s, %(new)s, coalesce(sold_at, updated_at)
        FROM items JOIN (SELECT DISTINCT item FROM filter_changes WHERE written_by >= %(horizon)s::xid8) AS changed USING (item)
        WHERE state = ANY (%(states)s)
        ON CONFLICT (item, kind) DO NOTHING
        """,
        _about(kind, since),
    ).rowcount


def let_go_changed(connection: Connection, kind: FilterKind, since: Horizon) -> int:
    """Take away the members that have left a set, and note them as gone from their layers; how many."""
    return connection.execute(
        """
        WITH gone AS (
            DELETE FROM filter_members AS m
            WHERE m.kind = %(kind)s AND m.item IN (SELECT item FROM filter_changes WHERE written_by >= %(horizon)s::xid8)
              AND NOT EXISTS (SELECT FROM items WHERE items.item = m.item AND state = ANY (%(states)s))
            RETURNING m.item, m.layer
        )
        INSERT INTO filter_gone (kind, layer, position, item)
        SELECT %(kind)s, layer,
            (SELECT count(*) FROM filter_gone AS before WHERE before.kind = %(kind)s AND before.layer = gone.layer)
                + row_number() OVER (PARTITION BY layer ORDER BY item) - 1,
            item
        FROM gone
        """,
        _about(kind, since),
    ).rowcount


def count_all(connection: Connection, kind: FilterKind, limit_items: int) -> int:
    """How many items the books say are in a set, up to a limit."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT FROM items WHERE state = ANY (%s) LIMIT %s) AS found",
        (list(STATES[kind]), limit_items),
    ).fetchone()
    assert row is not None
    return int(row[0])


def take_in_all(connection: Connection, kind: FilterKind, limit_items: int, layer: int) -> int:
    """Make the members of a set anew from the books, all of them in one layer; how many there are."""
    about = {"kind": kind, "states": list(STATES[kind]), "layer": layer, "limit": limit_items}
    connection.execute("DELETE FROM filter_members WHERE kind = %(kind)s", about)
    connection.execute("DELETE FROM filter_gone WHERE kind = %(kind)s", about)
    return connection.execute(
        """
        INSERT INTO filter_members (item, kind, layer, since)
        SELECT item, %(kind)s, %(layer)s, coalesce(sold_at, updated_at) FROM items
        WHERE state = ANY (%(states)s)
        ORDER BY coalesce(sold_at, updated_at) DESC, item LIMIT %(limit)s
        """,
        about,
    ).rowcount


def keep_newest(connection: Connection, kind: FilterKind, keep: int) -> int:
    """Let all but the newest ``keep`` members go; how many went. Their layers must be built anew."""
    return connection.execute(
        """
        DELETE FROM filter_members
        WHERE kind = %(kind)s AND item IN (
            SELECT item FROM filter_members WHERE kind = %(kind)s ORDER BY since DESC, item OFFSET %(keep)s)
        """,
        {"kind": kind, "keep": keep},
    ).rowcount


def melt(connection: Connection, kind: FilterKind, layers: Sequence[int], into: int) -> None:
    """Make ``layers``, and what is new, a part of the layer ``into``, from which nothing is gone then."""
    about = {"kind": kind, "layers": [*layers, NEW], "into": into}
    connection.execute(
        "UPDATE filter_members SET layer = %(into)s WHERE kind = %(kind)s AND layer = ANY (%(layers)s)", about
    )
    connection.execute(
        "DELETE FROM filter_gone WHERE kind = %(kind)s AND (layer = ANY (%(layers)s) OR layer = %(into)s)",
        about,
    )
    connection.execute("DELETE FROM filter_layers WHERE kind = %(kind)s AND layer = ANY (%(layers)s)", about)


def count(connection: Connection, kind: FilterKind, layer: int) -> int:
    """How many members a layer has."""
    row = connection.execute(
        "SELECT count(*) FROM filter_members WHERE kind = %s AND layer = %s", (kind, layer)
    ).fetchone()
    assert row is not None
    return int(row[0])


def members(connection: Connection, kind: FilterKind, layer: int) -> Iterator[list[str]]:
    """The members of a layer, some thousand at a time."""
    with connection.cursor("filter_members") as cursor:
        cursor.execute("SELECT item FROM filter_members WHERE kind = %s AND layer = %s", (kind, layer))
        while rows := cursor.fetchmany(_FETCH_ROWS):
            yield [item for (item,) in rows]


# The layers -------------------------------------------------------------------------------------------------------------


def layers(connection: Connection, kind: FilterKind) -> dict[int, Layer]:
    """The layers of a set as they stand."""
    with connection.cursor(row_factory=class_row(Layer)) as cursor:
        cursor.execute(
            """
            SELECT layer, items, as_of_us, digests, key_id,
                (SELECT count(*) FROM filter_gone AS g WHERE g.kind = l.kind AND g.layer = l.layer) AS gone
            FROM filter_layers AS l WHERE kind = %s
            """,
            (kind,),
        )
        return {layer.layer: layer for layer in cursor}


def note_layer(connection: Connection, kind: FilterKind, layer: Layer) -> None:
    """A layer was built, or its header was signed by another key."""
    connection.execute(
        """
        INSERT INTO filter_layers (kind, layer, items, as_of_us, digests, key_id) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (kind, layer) DO UPDATE SET items = EXCLUDED.items, as_of_us = EXCLUDED.as_of_us,
            digests = EXCLUDED.digests, key_id = EXCLUDED.key_id
        """,
        (kind, layer.layer, layer.items, layer.as_of_us, layer.digests, layer.key_id),
    )


def forget_layer(connection: Connection, kind: FilterKind, layer: int) -> None:
    """A layer has no items any more."""
    connection.execute("DELETE FROM filter_layers WHERE kind = %s AND layer = %s", (kind, layer))


def gone(connection: Connection, kind: FilterKind, layer: int, first: int) -> list[str]:
    """What has left a layer, from position ``first`` on."""
    found = connection.execute(
        "SELECT item FROM filter_gone WHERE kind = %s AND layer = %s AND position >= %s ORDER BY position",
        (kind, layer, first),
    )
    return [item for (item,) in found]


def published(connection: Connection, kind: FilterKind, layer: int) -> set[str]:
    """The keys of the rows that a layer has in the feed."""
    found = connection.execute(
        """
        SELECT key FROM feed_rows
        WHERE feed = 'filters' AND scope = '' AND body IS NOT NULL
          AND split_part(key, '/', 2) = %s AND split_part(key, '/', 3) = %s::text
        """,
        (kind, layer),
    )
    return {key for (key,) in found}


def status_of(connection: Connection) -> list[dict[str, Any]]:
    """Of each set that was built: its items, its layers and parts, what has gone from them, its bytes in the feed."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT kind, built_at,
                (SELECT count(*) FROM filter_members AS m WHERE m.kind = s.kind) AS items,
                (SELECT count(*) FROM filter_layers AS l WHERE l.kind = s.kind) AS layers,
                (SELECT count(*) FROM filter_gone AS g WHERE g.kind = s.kind) AS gone,
                parts, bytes
            FROM filter_sets AS s CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE starts_with(key, 'part/')) AS parts, coalesce(sum(length(body)), 0)::bigint AS bytes
                FROM feed_rows
                WHERE feed = 'filters' AND scope = '' AND body IS NOT NULL AND split_part(key, '/', 2) = s.kind) AS published
            ORDER BY kind
            """
        ).fetchall()


def _about(kind: FilterKind, since: Horizon) -> dict[str, Any]:
    return {"kind": kind, "states": list(STATES[kind]), "new": NEW, "horizon": since.horizon}
