"""A small trade for the tests of the HTTP interface: a brand, two dealers who must not see each other, and real counters.

Facts get in as they do in a shop: an event in a chained batch, taken in by the real intake. The second dealer's names are
unusual words, so that a leak is found by looking for them in any answer.
"""

from __future__ import annotations

import dataclasses
import itertools
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from agent.identity.keys import make_key, make_request
from central.api.app import create_app
from central.api.context import BrokerAddress, Central
from central.authority.certificates import Authority, create_authority
from central.database import Database
from central.discrepancies.limits import Limits
from central.imports import files
from central.intake.worker import Intake
from central.items.signals import Watch
from central.tokens import storage as tokens
from central.tokens.bearer import new_token, token_hash
from central.tokens.storage import NewToken
from protocol.chain import genesis, links
from protocol.codec import encode
from protocol.events import (
    Body,
    Event,
    GoodsLine,
    GoodsReceived,
    Moment,
    OrderLine,
    OrderSubmitted,
    Sale,
    SaleLine,
    encode_event,
)
from protocol.messages import Batch, DownMessage, Message
from protocol.topics import topic

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WATER, TEA, WATCH = "00000000005081", "00000000018388", "00012345678905"
FOREIGN = "ZETA9"
"""The site of the dealer whom nobody else may see."""
SITES = f"""site,name,kind,dealer,dealer_name,time_zone,currency,serving_site
WH,Main warehouse,warehouse,,,UTC,CNY,
S1,Own store,store,,,UTC,CNY,WH
D1,Acme shop,dealer,acme,Acme,UTC,CNY,WH
D1B,Acme second shop,dealer,acme-county,Acme county,UTC,CNY,WH
{FOREIGN},Zeta shop,dealer,zetadealer,Zeta,UTC,CNY,WH
"""
PRODUCTS = f"""gtin,name,list_price,serialised
{WATER},Water,2.50,
{TEA},Tea,18.00,
{WATCH},Watch,1999.00,yes
"""
TOKENS = (
    NewToken(name="boss", role="brand"),
    NewToken(name="checker", role="auditor"),
    NewToken(name="acme", role="dealer", dealer="acme"),
    NewToken(name="zeta", role="dealer", dealer="zetadealer"),
    NewToken(name="own store", role="store", site="S1"),
)


@dataclass
class Counter:
    """A machine that has joined: it writes events into a chained journal and brings them to central."""

    world: World
    agent: str
    site: str
    epoch: str
    key_pem: bytes

    def __post_init__(self) -> None:
        self.seq, self.head = 1, genesis(self.agent, self.epoch)

    def report(self, *bodies: Body, at: datetime = NOW) -> None:
        """Write events, bring them, and have them taken in."""
        at_us = int(at.timestamp()) * 1_000_000
        moment = Moment(
            event_time_us=at_us, record_time_us=at_us, monotonic_us=1, boot_id="boot", clock_synced=True
        )
        rows = tuple(encode_event(Event(at=moment, body=body)) for body in bodies)
        hashes = links(self.head, self.seq, rows)
        batch = Batch(
            epoch=self.epoch, first_seq=self.seq, previous_hash=self.head, head_hash=hashes[-1], bodies=rows
        )
        self.seq, self.head = self.seq + len(rows), hashes[-1]
        self.world.bring(self.agent, batch)

    def order(self, *quantities: int, gtin: str = WATER, order_id: str | None = None) -> str:
        """Submit an order with a line for each quantity; its id."""
        name = order_id or str(uuid.uuid4())
        lines = tuple(
            OrderLine(line=number, gtin=gtin, quantity=Decimal(quantity))
            for number, quantity in enumerate(quantities, 1)
        )
        self.report(OrderSubmitted(order_id=name, number=f"PO-{name[:8]}", lines=lines, currency="CNY"))
        return name

    def sell(self, gtin: str, quantity: int, amount_minor: int, item: str | None = None) -> str:
        """Sell one line; the sale's id."""
        line = SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=amount_minor, item=item)
        sale_id = str(uuid.uuid4())
        self.report(Sale(sale_id=sale_id, receipt=f"1-{self.seq}", currency="CNY", lines=(line,)))
        return sale_id

    def receive(
        self, despatch_id: str, quantity: int, *items: str, gtin: str = WATER, complete: bool = True
    ) -> None:
        """Take goods in against a despatch."""
        line = GoodsLine(gtin=gtin, quantity=Decimal(quantity), items=items)
        self.report(
            GoodsReceived(
                receipt_advice_id=str(uuid.uuid4()), lines=(line,), despatch_id=despatch_id, complete=complete
            )
        )


class World:
    """The trade over one database: the application, its callers, its counters."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.client: httpx.Client
        self.database = database
        self.directory = directory
        self.now = NOW
        self.authority: Authority = create_authority("Test", datetime.now(UTC))
        self.sent: list[tuple[str, DownMessage]] = []
        self.intake = Intake(
            database,
            lambda agent, message: self.sent.append((agent, message)),
            watch=Watch(directory=directory / "authority"),
        )
        self.app = self.make_app()
        self.tokens = {token.name: self._token(token) for token in self._master_data()}
        self._numbers = itertools.count(1)

    def limit_cases(self, limits: Limits) -> None:
        """Other limits of discrepancies than the ordinary ones, from now on."""
        self.app.state.central = dataclasses.replace(self.app.state.central, case_limits=limits)

    def make_app(self) -> FastAPI:
        """A second application over the same database, as a second process would be."""
        return create_app(
            Central(
                database=self.database,
                authority=lambda: self.authority,
                broker=BrokerAddress("broker.example", 8883),
                authority_directory=self.directory / "authority",
                token_life=timedelta(hours=24),
                public_url="https://central.example",
                now=lambda: self.now,
            )
        )

    def call(self, method: str, path: str, caller: str | None = "boss", **arguments: Any) -> httpx.Response:
        """A request by one of the callers, or by nobody."""
        headers = dict(arguments.pop("headers", {}))
        if caller is not None:
            headers["Authorization"] = f"Bearer {self.tokens[caller]}"
        return self.client.request(method, path, headers=headers, **arguments)

    def get(self, path: str, caller: str = "boss", **arguments: Any) -> Any:
        """The answer to a GET that succeeds."""
        response = self.call("GET", path, caller, **arguments)
        assert response.status_code == 200, response.text
        return response.json()

    def post(
        self, path: str, body: Any = None, caller: str = "boss", expected: int | None = None, **arguments: Any
    ) -> Any:
        """The answer to a POST that succeeds, or has the expected status."""
        response = self.call("POST", path, caller, json={} if body is None else body, **arguments)
        wanted = (200, 201) if expected is None else (expected,)
        assert response.status_code in wanted, f"{response.status_code} {response.text}"
        return response.json()

    def counter(self, site: str) -> Counter:
        """A machine that joins at ``site``, through the interface."""
        token = self.post("/v1/enrolment-tokens", {"site": site})["token"]
        key = make_key()
        joined = self.post(
            "/v1/enrolments",
            {"token": token, "csr_pem": make_request(key, "anything").decode()},
            caller="boss",
        )
        return Counter(self, joined["agent"], site, joined["epoch"], key)

    def bring(self, agent: str, message: Message) -> None:
        """A message arrives at the intake and is worked off."""
        accepted = self.intake.offer(
            agent, "up", encode(message, topic("up", agent)), int(NOW.timestamp() * 1e6)
        )
        assert accepted
        self.intake.drain()

    def opening(self, site: str, **quantities: int) -> None:
        """Stock that is there from the beginning, by the names of the products."""
        names = {"water": WATER, "tea": TEA, "watch": WATCH}
        lines = [{"gtin": names[name], "quantity": quantity} for name, quantity in quantities.items()]
        self.post(
            "/v1/movements",
            {"document": f"opening-{next(self._numbers)}", "kind": "opening", "site": site, "lines": lines},
        )

    def sold_items(self, *serials: str, site: str) -> list[str]:
        """Registered watches at a site: their ids."""
        done = self.post("/v1/items", {"gtin": WATCH, "serials": list(serials), "site": site})
        return list(done["items"])

    def allocated_order(self, counter: Counter, quantity: int, *, gtin: str = WATER) -> str:
        """An order of a counter, accepted and allocated; its path."""
        path = f"/v1/orders/{counter.site}/{counter.order(quantity, gtin=gtin)}"
        self.post(f"{path}/accept")
        self.post(f"{path}/allocate")
        return path

    def stock(self, site: str, gtin: str = WATER) -> dict[str, Any]:
        """The stock of a product at a site."""
        (found,) = self.get("/v1/stock", params={"site": site, "gtin": gtin})["items"]
        return dict(found)

    def _master_data(self) -> tuple[NewToken, ...]:
        for name, text in (("sites", SITES), ("products", PRODUCTS)):
            (self.directory / f"{name}.csv").write_text(text)
        done = files.import_sites(self.database, self.directory / "sites.csv", "CNY", lambda _: None)
        assert done.faults == ()
        done = files.import_products(
            self.database, self.directory / "products.csv", "CNY", NOW, lambda _: None
        )
        assert done.faults == ()
        self.database.run(
            lambda connection: connection.execute(
                "UPDATE dealers SET parent_id = 'acme', path = 'acme/acme-county/' WHERE dealer_id = 'acme-county'"
            )
        )
        return TOKENS

    def _token(self, token: NewToken) -> str:
        text = new_token()
        why_not = self.database.run(lambda connection: tokens.add(connection, token_hash(text), token))
        assert why_not is None, why_not
        return text


@contextmanager
def open_world(url: str, directory: Path) -> Iterator[World]:
    """A world over a migrated database."""
    with Database(url, pool_size=12) as database:
        world = World(database, directory)
        with serving(world.app) as address, httpx.Client(base_url=address, timeout=60) as client:
            world.client = client
            yield world


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """A real server on a free port of the loopback interface; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
