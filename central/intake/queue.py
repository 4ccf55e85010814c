"""A queue of letters, bounded in number and in bytes."""

from __future__ import annotations

import threading
from collections import deque

from central.intake.letters import Letter


class LetterQueue:
    """First in, first out. :meth:`put` never waits: a full queue says no.

    A sender that has no answer says the same again. While the first of them waits here, that adds nothing: it is let through
    the door and dropped. Nor can one sender take the room of the others: of each, ``limit_each`` letters wait at most.
    """

    def __init__(self, limit: int, limit_bytes: int, limit_each: int = 8) -> None:
        self._letters: deque[Letter] = deque()
        self._waiting: dict[str, list[bytes]] = {}
        self._limit_each = limit_each
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> bool:
        """Add a letter, if there is room; also True for one that waits already."""
        with self._changed:
            waiting = self._waiting.get(letter.agent, [])
            if not self._closed and letter.frame in waiting:
                return True
            if self._closed or len(self._letters) >= self._limit or self._bytes >= self._limit_bytes:
                return False
            if len(waiting) >= self._limit_each:
                return False
            self._letters.append(letter)
            self._waiting.setdefault(letter.agent, []).append(letter.frame)
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
            for letter in taken:
                self._forget(letter)
            return taken

    def _forget(self, letter: Letter) -> None:
        self._bytes -= len(letter.frame)
        waiting = self._waiting[letter.agent]
        waiting.remove(letter.frame)
        if not waiting:
            del self._waiting[letter.agent]

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
