"""Shifts as people read them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec
from psycopg.rows import dict_row

from central.database import Connection
from central.shifts.books import books_of, segments
from central.shifts.rules import Shift, as_the_till_says, booked
from central.shifts.seals import find

State = Literal["open", "left_open", "closed"]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """One method of payment at the end of a shift: what was counted, what the till expected, what central's books say, and what the count is
    off where that matters. None: not told, or the shift is open."""

    method: str
    counted_minor: int | None
    till_minor: int | None
    booked_minor: int
    difference_minor: int | None


class ShiftView(msgspec.Struct, frozen=True, kw_only=True):
    """A shift. ``agrees``: the seal of the till is what central has, and the drawer held what it should; None while it is open."""

    site: str
    shift: str
    number: str
    agent: str
    clerk: str | None
    closing_clerk: str | None
    state: State
    currency: str
    float_minor: int | None
    opened_at: datetime | None
    closed_at: datetime | None
    day: date
    agrees: bool | None
    differs: dict[str, Any] | None
    sales: int | None
    voids: int | None
    returns: int | None
    counts: tuple[Count, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt of the shift, a part of one, or cash that was moved: with the event behind it. Below zero is what went out."""

    kind: Literal["sale", "void", "return", "move"]
    journal: int
    seq: int
    event_time: datetime
    sale_id: str | None
    method: str
    currency: str
    amount_minor: int
    reason: str | None
    clerk: str | None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A discrepancy about the shift."""

    discrepancy_id: str
    discrepancy_class: str = msgspec.field(name="class")
    state: str
    cause: str | None
    likely_cause: str
    value_minor: int | None


class ShiftDetail(ShiftView, frozen=True, kw_only=True):
    """A shift with what central has of it: receipts by kind, money by method, what was moved, and the events themselves."""

    booked_sales: int
    booked_voids: int
    booked_returns: int
    booked_taken: dict[str, int]
    moved_minor: int
    quarantined: int
    discrepancies: tuple[Case, ...]
    documents: tuple[Document, ...]
    more_documents: bool


DOCUMENTS_SHOWN = 1000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which shifts are wanted; None: whichever."""

    site: str | None = None
    shift: str | None = None
    agent: str | None = None
    first: date | None = None
    last: date | None = None
    state: State | None = None


def page(
    connection: Connection, wanted: Wanted, *, after: tuple[date, str, str] | None = None, limit: int
) -> list[ShiftView]:
    """Shifts, the newest day first, after the place (day, site, shift) in that order."""
    day, at_site, at_shift = after or (None, None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            SELECT site_id AS site, shift_id AS shift, number, agent_id AS agent, clerk, seal ->> 'clerk' AS closing_clerk, currency,
                   CASE WHEN opened_at IS NULL THEN NULL ELSE float_minor END AS float_minor, opened_at, closed_at,
                   business_day AS day, seal, checked,
                   CASE WHEN closed_at IS NOT NULL THEN 'closed' WHEN checked IS NULL THEN 'open' ELSE 'left_open' END AS state,
                   ARRAY(SELECT jsonb_build_array(method, counted_minor, till_minor, booked_minor) FROM shift_counts
                         WHERE shift_counts.site_id = shifts.site_id AND shift_counts.shift_id = shifts.shift_id
                         ORDER BY method) AS counts
            FROM shifts
            WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(shift)s::text IS NULL OR shift_id = %(shift)s)
              AND (%(agent)s::text IS NULL OR agent_id = %(agent)s)
              AND (%(first)s::date IS NULL OR business_day >= %(first)s) AND (%(last)s::date IS NULL OR business_day <= %(last)s)
              AND (%(state)s::text IS NULL OR %(state)s =
                   CASE WHEN closed_at IS NOT NULL THEN 'closed' WHEN checked IS NULL THEN 'open' ELSE 'left_open' END)
              AND (%(day)s::date IS NULL OR (business_day, site_id, shift_id) < (%(day)s, %(at_site)s, %(at_shift)s))
            ORDER BY business_day DESC, site_id DESC, shift_id DESC LIMIT %(limit)s
            """,
            {
                **msgspec.structs.asdict(wanted),
                "day": day,
                "at_site": at_site,
                "at_shift": at_shift,
                "limit": limit,
            },
        ).fetchall()
    return [_view(row) for row in rows]


def _view(row: dict[str, Any]) -> ShiftView:
    seal, checked = row.pop("seal") or {}, row.pop("checked")
    is_closed = row["closed_at"] is not None
    differences = (checked or {}).get("differences", {})
    differs = (checked or {}).get("differs")
    counts = tuple(
        Count(
            method=method,
            counted_minor=counted,
            till_minor=till,
            booked_minor=amount,
            difference_minor=differences.get(method),
        )
        for method, counted, till, amount in row.pop("counts")
    )
    return ShiftView(
        **row,
        agrees=not differs and not differences if is_closed and checked is not None else None,
        differs=differs,
        sales=seal.get("sales"),
        voids=seal.get("voids"),
        returns=seal.get("returns"),
        counts=counts,
    )


def detail(connection: Connection, site: str, shift_id: str) -> ShiftDetail | None:
    """A shift with everything that central has of it; None if there is none of this id."""
    kept = find(connection, site, shift_id)
    if kept is None:
        return None
    shift = kept.shift
    (seen,) = page(connection, Wanted(site=site, shift=shift_id), limit=1)
    books = books_of(connection, [shift])[shift.key]
    documents = _documents(connection, shift)
    fields = {name: getattr(seen, name) for name in ShiftView.__struct_fields__}
    if not seen.counts:
        fields["counts"] = _counts_so_far(books.taken, booked(shift, books, books.taken))
    return ShiftDetail(
        **fields,
        booked_sales=books.sales,
        booked_voids=books.voids,
        booked_returns=books.returns,
        booked_taken=books.taken if shift.seal is None else as_the_till_says(shift.seal.taken, books.taken),
        moved_minor=books.moved_minor,
        quarantined=len(books.quarantined),
        discrepancies=_cases(connection, site, shift_id),
        documents=tuple(documents[:DOCUMENTS_SHOWN]),
        more_documents=len(documents) > DOCUMENTS_SHOWN,
    )


def _counts_so_far(taken: dict[str, int], should_be: dict[str, int]) -> tuple[Count, ...]:
    return tuple(
        Count(
            method=method,
            counted_minor=None,
            till_minor=None,
            booked_minor=should_be.get(method, taken.get(method, 0)),
            difference_minor=None,
        )
        for method in sorted({*taken, *should_be})
    )


def _cases(connection: Connection, site: str, shift_id: str) -> tuple[Case, ...]:
    found = connection.execute(
        """
        SELECT discrepancy_id::text, class, state, cause, likely_cause, value_minor FROM discrepancies
        WHERE site_id = %(site)s AND class IN ('shift_differs', 'cash_difference', 'payment_difference')
          AND (cause_key = %(shift)s OR starts_with(cause_key, %(shift)s || '/')) ORDER BY class, cause_key
        """,
        {"site": site, "shift": shift_id},
    )
    return tuple(
        Case(
            discrepancy_id=case,
            discrepancy_class=name,
            state=state,
            cause=cause,
            likely_cause=words,
            value_minor=value,
        )
        for case, name, state, cause, words, value in found
    )


def _documents(connection: Connection, shift: Shift) -> list[Document]:
    pieces = segments(connection, [shift])
    columns = [[getattr(one, name) for one in pieces] for name in ("journal", "after_seq", "before_seq")]
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            WITH piece AS (
                SELECT * FROM unnest(%(journals)s::bigint[], %(after)s::bigint[], %(before)s::bigint[]) AS piece (journal, after_seq, before_seq)
            )
            SELECT kind, p.journal, p.seq, event_time, sale_id, method, currency, amount_minor, NULL AS reason, NULL AS clerk, line
            FROM piece JOIN payments AS p ON p.site_id = %(site)s AND p.journal = piece.journal AND p.seq > after_seq
             AND (before_seq IS NULL OR p.seq < before_seq)
            UNION ALL
            SELECT 'move', m.journal, m.seq, event_time, NULL, 'cash', currency, amount_minor, reason, clerk, 0
            FROM piece JOIN cash_moves AS m ON m.site_id = %(site)s AND m.journal = piece.journal AND m.seq > after_seq
             AND (before_seq IS NULL OR m.seq < before_seq)
            ORDER BY journal, seq, line LIMIT %(limit)s
            """,
            {
                "site": shift.site,
                "journals": columns[0],
                "after": columns[1],
                "before": columns[2],
                "limit": DOCUMENTS_SHOWN + 1,
            },
        ).fetchall()
    return [Document(**{name: row[name] for name in Document.__struct_fields__}) for row in rows]
