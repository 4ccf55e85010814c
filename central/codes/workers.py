"""Signing in several processes: blocks of lines of a file of codes, made side by side and handed back in their order.

A worker lives as long as its pipe: whether its parent ends in order or is killed, the pipe closes and the worker ends. (The pools of the
standard library leave workers behind that wait for a killed parent for ever.)
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from central.codes import key_files
from central.codes.labels import Labels
from central.codes.order_secrets import load, serials_of
from central.codes.orders import Order, OrderError

BLOCK = 2_000
"""Codes made at once: a quarter of a second's work or less, so that progress moves and an interruption is heard."""
_BLOCKS_AHEAD = 3
"""How many blocks a worker is given before the first comes back; it never waits, and little is kept in memory."""

Block = tuple[int, int]
"""The first and the last number."""


def blocks(first: int, last: int) -> list[Block]:
    """The numbers from one to another in blocks."""
    return [(start, min(start + BLOCK - 1, last)) for start in range(first, last + 1, BLOCK)]


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def rows(directory: Path, order: Order, wanted: Sequence[Block], workers: int) -> Generator[bytes]:
    """The lines of each block, in their order. ``directory``: ``authority.directory`` of the configuration.

    With one worker, or one block, they are made here. The order's key has been checked by whoever calls this.
    """
    if workers < 2 or len(wanted) < 2:
        made = _labels(directory, order)
        for first, last in wanted:
            yield made.rows(first, last)
        return
    with _running(directory, order, min(workers, len(wanted))) as pipes:
        under_way: deque[Connection] = deque()
        ahead = len(pipes) * _BLOCKS_AHEAD
        for at, block in enumerate(wanted):
            if len(under_way) == ahead:
                yield _answer(order, under_way.popleft())
            pipe = pipes[at % len(pipes)]
            _ask(order, pipe, block)
            under_way.append(pipe)
        while under_way:
            yield _answer(order, under_way.popleft())


@contextmanager
def _running(directory: Path, order: Order, count: int) -> Iterator[list[Connection]]:
    # Not by forking: this process has threads, of the pool of connections.
    context = get_context("spawn")
    pipes: list[Connection] = []
    processes: list[BaseProcess] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(
                target=_serve, args=(theirs, directory, order), daemon=True
            )
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()


def _serve(pipe: Connection, directory: Path, order: Order) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent decides
    made = _labels(directory, order)
    try:
        while True:
            first, last = pipe.recv()
            pipe.send_bytes(made.rows(first, last))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has gone, in order or not


def _ask(order: Order, pipe: Connection, block: Block) -> None:
    try:
        pipe.send(block)
    except (BrokenPipeError, ConnectionResetError):
        raise _ended(order) from None


def _answer(order: Order, pipe: Connection) -> bytes:
    try:
        return pipe.recv_bytes()
    except (EOFError, ConnectionResetError):
        raise _ended(order) from None


def _ended(order: Order) -> OrderError:
    return OrderError(
        f"order {order.tag}: a process that signs has ended (killed, or out of memory); what is written stays, "
        f"go on with: countermark-central codes issue --resume {order.tag}"
    )


def _labels(directory: Path, order: Order) -> Labels:
    sign = key_files.open_key(directory, order.key_id)[0] if order.key_id else None
    return Labels(order, serials_of(load(directory), order), sign)
