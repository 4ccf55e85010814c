"""From central to the counter: labels as they are ordered, keys as they are pulled, proof without a network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from agent.clock import ManualClock
from agent.feeds.replica import Replica
from agent.store import Store
from agent.verification.known_rows import LOOK_US
from agent.verification.proofs import Proof
from agent.verification.signatures import Signatures
from central.actors import By
from central.codes import placing
from central.codes.labels import Label
from central.codes.orders import Asked, Format, Order
from central.feeds import pull
from protocol.codes import Code, recognise
from protocol.feeds import Feed
from tests.integration.api.world import NOW, WATCH, World

EXPIRY = date(2029, 6, 30)
DOMAINS = {
    Format.DIGITAL_LINK: "HTTPS://ID.BRAND.EXAMPLE",
    Format.SGTIN: None,
    Format.SHORT: "https://b.example",
}


class Counter:
    """A counter that pulls keys and orders from central while it has a link, and then has none."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.clock = ManualClock(int(NOW.timestamp()) * 1_000_000)
        self.store = Store.open(folder / "journal.db", reserve_bytes=0)
        self.replica = Replica(self.store, self.clock)
        self.signatures = Signatures(self.replica, self.clock)

    def pull(self) -> None:
        """Hear everything there is to hear."""
        with self.world.database.transaction() as connection:
            for feed in (Feed.KEYS, Feed.CODE_ORDERS):
                chunk = pull(connection, feed, "", self.replica.version(feed), 1000)
                self.replica.apply(chunk).result(10)
        self.clock.advance(LOOK_US + 1)

    def read(self, label: Label) -> Code:
        """What a scan of the label is."""
        return self.signatures.resolve_short(recognise(label.code), label.code)

    def prove(self, label: Label) -> Proof:
        """What it proves."""
        return self.signatures.prove(self.read(label))


@pytest.fixture
def counter(world: World, tmp_path: Path) -> Iterator[Counter]:
    """A counter that has heard nothing yet."""
    made = Counter(world, tmp_path)
    yield made
    made.store.close()


def order(world: World, kind: Format, *, share_mac_key: bool = True) -> Order:
    """An order of three codes."""
    asked = Asked(gtin=WATCH, count=3, format=kind, batch="LOT7", expiry=EXPIRY, domain=DOMAINS[kind])
    by, directory = By(actor="brand:boss", at=world.now), world.directory / "authority"
    placed = world.database.run(
        lambda connection: placing.place(connection, directory, asked, by, share_mac_key=share_mac_key)
    )
    assert isinstance(placed, Order), placed
    return placed


def labels(world: World, placed: Order) -> list[Label]:
    """Its labels."""
    with world.database.transaction() as connection:
        return list(
            placing.open_labels(connection, world.directory / "authority", placed).labels(1, placed.count)
        )


@pytest.mark.parametrize("kind", list(Format))
def test_every_label_of_an_order_is_sound_at_a_counter_that_cannot_ask(
    world: World, counter: Counter, kind: Format
) -> None:
    made = labels(world, order(world, kind))
    counter.pull()
    read = [counter.read(label) for label in made]
    assert [counter.prove(label).kind for label in made] == ["sound"] * 3
    assert [code.item for code in read] == [label.item for label in made]
    assert {(code.gtin, code.batch, code.expiry) for code in read} == {(WATCH, "LOT7", "2029-06-30")}


def test_a_counter_that_has_heard_of_no_key_calls_nothing_forged(world: World, counter: Counter) -> None:
    signed, short = order(world, Format.SGTIN), order(world, Format.SHORT)
    kinds = [counter.prove(label).kind for placed in (signed, short) for label in labels(world, placed)]
    assert kinds == ["unknown_key"] * 3 + ["none"] * 3


def test_old_labels_stay_sound_when_the_keys_rotate_and_also_those_printed_late(
    world: World, counter: Counter
) -> None:
    old = order(world, Format.DIGITAL_LINK)
    printed_early = labels(world, old)
    world.now = NOW + timedelta(days=30)
    world.post("/v1/code-keys/rotate", {})
    new = order(world, Format.DIGITAL_LINK)
    world.now = NOW + timedelta(days=60)
    printed_late = labels(world, old)
    counter.pull()
    assert new.key_id != old.key_id
    assert printed_late == printed_early
    assert {counter.prove(label).kind for label in printed_late + labels(world, new)} == {"sound"}


def test_no_label_of_a_revoked_key_is_sound_any_more_and_the_next_order_has_another_key(
    world: World, counter: Counter
) -> None:
    lost = order(world, Format.SGTIN)
    made = labels(world, lost)
    world.post(f"/v1/code-keys/{lost.key_id}/revoke", {"reason": "a disk was stolen"})
    fresh = order(world, Format.SGTIN)
    counter.pull()
    assert [counter.prove(label).kind for label in made] == ["revoked_key"] * 3
    assert [counter.prove(label).kind for label in labels(world, fresh)] == ["sound"] * 3


def test_a_revocation_reaches_a_counter_with_the_feed(world: World, counter: Counter) -> None:
    placed = order(world, Format.SGTIN)
    (label, *_) = labels(world, placed)
    counter.pull()
    before = counter.prove(label).kind
    world.post(f"/v1/code-keys/{placed.key_id}/revoke", {"reason": "a disk was stolen"})
    unheard = counter.prove(label).kind
    counter.pull()
    assert (before, unheard, counter.prove(label).kind) == ("sound", "sound", "revoked_key")


def test_a_short_code_whose_key_the_brand_keeps_is_recognised_and_not_proven(
    world: World, counter: Counter
) -> None:
    (label, *_) = labels(world, order(world, Format.SHORT, share_mac_key=False))
    counter.pull()
    assert (counter.read(label).item, counter.prove(label).kind) == (label.item, "none")


def test_the_codes_of_a_cancelled_order_of_short_codes_prove_nothing(world: World, counter: Counter) -> None:
    placed = order(world, Format.SHORT)
    (label, *_) = labels(world, placed)
    by = By(actor="brand:boss", at=world.now, reason="wrong batch")
    world.database.run(lambda connection: placing.cancel(connection, placed.tag, by))
    counter.pull()
    assert counter.prove(label).kind == "revoked_key"
