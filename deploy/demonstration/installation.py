"""Central, its database and broker, and the agents: set up by the product's own commands, each a process of its own."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from deploy.demonstration.counter import Counter
from deploy.demonstration.day import DEALER_SITE, WAREHOUSE, Plan
from deploy.demonstration.link import Link
from deploy.demonstration.processes import ChildError, Children, Command
from deploy.demonstration.sales_file import Product
from deploy.demonstration.scanner import Scanner

ROOT = Path(__file__).parents[2]


class PortTaken(Exception):
    """A port that was asked for and is somebody else's."""


class Ports(NamedTuple):
    """Where things listen; 0 asks for a free one."""

    http: int = 0
    broker: int = 0
    till: int = 0  # of the first counter; the others follow


class ExternalBroker(NamedTuple):
    """A Mosquitto program to use instead of the embedded broker."""

    program: str


class Installation:
    """Everything that runs, in one directory."""

    def __init__(self, directory: Path, children: Children, ports: Ports, mosquitto: str | None) -> None:
        self.directory = directory
        self.children = children
        self.mosquitto = mosquitto
        self.http_port = choose_port(ports.http, "--http-port")
        self.broker_port = choose_port(ports.broker, "--broker-port")
        self.first_till_port = ports.till
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.link: Link | None = None
        self.token = ""
        self.counters: dict[str, Counter] = {}
        self._scanners: list[Scanner] = []
        (directory / "central").mkdir()

    # Central ------------------------------------------------------------------------------------------------------

    def start_database(self) -> None:
        """The embedded PostgreSQL."""
        place = self.directory / "database"
        said = self.directory / "database.log"
        self._start("database", "central", "database", "--directory", str(place), "--json")
        self.children.wait_for("database", lambda: b"url" in said.read_bytes())
        first = next(line for line in said.read_text(encoding="utf-8").splitlines() if '"url"' in line)
        self._write_central_settings(json.loads(first)["url"])

    def start_broker(self) -> None:
        """The embedded broker, or the Mosquitto that was named; both know machines by their certificates."""
        authority = self.directory / "authority"
        self._command(
            "central",
            "authority",
            "init",
            "--dir",
            str(authority),
            "--broker-name",
            "127.0.0.1",
            "--broker-name",
            "localhost",
        )
        if self.mosquitto:
            configuration = self.directory / "mosquitto.conf"
            self._command(
                "central", "broker", "--render-mosquitto", str(configuration), "--port", str(self.broker_port)
            )
            self.children.start(Command("broker", (self.mosquitto, "-c", str(configuration))))
        else:
            self._start("broker", "central", "broker", "--port", str(self.broker_port))
        self.children.wait_for("broker", lambda: listens(self.broker_port))
        self.link = Link("127.0.0.1", self.broker_port)
        self._append_settings(f'public_host = "127.0.0.1"\npublic_port = {self.link.port}\n')

    def start_central(self) -> None:
        """Schema, then the service."""
        self._command("central", "migrate")
        self._start("central", "central", "run")
        self.children.wait_for("central", lambda: answers(f"{self.url}/readyz"))
        made = json.loads(
            self._command("central", "tokens", "create", "--role", "brand", "--name", "demo", "--json")
        )
        self.token = made["token"]

    def import_books(self, plan: Plan, products: Iterable[Product], currency: str) -> None:
        """Sites, products with their prices, and opening stock, by the import commands."""
        zone = plan.time_zone.key
        serving = WAREHOUSE
        rows = [(WAREHOUSE, "The brand's warehouse", "warehouse", "brand", "The brand", zone, currency, "")]
        rows += [
            (site, f"Shop {store}", "store", "brand", "The brand", zone, currency, serving)
            for store, site in plan.sites.items()
        ]
        rows += [(DEALER_SITE, "The dealer's shop", "dealer", "dealer", "A dealer", zone, currency, serving)]
        columns = ("site", "name", "kind", "dealer", "dealer_name", "time_zone", "currency", "serving_site")
        self._import("sites", columns, rows)
        names = ("gtin", "name", "department", "category", "package_size", "list_price")
        self._import("products", names, products, "--currency", currency)
        stock = [
            (
                o.site,
                o.gtin,
                o.quantity,
                "" if o.reorder_point is None else o.reorder_point,
                "" if o.order_up_to is None else o.order_up_to,
            )
            for o in plan.openings
        ]
        self._import("stock", ("site", "gtin", "quantity", "reorder_point", "order_up_to"), stock)

    # Agents -------------------------------------------------------------------------------------------------------

    def open_counter(self, site: str) -> Counter:
        """Enrol an agent at a site and start it, with a scanner of its own."""
        place = self.directory / f"agent-{site}"
        place.mkdir()
        asked = f"{self.first_till_port + len(self.counters)}" if self.first_till_port else "0"
        port = choose_port(int(asked), "--till-port")
        scanner = Scanner(place / "scanner")
        self._scanners.append(scanner)
        settings = f"""\
data_dir = {json.dumps(str(place / "data"))}

[local]
port = {port}

[till]
double_trigger_ms = 0  # the demonstration's cashier scans faster than a hand can

[[scanner]]
kind = "serial"
path = {json.dumps(str(scanner.path))}
"""
        (place / "agent.toml").write_text(settings, encoding="utf-8")
        token = json.loads(self._command("central", "agents", "enrol", "--site", site, "--json"))["token"]
        configuration = str(place / "agent.toml")
        self._command("agent", "--config", configuration, "enrol", "--central", self.url, "--token", token)
        self._start(f"agent-{site}", "agent", "--config", configuration, "run")
        counter = Counter(site, f"http://127.0.0.1:{port}", scanner)
        self.counters[site] = counter
        return counter

    def wait_for_counters(self) -> None:
        """Until every agent answers."""
        for site, counter in self.counters.items():
            self.children.wait_for(f"agent-{site}", counter.ready)

    def close(self) -> None:
        """End everything, in order."""
        for counter in self.counters.values():
            counter.close()
        self.children.end_all()
        for scanner in self._scanners:
            scanner.close()
        if self.link is not None:
            self.link.close()

    # Inside -------------------------------------------------------------------------------------------------------

    @property
    def central_toml(self) -> Path:
        """Central's configuration."""
        return self.directory / "central" / "central.toml"

    def _write_central_settings(self, database_url: str) -> None:
        self.central_toml.write_text(
            f"""\
[database]
url = {json.dumps(database_url)}

[http]
port = {self.http_port}

[authority]
directory = {json.dumps(str(self.directory / "authority"))}

[broker]
host = "127.0.0.1"
port = {self.broker_port}
""",
            encoding="utf-8",
        )

    def _append_settings(self, lines: str) -> None:
        with self.central_toml.open("a", encoding="utf-8") as file:
            file.write(lines)

    def _import(
        self, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *options: str
    ) -> None:
        path = self.directory / f"{kind}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        self._command("central", "import", kind, str(path), *options)

    def _arguments(self, side: str, words: Sequence[str]) -> tuple[str, ...]:
        configured = (
            ("--config", str(self.central_toml)) if side == "central" and self.central_toml.exists() else ()
        )
        return (sys.executable, "-m", side, *configured, *words)

    def _start(self, name: str, side: str, *words: str) -> None:
        self.children.start(Command(name, self._arguments(side, words), {"PYTHONPATH": str(ROOT)}))

    def _command(self, side: str, *words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        arguments = self._arguments(side, words)
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ChildError(
                f"{side} {' '.join(words[:3])} ended with code {done.returncode}: {done.stderr or done.stdout}"
            )
        return done.stdout


def choose_port(wanted: int, option: str) -> int:
    """``wanted`` if it is free, a free one for 0."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise PortTaken(
                f"port {wanted} is taken ({error.strerror}); name another with {option}, or none for a free one"
            ) from None
        port: int = trial.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something listens at the port."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Whether the URL answers with a success."""
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False
