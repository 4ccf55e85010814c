"""Writing the codes of an order into a file, so that it can be taken up again wherever it was cut off.

The file itself says how far it has come: its last whole line is compared, byte for byte, with the line that the order has under that number, and the
next number follows. So a file never has a code twice or a gap, whenever the writer was killed. The order's row notes what was certain at the last
pause (``fsync``), for whoever looks from elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from central.codes import orders_storage, placing, workers
from central.codes.labels import CSV_HEADER, Labels
from central.codes.orders import Order, OrderError, OrderState
from central.database import Database

PAUSE_CODES = 100_000
"""After so many codes the file is made certain and the row told: a few seconds' work."""
_LAST_LINES_BYTES = 4096
"""Room for the last two lines; a line has some 400 bytes at most."""

Told = Callable[[int], None]
"""Told how many codes the file holds."""


def write(
    database: Database,
    directory: Path,
    order: Order,
    path: Path,
    now: Callable[[], datetime],
    told: Told,
    processes: int | None = None,
) -> Order:
    """Write what the file at ``path`` does not hold yet of an order, and complete the order.

    A file that is not there is made; one of another order, or one that another process is writing, is refused. Raises
    :class:`~central.codes.orders.OrderError`. A file of a completed order is written again the same way: its codes are the same.
    """
    with database.transaction() as connection:
        labels = placing.open_labels(connection, directory, order)
    try:
        with _opened(path, order) as file:
            done = resume(file, labels, path)
            told(done)
            target = _Target(database, order, path, file)
            _append(target, directory, done, told, processes or workers.processors())
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OrderError(f"{path}: {error.strerror}; expected a file that can be written") from None
        raise OrderError(
            f"{path}: {error.strerror}; make room, then go on with: countermark-central codes issue --resume {order.tag}"
        ) from None
    at = now()
    database.run(lambda connection: orders_storage.complete(connection, order.tag, at, str(path)))
    with database.transaction() as connection:
        return orders_storage.find(connection, order.tag) or order


def resume(file: BinaryIO, labels: Labels, path: Path) -> int:
    """How many codes of the order a file holds; half a line at its end, or half a header, is cut off. Nothing else is changed."""
    size = file.seek(0, os.SEEK_END)
    if size <= len(CSV_HEADER):
        file.seek(0)
        if not CSV_HEADER.startswith(file.read()):
            raise _not_of(labels.order, path)
        file.seek(0)
        file.truncate()
        file.write(CSV_HEADER)
        return 0
    file.seek(0)
    if file.read(len(CSV_HEADER)) != CSV_HEADER:
        raise _not_of(labels.order, path)
    start = max(len(CSV_HEADER), size - _LAST_LINES_BYTES)
    file.seek(start)
    end = file.read()
    whole = end[: end.rfind(b"\n") + 1]
    if not whole and start > len(CSV_HEADER):
        raise _not_of(labels.order, path)
    done = _number_of_last(whole, labels, path) if whole else 0
    file.truncate(start + len(whole))
    file.seek(0, os.SEEK_END)
    return done


def _number_of_last(lines: bytes, labels: Labels, path: Path) -> int:
    last = lines[lines.rfind(b"\n", 0, -1) + 1 :]
    digits = last.partition(b",")[0]
    number = int(digits) if digits.isdigit() and len(digits) < 9 else 0
    if not 1 <= number <= labels.order.count or labels.rows(number, number) != last:
        raise _not_of(labels.order, path)
    return number


@dataclass(frozen=True)
class _Target:
    """The file that an order is written to, at its end."""

    database: Database
    order: Order
    path: Path
    file: BinaryIO

    def append(self, lines: bytes) -> None:
        """Write all of it or, where the disk is full, leave the file as it was: the whole lines before stay good."""
        before = self.file.tell()
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError:
            self.file.truncate(before)
            raise

    def make_certain(self, written: int) -> int:
        """Wait for the disk, and let the order's row say how far the file has come."""
        os.fsync(self.file.fileno())
        if self.order.state is OrderState.OPEN:
            self.database.run(
                lambda connection: orders_storage.note_written(
                    connection, self.order.tag, written, str(self.path)
                )
            )
        return written


def _append(target: _Target, directory: Path, done: int, told: Told, processes: int) -> None:
    wanted = workers.blocks(done + 1, target.order.count)
    certain = target.make_certain(done)
    with closing(workers.rows(directory, target.order, wanted, processes)) as made:
        for (_, last), lines in zip(wanted, made, strict=True):
            target.append(lines)
            told(last)
            if last - certain >= PAUSE_CODES:
                certain = target.make_certain(last)
    target.make_certain(target.order.count)


def _opened(path: Path, order: Order) -> BinaryIO:
    """The file, unbuffered, with this process as its only writer. Codes are secrets of a kind: it is its owner's alone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OrderError(
            f"{path}: {error.strerror}; expected a file that can be made or written there"
        ) from None
    file = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OrderError(f"{path}: another process is writing it; order {order.tag} goes on there") from None
    return file


def _not_of(order: Order, path: Path) -> OrderError:
    return OrderError(
        f"{path}: exists and does not hold codes of order {order.tag}; name another file, or move this one away"
    )
