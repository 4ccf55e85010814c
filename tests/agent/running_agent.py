"""An agent as a process of its own, as a shop runs it: enrolled on paper, with feeds on its disk and nobody to talk to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from agent.clock import ManualClock
from agent.identity import storage
from tests.agent.shop_kit import Counter, make_identity

ROOT = Path(__file__).resolve().parents[2]
RUN = "from agent.commands import app; app()"


class RunningAgent:
    """One process. ``url`` is its local address."""

    def __init__(self, process: subprocess.Popen[str], url: str, ready_line: str) -> None:
        self.process = process
        self.url = url
        self.ready_line = ready_line

    def client(self) -> httpx.Client:
        """A client of the local interface."""
        return httpx.Client(base_url=self.url, timeout=10)


def prepare(folder: Path, *rows: msgspec.Struct, now_us: int | None = None, **identity: object) -> Path:
    """A data directory with an identity and what the feeds have brought; the path of a configuration for it."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    clock = ManualClock() if now_us is None else ManualClock(now_us)
    counter = Counter(data, clock, str(identity.get("agent", "agent-1")))
    counter.feed(*rows)
    counter.close()
    who = make_identity(data, **identity)
    storage.save(who, key_pem=b"", certificate_pem=b"", ca_pem=b"")
    config = folder / "agent.toml"
    config.write_text(f'data_dir = "{data}"\n[broker]\ntls = false\nport = 9\n[local]\nport = 0\n')
    return config


def command(*arguments: str) -> list[str]:
    """The command line of ``countermark-agent``."""
    return [sys.executable, "-c", RUN, *arguments]


def environment() -> dict[str, str]:
    """Its environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERMARK_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "TERM": "dumb"}


@contextmanager
def running(config: Path, folder: Path, *options: str) -> Iterator[RunningAgent]:
    """Start it, wait for its one line, and end it as a service manager does. ``options`` are those of ``run``."""
    log = folder / "agent.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command("run", "--config", str(config), *options),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment(),
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "ready at" in line, f"{line!r}\n{log.read_text(errors='replace')}"
        told = json.loads((folder / "data" / "run.json").read_text())
        yield RunningAgent(process, told["local_url"], line)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        if process.stdout is not None:
            process.stdout.close()
