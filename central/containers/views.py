"""A container as people and programs see it: what is in it at all levels, where it is, what was done to it."""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.containers import storage
from central.containers.stowage import Container, Stowage
from central.database import Connection
from protocol.aggregation import LEVELS

TRACE_LIMIT = 1000


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A container with the containers in it."""

    container: Container
    items: tuple[str, ...]
    containers: tuple[View, ...]
    items_at_all_levels: int


def view(connection: Connection, sscc: str) -> View | None:
    """A container with everything in it that this transaction may see; None if there is none."""
    stowage = storage.read(connection, [sscc])
    return _view(stowage, sscc, LEVELS + 1) if sscc in stowage.containers else None


def _view(stowage: Stowage, sscc: str, depth: int) -> View:
    items, inner = stowage.directly_in(sscc)
    containers = tuple(_view(stowage, one, depth - 1) for one in inner) if depth else ()
    return View(
        container=stowage.containers[sscc],
        items=items,
        containers=containers,
        items_at_all_levels=len(items) + sum(one.items_at_all_levels for one in containers),
    )


def trace(connection: Connection, sscc: str) -> list[dict[str, Any]]:
    """What was done to a container, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT action, items, containers, lines, note, site_id AS site, journal, seq, document, event_time, recorded_at
              FROM container_trace WHERE sscc = %s ORDER BY trace_id LIMIT %s
            """,
            (sscc, TRACE_LIMIT),
        ).fetchall()
