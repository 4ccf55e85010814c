"""What every bench needs around it: a place, a word about the machine, progress on stderr, and how much memory a process took."""

from __future__ import annotations

import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
_DRAW_EVERY_S = 0.5
_BAR_WIDTH = 30


@contextmanager
def temporary_place(parent: Path | None = None) -> Iterator[Path]:
    """An empty directory, removed afterwards. Root's database runs as another account, which must be able to pass through it.

    A bench that is told to end (SIGTERM) unwinds from here: it ends what it started.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    default = Path("/tmp") if os.geteuid() == 0 else None  # where every account may pass
    with tempfile.TemporaryDirectory(
        prefix="cm-bench-", dir=parent or default, ignore_cleanup_errors=True
    ) as name:
        place = Path(name).resolve()
        place.chmod(0o711)
        yield place


def machine() -> str:
    """The machine in one line, with how busy it was: a figure from a busy machine is worth its ratio only."""
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"
    )


def report(**figures: Any) -> None:
    """The one line."""
    print(json.dumps({**figures, "machine": machine()}), flush=True)


def say(text: str) -> None:
    """A word for whoever waits."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A bar on stderr: redrawn where somebody looks, silent where nobody does."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = max(1, total)
        self._is_seen = sys.stderr.isatty()
        self._drawn_s = 0.0
        self._is_done = False
        if not self._is_seen:
            say(f"{what}: {total:,}")

    def show(self, done: int) -> None:
        """So much is done."""
        now_s = time.monotonic()
        is_end = done >= self._total
        if not self._is_seen or self._is_done or not (is_end or now_s - self._drawn_s > _DRAW_EVERY_S):
            return
        self._drawn_s, self._is_done = now_s, is_end
        filled = min(_BAR_WIDTH, _BAR_WIDTH * done // self._total)
        bar = "█" * filled + "·" * (_BAR_WIDTH - filled)
        print(
            f"\r{self._what:<24} {bar} {done:,} of {self._total:,}",
            end="\n" if is_end else "",
            file=sys.stderr,
            flush=True,
        )

    def over(self, things: Iterable[T], each: int = 1) -> Iterator[T]:
        """The things one by one, each of which counts ``each``."""
        done = 0
        for thing in things:
            yield thing
            done += each
            self.show(done)


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process ever held (Linux); what it holds now where the system does not remember."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    except FileNotFoundError:
        pass
    return round(int(psutil.Process(pid).memory_info().rss) / 1024 / 1024, 1)


def allow_open_files(wanted: int) -> None:
    """Raise the limit of open files for this process and its children. Ends the bench where the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(
            f"open files: the system allows {hard}, expected {wanted}; raise it (ulimit -Hn), or ask for fewer agents"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def intake_figure(lines: int, agents: int) -> dict[str, Any]:
    """The plain intake on this machine now: what ``bench.intake`` says."""
    say("reference: the plain intake")
    command: Sequence[str] = (
        sys.executable,
        "-m",
        "bench.intake",
        "--lines",
        str(lines),
        "--agents",
        str(agents),
    )
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said
