"""A brand that signs, and a counter that has heard of its keys: a real replica in a real store."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import ManualClock
from agent.feeds.replica import Replica
from agent.store import Store
from agent.verification.known_rows import LOOK_US
from agent.verification.signatures import Signatures
from protocol.codes import Code, recognise, render_element_string
from protocol.codes.short import mac_of
from protocol.codes.signed import signed_bytes, tail_elements
from protocol.feeds import CodeKey, CodeOrder, Feed, body_encoder, digest_after, row_digest
from protocol.messages import FeedChunk, FeedRow

NOW_US = 1_760_000_000_000_000  # 2025-10-09
GTIN, OTHER_GTIN = "09506000134352", "04006381333931"
SERIAL = "K7Q3-yZ.9_a"
DAY = date(2025, 10, 1)
KEY_ID, TAG = "K7Q3", "T4G0"
MAC_KEY = bytes(range(32))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))

Label = dict[str, str]


def code_key(key_id: str = KEY_ID, private: Ed25519PrivateKey = PRIVATE) -> CodeKey:
    """The row of a key that has signed since the beginning of the year."""
    public = b64encode(private.public_key().public_bytes_raw()).decode()
    return CodeKey(key_id=key_id, public_key=public, purpose="codes", valid_from="2025-01-01")


def code_order() -> CodeOrder:
    """The row of an order of short codes."""
    mac_key = b64encode(MAC_KEY).decode()
    return CodeOrder(tag=TAG, gtin=GTIN, batch="LOT7", expiry="2027-01-31", mac_key=mac_key)


def token(random: str = "0123456789", tag: str = TAG, key: bytes = MAC_KEY) -> str:
    """A short code of an order."""
    return tag + random + mac_of(tag, random, key)


def label(
    private: Ed25519PrivateKey = PRIVATE,
    key_id: str = KEY_ID,
    day: date = DAY,
    batch: str = "LOT7",
    expiry: str = "2027-01-31",
) -> Label:
    """The elements of a label as the brand signs it."""
    data = signed_bytes(key_id=key_id, gtin=GTIN, serial=SERIAL, day=day, batch=batch, expiry=expiry)
    printed = date.fromisoformat(expiry).strftime("%y%m%d")
    return {"01": GTIN, "21": SERIAL, "10": batch, "17": printed} | tail_elements(
        key_id, day, private.sign(data)
    )


def scanned(elements: Label) -> Code:
    """What the recogniser makes of a label."""
    return recognise(f"]d2{render_element_string(elements)}")


class Counter:
    """What a counter knows of the brand's keys. It has a moment to notice after every change."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW_US)
        self.store = Store.open(folder / "journal.db", reserve_bytes=0)
        self.replica = Replica(self.store, self.clock)
        self.signatures = Signatures(self.replica, self.clock)

    def hear(self, *rows: CodeKey | CodeOrder) -> None:
        """Have central's feeds say this too."""
        for row in rows:
            body = body_encoder.encode(row)
            feed, key = (Feed.KEYS, row.key_id) if isinstance(row, CodeKey) else (Feed.CODE_ORDERS, row.tag)
            known = dict(self.replica.rows(feed, limit=1_000_000)) | {key: body}
            digest = 0
            for name, one in known.items():
                digest = digest_after(digest, 0, row_digest(name, one))
            version = self.replica.version(feed)
            chunk = FeedChunk(
                feed=feed,
                since=version,
                next=version + 1,
                rows=(FeedRow(key, body),),
                head=version + 1,
                digest=digest,
            )
            self.replica.apply(chunk).result(10)
        self.clock.advance(LOOK_US + 1)

    def proves(self, elements: Label) -> str:
        """The kind of proof a label gives."""
        return self.signatures.prove(scanned(elements)).kind


changed = msgspec.structs.replace
"""A row with some fields changed."""
