"""Gap-free numbers of this machine's own, such as receipt numbers.

A number is taken in the transaction of the document that bears it: one that is rolled back takes its number back with it.
"""

from __future__ import annotations

from agent.store.database import Connection


def take_number(connection: Connection, name: str) -> int:
    """The next number of the series ``name``, from 1. Inside a :meth:`~agent.store.store.Store.write` work."""
    (number,) = connection.execute(
        "INSERT INTO series (name, next) VALUES (?, 2) ON CONFLICT (name) DO UPDATE SET next = next + 1"
        " RETURNING next - 1",
        (name,),
    ).fetchone()
    return int(number)
