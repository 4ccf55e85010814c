"""A scanner on a pseudo-terminal, and a source running in a thread, for tests of the serial driver."""

from __future__ import annotations

import os
import queue
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devices.connection import Backoff
from devices.profile import Profile
from devices.scan import DeviceState, DeviceStatus, Scan
from devices.serial_port import SerialSource
from devices.source import Source

# Far longer than anything here takes; only a hang meets it.
PATIENCE_S = 20


class PtyScanner:
    """The far end of the line. `link` stands for the stable name under /dev/serial/by-id."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master: int | None = None
        self._slave: int | None = None

    def plug_in(self) -> None:
        """Appear, under a terminal number of the kernel's choice."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        fresh = self.link.with_name(self.link.name + ".new")
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.rename(self.link)

    def unplug(self) -> None:
        """Vanish, with the link."""
        assert self._master is not None
        assert self._slave is not None
        self.link.unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = None

    def send(self, data: bytes) -> None:
        """What the scanner says, whole."""
        assert self._master is not None
        while data:
            data = data[os.write(self._master, data) :]

    def heard(self, size: int) -> bytes:
        """Read that many bytes of what the host sent."""
        assert self._master is not None
        data = b""
        while len(data) < size:
            data += os.read(self._master, size - len(data))
        return data

    @property
    def terminal(self) -> str:
        """The kernel's name of this end's terminal."""
        return str(self.link.readlink())


class Running:
    """A source at work, with what it gave so far."""

    def __init__(self, source: Source) -> None:
        self.scans: queue.Queue[Scan] = queue.Queue()
        self.statuses: queue.Queue[DeviceStatus] = queue.Queue()
        self.stop = threading.Event()
        self.thread = threading.Thread(
            target=source.run, args=(self.scans.put, self.statuses.put, self.stop), daemon=True
        )
        self.thread.start()

    def next_scan(self) -> Scan:
        """The next scan, waiting for it."""
        return self.scans.get(timeout=PATIENCE_S)

    def next_scans(self, count: int) -> list[Scan]:
        """The next so many scans."""
        return [self.next_scan() for _ in range(count)]

    def until(self, state: DeviceState) -> DeviceStatus:
        """Wait until the source reports this state."""
        while True:
            status = self.statuses.get(timeout=PATIENCE_S)
            if status.state is state:
                return status

    def end(self) -> None:
        """Ask it to stop and wait until it has."""
        self.stop.set()
        self.thread.join(timeout=PATIENCE_S)
        assert not self.thread.is_alive()


@contextmanager
def running(source: Source) -> Iterator[Running]:
    """A source at work for the length of the block."""
    run = Running(source)
    try:
        yield run
    finally:
        run.end()


def serial_source(path: Path | str, profile: Profile) -> SerialSource:
    """A source that tries again at once, so that no test waits for a pause."""
    return SerialSource(str(path), profile, name="till-1", backoff=Backoff(first_s=0.01, longest_s=0.02))
