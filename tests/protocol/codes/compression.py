"""A compressor for GS1 Digital Link, written from the standard for the tests alone: what it makes is read back."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping, Sequence

BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
SHAPES: dict[str, list[tuple[str, int, bool]]] = {
    "00": [("N", 18, True)],
    "01": [("N", 14, True)],
    "8006": [("N", 18, True)],
    "414": [("N", 13, True)],
    "255": [("N", 13, True), ("N", 12, False)],
    "253": [("N", 13, True), ("X", 17, False)],
    "7040": [("N", 1, True), ("X", 3, True)],
    "17": [("N", 6, True)],
    "3103": [("N", 6, True)],
    "30": [("N", 8, False)],
    **{ai: [("X", 20, False)] for ai in ("10", "21", "22", "254")},
}
"""Identifier -> parts: digits or characters, length, fixed or at most. The standard's table F, for these tests."""


def compress(
    elements: Mapping[str, str],
    combination: tuple[str, Sequence[str]] | None = None,
    others: Mapping[str, str] | None = None,
) -> str:
    """One path segment. combination: two hexadecimal digits, and the identifiers whose values they put in front."""
    bits = ""
    code, first = combination or ("", ())
    if code:
        bits += f"{int(code, 16):08b}" + "".join(_value(ai, elements[ai]) for ai in first)
    for ai, value in elements.items():
        if ai not in first:
            bits += "".join(f"{int(digit):04b}" for digit in ai) + _value(ai, value)
    for key, value in (others or {}).items():
        bits += f"1111{len(key):07b}" + _from(BASE64URL, key) + _text(value, 7)
    bits += "0" * (-len(bits) % 6)
    return "".join(BASE64URL[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def _value(ai: str, value: str) -> str:
    bits = ""
    for kind, length, fixed in SHAPES[ai]:
        part = value[:length]
        value = value[length:]
        if kind == "N":
            bits += ("" if fixed else f"{len(part):0{_bits_for_length(length)}b}") + _number(part)
        elif fixed:
            encoding, body = _encoded(part)
            bits += f"{encoding:03b}{body}"
        else:
            bits += _text(part, _bits_for_length(length))
    return bits


def _text(value: str, length_bits: int) -> str:
    encoding, body = _encoded(value)
    return f"{encoding:03b}{len(value):0{length_bits}b}{body}"


def _encoded(value: str) -> tuple[int, str]:
    if re.fullmatch("[0-9]*", value):
        return 0, _number(value)
    for encoding, alphabet in ((2, "0123456789ABCDEF"), (1, "0123456789abcdef"), (3, BASE64URL)):
        if set(value) <= set(alphabet):
            return encoding, _from(alphabet, value)
    return 4, "".join(f"{ord(character):07b}" for character in value)


def _from(alphabet: str, value: str) -> str:
    return "".join(f"{alphabet.index(character):0{(len(alphabet) - 1).bit_length()}b}" for character in value)


def _number(digits: str) -> str:
    return f"{int(digits or '0'):0{math.ceil(len(digits) * math.log2(10) + 0.01)}b}"


def _bits_for_length(longest: int) -> int:
    return math.ceil(math.log2(longest) + 0.01)
