"""Containers in PostgreSQL: read with all that they hold, locked against others who pack, written back as a set.

Whoever changes what is in a container locks it and everything around it, outermost included. So whoever has locked a pallet sees no
case of it change, without locking them all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from central.containers.feed import as_kept
from central.containers.stowage import Container, Handled, Received, Stowage
from central.database import Connection
from central.database.bulk import Bulk, load

_AROUND = """
WITH RECURSIVE around (sscc, parent) AS (
    SELECT sscc, parent FROM containers WHERE sscc = ANY (%(named)s)
    UNION
    SELECT c.sscc, c.parent FROM containers c JOIN around ON c.sscc = around.parent
)
SELECT sscc FROM around ORDER BY sscc
"""

_INSIDE = """
WITH RECURSIVE inside (sscc) AS (
    SELECT sscc FROM containers WHERE sscc = ANY (%(named)s)
    UNION
    SELECT c.sscc FROM containers c JOIN inside ON c.parent = inside.sscc
)
SELECT sscc, site_id, packed_at, parent, lines, from_site_id, despatch_id FROM containers
 WHERE sscc IN (SELECT sscc FROM inside) OR sscc = ANY (%(around)s)
"""

_TRACE = Bulk(
    "container_trace",
    """
    COPY container_trace (sscc, action, items, containers, lines, note, site_id, journal, seq, document, event_time, recorded_at)
    FROM STDIN
    """,
    """
    INSERT INTO container_trace
        (sscc, action, items, containers, lines, note, site_id, journal, seq, document, event_time, recorded_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)


def read(
    connection: Connection, ssccs: Collection[str], items: Collection[str] = (), *, lock: bool = False
) -> Stowage:
    """These containers with everything in and around them, and where ``items`` lie. ``lock``: until the end of the transaction."""
    named = sorted(set(ssccs))
    packed: dict[str, str] = {}
    gtins: dict[str, str] = {}
    if items:
        found = connection.execute(
            "SELECT item, gtin, container FROM items WHERE item = ANY (%s)", (sorted(set(items)),)
        ).fetchall()
        for item, gtin, container in found:
            gtins[item] = gtin
            if container is not None:
                packed[item] = container
    around = _lock_around(connection, {*named, *packed.values()}) if lock else []
    rows = connection.execute(_INSIDE, {"named": named, "around": around}).fetchall()
    containers = [_container(row) for row in rows]
    inside = connection.execute(
        "SELECT item, gtin, container FROM items WHERE container = ANY (%s)",
        ([one.sscc for one in containers],),
    ).fetchall()
    return Stowage(
        containers,
        {**packed, **{item: container for item, _, container in inside}},
        {**gtins, **{item: gtin for item, gtin, _ in inside}},
    )


def _lock_around(connection: Connection, named: Collection[str]) -> list[str]:
    """Lock containers and what lies around them, in the order of their codes; again where somebody moved them meanwhile.

    One that is not there yet has no row to lock: its name is, so that of two who pack into it first one waits.
    """
    missing = sorted(set(named) - set(_around(connection, named)))
    if missing:
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('container ' || sscc, 0)) FROM unnest(%s::text[]) AS sscc",
            (missing,),
        )
    locked: list[str] = []
    while not set(found := _around(connection, named)) <= set(locked):
        connection.execute("SELECT FROM containers WHERE sscc = ANY (%s) ORDER BY sscc FOR UPDATE", (found,))
        locked = found
    return locked


def _around(connection: Connection, named: Collection[str]) -> list[str]:
    return [sscc for (sscc,) in connection.execute(_AROUND, {"named": sorted(named)}).fetchall()]


def _container(row: tuple[Any, ...]) -> Container:
    sscc, site, packed_at, parent, lines, from_site, despatch = row
    return Container(
        sscc=sscc,
        site=site,
        packed_at=packed_at,
        parent=parent,
        lines={gtin: Decimal(quantity) for gtin, quantity in lines.items()},
        from_site=from_site,
        despatch=despatch,
    )


def received(connection: Connection, ssccs: Collection[str]) -> list[Received]:
    """These containers as sites have taken them in, with what was in them then."""
    if not ssccs:
        return []
    found = connection.execute(
        """
        SELECT sscc, site_id, event_time, items, lines FROM container_trace WHERE sscc = ANY (%s) AND action = 'receive'
         ORDER BY sscc, trace_id
        """,
        (sorted(ssccs),),
    )
    return [
        Received(
            sscc=sscc,
            site=site,
            event_time=event_time,
            items=tuple(items),
            lines={gtin: Decimal(quantity) for gtin, quantity in lines.items()},
        )
        for sscc, site, event_time, items, lines in found
    ]


def write(connection: Connection, stowage: Stowage, handled: Sequence[Handled], at: datetime) -> None:
    """Write back what has changed, and append to the traces. Where items lie is written with their lives."""
    rows = [stowage.containers[sscc] for sscc in sorted(stowage.changed)]
    if rows:
        connection.execute(
            """
            INSERT INTO containers (sscc, site_id, parent, lines, from_site_id, despatch_id, packed_at, updated_at)
            SELECT *, %s FROM unnest(
                %s::text[], %s::text[], %s::text[], %s::text[]::jsonb[], %s::text[], %s::text[], %s::timestamptz[])
            ON CONFLICT (sscc) DO UPDATE SET
                site_id = EXCLUDED.site_id, parent = EXCLUDED.parent, lines = EXCLUDED.lines,
                from_site_id = EXCLUDED.from_site_id, despatch_id = EXCLUDED.despatch_id, updated_at = EXCLUDED.updated_at
            """,
            (
                at,
                [one.sscc for one in rows],
                [one.site for one in rows],
                [one.parent for one in rows],
                [as_kept(dict(one.lines)) for one in rows],
                [one.from_site for one in rows],
                [one.despatch for one in rows],
                [one.packed_at for one in rows],
            ),
        )
    if handled:
        load(connection, _TRACE, [_traced(one) for one in handled])


def _traced(one: Handled) -> tuple[Any, ...]:
    return (
        one.sscc,
        one.action,
        list(one.items),
        list(one.containers),
        as_kept(one.lines),
        one.note,
        one.site,
        one.journal,
        one.seq,
        one.document,
        one.event_time,
        one.recorded_at,
    )
