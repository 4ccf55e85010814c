"""Looking at an MQTT packet before the broker does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.embedded.packets import (
    Connect,
    PacketError,
    as_clean_session,
    connack,
    packet_length,
    packet_type,
    parse_connect,
    publish_topic,
)

LIMIT_BYTES = 1000
# 3.1: client id "shop-1", keep alive 60 s, no clean session, and a will on "w" saying "bye".
WITH_WILL = bytes.fromhex(
    "10 1a 0004 4d515454 04 04 003c 0006 73686f702d31 0001 77 0003 627965".replace(" ", "")
)
PLAIN = bytes.fromhex("10 12 0004 4d515454 04 00 003c 0006 73686f702d31".replace(" ", ""))


def test_a_connect_packet_says_who_and_how_often() -> None:
    assert parse_connect(PLAIN) == Connect(level=4, client_id="shop-1", keep_alive_s=60, will_topic=None)


def test_a_will_is_seen() -> None:
    assert parse_connect(WITH_WILL) == Connect(level=4, client_id="shop-1", keep_alive_s=60, will_topic="w")


def test_of_another_protocol_level_only_the_level_is_read() -> None:
    assert parse_connect(PLAIN[:8] + b"\x05" + PLAIN[9:]) == Connect(5, "", 0, None)


def test_a_session_is_asked_for_that_ends_with_the_connection() -> None:
    assert as_clean_session(PLAIN) == PLAIN[:9] + b"\x02" + PLAIN[10:]


@pytest.mark.parametrize(
    "packet",
    [
        b"\x30\x03\x00\x01a",  # a PUBLISH
        b"\x10\x00",
        b"\x10\x08\x00\x06MQIsdp",
        b"GET / HTTP/1.1\r\n\r\n",
        PLAIN[:-1],
        WITH_WILL[:21],
        PLAIN[:-6] + b"\xff\xff\xff\xff\xff\xff",
    ],
)
def test_what_is_no_connect_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(PacketError):
        parse_connect(packet)


@given(st.binary(min_size=2, max_size=60))
def test_no_bytes_break_the_reading_of_a_connect_packet(data: bytes) -> None:
    try:
        connect = parse_connect(data)
    except PacketError:
        return
    assert isinstance(connect.client_id, str)


@given(st.integers(0, 20_000), st.integers(0, 200))
def test_a_packet_is_as_long_as_its_header_says(body_bytes: int, following_bytes: int) -> None:
    header = bytearray([0x30])
    left = body_bytes
    while True:
        header.append(left % 128 | (0x80 if left >= 128 else 0))
        left //= 128
        if not left:
            break
    packet = bytes(header) + bytes(body_bytes)
    assert packet_length(packet + bytes(following_bytes), 30_000) == len(packet)


@pytest.mark.parametrize("buffer", [b"", b"\x30", b"\x30\x80", b"\x30\x80\x80\x80"])
def test_the_length_is_unknown_until_enough_is_there(buffer: bytes) -> None:
    assert packet_length(buffer, LIMIT_BYTES) is None


def test_a_packet_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(PacketError, match="packet of 1003 bytes: expected 1000 at most"):
        packet_length(b"\x30\xe8\x07", LIMIT_BYTES)


def test_a_length_that_never_ends_is_refused() -> None:
    with pytest.raises(PacketError, match="longer than 4 bytes"):
        packet_length(b"\x30\x80\x80\x80\x80\x01", LIMIT_BYTES)


def test_the_topic_of_a_message_is_read() -> None:
    assert publish_topic(b"\x32\x08\x00\x03a/b\x00\x01x") == "a/b"


def test_the_type_is_the_upper_half_of_the_first_byte() -> None:
    assert packet_type(b"\x32\x00") == 3


def test_a_client_of_mqtt_5_is_told_in_its_own_words() -> None:
    assert connack(1, level=5) == b"\x20\x03\x00\x84\x00"
