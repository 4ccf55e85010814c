"""Shifts on the disk: which one is open, and the documents that were written in it. Each function inside a read or a write."""

from __future__ import annotations

from collections.abc import Iterator

from agent.shifts.rules import Shift
from agent.store import Connection
from protocol.events import Payment, Sale, ShiftOpened, decode_event

_OPEN = """
SELECT shift_id, number, currency, float_minor, clerk, epoch, first_seq, opened_at_us FROM shifts WHERE closed_at_us IS NULL
"""
_FIND = """
SELECT shift_id, number, currency, float_minor, clerk, epoch, first_seq, opened_at_us FROM shifts WHERE shift_id = ?
"""
_PUT = """
INSERT INTO shifts (shift_id, number, currency, float_minor, clerk, epoch, first_seq, opened_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_LATEST = "SELECT document_id FROM documents WHERE kind = 'shift_close' ORDER BY event_time_us DESC LIMIT 1"
_OPENINGS = """
SELECT seq, body FROM journal WHERE kind = 'shift_opened' AND epoch_no = (SELECT max(epoch_no) FROM epochs) ORDER BY seq DESC
"""
_LIVE_EPOCH = "SELECT epoch FROM epochs ORDER BY epoch_no DESC LIMIT 1"


def open_shift(connection: Connection) -> Shift | None:
    """The shift that is open now."""
    row = connection.execute(_OPEN).fetchone()
    return None if row is None else Shift(*row)


def find_shift(connection: Connection, shift_id: str) -> Shift | None:
    """A shift, open or closed."""
    row = connection.execute(_FIND, (shift_id,)).fetchone()
    return None if row is None else Shift(*row)


def note_opened(connection: Connection, shift: Shift) -> None:
    """A shift is open. In the transaction that writes its event."""
    values = (shift.shift_id, shift.number, shift.currency, shift.float_minor, shift.clerk)
    connection.execute(_PUT, (*values, shift.epoch, shift.first_seq, shift.opened_at_us))


def note_closed(connection: Connection, shift_id: str, at_us: int) -> None:
    """It is closed. In the transaction that writes its event."""
    connection.execute("UPDATE shifts SET closed_at_us = ? WHERE shift_id = ?", (at_us, shift_id))


def documents_of(connection: Connection, shift_id: str) -> Iterator[bytes]:
    """The events of every document that was written in a shift, in no order that matters. They outlast the journal's rows."""
    rows = connection.execute("SELECT body FROM documents WHERE shift_id = ?", (shift_id,))
    return (bytes(body) for (body,) in rows)


def payments_of(connection: Connection, sale_id: str) -> tuple[Payment, ...]:
    """How a sale of this till was paid, whenever it was made."""
    row = connection.execute("SELECT body FROM documents WHERE document_id = ?", (sale_id,)).fetchone()
    body = None if row is None else decode_event(bytes(row[0])).body
    return body.payments if isinstance(body, Sale) else ()


def latest_closing(connection: Connection) -> str | None:
    """The id of the document by which the last shift was closed."""
    row = connection.execute(_LATEST).fetchone()
    return None if row is None else str(row[0])


def first_seq_in_live_epoch(connection: Connection, shift: Shift) -> int:
    """Where the shift's opening stands in the journal as it goes on now; 0 where that has grown from a later point.

    A journal that was given a new epoch meanwhile has its rows copied, under other numbers.
    """
    live = connection.execute(_LIVE_EPOCH).fetchone()
    if live is not None and live[0] == shift.epoch:
        return shift.first_seq
    for seq, body in connection.execute(_OPENINGS):
        opened = decode_event(bytes(body)).body
        if isinstance(opened, ShiftOpened) and opened.shift_id == shift.shift_id:
            return int(seq)
    return 0
