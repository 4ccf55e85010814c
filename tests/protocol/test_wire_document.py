"""The examples of docs/wire.md are true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from protocol import chain, codec, events, messages, topics
from protocol.codec import decode, encode
from protocol.delivery import vocabulary
from protocol.feeds import Feed

DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    found = re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found, f"no ```{kind} example in docs/wire.md"
    return found


def from_json(value: Any) -> Any:
    """JSON with ``hex:`` strings for binary values."""
    if isinstance(value, dict):
        return {key: from_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [from_json(inner) for inner in value]
    if isinstance(value, str) and value.startswith("hex:"):
        return bytes.fromhex(value[4:])
    return value


def test_each_frame_of_the_document_is_the_message_beside_it() -> None:
    for block in blocks("wire"):
        text, _, frame = block.strip().rpartition("\n")
        message = msgspec.convert(from_json(json.loads(text)), messages.Message)
        assert decode(bytes.fromhex(frame)).message == message
        assert encode(message, topics.topic("up", "till-1")).hex(" ") == frame


def test_the_chain_of_the_document_is_the_chain() -> None:
    start = chain.genesis("till-1", "6e1c0d5e-0000-4000-8000-000000000001")
    rows = chain.links(start, 1, [b"one", b"two"])
    assert [line.split()[-1] for line in blocks("chain")[0].strip().split("\n")] == [
        h.hex() for h in (start, *rows)
    ]


def test_the_event_of_the_document_can_be_read() -> None:
    for block in blocks("event"):
        assert isinstance(events.decode_event(msgspec.msgpack.encode(json.loads(block))), events.Event)


def test_every_message_event_and_feed_is_named_in_the_document() -> None:
    kinds = [kind.__struct_config__.tag for kind in (*messages.Message.__args__, *events.Body.__args__)]
    missing = [
        name for name in (*kinds, *Feed) if f"`{name}`" not in DOCUMENT and f"`{name} " not in DOCUMENT
    ]
    assert missing == []


def test_the_numbers_of_the_document_are_those_of_the_code() -> None:
    pace = vocabulary.Pace()
    for number in (codec.FRAME_LIMIT_BYTES, codec.BODY_LIMIT_BYTES, events.EVENT_LIMIT_BYTES):
        assert f"{number:,}" in DOCUMENT
    assert (pace.answer_timeout_us, pace.answer_timeout_limit_us, pace.hello_interval_us, pace.marks) == (
        5_000_000, 60_000_000, 300_000_000, 64,
    )  # fmt: skip
