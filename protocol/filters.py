"""Filters: a compact, signed "perhaps" about items that were sold, recalled or stolen elsewhere.

An agent cannot hold every code of a brand. It holds Bloom filters (B. H. Bloom, 1970): an item that is not in one is certainly not in
that set as of the filter's time; one that is in it is *perhaps* in the set. So a hit makes a counter ask, and never refuses by itself.

A set is kept in **layers**. What is new goes to layer 0, which is small and is sent anew with every change; when it is full it is melted
into the next one, which is larger and changes more rarely. An item is in the set if any layer has it. A layer is cut into **parts** by
the hash of the item, so that a part fits a message. Its header names the digest of each part and is signed by a key of the ``keys``
feed. An item that leaves the set cannot be taken out of the bits of a layer: it is named in a signed list beside it, exactly, until
that layer is built anew.

>>> layer = LayerBits(items=2)
>>> layer.add(["0104006381333931211", "0104006381333931212"])
>>> [bits] = layer.parts()
>>> is_perhaps_in(bits, hash_of("0104006381333931211")), is_perhaps_in(bits, hash_of("0104006381333931213"))
(True, False)
"""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec

from protocol.errors import Malformed
from protocol.feeds import body_encoder

BITS_AN_ITEM = 12
PROBES = 8
"""12 bits and 8 probes an item give one false hit in 318 a layer: (1 - e^(-8/12))^8."""
PART_LIMIT_BYTES = 48 * 1024
"""A part in base64 and JSON stays well within one feed row, which ends at 96 KiB, also where chance has filled it unevenly."""
ITEMS_A_PART = PART_LIMIT_BYTES * 8 // BITS_AN_ITEM
LAYERS_LIMIT = 16
"""More layers than any plan makes; an agent looks into each of them at every scan."""
PARTS_LIMIT = 4096
"""134 million items in one layer."""
ITEMS_A_GONE_ROW = 512
_DIGEST_BYTES = 16
_MARK_BYTES = 8
_UNPACK = struct.Struct(f">Q{PROBES}I").unpack

Hash = tuple[int, ...]
"""Of one item: its mark (64 bits, which chooses the part and names it in a list of what has gone), then a number of 32 bits a probe."""


class FilterKind(StrEnum):
    """The sets there are."""

    SOLD = "sold"
    RECALLED = "recalled"
    STOLEN = "stolen"


class FilterLayer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """filters, key ``layer/<kind>/<layer>``: the header of a layer that was built at ``as_of_us``.

    ``parts`` is a power of two. ``digests`` is base64 of the first 16 bytes of SHA-256 of each part's bits, one after the other.
    """

    kind: str
    layer: int
    parts: int
    items: int
    as_of_us: int
    digests: str
    signed_at_us: int = 0
    key_id: str = ""
    signature: str = ""


class FilterPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """filters, key ``part/<kind>/<layer>/<part>``: the bits of a part, in base64. They count where their header names their digest."""

    bits: str


class FilterGone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """filters, key ``gone/<kind>/<layer>/<row>``: what has left a layer since it was built.

    ``marks`` is base64 of 8 bytes an item. It counts beside the layer of the same ``as_of_us`` alone.
    """

    kind: str
    layer: int
    row: int
    as_of_us: int
    marks: str
    signed_at_us: int = 0
    key_id: str = ""
    signature: str = ""


Signed = FilterLayer | FilterGone

_layer_decoder = msgspec.json.Decoder(FilterLayer)
_part_decoder = msgspec.json.Decoder(FilterPart)
_gone_decoder = msgspec.json.Decoder(FilterGone)


def layer_key(kind: str, layer: int) -> str:
    """The key of a header in the feed."""
    return f"layer/{kind}/{layer}"


def part_key(kind: str, layer: int, part: int) -> str:
    """The key of a part in the feed."""
    return f"part/{kind}/{layer}/{part}"


def gone_key(kind: str, layer: int, row: int) -> str:
    """The key of a list of items that have gone."""
    return f"gone/{kind}/{layer}/{row}"


# An item in the bits ------------------------------------------------------------------------------------------------------


def hash_of(item: str) -> Hash:
    """The numbers of an item: BLAKE2b of 40 bytes, big-endian, cut into one number of 64 bits and eight of 32."""
    return _UNPACK(hashlib.blake2b(item.encode(), digest_size=_MARK_BYTES + 4 * PROBES).digest())


def part_of(mark: int, parts: int) -> int:
    """Which of ``parts`` parts an item belongs to. When their number doubles, part p splits into p and p + parts."""
    return mark & (parts - 1)


def parts_for(items: int) -> int:
    """Into how many parts a layer of so many items is cut: a power of two."""
    parts = 1
    while parts * ITEMS_A_PART < items:
        parts *= 2
    return parts


def is_perhaps_in(bits: bytes, numbers: Hash) -> bool:
    """Whether an item is in the bits of its part. False: certainly not. True: perhaps."""
    size_bits = len(bits) * 8
    for number in numbers[1:]:
        at = number % size_bits
        if not bits[at >> 3] & (128 >> (at & 7)):
            return False
    return True


class LayerBits:
    """The bits of a layer of at most ``items`` items, which come in any order.

    While it is built it takes a byte a bit, 12 bytes an item: setting a byte is twice as fast as setting a bit.
    """

    def __init__(self, items: int) -> None:
        count = parts_for(items)
        self._size_bits = 8 * -(-max(items * BITS_AN_ITEM // count, 64) // 8)
        self._flags = [bytearray(b"0") * self._size_bits for _ in range(count)]

    def add(self, items: Iterable[str]) -> None:
        """Set the bits of items."""
        flags, size_bits, mask, one = self._flags, self._size_bits, len(self._flags) - 1, ord("1")
        for item in items:
            mark, *numbers = hash_of(item)
            part = flags[mark & mask]
            for number in numbers:
                part[number % size_bits] = one

    def parts(self) -> list[bytes]:
        """The bits, part by part; the first bit of a byte is its highest."""
        return [int(flags, 2).to_bytes(self._size_bits // 8, "big") for flags in self._flags]


# What travels -------------------------------------------------------------------------------------------------------------


def digest_of(bits: bytes) -> bytes:
    """The digest of a part's bits, as a header names it: 16 bytes."""
    return hashlib.sha256(bits).digest()[:_DIGEST_BYTES]


def encode_digests(digests: Iterable[bytes]) -> str:
    """The digests of a layer's parts, as they stand in its header."""
    return b64encode(b"".join(digests)).decode()


def encode_part(bits: bytes) -> bytes:
    """The body of a part's row."""
    return body_encoder.encode(FilterPart(bits=b64encode(bits).decode()))


def encode_marks(marks: Sequence[int]) -> str:
    """Items that have gone, as they stand in a row."""
    return b64encode(b"".join(mark.to_bytes(_MARK_BYTES, "big") for mark in marks)).decode()


def signed_bytes(signed: Signed) -> bytes:
    """What a signature covers: everything in the row but itself, as a JSON array that begins with what it is for."""
    if isinstance(signed, FilterLayer):
        what: tuple[object, ...] = ("layer", signed.kind, signed.layer, signed.parts, signed.items)
        rest: tuple[object, ...] = (signed.as_of_us, signed.digests, signed.signed_at_us, signed.key_id)
    else:
        what = ("gone", signed.kind, signed.layer, signed.row)
        rest = (signed.as_of_us, signed.marks, signed.signed_at_us, signed.key_id)
    return body_encoder.encode(("countermark filter 1", *what, *rest))


def decode_layer(key: str, body: bytes) -> tuple[FilterLayer, tuple[bytes, ...]]:
    """A header and the digests of its parts, or :class:`Malformed`. Nothing is proven yet."""
    layer = _decoded(_layer_decoder, key, body)
    if key != layer_key(layer.kind, layer.layer) or not 0 <= layer.layer < LAYERS_LIMIT:
        raise Malformed(
            f"filter {key}: says that it is layer {layer.layer} of {layer.kind!r}; expected its key"
        )
    if not 0 < layer.parts <= PARTS_LIMIT or layer.parts & (layer.parts - 1):
        raise Malformed(f"filter {key}: {layer.parts} parts; expected a power of two up to {PARTS_LIMIT}")
    digests = _cut(key, layer.digests, _DIGEST_BYTES)
    if len(digests) != layer.parts:
        raise Malformed(f"filter {key}: {len(digests)} digests; expected one for each of {layer.parts} parts")
    return layer, digests


def decode_part(key: str, body: bytes, digest: bytes) -> bytes:
    """The bits of a part that its header names by ``digest``, or :class:`Malformed`."""
    bits = _unpacked(key, _decoded(_part_decoder, key, body).bits)
    if not bits or digest_of(bits) != digest:
        raise Malformed(
            f"filter {key}: {len(bits)} bytes that are not those its header names; pull the feed anew"
        )
    return bits


def decode_gone(key: str, body: bytes) -> tuple[FilterGone, tuple[int, ...]]:
    """A list of what has gone and the marks in it, or :class:`Malformed`. Nothing is proven yet."""
    gone = _decoded(_gone_decoder, key, body)
    if key != gone_key(gone.kind, gone.layer, gone.row):
        raise Malformed(
            f"filter {key}: says that it is row {gone.row} of layer {gone.layer}; expected its key"
        )
    return gone, tuple(int.from_bytes(mark, "big") for mark in _cut(key, gone.marks, _MARK_BYTES))


_Row = TypeVar("_Row", FilterLayer, FilterPart, FilterGone)


def _decoded(decoder: msgspec.json.Decoder[_Row], key: str, body: bytes) -> _Row:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"filter {key}: cannot be read: {error}") from None


def _unpacked(key: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed(f"filter {key}: not base64: {error}") from None


def _cut(key: str, text: str, size: int) -> tuple[bytes, ...]:
    data = _unpacked(key, text)
    if len(data) % size:
        raise Malformed(f"filter {key}: {len(data)} bytes; expected a multiple of {size}")
    return tuple(data[at : at + size] for at in range(0, len(data), size))
