"""The one file that opens SQLite.

WAL with ``synchronous=FULL``: a commit returns after its bytes are on the disk. ``NORMAL`` would lose the last commits in a power
cut, which at a counter are sales that somebody heard "accepted" for.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlite_utils

from agent.store import schema
from agent.store.faults import Fault, NotOurs, Trouble, fault_of

Connection = sqlite3.Connection
"""What a piece of work is given. Imported from here, so that no other file imports a driver."""
DatabaseError = sqlite3.Error
DriverError = (sqlite3.Error, UnicodeDecodeError)
"""What reading can raise. The driver decodes SQLite's own messages, which quote a damaged schema as it is."""

_BUSY_TIMEOUT_S = 2.0
_WRITER_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: an fsync there does not reach the disk by itself
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8192",
    # The writer moves the log into the database when it has nothing else to do; this is for a counter that never rests. A log
    # of 4 MB is soon as long as it gets, and a sync is cheaper that need not make its file longer.
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA trusted_schema = OFF",
)


def open_writer(path: Path) -> Connection:
    """The connection that writes, with the schema in place. :class:`NotOurs` for a file that is something else or newer."""
    connection = sqlite3.connect(
        path,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions begin and end where the writer says, never by themselves
        check_same_thread=False,  # opened by who starts the agent, used by the writer's thread alone
        cached_statements=256,
    )
    try:
        version = _check_identity(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        for pragma in _WRITER_PRAGMAS:
            connection.execute(pragma)
        database = sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)
        if not version:
            path.chmod(0o600)
        if version < schema.VERSION:
            database.executescript(schema.script(version))
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> Connection:
    """A connection that can only read. It sees what is committed, and never waits for the writer."""
    try:
        return _connect_read_only(path, "mode=ro")
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if not path.is_file() or (log.exists() and log.stat().st_size > 0):
            raise
        # A read-only disk with a cleanly closed database: there is no log to read and no way to make one.
        return _connect_read_only(path, "immutable=1")


def _connect_read_only(path: Path, options: str) -> Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,  # a reader is used by one thread at a time
    )
    try:
        _check_identity(connection, path)
        connection.execute("PRAGMA cache_size = -2048")
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_identity(connection: Connection, path: Path) -> int:
    """The version of the schema; 0 for an empty database."""
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
        is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    except sqlite3.OperationalError:
        raise  # the disk's fault, or another program's lock: says nothing about the file
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise NotOurs(f"{path}: not a readable journal ({error}); keep the file and call support") from error
    if is_empty and version == owner == 0:
        return 0
    if owner != schema.APPLICATION_ID:
        raise NotOurs(
            f"{path}: application id {owner:#x}, expected {schema.APPLICATION_ID:#x}; this is another program's "
            "database: give the agent a data_dir of its own"
        )
    if version > schema.VERSION:
        raise NotOurs(
            f"{path}: journal version {version}, this software reads up to {schema.VERSION}; it was written by newer "
            "software: install that version again, the journal stays as it is"
        )
    return version


def trouble_of(error: sqlite3.Error | UnicodeDecodeError) -> Trouble | None:
    """What the disk did, if this error is the disk's; None if it is the statement's."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, UnicodeDecodeError) or (
        isinstance(error, sqlite3.OperationalError) and code is None
    ):
        return Trouble(Fault.DAMAGED, str(error))  # a text that is none: the driver says so without a code
    fault = fault_of(code)
    name = getattr(error, "sqlite_errorname", "")
    return Trouble(fault, f"{name}: {error}" if name else str(error)) if fault else None


def forget_uncommitted_log(connection: Connection) -> None:
    """Move all that is committed into the database and empty the write-ahead log.

    After a failed sync the log may hold a whole transaction that was refused. Left there, it would come back to life the next
    time the log is recovered: a sale that nobody accepted.
    """
    is_blocked = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if is_blocked:
        raise sqlite3.OperationalError("the write-ahead log is still being read")


def move_log_into_database(connection: Connection) -> int:
    """Checkpoint as far as readers allow; the pages that are left in the log."""
    _, in_log, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(in_log) - int(moved)
