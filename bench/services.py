"""The real services of a bench: PostgreSQL, a Mosquitto and central as processes on the loopback interface, and enrolled agents."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from agent.clock import Clock
from agent.identity import keys, storage
from agent.identity.storage import BrokerAddress, Identity
from agent.journal.journal import Journal
from agent.main import JOURNAL_FILE
from agent.store import Store
from bench.surroundings import ROOT, say
from central.authority.certificates import Authority, load_authority, sign_agent
from central.authority.files import AUTHORITY_FILE, load
from central.database import Database
from central.embedded.database import EmbeddedDatabase, start_database
from deploy.demonstration.installation import Installation, Ports, answers, choose_port, listens
from deploy.demonstration.processes import Children, Command

READY_S = 60.0


class Services(Installation):
    """Central with its broker and database, as the demonstration starts them, without shops and without a link to cut."""

    def __init__(self, directory: Path, database: EmbeddedDatabase) -> None:
        mosquitto = shutil.which(
            "mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
        )
        if mosquitto is None:
            sys.exit("Mosquitto is missing; install it (Debian: apt-get install mosquitto)")
        super().__init__(directory, Children(directory, say), Ports(), mosquitto)
        self._database_url = database.ensure_database("countermark")

    @property
    def database_url(self) -> str:
        """Central's books."""
        return self._database_url

    @property
    def authority(self) -> Authority:
        """Who signs the agents' certificates."""
        kept = load(self.directory / "authority", AUTHORITY_FILE)
        assert kept is not None, "the broker's start makes the authority"
        return load_authority(kept)

    def start_broker(self) -> None:
        """Mosquitto with the configuration that central writes; agents go to it without a relay between."""
        authority = self.directory / "authority"
        self._command("central", "authority", "init", "--dir", str(authority))
        self.children.start(
            Command("broker", (str(self.mosquitto), "-c", str(self._mosquitto_configuration(authority))))
        )
        self.children.wait_for("broker", lambda: listens(self.broker_port))
        self._write_central_settings(self.broker_port)

    def start_central(self) -> None:
        """The service; the schema is there already."""
        self._start("central", "central", "run", "--config", str(self.central_toml))
        self.children.wait_for("central", lambda: answers(f"{self.url}/readyz"))


@contextmanager
def running(directory: Path, lay_out: Callable[[Database], None]) -> Iterator[Services]:
    """The services, with books that ``lay_out`` has laid out; all are ended by their process ids."""
    with start_database(directory / "database") as server:
        services = Services(directory, server)
        with Database(services.database_url) as database:
            lay_out(database)
        try:
            services.start_broker()
            services.start_central()
            yield services
        finally:
            services.close()


def enrol(
    data_dir: Path, authority: Authority, agent: str, site: str, epoch: str, broker_port: int
) -> Identity:
    """Make a machine ``agent`` of ``site``: its identity, and the journal's first epoch."""
    key_pem = keys.make_key()
    certificate_pem = sign_agent(authority, keys.make_request(key_pem, agent), agent, datetime.now(UTC))
    not_before, not_after = keys.validity(certificate_pem)
    identity = Identity(
        agent=agent,
        site=site,
        lane="1",
        epoch=epoch,
        currency="EUR",
        time_zone="Europe/Berlin",
        broker=BrokerAddress("127.0.0.1", broker_port),
        central="http://127.0.0.1:1",  # nothing is renewed within a bench
        folder=str(storage.folder_of(data_dir)),
        certificate_not_before_s=int(not_before.timestamp()),
        certificate_not_after_s=int(not_after.timestamp()),
    )
    ca_pem = authority.credentials.certificate_pem
    storage.save(identity, key_pem=key_pem, certificate_pem=certificate_pem, ca_pem=ca_pem)
    store = Store.open(data_dir / JOURNAL_FILE)
    try:
        Journal(store, agent, Clock()).open_first_epoch(epoch)
    finally:
        store.close()
    return identity


def start_agent(children: Children, data_dir: Path, more_settings: str = "") -> tuple[int, str]:
    """Start the agent of ``data_dir`` as a process; its id and the address of its local interface, once that answers."""
    port = choose_port(0, "port")
    configuration = data_dir.with_suffix(".toml")
    configuration.write_text(
        f"data_dir = {json.dumps(str(data_dir))}\n\n[local]\nport = {port}\n\n{more_settings}",
        encoding="utf-8",
    )
    run = (sys.executable, "-m", "agent", "run", "--config", str(configuration))
    pid = children.start(Command("agent", run, {"PYTHONPATH": str(ROOT)}))
    url = f"http://127.0.0.1:{port}"
    children.wait_for("agent", lambda: answers(f"{url}/v1/status"), READY_S)
    return pid, url
