"""A disk of a few megabytes for one agent, in a mount namespace of its own: it is gone when its last process is.

The name space is held by a process that does nothing else, so that the agent on the small disk can be killed and started again.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from deploy.demonstration.processes import ChildError, Command
from tests.faults.shops import Counter, Shops

SIZE_MIB = 44
PIECE_BYTES = 4096
_MOUNT = """
set -e
cp -a "$1" "$1.before"
mount -t tmpfs -o size="$2"m none "$1"
cp -a "$1.before/." "$1/"
echo mounted
exec sleep infinity
"""


class SmallDisk:
    """The data directory of a counter that is enrolled and not running, moved to a small disk."""

    def __init__(self, shops: Shops, counter: Counter) -> None:
        self._place = counter.data_dir
        self._name = f"disk-{counter.site}"
        self._shops = shops
        shops.start(
            Command(self._name, (*_unshare(), "sh", "-c", _MOUNT, "sh", str(self._place), str(SIZE_MIB)))
        )
        log = shops.directory / f"{self._name}.log"
        try:
            shops.children.wait_for(self._name, lambda: b"mounted" in log.read_bytes())
        except ChildError as error:
            raise AssertionError(
                f"a small file system cannot be mounted here ({error}); expected root, or a kernel that lets users have mount "
                "namespaces of their own (unshare --map-root-user --mount)"
            ) from None
        run = shops.commands[counter.name]
        enter = (
            "nsenter",
            f"--target={self._pid}",
            "--user",
            "--mount",
            "--preserve-credentials",
            f"--wd={counter.data_dir}",
        )
        shops.commands[counter.name] = run._replace(arguments=(*enter, *run.arguments))

    @property
    def path(self) -> Path:
        """The directory on it, as seen from outside."""
        return Path(f"/proc/{self._pid}/root{self._place}")

    def fill(self) -> None:
        """Let somebody else's file take all the room there is."""
        with (self.path / "other").open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(PIECE_BYTES))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Take that file away."""
        (self.path / "other").unlink()

    def copy_of_journal(self, target: Path) -> Path:
        """The journal with its newest commits, copied to a place outside; SQLite itself does not find its way in there."""
        target.mkdir()
        for file in ("journal.db", "journal.db-wal"):
            if (self.path / file).exists():
                shutil.copy(self.path / file, target / file)
        return target

    def close(self) -> None:
        """Let go of it; with its last process it is gone."""
        self._shops.stop(self._name)

    @property
    def _pid(self) -> int:
        return self._shops.children.pid(self._name)


def _unshare() -> tuple[str, ...]:
    program = shutil.which("unshare", path="/usr/bin:/bin:/usr/sbin:/sbin")
    assert program, "unshare is missing; install util-linux"
    return program, "--map-root-user", "--mount"
