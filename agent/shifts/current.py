"""Which shift is open: looked up for every document that is written, and nothing else."""

from __future__ import annotations

from agent.store import Connection


def open_shift_id(connection: Connection) -> str | None:
    """The id of the open shift; None where none is. One look into an index, inside a read or a write."""
    row = connection.execute("SELECT shift_id FROM shifts WHERE closed_at_us IS NULL").fetchone()
    return None if row is None else str(row[0])
