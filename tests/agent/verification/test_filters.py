"""A counter's filters: what they find, what they do not believe, and how they follow the feed."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import ManualClock
from agent.feeds.replica import Replica
from agent.journal.notices import notices
from agent.store import Store
from agent.verification.filters import LOOK_US, PATIENCE_US, Filters, Hit
from protocol.feeds import Feed, body_encoder, digest_after, row_digest
from protocol.filters import (
    FilterGone,
    FilterLayer,
    LayerBits,
    Signed,
    digest_of,
    encode_digests,
    encode_marks,
    encode_part,
    gone_key,
    hash_of,
    layer_key,
    part_key,
    signed_bytes,
)
from protocol.messages import FeedChunk, FeedRow

NOW_US = 1_760_000_000_000_000  # 2025-10-09
KEY = Ed25519PrivateKey.generate()
Rows = dict[str, bytes | None]


def serial(number: int) -> str:
    return f"010950600013435221{number:020d}"


class Counter:
    """A real store and replica, a key that is known, and filters over them."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW_US)
        self.store = Store.open(folder / "journal.db", reserve_bytes=0)
        self.replica = Replica(self.store, self.clock)
        self.rows: dict[str, bytes] = {}
        self.known_keys = {"F001"}
        self.verified: list[tuple[str, date]] = []
        self.filters = Filters(self.replica, self.verifies, store=self.store, clock=self.clock)

    def verifies(self, key_id: str, data: bytes, signature: bytes, purpose: str, day: date) -> bool:
        self.verified.append((purpose, day))
        try:
            KEY.public_key().verify(signature, data)
        except InvalidSignature:
            return False
        return key_id in self.known_keys

    def feed(self, rows: Rows, *, more: bool = False) -> None:
        """Pull these rows; with ``more``, the pull is not at its end."""
        for key, body in rows.items():
            self.rows.pop(key, None)
            if body is not None:
                self.rows[key] = body
        digest = 0
        for key, body in self.rows.items():
            digest = digest_after(digest, 0, row_digest(key, body))
        since = self.replica.version(Feed.FILTERS)
        chunk = FeedChunk(
            feed=Feed.FILTERS,
            since=since,
            next=since + len(rows),
            head=since + len(rows) + more,
            rows=tuple(FeedRow(key, body) for key, body in rows.items()),
            more=more,
            digest=None if more else digest,
        )
        self.replica.apply(chunk).result()

    def hits_later(self, item: str, after_us: int = LOOK_US) -> list[str]:
        """The hits once the filters have had time to look at the feed again."""
        self.clock.advance(after_us)
        self.filters.hits(item)
        for thread in threading.enumerate():
            if thread.name == "filters":
                thread.join()
        return [hit.kind for hit in self.filters.hits(item)]

    def notices(self) -> list[str]:
        self.store.write(lambda _: None).result()  # after all that was written before
        return [notice.text for notice in self.store.read(notices)]


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path)
    yield made
    made.store.close()


def signed(row: Signed) -> bytes:
    named = msgspec.structs.replace(row, signed_at_us=NOW_US, key_id="F001")
    return body_encoder.encode(
        msgspec.structs.replace(named, signature=b64encode(KEY.sign(signed_bytes(named))).decode())
    )


def layer(items: Iterable[str], *, kind: str = "sold", number: int = 0, as_of_us: int = NOW_US) -> Rows:
    """The rows of a layer."""
    names = list(items)
    bits = LayerBits(len(names))
    bits.add(names)
    parts = bits.parts()
    header = FilterLayer(
        kind=kind,
        layer=number,
        parts=len(parts),
        items=len(names),
        as_of_us=as_of_us,
        digests=encode_digests(map(digest_of, parts)),
    )
    rows: Rows = {part_key(kind, number, part): encode_part(one) for part, one in enumerate(parts)}
    return {**rows, layer_key(kind, number): signed(header)}


def gone(items: Iterable[str], *, number: int = 0, as_of_us: int = NOW_US) -> Rows:
    """A list of what has gone from a layer."""
    marks = encode_marks([hash_of(item)[0] for item in items])
    row = FilterGone(kind="sold", layer=number, row=0, as_of_us=as_of_us, marks=marks)
    return {gone_key("sold", number, 0): signed(row)}


def test_without_a_filter_nothing_is_hit(counter: Counter) -> None:
    assert counter.filters.hits(serial(1)) == ()


def test_an_item_sold_elsewhere_is_a_hit_as_old_as_the_feed(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.clock.advance(90_000_000)
    assert counter.filters.hits(serial(1)) == (Hit("sold", 90_000_000),)


def test_an_item_that_is_in_no_set_is_no_hit(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    assert counter.filters.hits(serial(2)) == ()


def test_an_item_in_several_layers_and_sets_is_one_hit_a_set(counter: Counter) -> None:
    counter.feed(
        layer([serial(1)])
        | layer([serial(1)], number=3)
        | layer([serial(1)], kind="recalled")
        | layer([serial(2)], kind="stolen")
    )
    assert {hit.kind for hit in counter.filters.hits(serial(1))} == {"sold", "recalled"}
    assert len(counter.filters.hits(serial(1))) == 2


def test_every_item_of_a_layer_of_several_parts_is_a_hit(counter: Counter) -> None:
    items = [serial(number) for number in range(70_000)]
    counter.feed(layer(items, number=2))
    assert [item for item in items if not counter.filters.hits(item)] == []


def test_an_item_that_has_gone_from_its_layer_is_no_hit(counter: Counter) -> None:
    counter.feed(layer([serial(1), serial(2)]) | gone([serial(1)]))
    assert [counter.filters.hits(serial(number)) != () for number in (1, 2)] == [False, True]


def test_an_item_that_has_gone_from_one_layer_and_come_into_another_is_a_hit(counter: Counter) -> None:
    counter.feed(layer([serial(1)], number=1) | gone([serial(1)], number=1) | layer([serial(1)]))
    assert counter.filters.hits(serial(1)) != ()


def test_a_list_of_what_has_gone_from_an_earlier_layer_does_not_count(counter: Counter) -> None:
    counter.feed(layer([serial(1)], as_of_us=NOW_US + 1) | gone([serial(1)]))
    assert counter.filters.hits(serial(1)) != ()


def test_what_the_feed_brings_is_known_a_moment_later(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.filters.refresh()
    counter.feed(layer([serial(1), serial(2)], as_of_us=NOW_US + 1))
    assert counter.hits_later(serial(2)) == ["sold"]


def test_what_the_feed_takes_away_is_forgotten_a_moment_later(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.filters.refresh()
    counter.feed(dict.fromkeys(layer([serial(1)])))
    assert counter.hits_later(serial(1)) == []


def test_in_the_middle_of_a_pull_the_last_whole_state_answers(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.filters.refresh()
    new = layer([serial(1), serial(2)], as_of_us=NOW_US + 1)
    parts = {key: body for key, body in new.items() if key.startswith("part/")}
    counter.feed(parts, more=True)
    assert counter.hits_later(serial(1)) == ["sold"]
    counter.feed({key: new[key] for key in new.keys() - parts.keys()})
    assert counter.hits_later(serial(2)) == ["sold"]


def test_a_feed_that_has_not_moved_is_not_verified_again(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.hits_later(serial(1))
    counter.hits_later(serial(1))
    counter.verified.clear()
    counter.hits_later(serial(1))
    assert counter.verified == []


def test_a_signature_is_verified_for_filters_as_of_the_day_it_was_made(counter: Counter) -> None:
    counter.clock.advance(30 * 86_400_000_000)
    counter.feed(layer([serial(1)]))
    counter.filters.refresh()
    assert counter.verified == [("filters", date(2025, 10, 9))]


def test_a_layer_with_a_wrong_signature_is_not_believed(counter: Counter) -> None:
    rows = layer([serial(1)])
    header = msgspec.json.decode(rows["layer/sold/0"] or b"", type=FilterLayer)
    counter.feed({**rows, "layer/sold/0": body_encoder.encode(msgspec.structs.replace(header, items=2))})
    assert counter.filters.hits(serial(1)) == ()


def test_a_wrong_signature_is_told_once_to_a_person(counter: Counter) -> None:
    counter.known_keys.clear()
    counter.feed(layer([serial(1)]))
    counter.filters.hits(serial(1))
    assert counter.notices() == []
    counter.hits_later(serial(1), PATIENCE_US)
    counter.hits_later(serial(1), PATIENCE_US)
    [text] = counter.notices()
    assert text == (
        "filter layer/sold/0: the signature by key 'F001' of 2025-10-09 is not good; it is not used, and items sold or "
        "recalled elsewhere may pass unnoticed"
    )


def test_a_key_that_comes_a_moment_after_the_filter_makes_it_good_without_a_word(counter: Counter) -> None:
    counter.known_keys.clear()
    counter.feed(layer([serial(1)]))
    counter.filters.hits(serial(1))
    counter.known_keys.add("F001")
    keys = FeedChunk(feed=Feed.KEYS, since=0, next=1, head=1, rows=(FeedRow("F001", b"{}"),))
    counter.replica.apply(keys).result()
    assert counter.hits_later(serial(1)) == ["sold"]
    counter.hits_later(serial(1), PATIENCE_US)
    assert counter.notices() == []


def test_a_layer_whose_key_was_revoked_is_not_believed_any_more(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.filters.refresh()
    counter.known_keys.clear()
    keys = FeedChunk(feed=Feed.KEYS, since=0, next=1, head=1, rows=(FeedRow("F001", b"{}"),))
    counter.replica.apply(keys).result()
    assert counter.hits_later(serial(1)) == []


def test_a_revocation_is_obeyed_by_whoever_verifies_with_keys_of_a_second_ago(counter: Counter) -> None:
    counter.feed(layer([serial(1)]))
    counter.hits_later(serial(1))
    keys = FeedChunk(feed=Feed.KEYS, since=0, next=1, head=1, rows=(FeedRow("F001", b"{}"),))
    counter.replica.apply(keys).result()
    assert counter.hits_later(serial(1)) == ["sold"]
    counter.known_keys.clear()
    assert counter.hits_later(serial(1)) == []


def test_a_part_that_was_tampered_with_costs_that_part_alone(counter: Counter) -> None:
    items = [serial(number) for number in range(40_000)]
    rows = layer(items, number=2)
    counter.feed({**rows, "part/sold/2/0": encode_part(b"\xff" * 64)})
    found = [item for item in items if counter.filters.hits(item)]
    assert found == [item for item in items if hash_of(item)[0] & 1]


def test_a_list_of_what_has_gone_with_a_wrong_signature_is_not_believed(counter: Counter) -> None:
    forged = msgspec.json.decode(gone([serial(2)])["gone/sold/0/0"] or b"", type=FilterGone)
    marks = encode_marks([hash_of(serial(1))[0]])
    counter.feed(
        layer([serial(1)])
        | {"gone/sold/0/0": body_encoder.encode(msgspec.structs.replace(forged, marks=marks))}
    )
    assert counter.filters.hits(serial(1)) != ()


@pytest.mark.parametrize("key", ["layer/sold/0", "part/sold/0/0", "gone/sold/0/0"])
def test_a_row_of_noise_is_left_out_and_told(counter: Counter, key: str) -> None:
    counter.feed(
        layer([serial(1)]) | layer([serial(2)], kind="stolen") | gone([serial(3)]) | {key: b"\x00noise"}
    )
    assert [hit.kind for hit in counter.filters.hits(serial(2))] == ["stolen"]
    counter.hits_later(serial(1), PATIENCE_US)
    assert [text.startswith(f"filter {key}: ") for text in counter.notices()] == [True]


def test_a_set_that_only_a_later_version_knows_says_nothing(counter: Counter) -> None:
    counter.feed(layer([serial(1)], kind="lent"))
    assert counter.filters.hits(serial(1)) == ()
