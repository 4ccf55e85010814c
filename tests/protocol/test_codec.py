"""Frames: what goes in comes out, and what cannot be read is refused with a word."""

from __future__ import annotations

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.codec import BODY_LIMIT_BYTES, FRAME_LIMIT_BYTES, decode, encode, signed_bytes
from protocol.errors import Malformed, UnknownVersion
from protocol.messages import (
    Ack,
    AskMessage,
    Batch,
    Changed,
    Cursor,
    DownMessage,
    EpochAsked,
    EpochGranted,
    FeedChunk,
    FeedPull,
    FeedRow,
    Held,
    Hello,
    HelloWanted,
    ItemAnswered,
    ItemAsked,
    Lineage,
    Mark,
    Presence,
    RowsAnswered,
    RowsAsked,
    UpMessage,
    Welcome,
)

TOPIC = "countermark/1/up/till-1"
EXAMPLES: list[UpMessage | AskMessage | DownMessage | Presence] = [
    Hello(
        lineage=(Lineage(epoch="e", next_seq=3, head_hash=b"h" * 32),), acked_seq=1, software="0.1.0",
        journal_version=1, wall_us=1, monotonic_us=2, boot_id="b", feeds={"catalogue": 7}, marks=(Mark(2, b"m"),),
    ),
    Batch(epoch="e", first_seq=1, previous_hash=b"p", head_hash=b"h", bodies=(b"one", b"two"), unsent=2),
    EpochAsked(request_id="r", parent_epoch="e", parent_seq=2, parent_hash=b"h", cause="fork"),
    FeedPull(feed="catalogue", since=0, limit=500),
    ItemAsked(question_id="q", item="0104006381333931215A"),
    Ack(cursor=Cursor("e", 3, b"h")),
    Welcome(cursors=(Cursor("e", 3, b"h"),), wall_us=5, compared_epoch="e", agree_seq=2, differ_seq=None),
    HelloWanted(epoch="e", cause="this epoch is not known"),
    EpochGranted(request_id="r", epoch="f", parent_epoch="e", parent_seq=2, parent_hash=b"h"),
    FeedChunk(feed="catalogue", since=0, next=2, rows=(FeedRow("a", b"{}"), FeedRow("b", None)), digest=2**64 - 1),
    ItemAnswered(question_id="q", item="i", body=None),
    RowsAsked(epoch="e", first_seq=3, last_seq=4),
    RowsAnswered(epoch="e", first_seq=3, bodies=(b"one", b"two")),
    Held(cause="version 9"),
    Changed(feeds={"orders": 4}),
    Presence(online=False),
]  # fmt: skip


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_comes_out_as_it_went_in(message: UpMessage | AskMessage | DownMessage | Presence) -> None:
    assert decode(encode(message, TOPIC)).message == message


def test_a_large_message_is_compressed() -> None:
    batch = Batch(epoch="e", first_seq=1, previous_hash=b"", head_hash=b"", bodies=(b"the same " * 200,) * 20)
    frame = encode(batch, TOPIC)
    assert (frame[1], len(frame) < 1_000, decode(frame).message == batch) == (1, True, True)


def test_a_message_above_the_limit_is_not_sent() -> None:
    noise = bytes(zstandard.ZstdCompressor().compress(b"")) + b"".join(
        i.to_bytes(4, "big") for i in range(0, 2**31, 60_000)
    )
    with pytest.raises(Malformed, match="expected at most 131072"):
        encode(Batch(epoch="e", first_seq=1, previous_hash=b"", head_hash=b"", bodies=(noise,)), TOPIC)


def test_a_signature_covers_the_topic_and_the_uncompressed_body() -> None:
    seen: list[bytes] = []

    def sign(data: bytes) -> tuple[str, bytes]:
        seen.append(data)
        return "key-1", b"s" * 64

    received = decode(encode(EXAMPLES[0], TOPIC, sign))
    assert (received.key_id, received.signature) == ("key-1", b"s" * 64)
    assert seen == [signed_bytes(TOPIC, received.body)]


def test_a_version_of_the_future_is_told_from_garbage() -> None:
    frame = bytes((2,)) + encode(EXAMPLES[3], TOPIC)[1:]
    with pytest.raises(UnknownVersion, match="version 2 is not known here") as caught:
        decode(frame)
    assert caught.value.version == 2


def test_a_field_that_is_not_known_is_ignored() -> None:
    body = msgspec.msgpack.encode(
        {"type": "feed_pull", "feed": "items", "since": 1, "limit": 2, "colour": "red"}
    )
    frame = bytes((1, 0)) + msgspec.msgpack.encode([body, "", b""])
    assert decode(frame).message == FeedPull(feed="items", since=1, limit=2)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "a frame of 0 bytes"),
        (b"\x01\x00", "a frame of 2 bytes"),
        (b"\x01\x00" + bytes(FRAME_LIMIT_BYTES), "expected 3 to 131072"),
        (b"\x01\x04\x00", "frame flags 0x04"),
        (b"\x01\x00\xc1", "cannot be read"),
        (b"\x01\x00" + msgspec.msgpack.encode([b"\x81", "", b""]), "cannot be read"),
        (
            b"\x01\x00" + msgspec.msgpack.encode([msgspec.msgpack.encode({"type": "gossip"}), "", b""]),
            "gossip",
        ),
        (b"\x01\x01garbage", "compression cannot be read"),
        (b"\x01\x01" + zstandard.ZstdCompressor().compress(bytes(BODY_LIMIT_BYTES + 5_000)), "unpacks to"),
        (b"\x01\x01" + zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 99), "unpacks to"),
        (b"\x01\x01" + zstandard.ZstdCompressor().compress(b"x" * 9_999)[:-8], "compression cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(frame: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        decode(frame)


def refusal_of(frame: bytes) -> str | None:
    try:
        decode(frame)
    except (Malformed, UnknownVersion) as refusal:
        return str(refusal)
    return None


@given(st.binary(max_size=200))
def test_no_bytes_bring_the_decoder_down_and_a_refusal_says_why(data: bytes) -> None:
    for frame in (data, b"\x01\x00" + data, b"\x01\x01" + data):
        assert refusal_of(frame) != ""


@given(st.sampled_from(EXAMPLES), st.data())
def test_a_flipped_bit_gives_a_refusal_or_a_message_but_never_a_crash(
    message: UpMessage, data: st.DataObject
) -> None:
    frame = bytearray(encode(message, TOPIC))
    position = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[position // 8] ^= 1 << position % 8
    assert refusal_of(bytes(frame)) != ""


def test_the_smallest_limit_of_hosted_brokers_is_kept() -> None:
    assert codec.FRAME_LIMIT_BYTES <= 128 * 1024
