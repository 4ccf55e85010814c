"""The one thread that writes.

Whoever wants to write leaves a piece of work and gets a future. The thread takes all that is waiting, runs each in a savepoint,
and commits them together: while one commit waits for the disk the next group gathers, so that many tills, scanners and acks
share a sync. A future is resolved after the commit has reached the disk, never before.

When a commit fails, nothing is retried in hope. The connection is closed; a new one empties the log, so that no refused
transaction can come back, and checks that the journal still ends where it did. Only then is anything written again. The
one failure that is answered at once is a full disk, while there is a reserve to give up.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from agent.store.database import (
    Connection,
    DatabaseError,
    forget_uncommitted_log,
    move_log_into_database,
    trouble_of,
)
from agent.store.faults import Fault, StoreError, Trouble, WriteRefused
from agent.store.reserve import Reserve

T = TypeVar("T")

WAITING_LIMIT = 4096
"""Pieces of work that may wait. A counter makes a handful a second: more than this means that the disk stands still."""
GROUP_LIMIT = 256
"""Pieces of work in one commit, so that the first of them is not kept waiting by the last."""
_REST_S = 0.2
"""A pause this long is a good moment to move the log into the database. Longer, and a sale would sync once instead of twice; but
what stands in the log is lost from the first flipped bit on if the power fails, and a sale is worth more than a sync."""

Check = Callable[[Connection], str | None]
"""Looks at a reopened database and says in words what is wrong with it; None if nothing is."""


class Instead(Exception):
    """Raised by a piece of work that found out late how it must be done: what it wrote is taken back, and ``work`` is done."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        super().__init__("done otherwise")
        self.work = work


class Job(Generic[T]):
    """A piece of work and the future of its result."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()


class Writer:
    """Owns the writing connection. ``trouble`` is why the last write was refused; None while all is well."""

    def __init__(self, open_connection: Callable[[], Connection], reserve: Reserve) -> None:
        self.trouble: Trouble | None = None
        self._open_connection = open_connection
        self._connection: Connection | None = open_connection()
        self._reserve = reserve
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._checks: list[Check] = []
        self._listeners: list[Callable[[], None]] = []
        self._undo_listeners: list[Callable[[], None]] = []
        self._log_is_dirty = True
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Leave a piece of work; see :meth:`agent.store.store.Store.write`."""
        job = Job(work)
        if self._is_closing.is_set():
            job.future.set_exception(WriteRefused(Fault.CLOSED, "the journal is closed"))
        elif self._jobs.qsize() >= WAITING_LIMIT:
            job.future.set_exception(WriteRefused(Fault.OVERLOADED, f"{WAITING_LIMIT} writes are waiting"))
        else:
            self._jobs.put(job)
        return job.future

    def add_check(self, check: Check) -> None:
        """Have ``check`` look at the database whenever it had to be opened again."""
        self._checks.append(check)

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, on this thread, after each commit; it must be quick and must not raise."""
        self._listeners.append(listener)

    def on_undo(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, on this thread, whenever something written is taken back; it must not raise."""
        self._undo_listeners.append(listener)

    def close(self) -> None:
        """Finish what is waiting, then close. Work that comes later is refused."""
        if not self._is_closing.is_set():
            self._is_closing.set()
            self._jobs.put(None)
        self._thread.join()

    # -- the thread -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        is_open = True
        while is_open:
            jobs, is_open = self._next_group()
            if jobs:
                self._serve(jobs)
            elif is_open:
                self._rest()
        self._refuse_latecomers()
        if self._connection:
            self._connection.close()

    def _next_group(self) -> tuple[list[Job[Any]], bool]:
        """The jobs of the next commit, none when it is time for a rest, and whether there may be more."""
        jobs: list[Job[Any]] = []
        try:
            job = self._jobs.get(timeout=self._patience_s())
            while job is not None:
                if job.future.set_running_or_notify_cancel():
                    jobs.append(job)
                if len(jobs) >= GROUP_LIMIT or self._jobs.empty():
                    return jobs, True
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _patience_s(self) -> float | None:
        """How long to wait for work before a rest; None where there is nothing to do in one."""
        return _REST_S if self._log_is_dirty else None

    def _serve(self, jobs: list[Job[Any]]) -> None:
        settled = self._attempt(jobs)
        if isinstance(settled, Trouble) and settled.fault is Fault.DISK_FULL and self._reserve.release():
            settled = self._attempt(jobs)
        if isinstance(settled, Trouble):
            self.trouble = settled
            for job in jobs:
                job.future.set_exception(WriteRefused(settled.fault, settled.detail))
            return
        self.trouble = None
        self._log_is_dirty = True
        if self._reserve.is_spent:
            # With no room to spare the log must stay short: emptying it takes room in the database before it gives any back.
            self._empty_log()
        for listener in self._listeners:  # first, so that whoever waits for a future then reads what it wrote
            listener()
        for job, outcome in zip(jobs, settled, strict=True):
            if isinstance(outcome, _Failed):
                job.future.set_exception(outcome.error)
            else:
                job.future.set_result(outcome)

    def _attempt(self, jobs: list[Job[Any]]) -> list[Any] | Trouble:
        """One commit: the outcome of each job, or why there was none."""
        try:
            connection = self._connection or self._reopen()
        except StoreError as error:
            return Trouble(Fault.DAMAGED, str(error))
        except DatabaseError as error:
            return _trouble(error)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if len(jobs) == 1:
                outcomes = [self._outcome_alone(connection, jobs[0])]
            else:
                outcomes = [self._outcome(connection, job) for job in jobs]
            connection.execute("COMMIT")
        except DatabaseError as error:
            self._connection = None
            with contextlib.suppress(DatabaseError):
                connection.close()  # rolls back
            self._undone()
            return _trouble(error)
        return outcomes

    def _outcome_alone(self, connection: Connection, job: Job[Any]) -> Any:
        """A job with nobody beside it, as most sales are: its failure may take the whole transaction back."""
        outcome = _result(connection, job.work)
        while isinstance(outcome, _Failed):
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            self._undone()
            if not isinstance(outcome.error, Instead):
                break
            outcome = _result(connection, outcome.error.work)
        return outcome

    def _outcome(self, connection: Connection, job: Job[Any]) -> Any:
        connection.execute("SAVEPOINT work")
        outcome = _result(connection, job.work)
        while isinstance(outcome, _Failed):
            connection.execute("ROLLBACK TO work")
            self._undone()
            if not isinstance(outcome.error, Instead):
                break
            outcome = _result(connection, outcome.error.work)
        connection.execute("RELEASE work")
        return outcome

    def _undone(self) -> None:
        for listener in self._undo_listeners:
            listener()

    def _reopen(self) -> Connection:
        connection = self._open_connection()
        try:
            forget_uncommitted_log(connection)
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _check(self, connection: Connection) -> None:
        for check in self._checks:
            fault = check(connection)
            if fault is not None:
                raise StoreError(fault)

    def _rest(self) -> None:
        """Nothing is waiting: move the log into the database now, so that no sale has to wait for that."""
        self._log_is_dirty = False
        self._reserve.take_up()
        self._empty_log()

    def _empty_log(self) -> None:
        if self._connection is None:
            return
        try:
            self._log_is_dirty = move_log_into_database(self._connection) > 0
        except DatabaseError as error:
            self.trouble = _trouble(error)
            with contextlib.suppress(DatabaseError):
                self._connection.close()
            self._connection = None  # the next write opens it again, and checks it, before it trusts it

    def _refuse_latecomers(self) -> None:
        """Those who submitted while the thread was ending."""
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(WriteRefused(Fault.CLOSED, "the journal is closed"))


class _Failed:
    """A piece of work that raised: its own error, for its own caller."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _result(connection: Connection, work: Callable[[Connection], Any]) -> Any:
    try:
        return work(connection)
    except DatabaseError as error:
        if trouble_of(error) or not connection.in_transaction:
            raise  # the disk's fault, which the whole group shares
        return _Failed(error)
    except Exception as error:  # noqa: BLE001 - whatever a piece of work raises belongs to who submitted it; the others go on
        return _Failed(error)


def _trouble(error: DatabaseError) -> Trouble:
    return trouble_of(error) or Trouble(Fault.IO_ERROR, str(error))
