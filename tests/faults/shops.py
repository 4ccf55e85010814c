"""The whole system as processes in one directory, each of which can be killed, started again, and looked into.

PostgreSQL is started by :func:`central.embedded.database.start_database`, the rest as a service manager would: central and the agents
by their commands, Mosquitto with the configuration that central writes. What dies stays dead until :meth:`Shops.revive`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import psycopg

from central.embedded.database import EmbeddedDatabase, start_database
from deploy.demonstration.installation import ROOT, Installation, Ports, answers, choose_port, listens
from deploy.demonstration.processes import Children, Command
from tests.faults.till import Till

SITES = tuple(f"shop-{number:02}" for number in range(1, 61))
GTINS = ("04012345678901", "05901234123457", "07622210449283")
OPENING_STOCK = 1_000_000
KEEPALIVE_S = 2
READY_S = 90.0
DATABASE = "countermark"


class Counter(NamedTuple):
    """One agent: its site, what its process is called here, its id at central, where it keeps its data and answers."""

    site: str
    name: str
    agent: str
    config: Path
    data_dir: Path
    url: str

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.data_dir / "journal.db"


class Shops(Installation):
    """Everything that runs. Used from one thread, except :meth:`revive`, which may be called from another for the database."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("mosquitto", path=f"/usr/sbin:/usr/local/sbin:{os.environ.get('PATH', '')}")
        assert program, "Mosquitto is missing; install it (Debian: apt-get install mosquitto)"
        super().__init__(directory, Children(directory, lambda _: None), Ports(), program)
        self.commands: dict[str, Command] = {}
        self.open: dict[str, Counter] = {}
        self._database: EmbeddedDatabase | None = None
        self._free_sites = list(SITES)

    # Setting up ---------------------------------------------------------------------------------------------------

    def set_up(self) -> None:
        """Database, broker, central, and sites with products and stock; no counter yet."""
        self.start_database()
        self.start_broker()
        self.start_central()
        columns = ("site", "name", "kind", "dealer", "dealer_name", "time_zone", "currency")
        rows = [
            (site, f"Shop {site}", "store", "brand", "The brand", "Europe/Berlin", "EUR") for site in SITES
        ]
        self._import("sites", columns, rows)
        self._import("products", ("gtin", "name"), [(gtin, f"Product {gtin}") for gtin in GTINS])
        stock = [(site, gtin, OPENING_STOCK) for site in SITES for gtin in GTINS]
        self._import("stock", ("site", "gtin", "quantity"), stock)

    def of_central(self, *words: str) -> str:
        """What one of central's commands says."""
        return self._configured(*words)

    def start_database(self) -> None:
        """PostgreSQL, with the settings of an installation: it waits for the disk."""
        self._database = start_database(self.directory / "database")
        self._database_url = self._database.ensure_database(DATABASE)

    def start_broker(self) -> None:
        """Mosquitto, and the relay that is the line to it."""
        authority = self.directory / "authority"
        self._command("central", "authority", "init", "--dir", str(authority))
        self.start(
            Command("broker", (str(self.mosquitto), "-c", str(self._mosquitto_configuration(authority))))
        )
        self.children.wait_for("broker", lambda: listens(self.broker_port))
        relay = (sys.executable, "-m", "tests.faults.relay", str(self.broker_port))
        self.start(Command("relay", relay, {"PYTHONPATH": str(ROOT)}))
        said = self.directory / "relay.log"
        self.children.wait_for("relay", lambda: said.read_bytes().endswith(b"\n"))
        self._write_central_settings(json.loads(said.read_text(encoding="utf-8"))["port"])

    def enrol(self) -> Counter:
        """An agent at a site of its own, enrolled and not running."""
        site = self._free_sites.pop(0)
        place = self.directory / site
        place.mkdir()
        config, data_dir = self.configure(place, choose_port(0, "port"))
        given = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"token-{site}"}
        asked = httpx.post(f"{self.url}/v1/enrolment-tokens", json={"site": site}, headers=given, timeout=30)
        token = asked.raise_for_status().json()["token"]
        self._command("agent", "enrol", "--config", str(config), "--central", self.url, "--token", token)
        return self.counter(site, site, config, data_dir)

    def configure(self, place: Path, port: int) -> tuple[Path, Path]:
        """Write an agent's configuration; its path, and the data directory that it names."""
        data_dir = place / "data"
        text = f"""\
data_dir = {json.dumps(str(data_dir))}

[local]
port = {port}

[broker]
keepalive_s = {KEEPALIVE_S}
"""
        (place / "agent.toml").write_text(text, encoding="utf-8")
        return place / "agent.toml", data_dir

    def counter(self, name: str, site: str, config: Path, data_dir: Path) -> Counter:
        """The counter whose agent is enrolled in ``data_dir``, and the command that runs it."""
        agent = json.loads((data_dir / "identity" / "identity.json").read_text(encoding="utf-8"))["agent"]
        port = config.read_text(encoding="utf-8").split("port = ")[1].split("\n")[0]
        made = Counter(site, f"agent-{name}", agent, config, data_dir, f"http://127.0.0.1:{port}")
        run = (sys.executable, "-m", "agent", "run", "--config", str(config))
        self.commands[made.name] = Command(made.name, run, {"PYTHONPATH": str(ROOT)})
        return made

    def open_counter(self, counter: Counter | None = None) -> tuple[Counter, Till]:
        """Start a counter's agent (of a new one where none is given), and put a till before it."""
        counter = counter or self.enrol()
        self.open[counter.name] = counter
        self.revive(counter.name)
        self.wait_ready(counter)
        return counter, Till(counter.site, counter.url, GTINS)

    # Killing and starting again -----------------------------------------------------------------------------------

    def start(self, command: Command) -> None:
        """Start a process, and remember how."""
        self.commands[command.name] = command
        self.children.start(command)

    def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is gone. It stays dead."""
        os.kill(self.children.pid(name), signal.SIGKILL)
        self.children.end(name)

    def stop(self, name: str) -> None:
        """End a process in order."""
        self.children.end(name)

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process."""
        os.kill(self.children.pid(name), number)

    def revive(self, name: str) -> None:
        """Start again what has died or was stopped."""
        if name == "postgres":
            self.start_database()
        else:
            self.start(self.commands[name])

    def kill_postmaster(self) -> None:
        """SIGKILL the server itself; its sessions find out and end by themselves."""
        self.database.server.process.kill()
        assert self.database.server.has_ended_within(30), "a killed PostgreSQL does not end"

    def kill_backend(self, choose: Callable[[list[psutil.Process]], psutil.Process]) -> str:
        """SIGKILL one of the server's sessions, or a worker of its where there is no session; what it was.

        The server then ends all others and recovers from its log: the same as a crash of the whole, without a new process.
        """
        found: list[tuple[psutil.Process, str]] = []
        for child in self.database.server.process.children():
            try:
                found.append((child, " ".join(child.cmdline())))
            except psutil.Error:
                continue
        sessions = [child for child, words in found if f" {DATABASE} " in words]
        chosen = choose(sorted(sessions or [child for child, _ in found], key=lambda child: child.pid))
        chosen.kill()
        return next(words for child, words in found if child == chosen)

    def stop_database(self) -> None:
        """Stop PostgreSQL in order."""
        self.database.stop()
        assert self.database.server.has_ended_within(30)

    @property
    def database(self) -> EmbeddedDatabase:
        """The server as it was last started."""
        assert self._database is not None, "the database was never started"
        return self._database

    @property
    def database_url(self) -> str:
        """Where central's books are."""
        return self._database_url

    # Looking and waiting ------------------------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection to central's books, that commits each statement."""
        return psycopg.connect(self._database_url, autocommit=True)

    def status(self, counter: Counter) -> dict[str, object]:
        """What the agent tells of itself."""
        told: dict[str, object] = httpx.get(f"{counter.url}/v1/status", timeout=10).raise_for_status().json()
        return told

    def wait_ready(self, counter: Counter) -> None:
        """Wait until an agent answers."""
        self.children.wait_for(counter.name, lambda: answers(f"{counter.url}/v1/status"), READY_S)

    def wait_central(self) -> None:
        """Wait until central has its database and broker."""
        self.children.wait_for("central", lambda: answers(f"{self.url}/readyz"), READY_S)

    def wait_sent(self, *counters: Counter, timeout_s: float = 150.0) -> None:
        """Wait until central has acknowledged everything that these agents hold."""
        for counter in counters:
            until(
                lambda counter=counter: self._is_sent(counter),  # type: ignore[misc]
                f"{counter.name}: everything sent",
                timeout_s,
                lambda counter=counter: f"its status: {self.status(counter)}",  # type: ignore[misc]
            )

    def _is_sent(self, counter: Counter) -> bool:
        try:
            told = self.status(counter)
        except httpx.HTTPError:
            return False
        return told["unsent"] == 0 and told["phase"] == "idle"

    # Ending -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End everything: agents, central, broker, and the database last."""
        for name in ("relay", "broker"):  # a stopped process does not hear that it should end
            if name in self.commands:
                self.send_signal(name, signal.SIGCONT)
        super().close()
        if self._database is not None:
            self._database.stop()

    def _start(self, name: str, side: str, *words: str) -> None:
        self.start(Command(name, (sys.executable, "-m", side, *words), {"PYTHONPATH": str(ROOT)}))


@contextmanager
def shops(purpose: str = "faults") -> Iterator[Shops]:
    """The system in a directory of its own, that is removed at the end."""
    # The database of root runs as another account, which must be able to enter; and a socket's path must be short.
    place = Path(tempfile.mkdtemp(prefix=f"cm-{purpose}-", dir="/tmp" if os.geteuid() == 0 else None))
    place.chmod(0o711)
    made = Shops(place)
    try:
        made.set_up()
        yield made
    finally:
        made.close()
        shutil.rmtree(place)


def until(
    happened: Callable[[], bool],
    what: str,
    timeout_s: float = 60.0,
    explain: Callable[[], str] = lambda: "",
) -> None:
    """Wait until something has happened outside of this process, where nothing tells us when it does."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not after {timeout_s:.0f} s; {explain()}"
        pause.wait(0.05)


def copy_tree(source: Path, target: Path) -> None:
    """A copy with owners, modes and times, as a backup makes it."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
