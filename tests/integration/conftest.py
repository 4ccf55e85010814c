"""Fixtures: a real PostgreSQL and real brokers, on free ports, ended by process id and removed afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from central.database import Database
from central.embedded.database import EmbeddedDatabase, start_database
from central.migrations import migrate
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


@pytest.fixture(scope="session")
def migrated_database(embedded_database: EmbeddedDatabase) -> str:
    """The name of a database with the whole schema and nothing in it, to copy: that is much faster than to run every step again."""
    with Database(embedded_database.ensure_database("migrated")) as database:
        migrate(database)
    return "migrated"


@pytest.fixture
def database_url(embedded_database: EmbeddedDatabase, migrated_database: str) -> Iterator[str]:
    """The URL of a database with the schema, and nothing in it; dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(embedded_database.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(migrated_database)
            )
        )
    yield embedded_database.url(name)
    embedded_database.drop_database(name)


@pytest.fixture
def empty_database_url(embedded_database: EmbeddedDatabase) -> Iterator[str]:
    """The URL of a database without any schema, dropped after the test."""
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
