"""Filters: never a "no" for an item that is in, few "perhaps" for one that is not, and nothing that was tampered with counts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.feeds import body_encoder
from protocol.filters import (
    BITS_AN_ITEM,
    ITEMS_A_PART,
    PART_LIMIT_BYTES,
    PARTS_LIMIT,
    FilterGone,
    FilterLayer,
    LayerBits,
    decode_gone,
    decode_layer,
    decode_part,
    digest_of,
    encode_digests,
    encode_marks,
    encode_part,
    gone_key,
    hash_of,
    is_perhaps_in,
    layer_key,
    part_key,
    part_of,
    parts_for,
    signed_bytes,
)

items = st.text(min_size=1, max_size=60)


def serial(number: int) -> str:
    return f"010950600013435221{number:020d}"


def layer_of(names: list[str]) -> list[bytes]:
    bits = LayerBits(len(names))
    bits.add(names)
    return bits.parts()


def is_in(parts: list[bytes], item: str) -> bool:
    numbers = hash_of(item)
    return is_perhaps_in(parts[part_of(numbers[0], len(parts))], numbers)


def header(bits: list[bytes], **changed: object) -> FilterLayer:
    made = FilterLayer(
        kind="sold",
        layer=1,
        parts=len(bits),
        items=3,
        as_of_us=1_790_000_000_000_000,
        digests=encode_digests(map(digest_of, bits)),
        signed_at_us=1_790_000_000_000_001,
        key_id="F001",
        signature="c2lnbmF0dXJl",
    )
    return msgspec.structs.replace(made, **changed)


GONE = FilterGone(
    kind="sold", layer=1, row=0, as_of_us=7, marks=encode_marks([1, 2**64 - 1]), signed_at_us=8, key_id="F001"
)
KEY, GONE_KEY = layer_key("sold", 1), gone_key("sold", 1, 0)


@given(st.sets(items, min_size=1, max_size=200))
def test_an_item_that_is_in_is_always_found(names: set[str]) -> None:
    parts = layer_of(sorted(names))
    assert [item for item in names if not is_in(parts, item)] == []


def test_an_item_that_is_in_is_found_in_a_layer_of_several_parts() -> None:
    names = [serial(number) for number in range(3 * ITEMS_A_PART)]
    parts = layer_of(names)
    assert (len(parts), [item for item in names if not is_in(parts, item)]) == (4, [])


def test_one_item_in_three_hundred_that_is_not_in_is_perhaps_in() -> None:
    parts = layer_of([serial(number) for number in range(2 * ITEMS_A_PART)])
    asked = range(10_000_000, 10_100_000)
    false_hits = sum(is_in(parts, serial(number)) for number in asked)
    assert 0.0025 < false_hits / len(asked) < 0.0038


def test_an_empty_layer_has_nothing_in_it() -> None:
    assert [item for item in map(serial, range(1000)) if is_in(layer_of([]), item)] == []


def test_a_full_part_fits_its_limit() -> None:
    [bits] = layer_of([serial(number) for number in range(ITEMS_A_PART)])
    assert len(bits) == PART_LIMIT_BYTES == ITEMS_A_PART * BITS_AN_ITEM // 8


@given(items, st.integers(0, 11))
def test_a_part_splits_in_two_when_their_number_doubles(item: str, doublings: int) -> None:
    mark, parts = hash_of(item)[0], 2**doublings
    assert part_of(mark, 2 * parts) in {part_of(mark, parts), part_of(mark, parts) + parts}


@given(st.integers(0, 100_000_000))
def test_the_number_of_parts_is_the_smallest_power_of_two_that_holds_the_items(count: int) -> None:
    parts = parts_for(count)
    assert parts & (parts - 1) == 0
    assert parts * ITEMS_A_PART >= count
    assert parts == 1 or parts // 2 * ITEMS_A_PART < count


def test_the_numbers_of_an_item_are_those_of_the_document() -> None:
    # Any other program that reads the feed has to come to the same ones.
    assert hash_of("0109506000134352211") == (
        1393904606118359924,
        828176508,
        3038143590,
        2756584703,
        2803728381,
        859892288,
        3457887265,
        2976277830,
        2124469103,
    )


def test_a_header_is_read_as_it_was_written() -> None:
    parts = layer_of([serial(1), serial(2)])
    layer = header(parts)
    assert decode_layer(KEY, body_encoder.encode(layer)) == (layer, tuple(map(digest_of, parts)))


def test_a_part_is_read_where_its_header_names_it() -> None:
    [bits] = layer_of([serial(1)])
    assert decode_part(part_key("sold", 1, 0), encode_part(bits), digest_of(bits)) == bits


@given(st.integers(0, 8 * 48 - 1))
def test_a_part_in_which_one_bit_was_changed_is_refused(bit: int) -> None:
    [bits] = layer_of([serial(number) for number in range(32)])
    changed = bytearray(bits)
    changed[bit >> 3] ^= 1 << (bit & 7)
    with pytest.raises(Malformed, match="filter part/sold/1/0: 48 bytes that are not those its header names"):
        decode_part(part_key("sold", 1, 0), encode_part(bytes(changed)), digest_of(bits))


def test_what_has_gone_is_read_as_it_was_written() -> None:
    assert decode_gone(GONE_KEY, body_encoder.encode(GONE)) == (GONE, (1, 2**64 - 1))


@pytest.mark.parametrize(
    "field", ["kind", "layer", "parts", "items", "as_of_us", "digests", "signed_at_us", "key_id"]
)
def test_the_signature_covers_everything_in_a_header(field: str) -> None:
    layer = header([b"12345678"])
    before = getattr(layer, field)
    other = header([b"12345678"], **{field: before + 1 if isinstance(before, int) else before + "x"})
    assert signed_bytes(other) != signed_bytes(layer)


@pytest.mark.parametrize("field", ["kind", "layer", "row", "as_of_us", "marks", "signed_at_us", "key_id"])
def test_the_signature_covers_everything_in_a_list_of_what_has_gone(field: str) -> None:
    before = getattr(GONE, field)
    other = msgspec.structs.replace(GONE, **{field: before + 1 if isinstance(before, int) else before + "x"})
    assert signed_bytes(other) != signed_bytes(GONE)


def test_the_signature_does_not_cover_itself() -> None:
    layer = header([b"12345678"])
    assert signed_bytes(msgspec.structs.replace(layer, signature="")) == signed_bytes(layer)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"parts": 3}, "3 parts; expected a power of two"),
        ({"parts": 0}, "0 parts; expected a power of two"),
        ({"parts": 2 * PARTS_LIMIT}, "8192 parts; expected a power of two up to 4096"),
        ({"parts": 2}, "1 digests; expected one for each of 2 parts"),
        ({"digests": "not base64"}, "not base64"),
        ({"digests": b64encode(b"short").decode()}, "5 bytes; expected a multiple of 16"),
        ({"layer": 2}, "says that it is layer 2 of 'sold'; expected its key"),
        ({"kind": "stolen"}, "says that it is layer 1 of 'stolen'; expected its key"),
    ],
)
def test_a_header_that_cannot_be_one_is_refused_with_its_cause(
    changed: dict[str, object], cause: str
) -> None:
    body = body_encoder.encode(header([b"12345678"], **changed))
    with pytest.raises(Malformed, match=f"^filter layer/sold/1: {cause}"):
        decode_layer(KEY, body)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"row": 1}, "says that it is row 1 of layer 1; expected its key"),
        ({"marks": "?"}, "not base64"),
        ({"marks": b64encode(b"1234567").decode()}, "7 bytes; expected a multiple of 8"),
    ],
)
def test_a_list_that_cannot_be_one_is_refused_with_its_cause(changed: dict[str, object], cause: str) -> None:
    body = body_encoder.encode(msgspec.structs.replace(GONE, **changed))
    with pytest.raises(Malformed, match=f"^filter gone/sold/1/0: {cause}"):
        decode_gone(GONE_KEY, body)


READERS: list[Callable[[bytes], object]] = [
    lambda body: decode_layer(KEY, body),
    lambda body: decode_gone(GONE_KEY, body),
    lambda body: decode_part(part_key("sold", 1, 0), body, b"\0" * 16),
]


@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=50).map(lambda text: body_encoder.encode({"bits": text}))
    )
)
def test_any_bytes_are_refused_with_a_cause(body: bytes) -> None:
    for reader in READERS:
        with pytest.raises(Malformed, match=r"^filter "):
            reader(body)
