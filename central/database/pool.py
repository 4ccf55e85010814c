"""The pool and its transactions.

Row-level security is told in every transaction which sites it may see (``countermark.sites``), also where central works
for itself and sees all of them: a transaction that forgot to say so would see nothing, not everything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self, TypeVar

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from central.database.faults import DatabaseBusy, check_url, why_unavailable

Connection = psycopg.Connection[TupleRow]
Sites = Literal["*"] | Collection[str]
EVERY_SITE: Literal["*"] = "*"

CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10.0
RUN_ATTEMPTS = 6
_CONTENDED = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)

# An agent may forget what central has acknowledged, so a commit must be on the disk whatever the server's default is. A
# transaction whose client has vanished must not hold the cursors of a thousand shops for hours.
_SESSION = """
    SELECT set_config('TimeZone', 'UTC', false),
           set_config('idle_in_transaction_session_timeout', '60s', false),
           set_config('tcp_keepalives_idle', '30', false),
           set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)
"""

T = TypeVar("T")


class Database:
    """A pool of connections to one database. Use it as a context manager, or call :meth:`close`.

    Making one reads the URL (:class:`DatabaseUrlError`) and opens nothing: a server that is away at start is met when it is
    first needed, and again and again until it is back.
    """

    def __init__(self, url: str, *, pool_size: int = 10, application: str = "countermark-central") -> None:
        self.url = url
        self._arguments: dict[str, Any] = {
            "application_name": application,
            "connect_timeout": CONNECT_TIMEOUT_S,
        }
        check_url(url)
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            kwargs=self._arguments,
            connection_class=psycopg.Connection[TupleRow],
            min_size=0,
            max_size=pool_size,
            open=False,
            timeout=POOL_TIMEOUT_S,
            configure=_configure,
            check=ConnectionPool.check_connection,
            name=application,
        )

    def connect(self) -> Connection:
        """A connection of its own, outside the pool (for listening, say); the caller closes it.

        Raises :class:`DatabaseUnavailable` with the reason.
        """
        try:
            connection = psycopg.connect(self.url, **self._arguments)
        except psycopg.OperationalError as error:
            raise why_unavailable(self.url, error) from None
        _configure(connection)
        return connection

    @contextmanager
    def transaction(
        self, sites: Sites = EVERY_SITE, role: str | None = None, *, snapshot: bool = False
    ) -> Iterator[Connection]:
        """One transaction that sees ``sites`` (``"*"``: all of them), under ``role`` if one is named.

        Commits at the end of the block, rolls back if it raises. With ``snapshot`` it only reads, and all its statements see the
        books at one moment. Raises :class:`DatabaseUnavailable` when there is no connection to be had.
        """
        scope = _scope(sites)
        with self._connection() as connection, connection.transaction():
            if snapshot:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(
                "SELECT set_config('countermark.sites', %s, true), set_config('role', coalesce(%s, 'none'), true)",
                (scope, role),
            )
            yield connection

    def run(
        self,
        work: Callable[[Connection], T],
        *,
        sites: Sites = EVERY_SITE,
        role: str | None = None,
    ) -> T:
        """What ``work`` returns for a transaction; started over when another one was in its way (deadlock, serialization).

        ``work`` must not do anything outside its transaction. Raises :class:`DatabaseBusy` when that goes on.
        """
        for attempt in range(RUN_ATTEMPTS):
            try:
                with self.transaction(sites, role) as connection:
                    return work(connection)
            except _CONTENDED:
                # Spread out, or the same transactions would meet again. Not a secret, so any chance will do.
                time.sleep(0.02 * (2**attempt) * (0.5 + random.random()))  # noqa: S311
        raise DatabaseBusy(
            f"database: other transactions were in the way {RUN_ATTEMPTS} times; nothing was changed, try again"
        )

    def check(self) -> None:
        """Nothing, if a connection can be had now; else :class:`DatabaseUnavailable`."""
        self.connect().close()

    def close(self) -> None:
        """Close every connection of the pool. Closing it again changes nothing."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self._pool.closed:
            self.check()
            self._pool.open()
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            self.check()  # says why, if the server is the reason
            raise DatabaseBusy(
                f"database: no connection became free in {POOL_TIMEOUT_S:g} s; raise database.pool_size"
            ) from None
        try:
            yield connection
        finally:
            self._pool.putconn(connection)


def _configure(connection: Connection) -> None:
    connection.execute(_SESSION)
    connection.commit()


def _scope(sites: Sites) -> str:
    if sites == EVERY_SITE:
        return EVERY_SITE
    for site in sites:
        if "," in site or site == EVERY_SITE:
            raise ValueError(f"site {site!r} in a transaction's scope: expected an id without ','")
    return ",".join(sites)
