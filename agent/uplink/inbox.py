"""How other threads reach the link's thread: a flag for each thing that can be said in one word, and a wake-up.

Flags cannot pile up: a thousand commits while the link is busy are one flag.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")
LETTERS_LIMIT = 64
"""What may wait besides flags: questions, results of writes. Each is bounded at its source as well."""


class Inbox(Generic[T]):
    """Bounded, and its ``wake`` socket becomes readable when something is in it."""

    def __init__(self) -> None:
        self.wake, self._waker = socket.socketpair()
        self.wake.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
        self._waker.setblocking(False)  # noqa: FBT003 - the name of the method says what it means
        self._mutex = threading.Lock()
        self._letters: deque[T] = deque()
        self._has_committed = False

    def committed(self) -> None:
        """The journal's database has changed."""
        if not self._has_committed:
            self._has_committed = True
            self._ring()

    def put(self, letter: T) -> bool:
        """Leave something; False if there is no room."""
        with self._mutex:
            if len(self._letters) >= LETTERS_LIMIT:
                return False
            self._letters.append(letter)
        self._ring()
        return True

    def take(self) -> tuple[bool, list[T]]:
        """Whether there was a commit, and what was left, in its order. Empties the inbox."""
        with contextlib.suppress(BlockingIOError):
            while self.wake.recv(4096):
                pass
        has_committed, self._has_committed = self._has_committed, False
        with self._mutex:
            letters = list(self._letters)
            self._letters.clear()
        return has_committed, letters

    def close(self) -> None:
        """No more wake-ups."""
        with self._mutex:
            self.wake.close()
            self._waker.close()

    def _ring(self) -> None:
        # A full pipe rings already; a closed one has nobody to wake.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")
