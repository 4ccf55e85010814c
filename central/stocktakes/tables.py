"""The rows of stocktakes: read, written, locked. No rule stands here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.actors import By
from central.database import Connection
from central.stocktakes.documents import OPEN, Limits, Line, LineState, Stocktake, StocktakeState

_STOCKTAKE = """
SELECT site_id AS site, stocktake_id, name, blind, is_from_counter, gtins, departments, state, round, recount_limit_quantity,
       recount_limit_minor, started_at, started_by, ended_at, ended_by, reason
  FROM stocktakes
"""
_LINE = """
SELECT gtin, round, counted, counted_at, expected, value_minor, uncertain, is_unnamed, asked, state, reason,
       missing_items AS missing, surplus_items AS surplus
  FROM stocktake_lines WHERE site_id = %s AND stocktake_id = %s
"""


def find(connection: Connection, site: str, stocktake_id: str) -> Stocktake | None:
    """A stocktake of ``site``, None if there is none that this transaction may see."""
    return _read(connection, _STOCKTAKE + "WHERE site_id = %s AND stocktake_id = %s", site, stocktake_id)


def lock(connection: Connection, site: str, stocktake_id: str) -> Stocktake | None:
    """The same, locked until the end of the transaction: whoever changes a stocktake takes this first."""
    return _read(
        connection, _STOCKTAKE + "WHERE site_id = %s AND stocktake_id = %s FOR UPDATE", site, stocktake_id
    )


def _read(connection: Connection, query: str, site: str, stocktake_id: str) -> Stocktake | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query, (site, stocktake_id)).fetchone()
    return None if row is None else _stocktake(row)


def page(
    connection: Connection,
    *,
    site: str | None,
    state: str | None,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Stocktake]:
    """Stocktakes, the newest first, after the place ``after`` (started_at, site, stocktake_id) in that order."""
    at, after_site, after_id = after or (None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _STOCKTAKE
            + """
            WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(state)s::text IS NULL OR state = %(state)s)
              AND (%(at)s::timestamptz IS NULL
                   OR (started_at, site_id, stocktake_id) < (%(at)s, %(after_site)s, %(after_id)s))
            ORDER BY started_at DESC, site_id DESC, stocktake_id DESC LIMIT %(limit)s
            """,
            {
                "site": site,
                "state": state,
                "at": at,
                "after_site": after_site,
                "after_id": after_id,
                "limit": limit,
            },
        ).fetchall()
    return [_stocktake(row) for row in rows]


def open_at(connection: Connection, sites: Collection[str]) -> list[Stocktake]:
    """The stocktakes of these sites that have not ended, in the order of their keys."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _STOCKTAKE
            + """
            WHERE site_id = ANY (%s) AND state IN ('counting', 'recounting', 'proposed') ORDER BY site_id, stocktake_id
            """,
            (sorted(sites),),
        ).fetchall()
    return [_stocktake(row) for row in rows]


def insert(connection: Connection, stocktake: Stocktake) -> bool:
    """Keep a new stocktake. False if there is one under its key: nothing was written."""
    written = connection.execute(
        """
        INSERT INTO stocktakes (site_id, stocktake_id, name, blind, is_from_counter, gtins, departments, state, round,
                                recount_limit_quantity, recount_limit_minor, started_at, started_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (site_id, stocktake_id) DO NOTHING
        """,
        (
            stocktake.site, stocktake.stocktake_id, stocktake.name, stocktake.blind, stocktake.is_from_counter,
            list(stocktake.gtins), list(stocktake.departments), stocktake.state, stocktake.round,
            stocktake.limits.quantity, stocktake.limits.value_minor, stocktake.started_at, stocktake.started_by,
        ),
    )  # fmt: skip
    return written.rowcount == 1


def update(connection: Connection, stocktake: Stocktake) -> None:
    """Write where a (locked) stocktake is, and how it ended."""
    connection.execute(
        """
        UPDATE stocktakes SET state = %s, round = %s, ended_at = %s, ended_by = %s, reason = %s
         WHERE site_id = %s AND stocktake_id = %s
        """,
        (
            stocktake.state, stocktake.round, stocktake.ended_at, stocktake.ended_by, stocktake.reason, stocktake.site,
            stocktake.stocktake_id,
        ),
    )  # fmt: skip


def lines(
    connection: Connection, stocktake: Stocktake, gtins: Collection[str] | None = None
) -> dict[str, Line]:
    """The lines of a stocktake by product; of these products alone where they are given."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _LINE + "AND (%s::bpchar[] IS NULL OR gtin = ANY (%s::bpchar[])) ORDER BY gtin",
            (
                stocktake.site,
                stocktake.stocktake_id,
                None if gtins is None else sorted(gtins),
                sorted(gtins or ()),
            ),
        ).fetchall()
    return {row["gtin"]: _line(row) for row in rows}


def page_of_lines(
    connection: Connection,
    stocktake: Stocktake,
    *,
    state: LineState | None,
    after: tuple[bool, bool, int, str] | None,
    limit: int,
) -> list[Line]:
    """Lines as a person looks at them (:func:`central.stocktakes.rules.order_of`), after that place."""
    unnamed, agrees, value, gtin = after or (None, None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _LINE
            + """
            AND (%s::text IS NULL OR state = %s)
            AND (%s::text IS NULL OR (NOT is_unnamed, variance = 0,
                 -coalesce(nullif(abs(value_minor), 0), trunc(abs(variance)))::bigint, gtin) > (%s, %s, %s, %s::bpchar))
            ORDER BY NOT is_unnamed, variance = 0, -coalesce(nullif(abs(value_minor), 0), trunc(abs(variance)))::bigint, gtin
            LIMIT %s
            """,
            (
                stocktake.site, stocktake.stocktake_id, state, state, gtin, unnamed, agrees, value, gtin, limit,
            ),
        ).fetchall()  # fmt: skip
    return [_line(row) for row in rows]


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """A stocktake in figures: lines by state, products that nobody counted, and the values of what is missing and too much."""

    lines: dict[str, int]
    unnamed: int
    missing_minor: int
    surplus_minor: int
    counts: int
    areas: int
    counted_by: tuple[str, ...]


def sums(connection: Connection, stocktake: Stocktake) -> Sums:
    """What a stocktake comes to."""
    key = (stocktake.site, stocktake.stocktake_id)
    found = connection.execute(
        """
        SELECT state, count(*), count(*) FILTER (WHERE is_unnamed),
               coalesce(-sum(value_minor) FILTER (WHERE value_minor < 0), 0)::bigint,
               coalesce(sum(value_minor) FILTER (WHERE value_minor > 0), 0)::bigint
          FROM stocktake_lines WHERE site_id = %s AND stocktake_id = %s GROUP BY state ORDER BY state
        """,
        key,
    ).fetchall()
    counted = connection.execute(
        """
        SELECT count(DISTINCT (journal, seq)), count(DISTINCT area), coalesce(array_agg(DISTINCT clerk) FILTER (WHERE clerk IS NOT NULL), '{}')
          FROM stocktake_counts WHERE site_id = %s AND stocktake_id = %s
        """,
        key,
    ).fetchone()
    assert counted is not None
    return Sums(
        lines={state: number for state, number, *_ in found},
        unnamed=sum(row[2] for row in found),
        missing_minor=sum(row[3] for row in found),
        surplus_minor=sum(row[4] for row in found),
        counts=counted[0],
        areas=counted[1],
        counted_by=tuple(counted[2]),
    )


def write_lines(connection: Connection, stocktake: Stocktake, changed: Iterable[Line]) -> None:
    """Write lines, new ones and those that are there. Whoever does so holds the balances of their products."""
    rows: Sequence[Line] = sorted(changed, key=lambda line: line.gtin)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO stocktake_lines (site_id, stocktake_id, gtin, round, counted, counted_at, expected, variance, value_minor,
                                         uncertain, is_unnamed, asked, state, reason, missing_items, surplus_items)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (site_id, stocktake_id, gtin) DO UPDATE
               SET round = excluded.round, counted = excluded.counted, counted_at = excluded.counted_at,
                   expected = excluded.expected, variance = excluded.variance, value_minor = excluded.value_minor,
                   uncertain = excluded.uncertain, is_unnamed = excluded.is_unnamed, asked = excluded.asked,
                   state = excluded.state, reason = excluded.reason, missing_items = excluded.missing_items,
                   surplus_items = excluded.surplus_items
            """,
            [
                (
                    stocktake.site, stocktake.stocktake_id, line.gtin, line.round, line.counted, line.counted_at, line.expected,
                    line.variance, line.value_minor, line.uncertain, line.is_unnamed, list(line.asked), line.state, line.reason,
                    list(line.missing), list(line.surplus),
                )
                for line in rows
            ],
        )  # fmt: skip


def drop_lines(connection: Connection, stocktake: Stocktake, gtins: Collection[str]) -> None:
    """Take lines away: of products that a count named which another one of its area has replaced."""
    connection.execute(
        "DELETE FROM stocktake_lines WHERE site_id = %s AND stocktake_id = %s AND gtin = ANY (%s::bpchar[])",
        (stocktake.site, stocktake.stocktake_id, sorted(gtins)),
    )


def note(
    connection: Connection,
    before: Stocktake | None,
    after: Stocktake,
    by: By,
    action: str,
    gtins: Iterable[str] = (),
) -> None:
    """Write down who did what to a stocktake, when and why."""
    connection.execute(
        """
        INSERT INTO stocktake_audit (site_id, stocktake_id, at, actor, action, from_state, to_state, reason, gtins)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            after.site, after.stocktake_id, by.at, by.actor, action, None if before is None else before.state, after.state,
            by.reason, sorted(gtins),
        ),
    )  # fmt: skip


def history(connection: Connection, site: str, stocktake_id: str) -> list[dict[str, Any]]:
    """Everything that was done to a stocktake, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT at, actor, action, from_state, to_state, reason, gtins FROM stocktake_audit
             WHERE site_id = %s AND stocktake_id = %s ORDER BY audit_id
            """,
            (site, stocktake_id),
        ).fetchall()


def _stocktake(row: dict[str, Any]) -> Stocktake:
    limits = Limits(quantity=row.pop("recount_limit_quantity"), value_minor=row.pop("recount_limit_minor"))
    state = StocktakeState(row.pop("state"))
    gtins, departments = tuple(row.pop("gtins")), tuple(row.pop("departments"))
    return Stocktake(**row, state=state, limits=limits, gtins=gtins, departments=departments)


def _line(row: dict[str, Any]) -> Line:
    many = {name: tuple(row[name]) for name in ("asked", "missing", "surplus")}
    return Line(**{**row, **many, "state": LineState(row["state"])})


assert set(OPEN) == {"counting", "recounting", "proposed"}, "the states in the query of open_at"
