"""Many rows at once into one table.

``COPY`` is two to three times as fast as anything else, but PostgreSQL refuses it to a role that is subject to row-level
security (COPY, "Notes"). The HTTP interface always is; central's own user is not if it has BYPASSRLS or is a superuser. So each
table states both ways, and the server is asked which one it allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, LiteralString

import msgspec

from central.database.pool import Connection


class Bulk(msgspec.Struct, frozen=True):
    """How rows get into ``table``: ``copy`` is a COPY … FROM STDIN, ``insert`` an INSERT of one row, of the same columns."""

    table: str
    copy: LiteralString
    insert: LiteralString


@lru_cache(maxsize=65_536)
def text_of(moment: date) -> str:
    """A date, or a moment with its offset, as PostgreSQL reads it.

    One fact stands in a dozen rows, and writing its time down costs more than all their other columns: so it is done once.
    """
    return str(moment)


def load(
    connection: Connection, bulk: Bulk, rows: Sequence[tuple[Any, ...]] | Iterable[tuple[Any, ...]]
) -> None:
    """Add ``rows`` (tuples in the order of the columns)."""
    restricted = connection.execute("SELECT row_security_active(%s)", (bulk.table,)).fetchone()
    with connection.cursor() as cursor:
        if restricted is not None and restricted[0]:
            cursor.executemany(bulk.insert, rows)
            return
        with cursor.copy(bulk.copy) as copy:
            for row in rows:
                copy.write_row(row)
