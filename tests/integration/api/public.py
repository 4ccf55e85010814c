"""A brand whose codes the public may check: labels that were really issued, and phones in many networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import httpx

from central.actors import By
from central.api.app import create_app
from central.api.context import BrokerAddress, Central
from central.codes import placing
from central.codes.labels import Label
from central.codes.orders import Asked, Format, Order
from central.resolver.service import Resolver
from central.settings import ResolverSettings
from tests.integration.api.world import NOW, WATCH, World, serving

DOMAIN = "https://id.example.com"
BY = By(actor="brand:boss", at=NOW)


class Brand:
    """Issues codes, and lets phones check them."""

    def __init__(self, world: World, resolver: Resolver, client: httpx.Client) -> None:
        self.world = world
        self.resolver = resolver
        self.client = client

    def order(
        self, kind: Format = Format.DIGITAL_LINK, *, batch: str | None = "LOT7", expiry: date | None = None
    ) -> Order:
        """An order of ten codes of the watch."""
        asked = Asked(
            gtin=WATCH,
            count=10,
            format=kind,
            batch=batch,
            expiry=expiry,
            domain=None if kind is Format.SGTIN else self._domain(kind),
        )
        placed = self.world.database.run(
            lambda connection: placing.place(connection, self._directory, asked, BY)
        )
        assert isinstance(placed, Order), placed
        return placed

    def label(self, order: Order, number: int = 1) -> Label:
        """One of its labels."""
        with self.world.database.transaction() as connection:
            return placing.open_labels(connection, self._directory, order).label(number)

    def set_state(
        self, item: str, state: str, next_state: str | None = None, batch: str | None = None
    ) -> None:
        """An item of the watch in the books."""
        self.world.database.run(
            lambda connection: connection.execute(
                """
                INSERT INTO items (item, gtin, state, next_state, batch, site_id) VALUES (%s, %s, %s, %s, %s, 'D1')
                ON CONFLICT (item) DO UPDATE SET state = excluded.state, next_state = excluded.next_state
                """,
                (item, WATCH, state, next_state, batch),
            )
        )

    def get(
        self, address: str, *, network: str = "203.0.113.7", method: str = "GET", **headers: str
    ) -> httpx.Response:
        """What a phone gets, wherever the code says its address is. ``network``: the phone's address."""
        sent = {"Accept": "application/json", "X-Forwarded-For": network}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        parts = urlsplit(address)
        target = f"{parts.path}{'?' if parts.query else ''}{parts.query}"
        return self.client.request(method, target, headers=sent)

    def told(self, address: str, **more: Any) -> dict[str, Any]:
        """The document of an answer that is one."""
        response = self.get(address, **more)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def verdict(self, address: str, **more: Any) -> tuple[str, str | None, str | None]:
        """(verdict, reason, proof)."""
        told = self.told(address, **more)
        return told["verdict"], told["reason"], told["proof"]

    def write(self) -> int:
        """What housekeeping does every half minute."""
        return self.resolver.checks.write(self.world.database, self.world.now)

    def cases(self) -> list[dict[str, Any]]:
        """Discrepancies of repeated checks."""
        return list(self.world.get("/v1/discrepancies", params={"class": "repeated_checks"})["items"])

    @property
    def _directory(self) -> Any:
        return self.world.directory / "authority"

    def _domain(self, kind: Format) -> str:
        return f"{DOMAIN}/c" if kind is Format.SHORT else DOMAIN


@contextmanager
def open_brand(world: World, **settings: Any) -> Iterator[Brand]:
    """A process of central with these settings of the public check."""
    generous: dict[str, Any] = {"checks_per_minute": 100_000, "burst": 10_000, "checks_per_second": 10_000}
    resolver = Resolver(ResolverSettings(**{**generous, **settings}))
    app = create_app(
        Central(
            database=world.database,
            authority=lambda: world.authority,
            broker=BrokerAddress("broker.example", 8883),
            authority_directory=world.directory / "authority",
            public_url="https://central.example",
            now=lambda: world.now,
            resolver=resolver,
        )
    )
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield Brand(world, resolver, client)
