"""Whose fault it is when a transaction fails: the data's or the database's.

The difference decides what happens. A fault that lies in the data comes again with every repetition: the record is looked for and
set aside, so that what stands behind it can go on. A fault of the database goes away: nothing is answered, and the senders
repeat. To take the one for the other would either stop a shop for good or quarantine good sales.
"""

from __future__ import annotations

import psycopg

DATA_FAULTS: tuple[type[Exception], ...] = (
    # What the database refuses to keep: a number out of range, a text it cannot store, a rule of the schema.
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    # What our own rules trip over. A mistake here must cost one record's delay, not a shop's.
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def in_words(error: Exception) -> str:
    """The cause of a quarantine, for a person. Without the details, in which the database repeats what it was given."""
    if isinstance(error, psycopg.Error):
        return f"{error.diag.sqlstate or ''} {error.diag.message_primary or type(error).__name__}".strip()
    return f"{type(error).__name__}: {error}".replace("\0", "")[:500]
