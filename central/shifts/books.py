"""What central's books have of a shift: the pieces of journals that belong to it, and the receipts, moves and quarantined events in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from central.database import Connection
from central.shifts.causes import Receipt
from central.shifts.receipts import UNKNOWN
from central.shifts.rules import Books, Shift
from central.shifts.seals import Key


class Segment(msgspec.Struct, frozen=True):
    """A piece of a journal that belongs to a shift: the rows after ``after_seq`` and before ``before_seq`` (None: all there are)."""

    site: str
    shift_id: str
    journal: int
    after_seq: int
    before_seq: int | None


def segments(connection: Connection, shifts: Sequence[Shift]) -> list[Segment]:
    """The pieces of journals that belong to shifts: one piece each, where no epoch began meanwhile."""
    simple = [one for one in shifts if one.closed_journal in (None, one.journal)]
    found = [Segment(*one.key, one.journal, one.first_seq, one.last_seq) for one in simple]
    for one in shifts:
        if one.closed_journal not in (None, one.journal):
            found += _along_the_line(connection, one)
    return found


def _along_the_line(connection: Connection, shift: Shift) -> list[Segment]:
    """From the epoch of the closing up to that of the opening, each up to the row from which the next one grew."""
    line = connection.execute(
        """
        WITH RECURSIVE line (journal, before_seq) AS (
            SELECT %(end)s::bigint, %(last)s::bigint
            UNION ALL
            SELECT parent.journal, epochs.parent_seq + 1
            FROM line JOIN epochs ON epochs.journal = line.journal
            JOIN epochs AS parent ON parent.agent_id = epochs.agent_id AND parent.epoch = epochs.parent_epoch
            WHERE line.journal <> %(start)s
        )
        SELECT journal, before_seq FROM line
        """,
        {"end": shift.closed_journal, "last": shift.last_seq, "start": shift.journal},
    ).fetchall()
    if line[-1][0] != shift.journal:  # two series that do not hang together: what is in each of them
        line = [*line[:1], (shift.journal, None)]
    return [
        Segment(*shift.key, journal, shift.first_seq if journal == shift.journal else 0, before)
        for journal, before in line
    ]


def books_of(connection: Connection, shifts: Sequence[Shift]) -> dict[Key, Books]:
    """What central has booked of shifts."""
    pieces = segments(connection, shifts)
    currencies = {one.key: one.currency for one in shifts}
    books = {key: _Sums() for key in currencies}
    for site, shift, kind, method, currency, receipts, amount in _receipts(connection, pieces):
        sums = books[site, shift]
        sums.documents[kind] = sums.documents.get(kind, 0) + receipts
        if method == UNKNOWN:
            sums.unknown += receipts
        if currency == currencies[site, shift]:
            sums.taken[method] = sums.taken.get(method, 0) + amount
    for site, shift, currency, amount in _moves(connection, pieces):
        if currency == currencies[site, shift]:
            books[site, shift].moved_minor += amount
    for site, shift, journal, seq in _quarantined(connection, pieces):
        books[site, shift].quarantined.append((journal, seq))
    return {key: sums.books() for key, sums in books.items()}


class _Sums:
    """Books that are being added up."""

    def __init__(self) -> None:
        self.documents: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.moved_minor = 0
        self.unknown = 0
        self.quarantined: list[tuple[int, int]] = []

    def books(self) -> Books:
        return Books(
            sales=self.documents.get("sale", 0),
            voids=self.documents.get("void", 0),
            returns=self.documents.get("return", 0),
            taken=self.taken,
            moved_minor=self.moved_minor,
            quarantined=tuple(self.quarantined),
            unknown=self.unknown,
        )


def _columns(pieces: Sequence[Segment]) -> list[list[Any]]:
    return [[getattr(one, name) for one in pieces] for name in Segment.__struct_fields__]


def _receipts(connection: Connection, pieces: Sequence[Segment]) -> Iterable[tuple[Any, ...]]:
    if not pieces:
        return []
    return connection.execute(
        """
        SELECT piece.site_id, shift_id, kind, method, currency, count(*) FILTER (WHERE line = 0), sum(amount_minor)::bigint
        FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS piece (site_id, shift_id, journal, after_seq, before_seq)
        JOIN payments ON payments.site_id = piece.site_id AND payments.journal = piece.journal AND payments.seq > after_seq
         AND (before_seq IS NULL OR payments.seq < before_seq)
        GROUP BY piece.site_id, shift_id, kind, method, currency
        """,
        _columns(pieces),
    ).fetchall()


def _moves(connection: Connection, pieces: Sequence[Segment]) -> Iterable[tuple[Any, ...]]:
    if not pieces:
        return []
    return connection.execute(
        """
        SELECT piece.site_id, piece.shift_id, currency, sum(amount_minor)::bigint
        FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS piece (site_id, shift_id, journal, after_seq, before_seq)
        JOIN cash_moves AS moved ON moved.site_id = piece.site_id AND moved.journal = piece.journal AND moved.seq > after_seq
         AND (before_seq IS NULL OR moved.seq < before_seq)
        GROUP BY piece.site_id, piece.shift_id, currency
        """,
        _columns(pieces),
    ).fetchall()


def _quarantined(connection: Connection, pieces: Sequence[Segment]) -> Iterable[tuple[Any, ...]]:
    if not pieces:
        return []
    return connection.execute(
        """
        SELECT piece.site_id, shift_id, quarantine.journal, seq
        FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS piece (site_id, shift_id, journal, after_seq, before_seq)
        JOIN quarantine ON quarantine.site_id = piece.site_id AND quarantine.journal = piece.journal AND seq >= after_seq
         AND (before_seq IS NULL OR seq < before_seq)
        WHERE resolved_at IS NULL ORDER BY 1, 2, 3, 4 LIMIT 1000
        """,
        _columns(pieces),
    ).fetchall()


def receipts_of(connection: Connection, shift: Shift) -> list[Receipt]:
    """Every part of a receipt of the shift, and the cash that was moved, in its currency, in the order of the journal."""
    columns = _columns(segments(connection, [shift]))
    found = connection.execute(
        """
        WITH piece AS (
            SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS piece (site_id, shift_id, journal, after_seq, before_seq)
        )
        SELECT p.journal, p.seq, p.kind, p.method, p.amount_minor, p.tendered_minor, p.event_time
        FROM piece JOIN payments AS p ON p.site_id = piece.site_id AND p.journal = piece.journal AND p.seq > after_seq
         AND (before_seq IS NULL OR p.seq < before_seq)
        WHERE p.currency = %s
        UNION ALL
        SELECT m.journal, m.seq, 'move', 'cash', m.amount_minor, NULL, m.event_time
        FROM piece JOIN cash_moves AS m ON m.site_id = piece.site_id AND m.journal = piece.journal AND m.seq > after_seq
         AND (before_seq IS NULL OR m.seq < before_seq)
        WHERE m.currency = %s
        ORDER BY 1, 2
        """,
        (*columns, shift.currency, shift.currency),
    )
    return [
        Receipt(
            journal=journal,
            seq=seq,
            kind=kind,
            method=method,
            amount_minor=amount,
            tendered_minor=tendered,
            event_time=at,
        )
        for journal, seq, kind, method, amount, tendered, at in found
    ]
