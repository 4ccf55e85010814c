"""Shifts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from central.database import Connection
from central.shifts.rules import Checked, Seal, Shift, Why

Key = tuple[str, str]
"""(site, shift id)"""
Place = tuple[str, int, int]
"""(site, journal, seq)"""


class Kept(msgspec.Struct, frozen=True):
    """A shift, and what came of it when it was last held against the books (None: it was not)."""

    shift: Shift
    checked: dict[str, Any] | None


_SHIFT = """
SELECT s.site_id, s.shift_id, s.agent_id, s.number, s.clerk, s.currency, s.float_minor, s.journal, s.first_seq, s.opened_at,
       s.closed_journal, s.last_seq, s.closed_at, s.business_day, s.seal, s.checked
  FROM shifts AS s
"""


def lock(connection: Connection, keys: Collection[Key]) -> dict[Key, Kept]:
    """Those of the shifts that are there, locked in the order of their keys."""
    if not keys:
        return {}
    sites, shifts = zip(*sorted(keys), strict=True)
    found = connection.execute(
        _SHIFT
        + """
        JOIN unnest(%s::text[], %s::text[]) AS wanted (site_id, shift_id) USING (site_id, shift_id)
        ORDER BY s.site_id, s.shift_id FOR UPDATE OF s
        """,
        (list(sites), list(shifts)),
    )
    return {kept.shift.key: kept for kept in map(_kept, found)}


def find(connection: Connection, site: str, shift_id: str) -> Kept | None:
    """One shift."""
    row = connection.execute(_SHIFT + "WHERE s.site_id = %s AND s.shift_id = %s", (site, shift_id)).fetchone()
    return None if row is None else _kept(row)


def containing(connection: Connection, places: Collection[Place]) -> set[Key]:
    """The closed shifts to which these events belong."""
    if not places:
        return set()
    sites, journals, seqs = zip(*sorted(places), strict=True)
    found = connection.execute(
        """
        SELECT DISTINCT s.site_id, s.shift_id
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS event (site_id, journal, seq)
        JOIN shifts AS s ON s.site_id = event.site_id AND s.closed_journal IS NOT NULL
         AND (s.closed_journal = event.journal AND event.seq < s.last_seq AND (s.journal <> event.journal OR event.seq > s.first_seq)
              OR s.journal = event.journal AND s.closed_journal <> event.journal AND event.seq > s.first_seq)
        """,
        (list(sites), list(journals), list(seqs)),
    )
    return {(site, shift) for site, shift in found}


def begun_before(connection: Connection, first_seqs: Mapping[tuple[str, int], int]) -> set[Key]:
    """Closed shifts that rows of these journals, from the given one on, may still belong to. As a rule none: a journal comes in order."""
    if not first_seqs:
        return set()
    places = sorted((site, journal, seq) for (site, journal), seq in first_seqs.items())
    sites, journals, seqs = zip(*places, strict=True)
    found = connection.execute(
        """
        WITH came AS (SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS row (site_id, journal, seq))
        SELECT s.site_id, s.shift_id FROM came JOIN shifts AS s
            ON s.site_id = came.site_id AND s.closed_journal = came.journal AND s.last_seq > came.seq
        UNION
        SELECT s.site_id, s.shift_id FROM came JOIN shifts AS s
            ON s.site_id = came.site_id AND s.journal = came.journal AND s.first_seq < came.seq
           AND s.closed_journal IS NOT NULL AND s.closed_journal <> s.journal
        """,
        (list(sites), list(journals), list(seqs)),
    )
    return {(site, shift) for site, shift in found}


def left_open(connection: Connection, agents: Collection[tuple[str, str]]) -> list[tuple[Shift, Shift]]:
    """Of these (site, agent) each open shift after which another one was opened, with that one: one at a time can be open.

    Those of which this was said before are left out, and it is noted that it has been said.
    """
    if not agents:
        return []
    sites, names = zip(*sorted(agents), strict=True)
    found = connection.execute(
        """
        SELECT s.site_id, s.shift_id, next.shift_id
        FROM unnest(%s::text[], %s::text[]) AS wanted (site_id, agent_id) JOIN shifts AS s USING (site_id, agent_id)
        CROSS JOIN LATERAL (
            SELECT shift_id FROM shifts AS later
            WHERE later.site_id = s.site_id AND later.agent_id = s.agent_id
              AND (later.opened_at, later.shift_id) > (s.opened_at, s.shift_id)
            ORDER BY opened_at, shift_id LIMIT 1
        ) AS next
        WHERE s.closed_at IS NULL AND s.checked IS NULL ORDER BY s.site_id, s.shift_id
        """,
        (list(sites), list(names)),
    ).fetchall()
    known = lock(connection, {(site, shift) for site, left, then in found for shift in (left, then)})
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE shifts SET checked = %s WHERE site_id = %s AND shift_id = %s",
            [
                (Jsonb({"differs": {"why": Why.NOT_CLOSED}, "differences": {}}), site, left)
                for site, left, _ in found
            ],
        )
    return [(known[site, left].shift, known[site, then].shift) for site, left, then in found]


def last_end_before(connection: Connection, site: str, journal: int, seq: int) -> int:
    """Where in a journal the last shift ended before a row; 0 if none did."""
    row = connection.execute(
        "SELECT max(last_seq) FROM shifts WHERE site_id = %s AND closed_journal = %s AND last_seq < %s",
        (site, journal, seq),
    ).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def write(connection: Connection, shifts: Iterable[Shift]) -> None:
    """Add shifts, or bring them up to date, in the order of their keys."""
    rows = [
        {
            **{name: getattr(one, name) for name in one.__struct_fields__ if name != "seal"},
            "seal": None if one.seal is None else Jsonb(msgspec.to_builtins(one.seal)),
        }
        for one in sorted(shifts, key=lambda shift: shift.key)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO shifts (site_id, shift_id, agent_id, number, clerk, currency, float_minor, journal, first_seq, opened_at,
                    closed_journal, last_seq, closed_at, business_day, seal)
                VALUES (%(site)s, %(shift_id)s, %(agent)s, %(number)s, %(clerk)s, %(currency)s, %(float_minor)s, %(journal)s,
                    %(first_seq)s, %(opened_at)s, %(closed_journal)s, %(last_seq)s, %(closed_at)s, %(business_day)s, %(seal)s)
                ON CONFLICT (site_id, shift_id) DO UPDATE SET
                    clerk = EXCLUDED.clerk, float_minor = EXCLUDED.float_minor, journal = EXCLUDED.journal,
                    first_seq = EXCLUDED.first_seq, opened_at = EXCLUDED.opened_at, closed_journal = EXCLUDED.closed_journal,
                    last_seq = EXCLUDED.last_seq, closed_at = EXCLUDED.closed_at, business_day = EXCLUDED.business_day,
                    seal = EXCLUDED.seal
                """,
                rows,
            )


def write_checked(connection: Connection, checked: Sequence[tuple[Shift, Checked]]) -> None:
    """Keep what came of holding closed shifts against the books."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE shifts SET checked = %s WHERE site_id = %s AND shift_id = %s",
            [(Jsonb(outcome_of(found)), *shift.key) for shift, found in checked],
        )
        cursor.executemany(
            """
            INSERT INTO shift_counts (site_id, shift_id, method, counted_minor, till_minor, booked_minor) VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (site_id, shift_id, method) DO UPDATE SET
                counted_minor = EXCLUDED.counted_minor, till_minor = EXCLUDED.till_minor, booked_minor = EXCLUDED.booked_minor
            """,
            [
                (
                    *shift.key,
                    method,
                    seal.counted.get(method),
                    seal.expected.get(method),
                    found.booked.get(method, 0),
                )
                for shift, found in checked
                if (seal := shift.seal) is not None
                for method in sorted({*seal.counted, *seal.expected, *found.booked})
            ],
        )


def outcome_of(checked: Checked) -> dict[str, Any]:
    """What is kept of a check: the next one raises only what has changed."""
    return {"differs": msgspec.to_builtins(checked.differs), "differences": checked.differences}


def _kept(row: tuple[Any, ...]) -> Kept:
    (
        site, shift_id, agent, number, clerk, currency, float_minor, journal, first_seq, opened_at, closed_journal, last_seq,
        closed_at, business_day, seal, checked,
    ) = row  # fmt: skip
    return Kept(
        Shift(
            site=site,
            shift_id=shift_id,
            agent=agent,
            number=number,
            clerk=clerk,
            currency=currency,
            float_minor=float_minor,
            journal=journal,
            first_seq=first_seq,
            opened_at=opened_at,
            closed_journal=closed_journal,
            last_seq=last_seq,
            closed_at=closed_at,
            business_day=business_day,
            seal=None if seal is None else msgspec.convert(seal, Seal),
        ),
        checked,
    )
