"""Reading a stretch of rows for a batch: cheap when all is well, exact when something is not."""

from __future__ import annotations

from itertools import starmap

import msgspec

from agent.journal.soundness import Damage, StoredRow, all_sound, examine
from agent.store.database import Connection


class Stretch(msgspec.Struct, frozen=True):
    """Consecutive rows that are wanted: from ``first_seq``, at most to ``last_seq``, within both limits."""

    epoch_no: int
    first_seq: int
    last_seq: int
    limit_rows: int
    limit_bytes: int


_ROWS = "SELECT seq, hash, body FROM journal WHERE epoch_no = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"


def read_rows(connection: Connection, wanted: Stretch) -> list[StoredRow]:
    """The rows, as they are, until a limit is reached; at least one. Inside a read."""
    rows: list[StoredRow] = []
    size_bytes = 0
    values = (wanted.epoch_no, wanted.first_seq, wanted.last_seq, wanted.limit_rows)
    for row in starmap(StoredRow, connection.execute(_ROWS, values)):
        size_bytes += len(row.body)
        if rows and size_bytes > wanted.limit_bytes:
            break
        rows.append(row)
    return rows


def sound_part(
    previous_hash: bytes, wanted: Stretch, rows: list[StoredRow]
) -> tuple[list[StoredRow], Damage | None]:
    """The rows before the first damaged one, and that damage; all of them and None when nothing is wrong."""
    if rows and all_sound(previous_hash, wanted.first_seq, rows):
        return rows, None
    sound: list[StoredRow] = []
    last_seq = 0 if rows else wanted.last_seq  # nothing at all where rows should be: they are missing
    for found in examine(previous_hash, wanted.first_seq, rows, last_seq):
        if isinstance(found, Damage):
            return sound, found
        sound.append(found)
    return sound, None
