"""One agent per journal.

Two processes that append to one journal would give one number to two sales. The lock is held by the operating system for as long
as the process lives, so that a killed agent leaves none behind.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from agent.store.faults import StoreInUse


class Lock:
    """An exclusive lock on ``path``; :class:`StoreInUse` if another process has it."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise StoreInUse(
                f"journal {path.with_suffix('')}: in use by process {holder}; stop that one first, or give this agent "
                "a data_dir of its own"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let go. The file stays: removing it would race with the next one who locks it."""
        self._file.close()
