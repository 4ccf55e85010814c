"""Bytes to messages and back: versions, size caps, compression.

A frame is::

    byte 0      version of the wire, now 1
    byte 1      flags: bit 0 = the payload is a zstd frame
    bytes 2…    MessagePack array [body, key_id, signature]

``body`` is the MessagePack map of one message with its ``type``. ``signature`` (Ed25519, 64 bytes) is over
``"countermark/1" ‖ 0x00 ‖ topic ‖ 0x00 ‖ body`` by the key named ``key_id``; both are empty where nothing is signed. Signing
the uncompressed body keeps the signature good whatever a broker or a later version does to the compression.

What cannot be read is refused loudly: :class:`~protocol.errors.Malformed` for garbage,
:class:`~protocol.errors.UnknownVersion` for a version of the future, which its reader must hold and report.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import zstandard

from protocol.errors import Malformed, UnknownVersion
from protocol.messages import Message

WIRE_VERSION = 1
FRAME_LIMIT_BYTES = 128 * 1024
"""A whole frame. Below the limit of every hosted MQTT service that was looked at (AWS IoT Core: 128 KiB)."""
BODY_LIMIT_BYTES = 4 * 1024 * 1024
"""A body once decompressed, so that a small frame cannot become a large one here."""
_COMPRESSED = 0x01
_WORTH_COMPRESSING_BYTES = 256

Signer = Callable[[bytes], tuple[str, bytes]]
"""Takes the bytes to be signed and returns (key_id, signature)."""


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """The outer layer of a frame."""

    body: bytes
    key_id: str = ""
    signature: bytes = b""


class Received(msgspec.Struct, frozen=True):
    """A message with what is needed to check who signed it."""

    message: Message
    body: bytes
    key_id: str
    signature: bytes


_message_encoder = msgspec.msgpack.Encoder(decimal_format="string")
_message_decoder = msgspec.msgpack.Decoder(Message)
_envelope_encoder = msgspec.msgpack.Encoder()
_envelope_decoder = msgspec.msgpack.Decoder(Envelope)


def signed_bytes(topic: str, body: bytes) -> bytes:
    """What a signature covers: the protocol, the topic and the body."""
    return b"countermark/1\0" + topic.encode() + b"\0" + body


def encode(message: Message, topic: str, sign: Signer | None = None) -> bytes:
    """The frame of ``message``, or :class:`Malformed` when it would exceed the limit."""
    body = _message_encoder.encode(message)
    key_id, signature = sign(signed_bytes(topic, body)) if sign else ("", b"")
    payload = _envelope_encoder.encode(Envelope(body, key_id, signature))
    flags = 0
    if len(payload) >= _WORTH_COMPRESSING_BYTES:
        flags = _COMPRESSED
        payload = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(payload)
    frame = bytes((WIRE_VERSION, flags)) + payload
    if len(frame) > FRAME_LIMIT_BYTES or len(body) > BODY_LIMIT_BYTES:
        raise Malformed(
            f"a {type(message).__name__} of {len(frame)} bytes ({len(body)} unpacked): expected at most "
            f"{FRAME_LIMIT_BYTES} ({BODY_LIMIT_BYTES}); send fewer rows at a time"
        )
    return frame


def decode(frame: bytes) -> Received:
    """The message in ``frame``, or :class:`Malformed` or :class:`UnknownVersion`."""
    if not 2 < len(frame) <= FRAME_LIMIT_BYTES:
        raise Malformed(f"a frame of {len(frame)} bytes: expected 3 to {FRAME_LIMIT_BYTES}")
    version, flags = frame[0], frame[1]
    if version != WIRE_VERSION:
        raise UnknownVersion(version, WIRE_VERSION)
    if flags & ~_COMPRESSED:
        raise Malformed(f"frame flags {flags:#04x}: expected 0x00 or 0x01")
    payload = _decompress(frame[2:]) if flags & _COMPRESSED else frame[2:]
    try:
        envelope = _envelope_decoder.decode(payload)
        message = _message_decoder.decode(envelope.body)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"a frame of {len(frame)} bytes whose message cannot be read: {error}") from None
    return Received(message, envelope.body, envelope.key_id, envelope.signature)


def _decompress(data: bytes) -> bytes:
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= BODY_LIMIT_BYTES + 1024:
            raise Malformed(
                f"a frame that unpacks to {size} bytes: expected at most {BODY_LIMIT_BYTES}, stated in its header"
            )
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise Malformed(f"a frame whose compression cannot be read: {error}") from None
