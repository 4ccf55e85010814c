"""PostgreSQL as central sees it: one pool, one way to open a transaction, errors fit to be read.

This is the only place where a connection is made. Functions that run SQL take an open :data:`Connection` as their first
argument and never commit; whoever opened the transaction does.

>>> database = Database("postgresql://countermark@localhost/countermark")   # doctest: +SKIP
>>> with database.transaction() as connection:                              # doctest: +SKIP
...     connection.execute("SELECT 1")
"""

from central.database.faults import (
    DatabaseBusy,
    DatabaseFault,
    DatabaseUnavailable,
    DatabaseUrlError,
    NotMigrated,
    SchemaTooNew,
)
from central.database.pool import EVERY_SITE, Connection, Database, Sites

__all__ = [
    "EVERY_SITE",
    "Connection",
    "Database",
    "DatabaseBusy",
    "DatabaseFault",
    "DatabaseUnavailable",
    "DatabaseUrlError",
    "NotMigrated",
    "SchemaTooNew",
    "Sites",
]
