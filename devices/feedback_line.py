"""Sends feedback beside the reading: a scanner that takes no bytes holds up neither its own scans nor anybody else's."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

WAITING_LIMIT = 4
"""Commands that may wait for a slow scanner. What does not fit is dropped: a beep that comes late belongs to another scan."""


class FeedbackLine:
    """Commands on their way to one scanner. ``write`` blocks for a bounded time; False: the scanner took nothing."""

    def __init__(self, device: str, write: Callable[[bytes], bool]) -> None:
        self._device = device
        self._write = write
        self._waiting: queue.Queue[bytes] = queue.Queue(WAITING_LIMIT)
        self._over = threading.Event()

    def send(self, command: bytes) -> bool:
        """Have a command sent; returns at once, from any thread. False where too many wait already."""
        try:
            self._waiting.put_nowait(command)
        except queue.Full:
            return False
        return True

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Send what comes for the length of the block. Once."""
        thread = threading.Thread(target=self._run, name=f"feedback-{self._device}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            with suppress(queue.Full):  # then there is something to wake up for already
                self._waiting.put_nowait(b"")
            thread.join()

    def _run(self) -> None:
        while True:
            command = self._waiting.get()
            if self._over.is_set():
                return
            if command and not self._write(command):
                self._forget_waiting()
                if self._over.is_set():
                    return

    def _forget_waiting(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
