"""Fixtures: a migrated database with products and sites, a directory for keys, and the commands over both."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from central.actors import By
from central.codes import placing
from central.codes.orders import Asked, Format, Order
from central.database import Database
from central.embedded.database import EmbeddedDatabase
from central.migrations import migrate

MILK, WATCH = "04012345678901", "00012345678905"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BY = By(actor="test", at=NOW)


@dataclass
class Brand:
    """A brand that issues codes: its database, the directory of its keys, a place for files."""

    database: Database
    directory: Path
    files: Path

    def place(self, form: Format = Format.SGTIN, count: int = 50, **changes: Any) -> Order:
        """A new order of codes of milk."""
        domain = "https://id.example.com" if form is Format.DIGITAL_LINK else None
        share = changes.pop("share_mac_key", True)
        fields: dict[str, Any] = {
            "gtin": MILK,
            "count": count,
            "format": form,
            "batch": "LOT7",
            "expiry": date(2027, 12, 31),
            "domain": domain,
        }
        asked = Asked(**{**fields, **changes})
        done = self.database.run(
            lambda connection: placing.place(connection, self.directory, asked, BY, share_mac_key=share)
        )
        assert isinstance(done, Order), done
        return done

    def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.database.transaction() as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture(scope="session")
def template_with_products(embedded_database: EmbeddedDatabase) -> str:
    """The name of a migrated database with products and sites, to which nobody is connected."""
    name = f"codes_template_{uuid.uuid4().hex[:12]}"
    with Database(embedded_database.ensure_database(name), pool_size=2) as database:
        migrate(database)
        with database.transaction() as connection:
            for gtin, name_of in ((MILK, "Milk"), (WATCH, "Watch")):
                connection.execute("INSERT INTO products (gtin, name) VALUES (%s, %s)", (gtin, name_of))
            connection.execute("INSERT INTO dealers (dealer_id, name, path) VALUES ('d', 'D', 'd/')")
            for site, kind in (("WH", "warehouse"), ("S1", "store")):
                connection.execute(
                    "INSERT INTO sites (site_id, dealer_id, kind, name, currency) VALUES (%s, 'd', %s, %s, 'EUR')",
                    (site, kind, site),
                )
    return name


@pytest.fixture
def brand_url(embedded_database: EmbeddedDatabase, template_with_products: str) -> Iterator[str]:
    """The URL of a database with products and sites."""
    name = f"codes_{uuid.uuid4().hex}"
    with psycopg.connect(embedded_database.url("postgres"), autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template_with_products)))
    yield embedded_database.url(name)
    embedded_database.drop_database(name)


@pytest.fixture
def brand(brand_url: str, tmp_path: Path) -> Iterator[Brand]:
    """A brand without an order yet."""
    with Database(brand_url, pool_size=4) as database:
        yield Brand(database, tmp_path / "authority", tmp_path)
