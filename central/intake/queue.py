"""A queue of letters, bounded in number and in bytes."""

from __future__ import annotations

import threading
from collections import deque

from central.intake.letters import Letter


class LetterQueue:
    """First in, first out. :meth:`put` never waits: a full queue says no."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._letters: deque[Letter] = deque()
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> bool:
        """Add a letter, if there is room."""
        with self._changed:
            if self._closed or len(self._letters) >= self._limit or self._bytes >= self._limit_bytes:
                return False
            self._letters.append(letter)
            self._bytes += len(letter.frame)
            self._changed.notify()
            return True

    def take(self, limit: int, limit_bytes: int, *, wait: bool) -> list[Letter]:
        """The next letters, as many as are there within the limits, at least one; none if there is none and no wait, or closed.

        No lingering for more: while one group commits, the next one gathers by itself.
        """
        with self._changed:
            while wait and not self._letters and not self._closed:
                self._changed.wait()
            taken: list[Letter] = []
            size = 0
            while not self._closed and self._letters and len(taken) < limit:
                size += len(self._letters[0].frame)
                if taken and size > limit_bytes:
                    break
                taken.append(self._letters.popleft())
            self._bytes -= sum(len(letter.frame) for letter in taken)
            return taken

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
