"""The signed part of an item's code: what a counter without a network can prove.

A label carries, beside its GTIN and serial, two elements for internal use (GS1 General Specifications, AI 91 to 99): ``91`` names the
key (4 characters), ``92`` is the tail (88 characters): 2 bytes of the day of signing and 64 bytes of Ed25519 signature
(RFC 8032), in base64url (RFC 4648, section 5). Product, serial, batch, expiry and day are signed: a date printed anew shows.
The web address around a Digital Link is not, so that a brand may move its resolver.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, timedelta

import msgspec

from protocol.codes.code import Code, RenderError

KEY_AI = "91"
TAIL_AI = "92"
KEY_ID_CHARACTERS = 4
SIGNATURE_BYTES = 64
TAIL_CHARACTERS = 88
_DAY_BYTES = 2
_FIRST_DAY = date(2000, 1, 1)
_LAST_DAY = _FIRST_DAY + timedelta(days=(1 << (8 * _DAY_BYTES)) - 1)
_PURPOSE = b"countermark item code 1"


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """The signed part, as it was read. Nothing is proven yet."""

    key_id: str
    day: date
    signature: bytes


class BadTail(msgspec.Struct, frozen=True):
    """A signed part that cannot be one; ``reason`` is for a person and quotes nothing of the code."""

    reason: str


def signed_bytes(*, gtin: str, serial: str, day: date, batch: str | None, expiry: str | None) -> bytes:
    """What is signed. ``gtin``: 14 digits; ``expiry``: ISO date. No value of GS1's character set holds the separator."""
    fields = (gtin, serial, batch or "", expiry or "", day.isoformat())
    return b"\0".join((_PURPOSE, *(field.encode() for field in fields)))


def tail_elements(key_id: str, day: date, signature: bytes) -> dict[str, str]:
    """The two elements to print, by their Application Identifiers."""
    if len(key_id) != KEY_ID_CHARACTERS or not key_id.isalnum():
        raise RenderError(f"key {key_id!r}: expected {KEY_ID_CHARACTERS} letters and digits")
    if len(signature) != SIGNATURE_BYTES or not _FIRST_DAY <= day <= _LAST_DAY:
        raise RenderError(
            f"a signature of {len(signature)} bytes of {day}: expected {SIGNATURE_BYTES} bytes, from {_FIRST_DAY} to {_LAST_DAY}"
        )
    counted = (day - _FIRST_DAY).days.to_bytes(_DAY_BYTES, "big")
    return {KEY_AI: key_id, TAIL_AI: urlsafe_b64encode(counted + signature).decode()}


def read_tail(code: Code) -> Tail | BadTail | None:
    """The signed part of a label; None where it has none of ours (one without a key, or of another length, is somebody else's)."""
    key_id, text = code.attributes.get(KEY_AI), code.attributes.get(TAIL_AI)
    if key_id is None or text is None:
        return None
    if len(text) != TAIL_CHARACTERS or len(key_id) != KEY_ID_CHARACTERS:
        return None
    try:
        data = urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        return BadTail("its signed part is not base64url")
    if urlsafe_b64encode(data).decode() != text:
        return BadTail("its signed part is not base64url")
    day = _FIRST_DAY + timedelta(days=int.from_bytes(data[:_DAY_BYTES], "big"))
    return Tail(key_id=key_id, day=day, signature=data[_DAY_BYTES:])
