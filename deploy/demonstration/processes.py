"""The children of the demonstration: started, watched, started again when they die, and all ended with it.

A child that is killed in the middle of the day is simply started again: that is what the books must survive. Should the
demonstration itself be killed, the kernel ends its children (Linux), and what is still there is ended by the next run, which
finds them in ``children.json``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import psutil

_PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_S = 20.0
RESTARTS_LIMIT = 20  # of one child: then something is wrong that a restart does not cure


class ChildError(Exception):
    """A child that does not come up, with the end of what it had to say."""


class Command(NamedTuple):
    """How to start a child. ``environment`` is added to ours."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = {}


class Children:
    """All children. Used from the main thread; ``watch`` runs in one of its own."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.directory = directory
        self.say = say
        self.restarts = 0
        self._commands: dict[str, Command] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._was_ready: set[str] = set()
        self._ending = threading.Event()
        # The kernel ties a child to the thread that started it: that must be one that lives as long as we do.
        self._starter = ThreadPoolExecutor(1, "starter")
        self._lock = threading.RLock()

    def start(self, command: Command) -> int:
        """Start a child; its process id. What it says goes to ``<name>.log``."""
        with self._lock:
            self._commands[command.name] = command
            child = self._starter.submit(self._spawn, command).result()
            self._running[command.name] = child
            self._note()
            return child.pid

    def _spawn(self, command: Command) -> subprocess.Popen[bytes]:
        with (self.directory / f"{command.name}.log").open("ab") as log:
            return subprocess.Popen(
                command.arguments,
                env={**os.environ, **command.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for us; we end them in order
                # It makes one system call between fork and exec, which takes no lock.
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )

    def pid(self, name: str) -> int:
        """The process id of a child."""
        return self._running[name].pid

    def wait_for(self, name: str, ready: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until ``ready`` says so; a child that gives up meanwhile is an error with its last words."""
        until = time.monotonic() + timeout_s
        while not ready():
            ended = self._running[name].poll()
            if ended is not None and ended >= 0:
                raise ChildError(f"{name} ended with code {ended}: {self.last_words(name)}")
            self.restart_the_dead()
            if time.monotonic() > until:
                raise ChildError(f"{name} is not ready after {timeout_s:.0f} s: {self.last_words(name)}")
            time.sleep(0.05)
        self._was_ready.add(name)

    def restart_the_dead(self) -> list[str]:
        """Start again what has died; the names. A child that gives up before it was ever ready has said why: it stays."""
        died = []
        with self._lock:
            if self._ending.is_set():
                return []
            for name, child in list(self._running.items()):
                ended = child.poll()
                if ended is not None and (ended < 0 or name in self._was_ready):
                    died.append(name)
                    self.restarts += 1
                    if self.restarts > RESTARTS_LIMIT:
                        raise ChildError(f"{name} dies again and again: {self.last_words(name)}")
                    self.start(self._commands[name])
        for name in died:
            self.say(f"{name} died and was started again")
        return died

    def end(self, name: str) -> None:
        """End one child and wait for it."""
        with self._lock:
            child = self._running.pop(name, None)
        if child is not None:
            _end(psutil.Process(child.pid) if child.poll() is None else None)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_TIMEOUT_S)

    def end_all(self) -> None:
        """End every child, the last started first: an agent before central, central before its database."""
        self._ending.set()
        for name in reversed(list(self._running)):
            self.end(name)
        (self.directory / "children.json").unlink(missing_ok=True)

    def last_words(self, name: str) -> str:
        """The end of a child's log."""
        log = self.directory / f"{name}.log"
        text = log.read_bytes()[-2000:].decode(errors="replace").strip() if log.exists() else ""
        return text or "it said nothing"

    def _note(self) -> None:
        known = {}
        for name, child in self._running.items():
            with contextlib.suppress(psutil.Error):
                known[name] = [child.pid, psutil.Process(child.pid).create_time()]
        draft = self.directory / "children.json.new"
        draft.write_text(json.dumps(known), encoding="utf-8")
        draft.replace(self.directory / "children.json")


def end_leftovers(directory: Path) -> list[str]:
    """End what an earlier demonstration, killed in its middle, left running; the names."""
    notes = directory / "children.json"
    if not notes.exists():
        return []
    ended = []
    for name, (pid, created) in reversed(json.loads(notes.read_text(encoding="utf-8")).items()):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            # A process id is used again by others: only the one that began at that moment is ours.
            if abs(process.create_time() - created) < 0.01:
                _end(process)
                ended.append(name)
    notes.unlink()
    return ended


def _end(process: psutil.Process | None) -> None:
    if process is None:
        return
    with contextlib.suppress(psutil.Error):
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
