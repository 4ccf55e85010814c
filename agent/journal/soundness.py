"""Is a row still what was written? Pure functions over the rows of one epoch.

SQLite does not notice a flipped bit in a value; the hash chain does. It also tells more than that something is wrong: whether the
body or the stored hash was hit, and, for a single flipped bit in a body of ordinary size, which one. A row mended that way
is proven by its hash to be the row that was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from protocol.chain import link, links

MEND_LIMIT_BYTES = 4096
"""The largest body in which every bit is tried: 32,768 hashes, some tenths of a second on a small machine."""
_NEAR_BITS = 32  # two unrelated SHA-256 values differ in 128 of 256 bits, give or take 8


class StoredRow(NamedTuple):
    """A row as it is in the table. What the hash covers comes first; the rest only serves to search the table."""

    seq: int
    hash: bytes
    body: bytes
    event_time_us: int = 0
    record_time_us: int = 0
    kind: str = ""


class Part(StrEnum):
    """What is wrong with a row."""

    BODY = "body"
    HASH = "hash"
    MISSING = "missing"


class Damage(msgspec.Struct, frozen=True):
    """Rows ``first_seq`` to ``last_seq`` are not what was written. ``previous_hash`` is the hash before them, ``row`` what is there."""

    first_seq: int
    last_seq: int
    part: Part
    previous_hash: bytes
    row: StoredRow | None = None


def examine(
    previous_hash: bytes, first_seq: int, rows: Iterable[StoredRow], last_seq: int = 0
) -> Iterator[StoredRow | Damage]:
    """Each row, or what is wrong with it, for consecutive rows that should begin at ``first_seq``.

    ``previous_hash`` must be right. With ``last_seq``, rows that should be there up to it are missed too.
    """
    known: bytes | None = previous_hash
    expected = first_seq
    source = iter(rows)
    row = next(source, None)
    while row is not None:
        following = next(source, None)
        if row.seq != expected:
            yield Damage(expected, row.seq - 1, Part.MISSING, known or b"")
            known = None  # the chain is torn: the next row can only be taken at its word
        computed = row.hash if known is None else link(known, row.seq, row.body)
        if computed == row.hash:
            yield row
            known = row.hash
        elif _hash_was_hit(computed, row, following):
            yield Damage(row.seq, row.seq, Part.HASH, known or b"", row)
            known = computed
        else:
            yield Damage(row.seq, row.seq, Part.BODY, known or b"", row)
            known = row.hash
        expected = row.seq + 1
        row = following
    if expected <= last_seq:
        yield Damage(expected, last_seq, Part.MISSING, known or b"")


def all_sound(previous_hash: bytes, first_seq: int, rows: Sequence[StoredRow]) -> bool:
    """Whether :func:`examine` would find nothing: the quick question, asked of every batch that is sent."""
    hashes = links(previous_hash, first_seq, [row.body for row in rows])
    return hashes == [row.hash for row in rows] and (not rows or rows[-1].seq == first_seq + len(rows) - 1)


def mend(damage: Damage) -> StoredRow | None:
    """The row as it was written, if it can be proven; None if it cannot."""
    row = damage.row
    if row is None:
        return None
    if damage.part is Part.HASH:
        return row._replace(hash=link(damage.previous_hash, row.seq, row.body))
    if len(row.body) > MEND_LIMIT_BYTES:
        return None
    start = damage.previous_hash + row.seq.to_bytes(8, "big")
    body = bytearray(row.body)
    for index in range(len(body)):
        for bit in range(8):
            body[index] ^= 1 << bit
            if hashlib.sha256(start + body).digest() == row.hash:
                return row._replace(body=bytes(body))
            body[index] ^= 1 << bit
    return None


def stand_in(epoch: str, damage: Damage) -> bytes:
    """What is sent in the place of rows that cannot be mended.

    It is no event, on purpose: central cannot decode it, puts it into quarantine, and a person sees it there with the bytes that
    are left. To send those bytes as if they were the event could book a wrong amount; to leave them out would lose a sale.
    """
    return msgspec.msgpack.encode(
        {
            "damaged_row": {
                "epoch": epoch,
                "first_seq": damage.first_seq,
                "last_seq": damage.last_seq,
                "part": damage.part.value,
                "stored_hash": damage.row.hash if damage.row else b"",
                "stored_body": damage.row.body if damage.row else b"",
            }
        }
    )


def _hash_was_hit(computed: bytes, row: StoredRow, following: StoredRow | None) -> bool:
    """Whether the stored hash is the damaged part: it is almost the right one, or the next row confirms the right one."""
    differing = int.from_bytes(computed, "big") ^ int.from_bytes(row.hash, "big")
    if differing.bit_count() <= _NEAR_BITS:
        return True
    return (
        following is not None
        and following.seq == row.seq + 1
        and link(computed, following.seq, following.body) == following.hash
    )
