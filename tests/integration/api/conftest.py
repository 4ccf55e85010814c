"""Fixtures of the interface's tests: a database that is migrated once and copied for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from central.embedded.database import EmbeddedDatabase
from tests.integration.api.world import World, open_world


@pytest.fixture(scope="session")
def template(migrated_database: str) -> str:
    """The name of a migrated database that nobody is connected to."""
    return migrated_database


@contextmanager
def _copy(embedded_database: EmbeddedDatabase, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(embedded_database.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    yield embedded_database.url(name)
    embedded_database.drop_database(name)


@pytest.fixture
def migrated_url(embedded_database: EmbeddedDatabase, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    with _copy(embedded_database, template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_world(
    embedded_database: EmbeddedDatabase, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The same for tests that change nothing: one for all of them."""
    with (
        _copy(embedded_database, template) as url,
        open_world(url, tmp_path_factory.mktemp("world")) as opened,
    ):
        yield opened


@pytest.fixture
def world(migrated_url: str, tmp_path: Path) -> Iterator[World]:
    """A small trade with its callers."""
    with open_world(migrated_url, tmp_path) as opened:
        yield opened
