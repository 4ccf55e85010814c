"""The signed part of an item's code: what a counter without a network can prove.

A label carries, beside its GTIN and serial, two elements for internal use (GS1 General Specifications, AI 91 to 99): ``91`` names the
key (4 characters), ``92`` is the tail (88 characters): 2 bytes of the day of signing and 64 bytes of Ed25519 signature
(RFC 8032), in base64url (RFC 4648, section 5), which needs no padding for 66 bytes. Key, product, serial, batch, expiry and day are
signed: a date printed anew shows. The web address around a Digital Link is not, so that a brand may move its resolver.

Others print 91 and 92 too. Chestny ZNAK has a key of 4 characters and 88 of base64 there as well, yet its 64 bytes end in ``==``. What
has not exactly our shape is somebody else's and proves nothing either way.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
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
_KEY_ID = re.compile(rf"[A-Za-z0-9]{{{KEY_ID_CHARACTERS}}}")
_TAIL = re.compile(rf"[A-Za-z0-9_-]{{{TAIL_CHARACTERS}}}")

# What a keyboard scanner that is set to another country's keys makes of a label, and what that undoes.
_GERMAN_FOR_US = str.maketrans("yzYZ/?", "zyZY-_")
_US_FOR_SPANISH = str.maketrans("'?", "-_")


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """The signed part, as it was read. Nothing is proven yet. ``day``: of signing."""

    key_id: str
    day: date
    signature: bytes


class BadTail(msgspec.Struct, frozen=True):
    """A signed part that can prove nothing where it stands; ``reason`` is for a person and quotes nothing of the code."""

    key_id: str
    reason: str


def signed_bytes(
    *, key_id: str, gtin: str, serial: str, day: date, batch: str | None, expiry: str | None
) -> bytes:
    """What is signed. ``gtin``: 14 digits; ``expiry``: ISO date. No value of GS1's character set holds the separator, NUL.

    A label says the year of its expiry in two digits, and so does what is signed: which century a counter takes it for hangs
    on the counter's clock, and no wrong clock may make a good code look forged.
    """
    printed = f"{expiry[2:4]}{expiry[5:7]}{expiry[8:10]}" if expiry else ""
    fields = (key_id, gtin, serial, batch or "", printed, day.isoformat())
    return b"\0".join((_PURPOSE, *(field.encode() for field in fields)))


def signed_bytes_of(code: Code, tail: Tail) -> bytes:
    """What must have been signed for the tail of this label to be good."""
    assert code.gtin is not None
    assert code.serial is not None
    return signed_bytes(
        key_id=tail.key_id,
        gtin=code.gtin,
        serial=code.serial,
        day=tail.day,
        batch=code.batch,
        expiry=code.expiry,
    )


def tail_elements(key_id: str, day: date, signature: bytes) -> dict[str, str]:
    """The two elements to print, by their Application Identifiers."""
    if not _KEY_ID.fullmatch(key_id):
        raise RenderError(f"key {key_id!r}: expected {KEY_ID_CHARACTERS} letters and digits")
    if len(signature) != SIGNATURE_BYTES or not _FIRST_DAY <= day <= _LAST_DAY:
        raise RenderError(
            f"a signature of {len(signature)} bytes of {day}: expected {SIGNATURE_BYTES} bytes, from {_FIRST_DAY} to {_LAST_DAY}"
        )
    counted = (day - _FIRST_DAY).days.to_bytes(_DAY_BYTES, "big")
    return {KEY_AI: key_id, TAIL_AI: urlsafe_b64encode(counted + signature).decode()}


def read_tail(code: Code) -> Tail | BadTail | None:
    """The signed part of a label; None where it has none of ours.

    It belongs to one single trade item, ``01`` and ``21``, whose id is signed. Put on anything else, such as one piece of an item
    (8006), which has an id of its own, the same signature would pass for many things.
    """
    key_id, text = code.attributes.get(KEY_AI, ""), code.attributes.get(TAIL_AI, "")
    if not _KEY_ID.fullmatch(key_id) or not _TAIL.fullmatch(text):
        return None
    if not _names_one_item(code):
        return BadTail(key_id, "its signed part is that of a single item, and the label does not name one")
    data = urlsafe_b64decode(text)
    day = _FIRST_DAY + timedelta(days=int.from_bytes(data[:_DAY_BYTES], "big"))
    return Tail(key_id=key_id, day=day, signature=data[_DAY_BYTES:])


def _names_one_item(code: Code) -> bool:
    return code.serial is not None and code.item == f"01{code.gtin}21{code.serial}"


def misreadings(code: Code) -> Iterator[tuple[Code, str]]:
    """What a label with our signed part may have been before a scanner or keyboard garbled it, and how.

    For a label whose signature is wrong: where one of these is right, the code is genuine and was not read right, and the cashier
    is told what to set. That never makes it sound.
    """
    if len(code.attributes.get(TAIL_AI, "")) != TAIL_CHARACTERS or not _names_one_item(code):
        return
    yield _translated(code, None), "capitals and small letters are swapped: is Caps Lock on?"
    yield (
        _translated(code, _GERMAN_FOR_US),
        "Y and Z are swapped: the scanner and this machine are set to different keyboards",
    )
    yield (
        _translated(code, _US_FOR_SPANISH),
        "- came as ': the scanner and this machine are set to different keyboards",
    )


def has_lost_its_case(code: Code) -> bool:
    """Whether a signed part came in capitals or in small letters alone, as no signature ever is (1 in 10¹⁹)."""
    text = code.attributes.get(TAIL_AI, "")
    return len(text) == TAIL_CHARACTERS and (text.isupper() or text.islower())


def _translated(code: Code, table: dict[int, int] | None) -> Code:
    """The code with its letters put back; without a table, their case."""

    def back(text: str) -> str:
        return text.swapcase() if table is None else text.translate(table)

    serial = None if code.serial is None else back(code.serial)
    return msgspec.structs.replace(
        code,
        serial=serial,
        batch=None if code.batch is None else back(code.batch),
        attributes={ai: back(value) for ai, value in code.attributes.items()},
        item=f"01{code.gtin}21{serial}",
    )
