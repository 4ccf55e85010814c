"""A counter as tests need it: real store, journal and replica on a temporary disk, the real nouns, and nobody to ask."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr

from agent.clock import ManualClock
from agent.documents import Documents, Refusal, Written
from agent.drafts import Drafts
from agent.feeds.replica import Replica
from agent.identity.storage import BrokerAddress, Identity
from agent.journal.journal import Journal
from agent.local.events import Hub
from agent.local.parts import Parts
from agent.neighbours.messages import ItemTold
from agent.printing.service import Printing
from agent.settings import CodesSettings, Settings, TillSettings
from agent.shop import Shop
from agent.store import Store
from agent.till.catalogue import Catalogue
from agent.till.clerk import ClerkAtCounter
from agent.till.frames import Frame, ScanFrame
from agent.verification.local_items import settle
from agent.wiring import make_parts
from devices.scan import Scan
from protocol.events import Event, decode_event
from protocol.feeds import (
    DIGEST_MODULUS,
    CodeKey,
    CodeOrder,
    ContainerHere,
    DespatchView,
    Feed,
    ItemHere,
    OrderView,
    PolicyRow,
    Price,
    Product,
    SiteHere,
    StockLevel,
    StocktakeHere,
    body_encoder,
    row_digest,
)
from protocol.messages import FeedChunk, FeedRow, ItemAnswered

EPOCH = "6e1c0d5e-0000-4000-8000-000000000001"
SITE = "site-1"
TEA = "04006381333931"
MILK = "05000112637922"
WATCH = "09506000134352"
"""Sold by its own code."""
WATCH_1 = f"01{WATCH}21SN0001"
WATCH_2 = f"01{WATCH}21SN0002"
NOW_US = 1_760_000_000_000_000  # 2025-10-09

_KEYS: dict[type, tuple[Feed, str]] = {
    Product: (Feed.CATALOGUE, "gtin"),
    Price: (Feed.PRICES, "gtin"),
    ItemHere: (Feed.ITEMS, "item"),
    StockLevel: (Feed.STOCK, "gtin"),
    OrderView: (Feed.ORDERS, "order_id"),
    DespatchView: (Feed.DESPATCHES, "despatch_id"),
    PolicyRow: (Feed.POLICY, "verdict"),
    ContainerHere: (Feed.CONTAINERS, "sscc"),
    CodeKey: (Feed.KEYS, "key_id"),
    CodeOrder: (Feed.CODE_ORDERS, "tag"),
    StocktakeHere: (Feed.STOCKTAKES, "stocktake_id"),
    SiteHere: (Feed.SITES, "site"),
}

CATALOGUE: tuple[msgspec.Struct, ...] = (
    Product(gtin=TEA, name="Green tea"),
    Price(gtin=TEA, price_minor=450, currency="EUR"),
    Product(gtin=MILK, name="Milk", unit="l"),
    Price(gtin=MILK, price_minor=119, currency="EUR"),
    Product(gtin=WATCH, name="Watch", serialised=True),
    Price(gtin=WATCH, price_minor=25_000, currency="EUR"),
    ItemHere(item=WATCH_1, gtin=WATCH, state="sellable", site=SITE),
    ItemHere(item=WATCH_2, gtin=WATCH, state="sellable", site=SITE),
)


class CentralAnswering:
    """Central, as a counter asks it: silent about whatever is not among its ``answers``."""

    def __init__(self) -> None:
        self.is_linked = True
        self.asked: list[str] = []
        self.answers: dict[str, ItemHere | None] = {}

    def ask_item(self, item: str, timeout_ms: int) -> ItemAnswered | None:
        """What it knows of an item."""
        self.asked.append(item)
        if item not in self.answers:
            return None
        answer = self.answers[item]
        body = None if answer is None else body_encoder.encode(answer)
        return ItemAnswered(question_id="q", item=item, body=body)


class Lan:
    """The neighbours of a counter; there are none before one has ``told`` something."""

    def __init__(self) -> None:
        self.told: tuple[ItemTold, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether there are any."""
        return bool(self.told)

    def ask_item(self, item: str, timeout_ms: int) -> tuple[ItemTold, ...]:
        """What they did."""
        return self.told


class Counter:
    """One counter under test. ``frames`` is what its screens were told; ``answers`` what central would say of an item.

    ``till`` are settings of ``[till]``, with ``supervisor`` the tables of that name and ``control_key`` what signs control cards.
    """

    def __init__(self, folder: Path, clock: ManualClock, agent: str = "agent-1", **till: Any) -> None:
        self.folder = folder
        self.clock = clock
        self.frames: list[Frame] = []
        self.printing: Printing | None = None
        self.central = CentralAnswering()
        self.lan = Lan()
        self.store = Store.open(folder / "journal.db", reserve_bytes=0)
        self.journal = Journal(self.store, agent, clock)
        self.journal.open_first_epoch(EPOCH)
        self.replica = Replica(
            self.store, clock, lambda at, chunk: settle(at, chunk, SITE, self.clock.wall_us())
        )
        self.hub = Hub()
        supervisors = till.pop("supervisor", ())
        key = till.pop("control_key", None)
        keys = () if key is None else (SecretStr(b64encode(key).decode()),)
        self.settings = Settings(
            data_dir=folder,
            till=TillSettings(**till),
            supervisor=supervisors,
            codes=CodesSettings(control_keys=keys),
        )
        drafts = Drafts(self.store, clock)
        clerk = ClerkAtCounter(drafts)
        self.shop = Shop(
            store=self.store,
            documents=Documents(self.journal, clock, clerk.name),
            drafts=drafts,
            replica=self.replica,
            catalogue=Catalogue(self.replica, "EUR"),
            clock=clock,
            announce=self._announce,
            lane="1",
            clerk=clerk,
        )
        self.parts: Parts = make_parts(
            self.shop, self.settings, make_identity(folder), self.journal, self.hub, self.central, self.lan
        )

    def feed(self, *rows: msgspec.Struct) -> None:
        """Have central's feeds say this too."""
        by_feed: dict[Feed, list[FeedRow]] = {}
        for row in rows:
            feed, field = _KEYS[type(row)]
            by_feed.setdefault(feed, []).append(FeedRow(getattr(row, field), body_encoder.encode(row)))
        for feed, changed in by_feed.items():
            self._apply(feed, changed)

    def _apply(self, feed: Feed, changed: Iterable[FeedRow]) -> None:
        rows = dict(self.replica.rows(feed, limit=1_000_000))
        rows.update((row.key, row.body or b"") for row in changed)
        version = self.replica.version(feed)
        changed = tuple(changed)
        digest = sum(row_digest(key, body) for key, body in rows.items()) % DIGEST_MODULUS
        after = version + len(changed)
        chunk = FeedChunk(feed=feed, since=version, next=after, rows=changed, head=after, digest=digest)
        self.replica.apply(chunk).result(10)

    def feed_rows(self, feed: Feed, rows: Mapping[str, bytes | None]) -> None:
        """The same with rows as they go over the wire."""
        self._apply(feed, [FeedRow(key, body) for key, body in rows.items()])

    def scan(
        self, code: str | bytes, *, device: str = "s", intact: bool = True, fault: str | None = None
    ) -> ScanFrame:
        """A scan, and the frame that came of it."""
        scan = Scan(
            raw=code.encode() if isinstance(code, str) else code,
            symbology=None,
            device=device,
            wall_us=self.clock.wall_us(),
            monotonic_us=self.clock.monotonic_us(),
            intact=intact,
            fault=fault,
        )
        return self.parts.counter.scanned(scan).result(10)

    def events(self) -> list[Event]:
        """Everything in the journal, once all that was asked for is written."""
        self.store.write(lambda _: None).result(10)
        live = self.journal.lineage()[-1]
        rows = self.journal.rows(EPOCH, 1, live.next_seq - 1, limit_rows=10_000, limit_bytes=10**8)
        return [decode_event(body) for _, body in rows]

    def bodies(self) -> list[Any]:
        """Their bodies."""
        return [event.body for event in self.events()]

    def close(self) -> None:
        """End it, as a clean stop does."""
        self.parts.counter.stop()
        self.store.close()

    def _announce(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.hub.announce(frame)
        if self.printing is not None:
            self.printing.announced(frame)

    @property
    def asked(self) -> list[str]:
        """The items that central was asked about."""
        return self.central.asked

    @property
    def answers(self) -> dict[str, ItemHere | None]:
        """What central says of items."""
        return self.central.answers

    @answers.setter
    def answers(self, answers: dict[str, ItemHere | None]) -> None:
        self.central.answers = answers


OpenCounter = Callable[..., Counter]


def make_identity(folder: Path, **changes: Any) -> Identity:
    """Who the counter under test is."""
    identity = Identity(
        agent="agent-1",
        site=SITE,
        lane="1",
        epoch=EPOCH,
        currency="EUR",
        time_zone="Europe/Berlin",
        broker=BrokerAddress("127.0.0.1", 1),
        central="http://127.0.0.1:1",
        folder=str(folder / "identity"),
        certificate_not_before_s=1_700_000_000,
        certificate_not_after_s=4_000_000_000,
    )
    return msgspec.structs.replace(identity, **changes)


def done(result: Any) -> Written:
    """A document that was written."""
    outcome = result if isinstance(result, Refusal) else result.result(10)
    assert isinstance(outcome, Written), outcome
    return outcome


def not_done(result: Any) -> Refusal:
    """A document that was refused."""
    outcome = result if isinstance(result, Refusal) else result.result(10)
    assert isinstance(outcome, Refusal), outcome
    return outcome


def answer(written: Written) -> Any:
    """What whoever asked gets."""
    return msgspec.json.decode(written.answer)


D = Decimal
