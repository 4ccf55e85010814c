"""The agent's database as the rest of the agent sees it: write, read, be told of a commit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Lock as Mutex
from typing import TypeVar

import msgspec

from agent.store.database import Connection, DriverError, open_reader, open_writer, trouble_of
from agent.store.faults import Fault, ReadFailed, StoreError, WriteRefused
from agent.store.lock import Lock
from agent.store.reserve import DEFAULT_RESERVE_BYTES, Reserve
from agent.store.writer import Check, Writer

T = TypeVar("T")
_IDLE_READERS_LIMIT = 8


class Health(msgspec.Struct, frozen=True):
    """How the disk is. ``fault`` and ``detail`` tell why the last write was refused; both None while all is well."""

    fault: Fault | None
    detail: str | None
    reserve_held: bool
    free_bytes: int
    used_bytes: int


class Store:
    """One open database.

    Without a writer (:meth:`inspect`) it can only be read: that is for a support person's commands, which must work beside a
    running agent and on a disk that has become read-only.
    """

    def __init__(self, path: Path, writer: Writer | None, reserve: Reserve, lock: Lock | None) -> None:
        self.path = path
        self._writer = writer
        self._reserve = reserve
        self._lock = lock
        self._idle_readers: list[Connection] = []
        self._mutex = Mutex()
        self._is_closed = False

    @classmethod
    def open(cls, path: Path, *, reserve_bytes: int = DEFAULT_RESERVE_BYTES) -> Store:
        """Open the database at ``path`` for this process alone, or make it.

        :class:`~agent.store.faults.StoreInUse` if another agent has it, :class:`~agent.store.faults.NotOurs` if it is something
        else or of a newer version, :class:`~agent.store.faults.StoreError` if its folder cannot be written.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = Lock(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise StoreError(
                f"journal {path}: its folder cannot be written ({error.strerror}); expected a folder that this user owns"
            ) from error
        try:
            reserve = Reserve(path.with_suffix(".reserve"), reserve_bytes)
            writer = Writer(partial(open_writer, path), reserve)
        except BaseException:
            lock.release()
            raise
        reserve.take_up()
        return cls(path, writer, reserve, lock)

    @classmethod
    def inspect(cls, path: Path) -> Store:
        """Open an existing database to read it only, also beside a running agent."""
        if not path.is_file():
            raise StoreError(f"journal {path}: no such file; give the data_dir of an agent that has run")
        return cls(path, None, Reserve(path.with_suffix(".reserve"), 0), None)

    def write(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run ``work`` in a transaction; the future resolves when that transaction is on the disk.

        The future's exception is :class:`~agent.store.faults.WriteRefused` if the disk did not take it, or what ``work`` raised; in
        both cases nothing of it was recorded. Works of several callers share a commit, but not each other's failures. When the
        disk is found full, ``work`` may be run a second time: it must touch nothing but the connection. It may raise
        :class:`~agent.store.writer.Instead`.
        """
        if self._writer is None:
            refused: Future[T] = Future()
            refused.set_exception(WriteRefused(Fault.READ_ONLY, "opened for inspection only"))
            return refused
        return self._writer.submit(work)

    def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` finds in one consistent view of what is committed. From any thread; never waits for a writer.

        :class:`~agent.store.faults.ReadFailed` if the disk does not give it.
        """
        try:
            connection = self._take_reader()
            try:
                connection.execute("BEGIN")
                return work(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_back(connection)
        except DriverError as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise  # the work's own mistake
            raise ReadFailed(trouble.fault, f"{self.path}: {trouble.detail}") from error

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after each commit, on the writer's thread: it must be quick and must not raise."""
        if self._writer:
            self._writer.on_commit(listener)

    def on_undo(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called when something written is taken back, on the writer's thread, before anything else is written."""
        if self._writer:
            self._writer.on_undo(listener)

    def add_check(self, check: Check) -> None:
        """Have ``check`` decide whether a database that had to be reopened may be written."""
        if self._writer:
            self._writer.add_check(check)

    def health(self) -> Health:
        """How the disk is now."""
        trouble = self._writer.trouble if self._writer else None
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return Health(
            fault=trouble.fault if trouble else None,
            detail=trouble.detail if trouble else None,
            reserve_held=self._reserve.held,
            free_bytes=self._reserve.free_bytes(),
            used_bytes=sum(file.stat().st_size for file in files if file.exists()),
        )

    def close(self) -> None:
        """Commit what is waiting and close. Later writes are refused."""
        with self._mutex:
            self._is_closed = True
            readers, self._idle_readers = self._idle_readers, []
        for reader in readers:
            reader.close()
        # The last to close moves the log into the database, which a reader may not.
        if self._writer:
            self._writer.close()
        if self._lock:
            self._lock.release()

    def _take_reader(self) -> Connection:
        with self._mutex:
            if self._is_closed:
                raise StoreError(f"journal {self.path}: closed; nothing can be read from it any more")
            if self._idle_readers:
                return self._idle_readers.pop()
        return open_reader(self.path)

    def _give_back(self, connection: Connection) -> None:
        with self._mutex:
            if not self._is_closed and len(self._idle_readers) < _IDLE_READERS_LIMIT:
                self._idle_readers.append(connection)
                return
        connection.close()
