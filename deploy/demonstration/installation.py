"""Central, its database and broker, and the agents: set up by the product's own commands, each a process of its own."""

from __future__ import annotations

import csv
import getpass
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from central.authority.files import certificate_path, key_path
from central.authority.installation import BROKER_NAME
from central.embedded.mosquitto import MosquittoPaths, access_list, configuration
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
        self._database_url = ""
        self.counters: dict[str, Counter] = {}

    # Central ------------------------------------------------------------------------------------------------------

    def start_database(self) -> None:
        """The embedded PostgreSQL."""
        said = self.directory / "database.log"
        self._start("database", "central", "database", "--dir", str(self.directory / "database"), "--json")
        self.children.wait_for("database", lambda: b'"url"' in said.read_bytes())
        text = said.read_text(encoding="utf-8")
        document, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        self._database_url = document["url"]

    def start_broker(self) -> None:
        """The embedded broker, or the Mosquitto that was named; both know machines by their certificates."""
        authority = self.directory / "authority"
        if self.mosquitto is None:
            self._start(
                "broker", "central", "broker", "--dir", str(authority), "--port", str(self.broker_port)
            )
        else:
            self._command("central", "authority", "init", "--dir", str(authority))
            self.children.start(
                Command("broker", (self.mosquitto, "-c", str(self._mosquitto_configuration(authority))))
            )
        self.children.wait_for("broker", lambda: listens(self.broker_port))
        self.link = Link("127.0.0.1", self.broker_port)
        self._write_central_settings(self.link.port)

    def start_central(self) -> None:
        """Schema, then the service."""
        self._configured("migrate")
        self._start("central", "central", "run", "--config", str(self.central_toml))
        self.children.wait_for("central", lambda: answers(f"{self.url}/readyz"))
        made = json.loads(self._configured("tokens", "create", "demonstration", "--role", "brand", "--json"))
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
        self._import(
            "stock",
            ("site", "gtin", "quantity", "reorder_point", "order_up_to"),
            stock,
            "--at",
            plan.opened_at,
        )

    # Agents -------------------------------------------------------------------------------------------------------

    def open_counters(self, sites: Sequence[str]) -> None:
        """Enrol an agent at each site and start it, with a scanner of its own; wait until all are there."""
        places = {site: self._furnish(site, number) for number, site in enumerate(sites)}
        with ThreadPoolExecutor(3) as side_by_side:
            list(side_by_side.map(self._enrol_and_start, places, places.values()))
        for site in places:
            self.children.wait_for(f"agent-{site}", self.counters[site].ready)

    def _furnish(self, site: str, number: int) -> Path:
        place = self.directory / f"agent-{site}"
        place.mkdir()
        port = choose_port(self.first_till_port + number if self.first_till_port else 0, "--till-port")
        scanner = Scanner(place / "scanner")
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
        self.counters[site] = Counter(site, f"http://127.0.0.1:{port}", scanner)
        return place / "agent.toml"

    def _enrol_and_start(self, site: str, configuration: Path) -> None:
        given = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"token-{site}"}
        asked = httpx.post(f"{self.url}/v1/enrolment-tokens", json={"site": site}, headers=given, timeout=30)
        token = asked.raise_for_status().json()["token"]
        config = ("--config", str(configuration))
        self._command("agent", "enrol", *config, "--central", self.url, "--token", token)
        self._start(f"agent-{site}", "agent", "run", *config)

    def close(self) -> None:
        """End everything, in order."""
        self.children.end_all()
        for counter in self.counters.values():
            counter.close()
            counter.scanner.close()
        if self.link is not None:
            self.link.close()

    # Inside -------------------------------------------------------------------------------------------------------

    @property
    def central_toml(self) -> Path:
        """Central's configuration."""
        return self.directory / "central.toml"

    def _write_central_settings(self, link_port: int) -> None:
        """Agents are told the port of the link, which can be cut; central itself goes to the broker."""
        self.central_toml.write_text(
            f"""\
[database]
url = {json.dumps(self._database_url)}

[http]
port = {self.http_port}

[authority]
directory = {json.dumps(str(self.directory / "authority"))}

[broker]
host = "127.0.0.1"
port = {self.broker_port}
public_port = {link_port}
""",
            encoding="utf-8",
        )

    def _mosquitto_configuration(self, authority: Path) -> Path:
        rules, written = self.directory / "mosquitto.acl", self.directory / "mosquitto.conf"
        rules.write_text(access_list(), encoding="utf-8")
        rules.chmod(0o600)
        files = MosquittoPaths(
            rules,
            certificate_path(authority, "ca"),
            certificate_path(authority, BROKER_NAME),
            key_path(authority, BROKER_NAME),
        )
        text = configuration(files, port=self.broker_port, bind_address="127.0.0.1")
        # Started by root it would become another user, who cannot read the broker's key.
        written.write_text(f"{text}user {getpass.getuser()}\n", encoding="utf-8")
        return written

    def _import(
        self, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *options: str
    ) -> None:
        path = self.directory / f"{kind}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        self._configured("import", kind, str(path), *options)

    def _configured(self, *words: str) -> str:
        return self._command("central", *words, "--config", str(self.central_toml))

    def _start(self, name: str, side: str, *words: str) -> None:
        self.children.start(Command(name, (sys.executable, "-m", side, *words), {"PYTHONPATH": str(ROOT)}))

    def _command(self, side: str, *words: str) -> str:
        """What a command of the product says. If a process died meanwhile, it is given again: all of them may be."""
        while True:
            restarts = self.children.restarts
            done = subprocess.run(
                (sys.executable, "-m", side, *words),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return done.stdout
            self.children.restart_the_dead()
            if restarts == self.children.restarts:
                said = done.stderr or done.stdout
                raise ChildError(f"{side} {' '.join(words[:3])} ended with code {done.returncode}: {said}")


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
