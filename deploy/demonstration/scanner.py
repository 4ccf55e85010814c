"""A scanner on a pseudo-terminal: to the agent, a serial port like any other."""

from __future__ import annotations

import os
import tty
from pathlib import Path


class Scanner:
    """A serial scanner whose port is ``path``. It sends a code byte by byte, as the wire does, with a CR at its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master, port = os.openpty()
        tty.setraw(port)
        # Held open here, so that the agent may let go of the port and come back (a restart) without a hang-up.
        self._port = port
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(port))

    def scan(self, code: str) -> None:
        """Send one code."""
        for byte in code.encode("ascii") + b"\r":
            os.write(self._master, bytes((byte,)))

    def close(self) -> None:
        """Unplug it."""
        self.path.unlink(missing_ok=True)
        os.close(self._port)
        os.close(self._master)
