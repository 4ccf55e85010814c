"""Gap-free numbers of this machine's own, such as receipt numbers.

A number is taken in the transaction of the document that bears it: one that is rolled back takes its number back with it.
"""

from __future__ import annotations

from agent.store.database import Connection

_TAKE = "UPDATE series SET next = ? WHERE name = ? AND next = ?"


def take_number(connection: Connection, name: str, expected: int | None = None) -> int:
    """The next number of the series ``name``, from 1. Inside a :meth:`~agent.store.store.Store.write` work.

    Who knows which one to expect spares a look: a right guess is taken at once, a wrong one does no harm.
    """
    if expected is not None and connection.execute(_TAKE, (expected + 1, name, expected)).rowcount == 1:
        return expected
    found = connection.execute("SELECT next FROM series WHERE name = ?", (name,)).fetchone()
    if found is None:
        connection.execute("INSERT INTO series (name, next) VALUES (?, 2)", (name,))
        return 1
    connection.execute(_TAKE, (found[0] + 1, name, found[0]))
    return int(found[0])
