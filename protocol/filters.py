"""Filters: a compact, signed "perhaps" about items that were sold, recalled or stolen elsewhere.

An agent cannot hold every code of a brand. It holds Bloom filters (B. H. Bloom, 1970): a code that is not in one is certainly not in that
set as of the filter's time; one that is in it is *perhaps* in the set. So a hit makes a counter ask, and never refuses by itself.

A set is cut into parts by the hash of the item, so that a change costs one part and a part fits a message. Each part is signed by a key of
the ``keys`` feed. About 10 bits and 7 probes an item give one false hit in a hundred.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from protocol.errors import Malformed

BITS_AN_ITEM = 10
PROBES = 7
PART_LIMIT_BYTES = 48 * 1024
"""A part in base64 and JSON stays well within one feed row."""
ITEMS_A_PART = PART_LIMIT_BYTES * 8 // BITS_AN_ITEM


class FilterKind(StrEnum):
    """The sets there are."""

    SOLD = "sold"
    RECALLED = "recalled"
    STOLEN = "stolen"


class FilterPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """filters, key ``<kind>/<part>``: one of ``parts`` of a set, as of ``as_of_us``. ``bits`` and ``signature`` are base64."""

    kind: str
    part: int
    parts: int
    items: int
    bits: str
    as_of_us: int
    key_id: str = ""
    signature: str = ""


def part_of(item: str, parts: int) -> int:
    """Which of ``parts`` parts of a set an item belongs to."""
    return _hashed(item)[2] % parts


def parts_for(items: int) -> int:
    """Into how many parts a set of so many items is cut: a power of two, so that growing splits parts and mixes none."""
    parts = 1
    while parts * ITEMS_A_PART < items:
        parts *= 2
    return parts


def build_bits(items: Iterable[str], count: int) -> bytes:
    """The bits of a part that holds ``items``, ``count`` of them at most."""
    size_bits = max(64, -(-count * BITS_AN_ITEM // 8) * 8)
    bits = bytearray(size_bits // 8)
    for item in items:
        for position in _positions(item, size_bits):
            bits[position >> 3] |= 1 << (position & 7)
    return bytes(bits)


def is_perhaps_in(bits: bytes, item: str) -> bool:
    """False: certainly not. True: perhaps."""
    return all(bits[at >> 3] & (1 << (at & 7)) for at in _positions(item, len(bits) * 8))


def signed_bytes(part: FilterPart) -> bytes:
    """What a part's signature covers: everything but the signature itself."""
    head = f"countermark filter 1\0{part.kind}\0{part.part}\0{part.parts}\0{part.items}\0{part.as_of_us}\0{part.key_id}\0"
    return head.encode() + part.bits.encode()


def encode_bits(bits: bytes) -> str:
    """Bits as they stand in a part."""
    return b64encode(bits).decode()


def decode_bits(part: FilterPart) -> bytes:
    """The bits of a part, or :class:`Malformed`."""
    try:
        bits = b64decode(part.bits, validate=True)
    except ValueError as error:
        raise Malformed(f"filter {part.kind}/{part.part}: bits that are not base64: {error}") from None
    if not bits or not 0 <= part.part < part.parts:
        raise Malformed(
            f"filter {part.kind}, part {part.part} of {part.parts}, {len(bits)} bytes: expected a part with bits in it"
        )
    return bits


def _hashed(item: str) -> tuple[int, int, int]:
    digest = hashlib.blake2b(item.encode(), digest_size=20).digest()
    return (
        int.from_bytes(digest[:8], "big"),
        int.from_bytes(digest[8:16], "big") | 1,
        int.from_bytes(digest[16:], "big"),
    )


def _positions(item: str, size_bits: int) -> list[int]:
    # Two hashes make all probes (A. Kirsch and M. Mitzenmacher, 2006).
    first, second, _ = _hashed(item)
    return [(first + probe * second) % size_bits for probe in range(PROBES)]
