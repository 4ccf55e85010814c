"""Just enough of MQTT 3.1.1 to look at a packet before the broker does: bytes in, values out, no I/O.

References are to the OASIS standard "MQTT Version 3.1.1".
"""

from __future__ import annotations

from dataclasses import dataclass

CONNECT = 1
PUBLISH = 3
LEVEL_3_1_1 = 4
LEVEL_5 = 5

ACCEPTED, UNACCEPTABLE_LEVEL, IDENTIFIER_REJECTED, NOT_AUTHORISED = 0, 1, 2, 5  # 3.2.2.3, table 3.1

_CLEAN_SESSION = 0x02
_WILL = 0x04
_LENGTH_BYTES = 4  # 2.2.3: the remaining length has 1 to 4 bytes
_FIRST_PACKET_LEVEL_AT = 6  # 3.1.2.2: after the protocol name, "MQTT" with its length


class PacketError(ValueError):
    """Bytes that are no MQTT packet, or one longer than allowed."""


@dataclass(frozen=True)
class Connect:
    """What a CONNECT packet (3.1) says of the client."""

    level: int
    client_id: str
    keep_alive_s: int
    will_topic: str | None


def packet_length(buffer: bytes | bytearray, limit_bytes: int) -> int | None:
    """The length in bytes of the packet at the beginning of ``buffer``, ``None`` if too little is there to tell (2.2.3)."""
    length = 0
    for index, byte in enumerate(buffer[1 : 1 + _LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            total = 2 + index + length
            if total > limit_bytes:
                raise PacketError(f"packet of {total} bytes: expected {limit_bytes} at most")
            return total
    if len(buffer) > _LENGTH_BYTES:
        raise PacketError("remaining length longer than 4 bytes")
    return None


def packet_type(packet: bytes | bytearray) -> int:
    """The type of a packet (2.2.1)."""
    return packet[0] >> 4


def parse_connect(packet: bytes | bytearray) -> Connect:
    """Read a CONNECT packet. Of another protocol level than 3.1.1 only the level is read."""
    body = _body(packet)
    if packet_type(packet) != CONNECT or body[:6] != b"\x00\x04MQTT":
        raise PacketError("first packet is not an MQTT CONNECT")
    if len(body) < 10:
        raise PacketError("CONNECT packet cut short")
    level, flags = body[_FIRST_PACKET_LEVEL_AT], body[_FIRST_PACKET_LEVEL_AT + 1]
    if level != LEVEL_3_1_1:
        return Connect(level, "", 0, None)
    client_id, rest = _text(body[10:])
    will_topic = _text(rest)[0] if flags & _WILL else None
    return Connect(level, client_id, int.from_bytes(body[8:10], "big"), will_topic)


def as_clean_session(packet: bytes | bytearray) -> bytes:
    """The same CONNECT packet, asking for a session that ends with the connection (3.1.2.4)."""
    changed = bytearray(packet)
    changed[len(packet) - len(_body(packet)) + _FIRST_PACKET_LEVEL_AT + 1] |= _CLEAN_SESSION
    return bytes(changed)


def publish_topic(packet: bytes | bytearray) -> str:
    """The topic of a PUBLISH packet (3.3.2.1)."""
    return _text(_body(packet))[0]


def connack(code: int, level: int = LEVEL_3_1_1) -> bytes:
    """A CONNACK packet (3.2). A client of MQTT 5 is told in its own words that its version is not spoken (code 0x84)."""
    if level >= LEVEL_5:
        return bytes((0x20, 3, 0, 0x84, 0))
    return bytes((0x20, 2, 0, code))


def _body(packet: bytes | bytearray) -> bytes:
    for index, byte in enumerate(packet[1 : 1 + _LENGTH_BYTES], start=2):
        if not byte & 0x80:
            return bytes(packet[index:])
    raise PacketError("packet without an end to its length")


def _text(data: bytes) -> tuple[str, bytes]:
    """A string with its length in front (1.5.3), and what follows it."""
    end = 2 + int.from_bytes(data[:2], "big")
    if len(data) < max(2, end):
        raise PacketError("text cut short")
    try:
        return data[2:end].decode(), data[end:]
    except UnicodeDecodeError as error:
        raise PacketError("text is not UTF-8") from error
