"""Fixtures: a real PostgreSQL and real brokers, on free ports, ended by process id and removed afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from central.embedded.database import EmbeddedDatabase, start_database
from tests.integration import services
from tests.integration.services import RunningBroker

BROKERS = {"mosquitto": services.mosquitto, "amqtt": services.amqtt}


@contextmanager
def _directory(purpose: str) -> Iterator[Path]:
    # The database of root runs as another account, which must be able to pass through the parents: pytest's own temporary
    # directories are private. Short, too: the path of a socket has little room.
    place = Path(tempfile.mkdtemp(prefix=f"cm-{purpose}-", dir="/tmp" if os.geteuid() == 0 else None))
    try:
        yield place
    finally:
        shutil.rmtree(place)


@pytest.fixture
def reachable_directory() -> Iterator[Path]:
    """An empty directory that a server's account can reach."""
    with _directory("test") as place:
        yield place


@pytest.fixture(scope="session")
def embedded_database() -> Iterator[EmbeddedDatabase]:
    """One PostgreSQL for all tests. It does not wait for the disk: what a crash does is tested with one of its own."""
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with _directory("postgresql") as place, start_database(place, settings=fast) as database:
        yield database


@pytest.fixture
def database_url(embedded_database: EmbeddedDatabase) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    yield embedded_database.ensure_database(name)
    embedded_database.drop_database(name)


@pytest.fixture(scope="module", params=sorted(BROKERS))
def broker(request: pytest.FixtureRequest) -> Iterator[RunningBroker]:
    """Each broker in turn: the test runs once with every one."""
    with _directory("broker") as place, BROKERS[request.param](place) as running:
        yield running


@pytest.fixture(scope="module")
def mosquitto() -> Iterator[RunningBroker]:
    """A Mosquitto, the reference broker."""
    with _directory("broker") as place, services.mosquitto(place) as running:
        yield running


@pytest.fixture(scope="module")
def amqtt() -> Iterator[RunningBroker]:
    """The embedded broker."""
    with _directory("broker") as place, services.amqtt(place) as running:
        yield running
