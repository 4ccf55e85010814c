"""The processes of an embedded PostgreSQL: which one runs on a directory, and how a new one is started.

``postmaster.pid`` names the server of a cluster, but after a crash it may name nobody, or by then any other process. It is
therefore always checked against the processes that are there.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import psutil
from psycopg import pq

from central.embedded.accounts import Account
from central.errors import CentralError

POLL_S = 0.02
# Workers of a killed postmaster end by themselves within moments; until then they hold its shared memory.
ORPHANS_END_WITHIN_S = 20.0
LOG_TAIL_BYTES = 2000


class DatabaseError(CentralError):
    """The embedded PostgreSQL cannot be made, started or stopped."""


@dataclass(frozen=True)
class Postmaster:
    """A running server: its process, and the directory of its socket."""

    process: psutil.Process
    socket_directory: Path
    child: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether it is still there."""
        return self.process.is_running() if self.child is None else self.child.poll() is None

    def has_ended_within(self, seconds: float) -> bool:
        """Wait for its end, for so long at most."""
        try:
            if self.child is None:
                self.process.wait(seconds)
            else:
                self.child.wait(seconds)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            return False
        return True


class _AsAccount(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def as_account(account: Account | None) -> _AsAccount:
    """The arguments of :class:`subprocess.Popen` that make a program run as ``account``, from a directory it can enter."""
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.uid, "group": account.gid, "extra_groups": []}


def find_running(data: Path) -> Postmaster | None:
    """The server that runs on the cluster ``data`` and takes connections, or ``None``.

    The file alone is not believed: one that was killed a moment ago still has its process and still says "ready".
    """
    lines = _pid_file_lines(data)
    process = _server_process(lines, data)
    if process is None or len(lines) < 8 or lines[7].strip() != "ready":
        return None
    sockets = Path(lines[4])
    answer = pq.PGconn.ping(f"host='{sockets}' port='{lines[3]}' dbname=postgres".encode())
    return Postmaster(process, sockets) if answer == pq.Ping.OK else None


def start(
    programs: Path,
    data: Path,
    log: Path,
    account: Account | None,
    parameters: Mapping[str, str],
    timeout_s: float,
) -> Postmaster:
    """Start a server on ``data`` and wait until it is ready; one that is ready already is taken over."""
    deadline = time.monotonic() + timeout_s
    retry_until = time.monotonic() + (ORPHANS_END_WITHIN_S if (data / "postmaster.pid").exists() else 0.0)
    while True:
        if (running := find_running(data)) is not None:
            return running
        _forget_stale_locks(data, Path(parameters["unix_socket_directories"]))
        child = _spawn(programs, data, log, account, parameters)
        ready = _wait_until_ready(child, data, deadline)
        if ready is not None:
            return ready
        if child.poll() is None:
            child.terminate()
            child.wait()
            raise DatabaseError(
                f"PostgreSQL in {data}: not ready after {timeout_s:g} s; its log {log} ends: {_tail(log)}"
            )
        if time.monotonic() > retry_until:
            raise DatabaseError(f"PostgreSQL in {data}: does not start; its log {log} ends: {_tail(log)}")
        time.sleep(POLL_S * 10)


def _spawn(
    programs: Path, data: Path, log: Path, account: Account | None, parameters: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    command = [str(programs / "bin" / "postgres"), "-D", str(data)]
    for name, value in parameters.items():
        command += ["-c", f"{name}={value}"]
    with log.open("ab") as output:
        # A session of its own: Ctrl-C at a terminal reaches central, which then ends the server in order.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **as_account(account),
        )


def _wait_until_ready(child: subprocess.Popen[bytes], data: Path, deadline: float) -> Postmaster | None:
    """The started server once it takes connections; ``None`` if it ended or the time is up."""
    while child.poll() is None and time.monotonic() < deadline:
        running = find_running(data)
        if running is not None and running.process.pid == child.pid:
            return Postmaster(running.process, running.socket_directory, child)
        time.sleep(POLL_S)
    return None


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _server_process(lines: list[str], data: Path) -> psutil.Process | None:
    """The process a ``postmaster.pid`` names, if that process is the server of this cluster."""
    try:
        process = psutil.Process(int(lines[0]))
        is_server = str(data) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (IndexError, ValueError, psutil.Error):
        return None
    return process if is_server else None


def _forget_stale_locks(data: Path, sockets: Path) -> None:
    """Remove lock files of a dead server that would stop a start for no reason.

    PostgreSQL itself steps over a number that nobody has. It stops at a number that another process has been given since,
    and at a file cut short by a power failure. The files stay as long as any process of the old server is left, since they
    are what keeps a second server off the same cluster.
    """
    for process in psutil.process_iter(["name", "cwd", "ppid", "status"]):
        if process.info["name"] != "postgres":
            continue
        if process.info["status"] == psutil.STATUS_ZOMBIE and process.info["ppid"] == os.getpid():
            process.wait(0)  # killed while it was this process's child, and nobody has asked for its end yet
        elif process.info["cwd"] == str(data):
            return
    for lock in (data / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
        lock.unlink(missing_ok=True)


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
        return " | ".join(file.read().decode(errors="replace").splitlines()[-6:])
