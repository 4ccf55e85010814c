"""Frames as they come in, opened. Pure."""

from __future__ import annotations

import re

import msgspec

from protocol.chain import HASH_BYTES
from protocol.codec import decode
from protocol.errors import ProtocolError
from protocol.messages import Batch, EpochAsked, Hello, RowsAsked

BATCH_LIMIT_EVENTS = 20_000
LINEAGE_LIMIT = 1_000
MARKS_LIMIT = 1_000
SEQ_LIMIT = 1 << 62
CAUSES = ("rewind", "fork", "pruned", "damaged")
_EPOCH = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_REQUEST = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Letter(msgspec.Struct, frozen=True):
    """A frame from an agent. ``received_us`` is central's clock when it came (UTC microseconds)."""

    agent: str
    channel: str
    frame: bytes
    received_us: int


class Opened(msgspec.Struct, frozen=True):
    """A letter whose message can be acted upon."""

    letter: Letter
    message: Hello | Batch | EpochAsked


class Unreadable(msgspec.Struct, frozen=True):
    """A letter that is held: its bytes are kept and a person is told."""

    letter: Letter
    cause: str


def open_letter(letter: Letter) -> Opened | Unreadable:
    """What a letter of the ``up`` channel says."""
    try:
        message = decode(letter.frame).message
    except ProtocolError as error:
        return Unreadable(letter, str(error))
    match message:
        case Batch():
            fault = _fault_of_batch(message)
        case Hello():
            fault = _fault_of_hello(message)
        case EpochAsked():
            fault = _fault_of_asking(message)
        case _:
            kind = message.__struct_config__.tag
            return Unreadable(
                letter, f"a message of type {kind!r}: expected hello, batch or epoch_asked here"
            )
    return Opened(letter, message) if fault is None else Unreadable(letter, fault)


def fault_of_rows_asked(asked: RowsAsked) -> str | None:
    """What is wrong with a question for rows; None if it can be answered."""
    return (
        _fault_of_epoch(asked.epoch)
        or _fault_of_seq("first_seq", asked.first_seq)
        or _fault_of_seq("last_seq", asked.last_seq)
    )


def _fault_of_batch(batch: Batch) -> str | None:
    if len(batch.bodies) > BATCH_LIMIT_EVENTS:
        return f"a batch of {len(batch.bodies)} events: expected at most {BATCH_LIMIT_EVENTS}"
    return _fault_of_epoch(batch.epoch) or _fault_of_seq("first_seq", batch.first_seq)


def _fault_of_hello(hello: Hello) -> str | None:
    if not 0 < len(hello.lineage) <= LINEAGE_LIMIT:
        return f"a hello with {len(hello.lineage)} epochs: expected 1 to {LINEAGE_LIMIT}"
    if len(hello.marks) > MARKS_LIMIT:
        return f"a hello with {len(hello.marks)} marks: expected at most {MARKS_LIMIT}"
    for known in hello.lineage:
        fault = (
            _fault_of_epoch(known.epoch)
            or _fault_of_seq("next_seq", known.next_seq)
            or _fault_of_seq("parent_seq", known.parent_seq)
            or (_fault_of_epoch(known.parent_epoch) if known.parent_epoch is not None else None)
        )
        if fault is None and len(known.parent_hash) not in (0, HASH_BYTES):
            fault = f"parent_hash of {len(known.parent_hash)} bytes: expected {HASH_BYTES} or none"
        if fault is not None:
            return fault
    faults = (_fault_of_seq("a mark's seq", mark.seq) for mark in hello.marks)
    return next((fault for fault in faults if fault), None)


def _fault_of_asking(asked: EpochAsked) -> str | None:
    if not _REQUEST.fullmatch(asked.request_id):
        return f"request_id {asked.request_id[:80]!r}: expected 1 to 64 letters, digits, '-' or '_'"
    if asked.cause not in CAUSES:
        return f"cause {asked.cause[:40]!r}: expected one of {', '.join(CAUSES)}"
    return _fault_of_epoch(asked.parent_epoch) or _fault_of_seq("parent_seq", asked.parent_seq)


def _fault_of_epoch(epoch: str) -> str | None:
    # Compared as text on both sides, so there must be one way to write it.
    return None if _EPOCH.fullmatch(epoch) else f"epoch {epoch[:60]!r}: expected a UUID in lower case"


def _fault_of_seq(name: str, seq: int) -> str | None:
    return None if 0 <= seq < SEQ_LIMIT else f"{name} {seq}: expected 0 to {SEQ_LIMIT - 1}"
