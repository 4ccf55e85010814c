"""What was counted, as it came, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection
from central.journals.facts import Fact
from central.stocktakes.counting import AreaCount, Counted
from central.stocktakes.documents import ZERO
from central.stocktakes.rules import counted_lines
from protocol.events import StockCounted


def area_count(fact: Fact) -> AreaCount:
    """A count with its moments, by the clock that central trusts."""
    body = fact.body
    assert isinstance(body, StockCounted)
    stated_us = fact.stated_us if fact.stated_us is not None else -1
    return AreaCount(
        area=body.area,
        round=body.round,
        event_time=fact.event_time,
        journal=fact.journal,
        seq=fact.seq,
        complete=body.complete,
        lines=counted_lines(body.lines, fact.event_time, stated_us),
    )


def keep(connection: Connection, facts: Sequence[Fact]) -> None:
    """Keep counts, a row a line. An area in which nothing was found has one row without a product."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO stocktake_counts (site_id, stocktake_id, journal, seq, line, count_id, area, round, complete, gtin, quantity,
                                          items, clerk, counted_at, event_time, recorded_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [row for fact in facts for row in _rows(fact)],
        )


def _rows(fact: Fact) -> list[tuple[Any, ...]]:
    body, count = fact.body, area_count(fact)
    assert isinstance(body, StockCounted)
    lines = [(line.gtin, line.quantity, list(line.items), line.at) for line in count.lines]
    return [
        (
            fact.site, body.stocktake_id, fact.journal, fact.seq, number, body.count_id, body.area, body.round, body.complete,
            gtin, quantity, items, body.clerk, at, fact.event_time, fact.recorded_at,
        )
        for number, (gtin, quantity, items, at) in enumerate(lines or [(None, ZERO, [], fact.event_time)])
    ]  # fmt: skip


def read(
    connection: Connection, site: str, stocktake_id: str, gtins: Collection[str] | None = None
) -> list[AreaCount]:
    """The counts of a stocktake; every one of them, with its lines of these products alone where they are given."""
    found = connection.execute(
        """
        SELECT journal, seq, area, round, complete, event_time,
               array_agg(gtin ORDER BY line) FILTER (WHERE wanted), array_agg(quantity ORDER BY line) FILTER (WHERE wanted),
               array_agg(array_to_string(items, E'\\x1f') ORDER BY line) FILTER (WHERE wanted),
               array_agg(counted_at ORDER BY line) FILTER (WHERE wanted)
          FROM (SELECT *, gtin IS NOT NULL AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[])) AS wanted
                  FROM stocktake_counts WHERE site_id = %(site)s AND stocktake_id = %(stocktake)s) AS counted
         GROUP BY journal, seq, area, round, complete, event_time ORDER BY journal, seq
        """,
        {"site": site, "stocktake": stocktake_id, "gtins": None if gtins is None else sorted(gtins)},
    ).fetchall()
    return [
        AreaCount(
            area=area,
            round=number,
            event_time=event_time,
            journal=journal,
            seq=seq,
            complete=complete,
            lines=tuple(
                Counted(
                    gtin=gtin, quantity=quantity, at=at, items=tuple(items.split("\x1f")) if items else ()
                )
                for gtin, quantity, items, at in zip(
                    named or (), quantities or (), codes or (), moments or (), strict=True
                )
            ),
        )
        for journal, seq, area, number, complete, event_time, named, quantities, codes, moments in found
    ]


def last_moment(connection: Connection, site: str, stocktake_id: str) -> datetime | None:
    """When the last piece of all was counted in the first round: what nobody has named was not there then. None: nothing was counted."""
    row = connection.execute(
        """
        SELECT max(counted_at) FROM stocktake_counts AS counted
         WHERE site_id = %(site)s AND stocktake_id = %(stocktake)s
           AND round = (SELECT min(round) FROM stocktake_counts WHERE site_id = %(site)s AND stocktake_id = %(stocktake)s)
        """,
        {"site": site, "stocktake": stocktake_id},
    ).fetchone()
    return None if row is None else row[0]


def named_in_areas(connection: Connection, site: str, stocktake_id: str, areas: Collection[str]) -> set[str]:
    """The products that any count of these areas has named: what a further count of them may change."""
    found = connection.execute(
        """
        SELECT DISTINCT gtin FROM stocktake_counts
         WHERE site_id = %s AND stocktake_id = %s AND area = ANY (%s) AND gtin IS NOT NULL
        """,
        (site, stocktake_id, sorted(areas)),
    )
    return {gtin for (gtin,) in found}


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """A count that names a product: the event behind it."""

    journal: int
    seq: int
    area: str
    round: int
    event_time: datetime
    quantity: Decimal
    clerk: str | None


def naming(
    connection: Connection, site: str, stocktake_id: str, gtins: Collection[str]
) -> dict[str, list[Naming]]:
    """The counts behind the figures of these products, the latest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            SELECT gtin, journal, seq, area, round, event_time, quantity, clerk FROM stocktake_counts
             WHERE site_id = %s AND stocktake_id = %s AND gtin = ANY (%s::bpchar[])
             ORDER BY gtin, round DESC, event_time DESC, journal DESC, seq DESC
            """,
            (site, stocktake_id, sorted(gtins)),
        ).fetchall()
    found: dict[str, list[Naming]] = {}
    for row in rows:
        found.setdefault(row.pop("gtin"), []).append(Naming(**row))
    return found
