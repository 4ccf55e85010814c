"""A file that keeps room for the last sales.

When the disk is full, the reserve is given up and the write that found it full is made after all. From then on a person is
told to make room, while the counter goes on. Once there is room again, the reserve is taken up anew.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

DEFAULT_RESERVE_BYTES = 16 * 1024 * 1024
"""Room for the largest write-ahead log plus some 10,000 sales of 3 lines."""
_ROOM_FACTOR = 2  # taking up a reserve must not itself fill the disk


class Reserve:
    """The reserve of one journal. ``held`` is whether its room is set aside now."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self.held = path.exists() and path.stat().st_size >= size_bytes > 0

    @property
    def is_spent(self) -> bool:
        """Whether room should be set aside, and is not."""
        return not self.held and self._size_bytes > 0

    def take_up(self) -> bool:
        """Set the room aside if there is plenty; whether it is held now."""
        if self.held or self._size_bytes == 0:
            return self.held
        try:
            if self.free_bytes() < self._size_bytes * _ROOM_FACTOR:
                return False
            with self._path.open("wb") as file:
                _allocate(file.fileno(), self._size_bytes)
        except OSError:
            # Somebody else took the room between the question and the writing: better no reserve than half of one.
            with contextlib.suppress(OSError):
                self._path.unlink()
            return False
        self.held = True
        return True

    def release(self) -> bool:
        """Give the room to the journal; whether there was any to give."""
        if not self.held:
            return False
        self.held = False
        try:
            self._path.unlink()
        except OSError:
            return False  # a disk that has become read-only cannot even forget
        return True

    def free_bytes(self) -> int:
        """What this process may still write to the disk."""
        status = os.statvfs(self._path.parent)
        return status.f_bavail * status.f_frsize


def _allocate(file_descriptor: int, size_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file_descriptor, 0, size_bytes)
        return
    for _ in range(0, size_bytes, 1024 * 1024):  # a file with a hole in it would hold no room
        os.write(file_descriptor, bytes(1024 * 1024))
